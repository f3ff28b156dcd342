import Coordinator
import Results
import Sweep
import Testing

/// Whatever the order in which ranks answer, every task is handed out exactly once.
@Suite struct DispatcherTests {
    /// Results in memory; values are noise that depends on the task alone.
    private final class Ledger: TaskLedger {
        var statuses: [TaskID: TaskStatus] = [:]

        func status(_ task: TaskID) -> TaskStatus { statuses[task] ?? .pending }
        func isFinished(_ task: TaskID) -> Bool { status(task).isFinal }
        func values(of task: TaskID, observable: String) -> [Double]? {
            var noise = Noise(UInt64(task.point * 1000 + task.seed))
            return status(task) == .done ? [noise.uniform()] : nil
        }
        func spare(_ task: TaskID) {
            #expect(!isFinished(task))
            statuses[task] = .spared
        }
    }

    /// A linear congruential generator: the tests are the same every time.
    private struct Noise {
        private var state: UInt64

        init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

        mutating func uniform() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 11) * 0x1p-53
        }

        mutating func below(_ count: Int) -> Int { Int(uniform() * Double(count)) }
    }

    @Test func whatFailsSaysNothingOfTheSpeedOfOthers() throws {
        let job = try CostModel.job("parameters: {milliseconds: 10, index: {range: [0, 99, 1]}}")
        let queue = try TaskQueue(job: job, ledger: Ledger())
        for _ in 0..<3 {
            // Before the first measurement a bundle is one task.
            let assignment = try #require(try queue.nextAssignment(seconds: 0.1))
            #expect(assignment.items.count == 1 && assignment.items[0].seedCount == 1)
            try queue.finished(assignment.items[0].task(0), seconds: nil)
            #expect(queue.speed.expectedSeconds(method: 0, point: 0) > 0.009)
        }
        let last = try #require(try queue.nextAssignment(seconds: 0.1))
        try queue.finished(last.items[0].task(0), seconds: 0.005)
        #expect(abs(queue.speed.expectedSeconds(method: 0, point: 0) - 0.005) < 1e-4)
        #expect(try queue.nextAssignment(seconds: 0.1)?.items.count ?? 0 > 10)
    }

    @Test func largeRecordsTravelInMessagesOfBoundedSize() throws {
        let job = try CostModel.job("parameters: {milliseconds: 0.001, width: 10000000}\nseeds: 50")
        let queue = try TaskQueue(job: job, ledger: Ledger())
        let first = try #require(try queue.nextAssignment(seconds: 1))
        try queue.finished(first.items[0].task(0), seconds: 1e-6)
        // A second's worth would be all 49; 80 MB each.
        let next = try #require(try queue.nextAssignment(seconds: 1))
        let count = next.items.reduce(0) { $0 + $1.seedCount }
        #expect((2...4).contains(count))
    }

    /// Runs a job on ranks that answer in random order; returns what was run.
    private func play(_ job: Job, _ ledger: Ledger, ranks: Int, seed: Int) throws -> Set<TaskID> {
        var noise = Noise(UInt64(seed))
        let dispatcher = Dispatcher(queue: try TaskQueue(job: job, ledger: ledger), ranks: ranks)
        var flights: [[Assignment]] = Array(repeating: [], count: ranks)
        var ran = Set<TaskID>()

        func give(_ assignment: Assignment, to rank: Int) {
            let isSuspect = assignment.items.contains { ledger.status($0.task(0)) == .suspect }
            let othersInFlight = flights.filter { !$0.isEmpty }.count
            #expect(!isSuspect || othersInFlight == 0, "a suspect runs alone")
            flights[rank].append(assignment)
            #expect(flights[rank].count <= (rank == 0 ? 1 : 2))
            for item in assignment.items {
                for offset in 0..<item.seedCount {
                    let task = item.task(offset)
                    #expect(!ledger.isFinished(task), "\(task) was finished before")
                    #expect(ran.insert(task).inserted, "\(task) is run twice")
                }
            }
            if isSuspect { #expect(assignment.items.count == 1 && assignment.items[0].seedCount == 1) }
        }

        while !dispatcher.isDone {
            if noise.uniform() < 0.7 {
                while let (rank, assignment) = try dispatcher.next() { give(assignment, to: rank) }
            }
            if noise.uniform() < 0.7, let assignment = try dispatcher.assign(to: 0) { give(assignment, to: 0) }
            let busy = flights.indices.filter { !flights[$0].isEmpty }
            guard !busy.isEmpty else { continue }
            let rank = busy[noise.below(busy.count)]
            let assignment = flights[rank].removeFirst()
            dispatcher.answered(by: rank)
            for item in assignment.items {
                for offset in 0..<item.seedCount {
                    ledger.statuses[item.task(offset)] = noise.uniform() < 0.05 ? .failed : .done
                    try dispatcher.finished(item.task(offset), seconds: 0.02 * noise.uniform())
                }
            }
        }
        #expect(flights.filter { !$0.isEmpty }.isEmpty)
        #expect(!dispatcher.isWaiting)
        return ran
    }

    private func tasks(_ job: Job) -> [TaskID] {
        job.grids.indices.flatMap { method in
            (0..<job.grids[method].pointCount).filter(job.grids[method].isIncluded).flatMap { point in
                (0..<job.grids[method].seedCount).map { TaskID(method: method, point: point, seed: $0) }
            }
        }
    }

    private func unfinished(_ job: Job, _ ledger: Ledger) -> [TaskID] { tasks(job).filter { !ledger.isFinished($0) } }

    @Test(arguments: [1, 2, 3, 17, 200], 0..<4)
    func everyTaskIsRunExactlyOnce(ranks: Int, seed: Int) throws {
        let job = try CostModel.job(
            "parameters: {milliseconds: {logspace: [0.1, 100, 7]}, index: {range: [1, 9, 1]}}\n"
                + "where: \"index != 3\"\nseeds: 11")
        let ledger = Ledger()
        // Some are finished before, some had their process die.
        var noise = Noise(UInt64(1000 + seed))
        for task in tasks(job) {
            let draw = noise.uniform()
            if draw < 0.2 { ledger.statuses[task] = .done } else if draw < 0.23 { ledger.statuses[task] = .suspect }
        }
        let left = Set(unfinished(job, ledger))
        #expect(try play(job, ledger, ranks: ranks, seed: seed) == left)
        #expect(unfinished(job, ledger).isEmpty)
    }

    /// With the stopping rule some tasks are spared, the same ones in whatever order the others finish.
    @Test func withAStoppingRuleEveryTaskIsRunOrSpared() throws {
        let job = try CostModel.job(
            "parameters: {milliseconds: [1, 3], index: [1, 2, 3, 4]}\nseeds: {sem: {value: 0.06}, min: 4, max: 60}")
        for (ranks, seed) in [(1, 0), (2, 1), (5, 2), (40, 3)] {
            let ledger = Ledger()
            let ran = try play(job, ledger, ranks: ranks, seed: seed)
            #expect(unfinished(job, ledger).isEmpty)
            let spared = tasks(job).filter { ledger.status($0) == .spared }
            #expect(!spared.isEmpty && !ran.isEmpty)
            #expect(ran.count + spared.count == tasks(job).count)
        }
    }
}
