import Modeling
import Sweep

/// What is still to be run, longest expected first, handed out in bundles sized by measured speed.
///
/// Memory is a few bytes a grid point (the order); tasks are never listed.
package final class TaskQueue {
    private let job: Job
    private let ledger: any TaskLedger
    /// Numbers of the points with work left, in the order they are handed out.
    private let order: [UInt32]
    private let stopping: SeedStopping?
    /// By method: the most bytes that a task records.
    private let recordBytes: [Double]
    /// An assignment is answered in one message, of about this size at most.
    private static let reportBytes = 256e6
    private var position = 0
    /// The rest of the point that a bundle's end cut in two, and points for which the stopping rule asks more seeds.
    private var ready: [WorkItem] = []
    /// Tasks in whose flight a process died: each runs alone, after everything else.
    private var suspects: [TaskID] = []
    package private(set) var speed: SpeedModel
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

    package init(job: Job, ledger: any TaskLedger) throws {
        self.job = job
        self.ledger = ledger
        recordBytes = job.grids.map { Double(max(1, $0.largestRecord)) }
        stopping = SeedStopping(job: job)
        speed = SpeedModel(job: job, tables: try job.grids.map(CostTable.init))
        let longestFirst = try TaskOrder(job) { method, point in
            (0..<job.grids[method].seedCount).contains {
                !ledger.isFinished(TaskID(method: method, point: point, seed: $0))
            }
        }.points
        for index in longestFirst {
            let (method, point) = job.point(at: Int(index))
            let unfinished = (0..<job.grids[method].seedCount).count {
                !ledger.isFinished(TaskID(method: method, point: point, seed: $0))
            }
            speed.expect(WorkItem(method: method, point: point, firstSeed: 0, seedCount: unfinished))
        }
        order = Self.cheapTheoryFirst(longestFirst, job, speed)
    }

    /// Whether nothing can be handed out now. With a stopping rule, finished tasks may ask for more.
    package var isEmpty: Bool { ready.isEmpty && position >= order.count }

    /// Whether suspects wait for everything else to be done.
    var hasSuspects: Bool { !suspects.isEmpty }

    /// The next suspect, by itself.
    func nextSuspect() -> Assignment? {
        guard let task = suspects.popLast() else { return nil }
        let item = WorkItem(method: task.method, point: task.point, firstSeed: task.seed, seedCount: 1)
        speed.issued(item)
        return Assignment(items: [item])
    }

    /// The next tasks, worth about `seconds`; at least one unless the queue is empty.
    package func nextAssignment(seconds: Double) throws -> Assignment? {
        var assignment = Assignment()
        var left = seconds
        var room = Self.reportBytes
        while left > 0 || assignment.items.isEmpty {
            guard var item = try nextItem() else { break }
            // Before a method's first measurement its estimate may be far off: one task, then we know.
            let isKnown = speed.isCalibrated(item.method)
            let each = isKnown ? speed.expectedSeconds(method: item.method, point: item.point) : .infinity
            let fitting = max(1, Int(min(left / each, room / recordBytes[item.method])))
            if fitting < item.seedCount {
                var rest = item
                rest.firstSeed += fitting
                rest.seedCount -= fitting
                item.seedCount = fitting
                ready.append(rest)
            }
            speed.issued(item)
            assignment.items.append(item)
            room -= recordBytes[item.method] * Double(item.seedCount)
            if room <= 0 { break }
            left = isKnown ? left - each * Double(item.seedCount) : 0
        }
        return assignment.items.isEmpty ? nil : assignment
    }

    /// Takes note of a finished task; the stopping rule may ask for more seeds of its point. `seconds` are nil when it
    /// failed: that took what it took, and says nothing of how long others take.
    package func finished(_ task: TaskID, seconds: Double?) throws {
        if let seconds { speed.finished(task, seconds: seconds) }
        let key = PointKey(method: task.method, point: task.point)
        guard var round = rounds[key] else { return }
        round.running -= 1
        rounds[key] = round
        if round.running == 0 {
            rounds[key] = nil
            try openRound(method: task.method, point: task.point)
        }
    }

    /// Theory that takes next to no time goes before everything: a file looked at early then has its lines.
    private static func cheapTheoryFirst(_ order: [UInt32], _ job: Job, _ speed: SpeedModel) -> [UInt32] {
        let total = speed.remainingSeconds
        let goesFirst = job.grids.indices.map { method in
            job.grids[method].method.kind == .theory && speed.remainingSeconds(method: method) < 0.01 * total
        }
        guard goesFirst.contains(true) else { return order }
        let first = order.filter { goesFirst[job.point(at: Int($0)).method] }
        return first + order.filter { !goesFirst[job.point(at: Int($0)).method] }
    }

    private func nextItem() throws -> WorkItem? {
        while ready.isEmpty {
            guard position < order.count else { return nil }
            let (method, point) = job.point(at: Int(order[position]))
            position += 1
            if let stopping, stopping.applies(to: method) {
                try openRound(method: method, point: point)
            } else {
                addUnfinished(method, point, seeds: 0..<job.grids[method].seedCount)
            }
        }
        return ready.removeLast()
    }

    /// Queues the seeds that the stopping rule asks for next, or marks the rest as spared.
    private func openRound(method: Int, point: Int) throws {
        guard let stopping else { return }
        switch try stopping.decide(method: method, point: point, ledger: ledger) {
        case .run(let target):
            let before = ready.count
            let suspectsBefore = suspects.count
            addUnfinished(method, point, seeds: 0..<target)
            let running = ready[before...].reduce(suspects.count - suspectsBefore) { $0 + $1.seedCount }
            rounds[PointKey(method: method, point: point)] = Round(running: running, target: target)
        case .spare(let from):
            for seed in from..<job.grids[method].seedCount {
                let task = TaskID(method: method, point: point, seed: seed)
                guard !ledger.isFinished(task) else { continue }
                try ledger.spare(task)
                speed.issued(WorkItem(method: method, point: point, firstSeed: seed, seedCount: 1))
            }
        }
    }

    /// Appends the unfinished runs of seeds, last run first, since `ready` is used from its end.
    private func addUnfinished(_ method: Int, _ point: Int, seeds: Range<Int>) {
        var items: [WorkItem] = []
        for seed in seeds {
            let task = TaskID(method: method, point: point, seed: seed)
            let status = ledger.status(task)
            if status.isFinal { continue }
            if status == .suspect {
                suspects.append(task)
            } else if let last = items.last, last.firstSeed + last.seedCount == seed {
                items[items.count - 1].seedCount += 1
            } else {
                items.append(WorkItem(method: method, point: point, firstSeed: seed, seedCount: 1))
            }
        }
        ready.append(contentsOf: items.reversed())
    }
}
