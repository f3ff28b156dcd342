import Numerics
import Persistence

/// When a fixed-point iteration stops, and how much of the old value it keeps.
public struct FixedPointRule: Sendable, Hashable {
    /// x <- (1 - damping) f(x) + damping x, from 0 to below 1.
    public let damping: Double
    /// Converged when the largest component of |f(x) - x| is at most this.
    public let tolerance: Double
    public let maximumIterations: Int

    public init(damping: Double = 0, tolerance: Double, maximumIterations: Int) {
        self.damping = damping
        self.tolerance = tolerance
        self.maximumIterations = maximumIterations
    }
}

/// The iteration x <- (1 - damping) f(x) + damping x of a state evolution, in as many calls as one likes. What it reached,
/// in how many iterations, and how far from a fixed point it still is, can be read at any time: nothing is a result
/// without its residual.
public struct FixedPoint: Sendable, Resumable {
    public let rule: FixedPointRule
    /// The present x.
    public private(set) var value: [Double]
    /// Updates made.
    public private(set) var iterations = 0
    /// The largest component of |f(x) - x| at the x before the last update; infinite before the first.
    public private(set) var residual = Double.infinity

    public init(from start: [Double], rule: FixedPointRule) {
        value = start
        self.rule = rule
    }

    public var isConverged: Bool { residual <= rule.tolerance }
    /// Converged, or out of iterations.
    public var isFinished: Bool { isConverged || iterations >= rule.maximumIterations }

    /// Makes one update, finished or not.
    ///
    /// - Throws: ``FixedPointError`` when f(x) is not finite or of another length, and what `map` throws; x stays.
    public mutating func step(_ map: ([Double]) throws -> [Double]) throws {
        let image = try map(value)
        guard image.count == value.count else {
            throw FixedPointError.length(expected: value.count, found: image.count)
        }
        guard image.allSatisfy(\.isFinite) else { throw FixedPointError.notFinite(iteration: iterations + 1) }
        var largest = 0.0
        for i in value.indices {
            largest = max(largest, abs(image[i] - value[i]))
            value[i] = (1 - rule.damping) * image[i] + rule.damping * value[i]
        }
        residual = largest
        iterations += 1
    }

    /// Makes at most `count` updates, none once finished.
    public mutating func advance(atMost count: Int = .max, _ map: ([Double]) throws -> [Double]) throws {
        var left = count
        while left > 0, !isFinished {
            try step(map)
            left -= 1
        }
    }

    /// Iterates from `start` to the end.
    public static func solve(
        from start: [Double], rule: FixedPointRule, _ map: ([Double]) throws -> [Double]
    ) throws -> FixedPoint {
        var iteration = FixedPoint(from: start, rule: rule)
        try iteration.advance(map)
        return iteration
    }

    /// Iterates from each of `starts`. Where a map has several fixed points, as before a first-order transition, each start
    /// ends at its own.
    public static func solve(
        fromEach starts: [[Double]], rule: FixedPointRule, _ map: ([Double]) throws -> [Double]
    ) throws -> [FixedPoint] {
        try starts.map { try solve(from: $0, rule: rule, map) }
    }

    public mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&iterations, in: 0...Int.max)
        try archive.exchange(&residual)
        try archive.exchange(&value)
    }
}

/// Why an update was not made.
public enum FixedPointError: Error, Sendable, Hashable, CustomStringConvertible {
    case notFinite(iteration: Int)
    case length(expected: Int, found: Int)

    public var description: String {
        switch self {
        case .notFinite(let iteration): "the update of iteration \(iteration) is not finite"
        case .length(let expected, let found): "the update has \(found) numbers where \(expected) are expected"
        }
    }
}
