import Sweep

/// Who gets which tasks when. It knows nothing of messages, clocks or files, so that a simulation runs the same code as
/// the real rank 0.
package final class Dispatcher {
    package let queue: TaskQueue
    private let ranks: Int
    /// Expected seconds of the assignments in flight, oldest first, by rank (0 is the coordinator itself).
    private var flights: [[Double]]
    private var flightCount = 0
    /// Other ranks that may take more, the first to be served at the end.
    private var hungry: [Int]
    private var isHungry: [Bool]

    /// A bundle is long beside a message's way and short beside the run. It grows with the number of ranks: rank 0
    /// takes some 10 us for a bundle, and shall spend a few percent of its time on them, however many ask.
    private let bundleSeconds: Double
    private static let leastBundleSeconds = 0.1
    private static let bundleSecondsOfRank = 0.4e-3
    /// Assignments shorter than this are doubled up even at the end: fetching the next one would take as long.
    private static let alwaysDoubled = 2e-3

    package init(queue: TaskQueue, ranks: Int) {
        self.queue = queue
        self.ranks = ranks
        bundleSeconds = max(Self.leastBundleSeconds, Self.bundleSecondsOfRank * Double(ranks))
        flights = Array(repeating: [], count: ranks)
        hungry = Array((1..<max(1, ranks)).reversed())
        isHungry = Array(repeating: true, count: ranks)
    }

    /// Whether assignments are in flight on any rank.
    package var isWaiting: Bool { flightCount > 0 }

    /// Whether all is done: nothing to hand out and nothing in flight.
    package var isDone: Bool { !isWaiting && queue.isEmpty && !queue.hasSuspects }

    /// The next assignment for a rank other than 0; nil when all have enough or nothing is left.
    package func next() throws -> (rank: Int, assignment: Assignment)? {
        while let rank = hungry.last {
            if let assignment = try assign(to: rank) { return (rank, assignment) }
            // With nothing to hand out all stay hungry: a finished task may yet bring more.
            if wantsMore(rank) { return nil }
            hungry.removeLast()
            isHungry[rank] = false
        }
        return nil
    }

    /// The next assignment for `rank`; nil when it has enough or nothing is left.
    package func assign(to rank: Int) throws -> Assignment? {
        guard wantsMore(rank) else { return nil }
        // Guided: towards the end the bundles shrink, so that all ranks end together.
        let target = min(bundleSeconds, share)
        guard let assignment = try queue.nextAssignment(seconds: target) ?? suspect() else { return nil }
        let seconds = assignment.items.reduce(0.0) {
            $0 + queue.speed.expectedSeconds(method: $1.method, point: $1.point) * Double($1.seedCount)
        }
        flights[rank].append(seconds)
        flightCount += 1
        return assignment
    }

    /// Takes note that `rank` answered its oldest assignment.
    package func answered(by rank: Int) {
        guard !flights[rank].isEmpty else { return }
        flights[rank].removeFirst()
        flightCount -= 1
        if rank != 0, !isHungry[rank] {
            isHungry[rank] = true
            hungry.append(rank)
        }
    }

    /// Takes note of a finished task; `seconds` are nil when it failed, and so says nothing of how long others take.
    package func finished(_ task: TaskID, seconds: Double?) throws { try queue.finished(task, seconds: seconds) }

    /// Forgets what `rank` was given: it will not answer.
    package func forget(_ rank: Int) {
        flightCount -= flights[rank].count
        flights[rank] = []
    }

    /// A task that may take its process down, once nothing else would be lost with it.
    private func suspect() -> Assignment? { isWaiting ? nil : queue.nextSuspect() }

    /// A quarter of what is left for each rank.
    private var share: Double { queue.speed.remainingSeconds / Double(4 * ranks) }

    /// A rank has its next assignment before it asks, unless the present one is longer than bundles are, or the end is
    /// near: what waits behind another task then could be run elsewhere.
    private func wantsMore(_ rank: Int) -> Bool {
        let its = flights[rank]
        if its.isEmpty { return true }
        return rank != 0 && its.count == 1 && its[0] <= max(Self.alwaysDoubled, min(2 * bundleSeconds, share))
    }
}
