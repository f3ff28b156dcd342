import Modeling
import Results
import Sweep

/// The part of a job that this run computes, when several runs share its grid.
final class Share {
    let shard: Shard
    /// The number of its tasks.
    let taskCount: Int
    private let tasks: ShardTasks
    private let job: Job
    /// What the whole grid's results had finished when the run began; empty when there were none.
    private let elsewhere: [Bool]

    /// - Parameters:
    ///   - whole: the results of the whole grid, from an earlier merge or run. What they have is left out.
    ///   - retriesFailed: whether what failed there is to be computed again.
    init(_ shard: Shard, of job: Job, whole: String, retriesFailed: Bool, models: [any Model]) throws {
        self.shard = shard
        self.job = job
        tasks = try ShardTasks(shard, of: job)
        var finished = try PriorResults.finished(job, at: whole, countsFailed: !retriesFailed, models: models) ?? []
        if !finished.isEmpty {
            // A stopping rule looks at all seeds of a point, so it is here as a whole or not at all.
            for (method, grid) in job.grids.enumerated() where job.seedRule(of: method).isOpen {
                for point in 0..<grid.pointCount {
                    let first = job.index(of: TaskID(method: method, point: point, seed: 0))
                    let range = first..<(first + grid.seedCount)
                    if finished[range].contains(false) {
                        finished.replaceSubrange(range, with: repeatElement(false, count: grid.seedCount))
                    }
                }
            }
        }
        elsewhere = finished
        var count = 0
        Self.forEach(tasks, job) { if finished.isEmpty || !finished[job.index(of: $0)] { count += 1 } }
        taskCount = count
    }

    private static func forEach(_ tasks: ShardTasks, _ job: Job, _ body: (TaskID) -> Void) {
        for (method, grid) in job.grids.enumerated() {
            for point in 0..<grid.pointCount {
                for seed in tasks.seeds(method: method, point: point) {
                    body(TaskID(method: method, point: point, seed: seed))
                }
            }
        }
    }

    /// Whether this run is to compute the task.
    func wants(_ task: TaskID) -> Bool {
        tasks.owns(task) && (elsewhere.isEmpty || !elsewhere[job.index(of: task)])
    }

    /// How many of its tasks `ledger` does not have.
    func unfinished(in ledger: any TaskLedger) -> Int {
        var count = 0
        Self.forEach(tasks, job) { if wants($0), !ledger.isFinished($0) { count += 1 } }
        return count
    }
}

/// The numbers of a share while it is computed. The file holds tasks of others too, which stay pending.
struct SharePart {
    let shard: Shard
    /// The share's tasks.
    let total: Int
    /// Unfinished tasks in the file that are not the share's.
    private let others: Int

    init(_ share: Share, _ store: ResultStore) {
        shard = share.shard
        total = share.taskCount
        others = store.counts.unfinished - share.unfinished(in: store)
    }

    /// The share's unfinished tasks, from the counts of the file.
    func unfinished(_ counts: StatusCounts) -> Int { counts.unfinished - others }
}

/// The results as a run sees them that computes a part: what others compute counts as excluded.
final class ShareLedger: TaskLedger {
    private let share: Share
    private let store: any TaskLedger

    init(_ share: Share, _ store: any TaskLedger) {
        self.share = share
        self.store = store
    }

    func status(_ task: TaskID) -> TaskStatus {
        let status = store.status(task)
        return status.isFinal || share.wants(task) ? status : .excluded
    }

    func isFinished(_ task: TaskID) -> Bool { status(task).isFinal }

    func values(of task: TaskID, observable: String) throws -> [Double]? {
        try store.values(of: task, observable: observable)
    }
    func spare(_ task: TaskID) throws { try store.spare(task) }
}
