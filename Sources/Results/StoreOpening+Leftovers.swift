import Randomness
import Sweep

/// What the ranks of the last run left: tasks that took their process down, and checkpoints.
extension StoreOpening {
    /// Makes a suspect of a task in whose flight a process died, and a failure of one that did it twice or went over the
    /// job's limits; collects the checkpoints of what is still to be done; removes what is of no more use.
    mutating func takeLeftovers() throws {
        let leftovers = RankLeftover.all(of: path)
        guard !leftovers.isEmpty else { return }
        var places = TaskPlaces(job: job, grid: header.grid)
        for leftover in leftovers {
            guard let flight = leftover.flight, let accusation = flight.accusation,
                let task = places.place(flight.task, identity: flight.identity, grid: flight.grid)
            else { continue }
            try judge(task, flight, accusation)
            try leftover.clearFlight()
        }
        for leftover in leftovers {
            if let checkpoint = leftover.checkpoint,
                let task = places.place(checkpoint.task, identity: checkpoint.identity, grid: checkpoint.grid),
                !table.status(index(of: task)).isFinal, checkpoints[task] == nil
            {
                checkpoints[task] = leftover.slot
            } else {
                try leftover.remove()
            }
        }
        if !checkpoints.isEmpty {
            let count = checkpoints.count
            notices.append(
                "\(count) task\(count == 1 ? " goes" : "s go") on from \(count == 1 ? "its" : "their") checkpoint")
        }
    }

    private mutating func judge(_ task: TaskID, _ flight: RankLeftover.Flight, _ accusation: String) throws {
        let status = table.status(index(of: task))
        guard !status.isFinal else { return }
        let record: TaskRecord
        switch flight.fate {
        case .overTime:
            record = TaskRecord(
                task: task, status: .failed,
                error:
                    "stopped: it was still running after \(Self.minutes(job.limits.taskSeconds)) minutes and did not "
                    + "look up (limits.task_minutes); raise the limit or shrink the point",
                wallSeconds: job.limits.taskSeconds ?? 0, rank: flight.rank)
        case .overMemory:
            record = TaskRecord(
                task: task, status: .failed,
                error: "stopped: it \(accusation), over limits.task_memory "
                    + "(\((job.limits.taskMemory ?? 0) / 1_000_000) MB); raise the limit or shrink the point",
                rank: flight.rank)
        default:
            let isSecond = status == .suspect
            record = TaskRecord(
                task: task, status: isSecond ? .failed : .suspect,
                error: isSecond
                    ? "took its process down twice: the second time it \(accusation)"
                    : "its process \(accusation); it runs once more when all else is done",
                rank: flight.rank)
        }
        try append(record)
        let place = job.grids[task.method].describe(point: task.point, seed: task.seed)
        notices.append("\(job.grids[task.method].method.name) at \(place): \(record.status.name), \(record.error)")
    }

    private static func minutes(_ seconds: Double?) -> String {
        let minutes = (seconds ?? 0) / 60
        return ResultFile.plain(minutes)
    }
}

/// Finds tasks of an earlier grid in the present one.
struct TaskPlaces {
    private let job: Job
    private let grid: UInt64
    /// All tasks by identity; made when the first task of another grid is asked for.
    private var byIdentity: [TaskIdentity: TaskID]?

    init(job: Job, grid: UInt64) {
        self.job = job
        self.grid = grid
    }

    /// Where the task is in the present grid; nil when it is not in it.
    mutating func place(_ task: TaskID, identity: TaskIdentity, grid: UInt64) -> TaskID? {
        if grid == self.grid {
            guard job.grids.indices.contains(task.method), task.point < job.grids[task.method].pointCount,
                task.seed < job.grids[task.method].seedCount
            else { return nil }
            return task
        }
        if byIdentity == nil {
            var all: [TaskIdentity: TaskID] = [:]
            for (method, grid) in job.grids.enumerated() {
                for point in 0..<grid.pointCount {
                    for seed in 0..<grid.seedCount {
                        guard let name = grid.recordIdentity(point: point, seed: seed) else { continue }
                        all[name] = TaskID(method: method, point: point, seed: seed)
                    }
                }
            }
            byIdentity = all
        }
        return byIdentity?[identity]
    }
}
