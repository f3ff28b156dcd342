import Modeling

/// One of several parts that independent runs compute of a grid, written `2/4`.
public struct Shard: Sendable, Hashable, CustomStringConvertible {
    /// From 1 to ``count``.
    public let index: Int
    public let count: Int

    /// More parts than any grid is dealt into; a bound against typing errors.
    public static let mostParts = 65_536

    /// Nil unless `1 <= index <= count`.
    public init?(index: Int, of count: Int) {
        guard (1...Self.mostParts).contains(count), (1...count).contains(index) else { return nil }
        self.index = index
        self.count = count
    }

    /// Reads `I/K`; nil when the text is something else.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let index = parts[0], let count = parts[1] else { return nil }
        self.init(index: index, of: count)
    }

    public var description: String { "\(index) of \(count)" }

    /// The file of this shard beside the whole grid's `output`: `X.shard-2-of-4.h5` for `X.h5`.
    public func output(for output: String) -> String {
        let tag = ".shard-\(index)-of-\(count)"
        return output.hasSuffix(".h5") ? output.dropLast(3) + tag + ".h5" : output + tag
    }
}

extension Job {
    /// The same job with its results in the shard's file; itself when there is no shard.
    public func writing(shard: Shard?) -> Job { shard.map { writing(to: $0.output(for: output)) } ?? self }
}

/// Which tasks of a job a shard computes.
///
/// Tasks are dealt round in the order of their expected cost, so that all shards get the same work; the seeds that a
/// shard gets of a point are consecutive. Under a stopping rule whole points are dealt, since the rule looks at all
/// seeds of a point. The dealing is a function of the job alone. Four bytes a point.
public struct ShardTasks: Sendable {
    private let shard: Shard
    private let job: Job
    /// By method: whether a point's seeds stay together.
    private let dealsPoints: [Bool]
    /// For each point of all grids, the shard (from 0) that its first seed, or all of it, goes to; ``none`` for
    /// excluded points.
    private let firsts: [UInt32]
    private static let none = UInt32.max

    /// Throws when the model cannot estimate a point.
    public init(_ shard: Shard, of job: Job) throws(JobErrors) {
        self.shard = shard
        self.job = job
        dealsPoints = job.grids.indices.map { job.seedRule(of: $0).isOpen }
        var firsts = Array(repeating: Self.none, count: job.pointCount)
        var next = 0
        for point in try TaskOrder(job).points {
            firsts[Int(point)] = UInt32(next)
            let method = job.point(at: Int(point)).method
            let seeds = dealsPoints[method] ? 1 : job.grids[method].seedCount
            next = (next + seeds) % shard.count
        }
        self.firsts = firsts
    }

    /// The seeds (indices) of a point that are the shard's.
    public func seeds(method: Int, point: Int) -> Range<Int> {
        let first = firsts[job.pointIndex(method: method, point: point)]
        guard first != Self.none else { return 0..<0 }
        let count = job.grids[method].seedCount
        // The how manieth shard from the first on this one is.
        let turn = (shard.index - 1 - Int(first) + shard.count) % shard.count
        if dealsPoints[method] { return turn == 0 ? 0..<count : 0..<0 }
        let (each, more) = count.quotientAndRemainder(dividingBy: shard.count)
        let start = turn * each + min(turn, more)
        return start..<(start + each + (turn < more ? 1 : 0))
    }

    public func owns(_ task: TaskID) -> Bool { seeds(method: task.method, point: task.point).contains(task.seed) }

    /// The number of the shard's tasks.
    public var taskCount: Int {
        var count = 0
        for (method, grid) in job.grids.enumerated() {
            for point in 0..<grid.pointCount { count += seeds(method: method, point: point).count }
        }
        return count
    }
}
