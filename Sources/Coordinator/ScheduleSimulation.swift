import Foundation
import Randomness
import Results
import Sweep

/// Plays a whole run with a virtual clock: the dispatcher and the queue are the real ones, ranks and messages are not.
///
/// Tasks take what the model estimates, times a log-normal spread that is fixed for each task. Rank 0 does what
/// ``Foreman`` does: between slices of its own tasks it takes in reports, then hands out work. With the rule
/// `seeds: {sem: ...}` every seed is run, since nothing is known of the results.
public struct ScheduleSimulation {
    private let job: Job
    private let costs: ScheduleCosts
    private let factors: [Double]
    private let seed: UInt64
    /// Bytes of a record, by method.
    private let recordBytes: [Double]
    private let taskCount: Int

    /// - Parameters:
    ///   - spread: standard deviation of the logarithm of a task's true over its estimated seconds.
    ///   - seed: another one gives each task another part of the spread.
    package init(job: Job, costs: ScheduleCosts, spread: Double = 0.3, seed: UInt64 = 0) throws {
        self.job = job
        self.costs = costs
        let plan = try Plan(job)
        taskCount = plan.tasks
        recordBytes = plan.shares.map { 96 + Double($0.recordedBytes) / Double(max(1, $0.tasks)) }
        self.seed = seed
        // Equally likely quantiles of a log-normal with mean 1.
        let count = 1 << Self.factorBits
        let raw = (0..<count).map { exp(spread * Self.normalQuantile((Double($0) + 0.5) / Double(count))) }
        let mean = raw.reduce(0, +) / Double(count)
        factors = raw.map { $0 / mean }
    }

    /// With the measured costs.
    public init(job: Job) throws { try self.init(job: job, costs: ScheduleCosts()) }

    /// The run on so many ranks. The same job, ranks and seed give the same forecast.
    public func run(ranks: Int) throws -> ScheduleForecast {
        let ledger = VirtualLedger(job: job)
        let dispatcher = Dispatcher(queue: try TaskQueue(job: job, ledger: ledger), ranks: ranks)
        var rankZero = VirtualForeman(
            dispatcher: dispatcher, ledger: ledger, ranks: ranks, costs: costs,
            start: costs.startSeconds(ranks: ranks, tasks: taskCount),
            bytes: { recordBytes[$0] }, seconds: { seconds(of: $0, dispatcher.queue.speed) })
        return try rankZero.run()
    }

    private static let factorBits = 12

    /// Where the standard normal distribution function is `p`, to nine digits: bisection, since there are few.
    private static func normalQuantile(_ p: Double) -> Double {
        var (below, above) = (-8.0, 8.0)
        while above - below > 1e-9 {
            let middle = 0.5 * (below + above)
            if 0.5 * erfc(-middle / 2.0.squareRoot()) < p { below = middle } else { above = middle }
        }
        return 0.5 * (below + above)
    }

    /// What a task takes in this simulation, whoever runs it.
    private func seconds(of task: TaskID, _ speed: SpeedModel) -> Double {
        // Multiples of the golden ratio: any neighbours have the whole spread between them, so sums are as estimated.
        let place = (UInt64(truncatingIfNeeded: job.index(of: task)) &+ seed) &* 0x9E37_79B9_7F4A_7C15
        return speed.estimate(task.method, task.point) * factors[Int(place >> (64 - Self.factorBits))]
    }
}

/// A ledger in memory, at first with nothing done.
private final class VirtualLedger: TaskLedger {
    private let job: Job
    private var statuses: [UInt8]

    init(job: Job) {
        self.job = job
        statuses = Array(repeating: TaskStatus.pending.rawValue, count: job.taskCount)
    }

    func status(_ task: TaskID) -> TaskStatus { TaskStatus(rawValue: statuses[job.index(of: task)]) ?? .pending }
    func isFinished(_ task: TaskID) -> Bool { status(task).isFinal }
    func values(of task: TaskID, observable: String) -> [Double]? { nil }
    func spare(_ task: TaskID) { statuses[job.index(of: task)] = TaskStatus.spared.rawValue }
    func finish(_ task: TaskID) { statuses[job.index(of: task)] = TaskStatus.done.rawValue }
}

/// Rank 0 in virtual time, and of the other ranks what matters to it: until when each is busy.
private struct VirtualForeman {
    let dispatcher: Dispatcher
    let ledger: VirtualLedger
    let ranks: Int
    let costs: ScheduleCosts
    let start: Double
    let bytes: (_ method: Int) -> Double
    let seconds: (TaskID) -> Double

    private var now = 0.0
    /// Until when each other rank computes, and the assignments it has, oldest first.
    private var busyUntil: [Double]
    private var assignments: [[Assignment]]
    private var mail = Arrivals()
    private var losses = ScheduleForecast.Losses()
    private var busy = 0.0
    private var longest = 0.0
    private var reports = 0
    private var records = 0
    /// Bytes of journal, of them not on the disk, and when that was so.
    private var journal = 0.0
    /// Bytes of journal that are published, or about to be.
    private var published = 0.0
    private var dirty = 0.0
    private var dirtySince = 0.0
    private var budget: PublishBudget
    /// What the present publish still takes of rank 0's core.
    private var publishing = 0.0
    private var nap: Nap

    init(
        dispatcher: Dispatcher, ledger: VirtualLedger, ranks: Int, costs: ScheduleCosts, start: Double,
        bytes: @escaping (Int) -> Double, seconds: @escaping (TaskID) -> Double
    ) {
        self.dispatcher = dispatcher
        self.ledger = ledger
        self.ranks = ranks
        self.costs = costs
        self.start = start
        self.bytes = bytes
        self.seconds = seconds
        busyUntil = Array(repeating: start, count: ranks)
        assignments = Array(repeating: [], count: ranks)
        budget = PublishBudget(ranks: ranks, options: ResultStore.Options(), begun: start)
        nap = Nap(oversleep: costs.oversleep)
    }

    mutating func run() throws -> ScheduleForecast {
        now = start
        losses.start = start * Double(ranks)
        while true {
            try serve()
            if let assignment = try dispatcher.assign(to: 0) {
                nap = Nap(oversleep: costs.oversleep)
                serving(costs.assignment)
                try compute(assignment)
            } else if dispatcher.isDone {
                break
            } else {
                rest()
            }
        }
        for rank in 1..<max(1, ranks) { losses.tail += now - busyUntil[rank] }
        // The last publish: written, synchronised, read back.
        let end = costs.publishedByte * journal
        losses.publishing += end * Double(ranks)
        return ScheduleForecast(
            ranks: ranks, makespan: now + end, busy: busy, losses: losses, longestTask: longest, reports: reports,
            records: records)
    }

    // What rank 0 does.

    private mutating func serve() throws {
        serving(costs.poll)
        while let message = mail.pop(until: now) {
            try take(message.rank)
            try handOut()
        }
        try handOut()
        if publishing == 0, journal > published, budget.isDue(at: now, bytes: Int(journal)) {
            publishing = costs.publishedByte * journal
            published = journal
            budget.took(publishing, until: now + 2 * publishing, bytes: Int(journal))
        }
    }

    private mutating func handOut() throws {
        while let (rank, assignment) = try dispatcher.next() {
            serving(costs.assignment + costs.transport + costs.item * Double(assignment.items.count))
            give(assignment, to: rank)
        }
    }

    /// Runs an assignment of rank 0's own, and takes its report.
    private mutating func compute(_ assignment: Assignment) throws {
        for item in assignment.items {
            for offset in 0..<item.seedCount {
                var left = seconds(item.task(offset))
                busy += left
                longest = max(longest, left)
                while left > 0 {
                    // Slices in which no report arrives are taken together.
                    let each = (costs.slice + costs.poll) * (publishing > 0 ? 2 : 1)
                    let quiet = max(1, ((mail.first ?? .infinity) - now) / each)
                    let slices = min(quiet.rounded(.up), (left / costs.slice).rounded(.up))
                    let work = min(left, slices * costs.slice)
                    spend(work)
                    left = work < left ? left - work : 0
                    serving((slices - 1) * costs.poll)
                    try serve()
                }
                losses.overhead += costs.task
                spend(costs.task)
            }
        }
        dispatcher.answered(by: 0)
        try enter(assignment)
    }

    private mutating func take(_ rank: Int) throws {
        serving(costs.message + costs.transport)
        reports += 1
        dispatcher.answered(by: rank)
        try enter(assignments[rank].removeFirst())
    }

    private mutating func enter(_ assignment: Assignment) throws {
        var size = 0.0
        for item in assignment.items {
            size += bytes(item.method) * Double(item.seedCount)
            records += item.seedCount
            serving(costs.record * Double(item.seedCount))
            for offset in 0..<item.seedCount {
                let task = item.task(offset)
                ledger.finish(task)
                try dispatcher.finished(task, seconds: seconds(task))
            }
        }
        serving(costs.byte * size)
        journal += size
        dirty = max(0, dirty - (now - dirtySince) * costs.diskBandwidth) + size
        dirtySince = now
        if dirty > costs.diskBuffer { serving((dirty - costs.diskBuffer) / costs.diskBandwidth) }
    }

    private mutating func rest() {
        let isSteady = nap.isFull
        let slept = nap.next()
        var count = 1.0
        if isSteady {
            // Until something happens the sleeps, and a poll after each, go on alike: they are taken together.
            let each = slept + costs.poll * (publishing > 0 ? 2 : 1)
            let isNew = publishing == 0 && journal > published
            let due = isNew ? budget.dueTime(bytes: Int(journal)) : .infinity
            let next = min(mail.first ?? .infinity, due)
            if next.isFinite { count = max(1, ((next - now) / each).rounded(.up)) }
        }
        losses.tail += count * slept
        now += count * slept
        serving((count - 1) * costs.poll)
    }

    private mutating func serving(_ seconds: Double) {
        losses.service += seconds
        spend(seconds)
    }

    /// Lets rank 0's core work so long; a publish under way takes half of it.
    private mutating func spend(_ seconds: Double) {
        let shared = min(seconds, publishing)
        publishing -= shared
        losses.publishing += shared
        now += seconds + shared
    }

    // What the others do.

    private mutating func give(_ assignment: Assignment, to rank: Int) {
        let arrival = now + costs.latency
        let idleSince = busyUntil[rank]
        if arrival > idleSince {
            var nap = Nap(oversleep: costs.oversleep)
            let begin = nap.end(of: arrival, since: idleSince)
            // The way there and back, and sleep, would be lost with a rank 0 that answers at once, too.
            let way = min(arrival - idleSince, 2 * costs.latency) + begin - arrival
            losses.messages += way
            losses.waiting += begin - idleSince - way
            busyUntil[rank] = begin
        }
        var size = 0.0
        for item in assignment.items {
            for offset in 0..<item.seedCount {
                let its = seconds(item.task(offset))
                busy += its
                longest = max(longest, its)
                busyUntil[rank] += its + costs.task
            }
            losses.overhead += costs.task * Double(item.seedCount)
            size += bytes(item.method) * Double(item.seedCount)
        }
        assignments[rank].append(assignment)
        mail.add(rank, at: busyUntil[rank] + costs.latency + size / costs.bandwidth)
    }
}

/// The sleeps of ``Pause`` in virtual time.
private struct Nap {
    private let oversleep: Double
    private var length = 50e-6
    private static let longest = 0.01

    /// Whether the sleeps have their full length.
    var isFull: Bool { length == Self.longest }

    init(oversleep: Double) { self.oversleep = oversleep }

    mutating func next() -> Double {
        defer { length = min(1.5 * length, Self.longest) }
        return length + oversleep
    }

    /// When a rank that has been idle `since` then notices what comes at `arrival`.
    mutating func end(of arrival: Double, since: Double) -> Double {
        var time = since
        while time < arrival {
            let step = next()
            // At their full length the sleeps go on alike.
            time += isFull ? step * max(1, ((arrival - time) / step).rounded(.up)) : step
        }
        return time
    }
}

/// Reports under way to rank 0, the earliest first: a binary heap.
private struct Arrivals {
    private var heap: [(time: Double, rank: Int)] = []

    var first: Double? { heap.first?.time }

    mutating func add(_ rank: Int, at time: Double) {
        heap.append((time, rank))
        var child = heap.count - 1
        while child > 0, heap[child].time < heap[(child - 1) / 2].time {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// The earliest, if it has arrived by `time`.
    mutating func pop(until time: Double) -> (time: Double, rank: Int)? {
        guard let first = heap.first, first.time <= time else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            var parent = 0
            while true {
                var least = parent
                for child in [2 * parent + 1, 2 * parent + 2]
                where child < heap.count && heap[child].time < heap[least].time { least = child }
                if least == parent { break }
                heap.swapAt(parent, least)
                parent = least
            }
        }
        return first
    }
}
