import Modeling
import Results
import Sweep

/// What is still to be run, longest expected first, handed out in bundles sized by measured speed.
///
/// Memory is a few bytes a grid point (the order); tasks are never listed.
final class TaskQueue {
    private let job: Job
    private let store: ResultStore
    private let order: ScheduleOrder
    private let stopping: SeedStopping?
    private var position = 0
    /// The rest of the point that a bundle's end cut in two, and points for which the stopping rule asks more seeds.
    private var ready: [WorkItem] = []
    private(set) var speed: SpeedModel
    /// Points whose seeds the stopping rule counts: tasks still running, and how many seeds are asked so far.
    private var rounds: [PointKey: Round] = [:]

    private struct PointKey: Hashable {
        let method: Int
        let point: Int
    }

    private struct Round {
        var running: Int
        var target: Int
    }

    init(job: Job, store: ResultStore) {
        self.job = job
        self.store = store
        order = ScheduleOrder(job: job)
        stopping = SeedStopping(job: job)
        speed = SpeedModel(job: job, order: order, store: store)
    }

    /// Whether nothing can be handed out now. With a stopping rule, finished tasks may ask for more.
    var isEmpty: Bool { ready.isEmpty && position >= order.count }

    /// The next tasks, worth about `seconds`; at least one unless the queue is empty.
    func nextAssignment(seconds: Double) throws -> Assignment? {
        var assignment = Assignment()
        var left = seconds
        while left > 0 || assignment.items.isEmpty {
            guard var item = try nextItem() else { break }
            // Before a method's first measurement its estimate may be far off: one task, then we know.
            let isKnown = speed.isCalibrated(item.method)
            let each = isKnown ? speed.expectedSeconds(item) : .infinity
            let fitting = max(1, Int(min(left / each, 1e9)))
            if fitting < item.seedCount {
                var rest = item
                rest.firstSeed += fitting
                rest.seedCount -= fitting
                item.seedCount = fitting
                ready.append(rest)
            }
            speed.issued(item)
            assignment.items.append(item)
            left = isKnown ? left - each * Double(item.seedCount) : 0
        }
        return assignment.items.isEmpty ? nil : assignment
    }

    /// Takes note of a finished task; the stopping rule may ask for more seeds of its point.
    func finished(_ task: TaskID, seconds: Double) throws {
        speed.finished(task, seconds: seconds)
        let key = PointKey(method: task.method, point: task.point)
        guard var round = rounds[key] else { return }
        round.running -= 1
        rounds[key] = round
        if round.running == 0 {
            rounds[key] = nil
            try openRound(method: task.method, point: task.point)
        }
    }

    private func nextItem() throws -> WorkItem? {
        while ready.isEmpty {
            guard position < order.count else { return nil }
            let unit = order[position]
            position += 1
            if let stopping, stopping.applies(to: unit.method) {
                try openRound(method: unit.method, point: unit.point)
            } else {
                addUnfinished(unit.method, unit.point, seeds: 0..<job.grids[unit.method].seedCount)
            }
        }
        return ready.removeLast()
    }

    /// Queues the seeds that the stopping rule asks for next, or marks the rest as spared.
    private func openRound(method: Int, point: Int) throws {
        guard let stopping else { return }
        let finishedPrefix = store.finishedPrefix(method: method, point: point)
        switch try stopping.decide(method: method, point: point, finished: finishedPrefix, store: store) {
        case .run(let target):
            let before = ready.count
            addUnfinished(method, point, seeds: 0..<target)
            let running = ready[before...].reduce(0) { $0 + $1.seedCount }
            rounds[PointKey(method: method, point: point)] = Round(running: running, target: target)
        case .spare(let from):
            for seed in from..<job.grids[method].seedCount {
                try store.spare(TaskID(method: method, point: point, seed: seed))
            }
        }
    }

    /// Appends the unfinished runs of seeds, last run first, since `ready` is used from its end.
    private func addUnfinished(_ method: Int, _ point: Int, seeds: Range<Int>) {
        var items: [WorkItem] = []
        for seed in seeds where !store.isFinished(TaskID(method: method, point: point, seed: seed)) {
            if let last = items.last, last.firstSeed + last.seedCount == seed {
                items[items.count - 1].seedCount += 1
            } else {
                items.append(WorkItem(method: method, point: point, firstSeed: seed, seedCount: 1))
            }
        }
        ready.append(contentsOf: items.reversed())
    }
}
