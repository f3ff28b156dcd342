import Foundation

/// Self-normalised importance sampling: means under a density that is known up to a factor, from draws of another.
///
/// Means over weights have a bias of about 1/``effectiveCount``, and squares of such means one more: take the product of
/// two means from independent halves of the draws instead.
public struct ImportanceWeights: Sendable {
    /// The logarithm of the mean weight: of the density's unknown factor.
    public let logEvidence: Double
    /// (sum w)^2 / sum w^2: how many equally likely draws the weights are worth.
    public let effectiveCount: Double

    /// Turns the logarithms of `count` weights into weights whose sum is 1, in place. -infinity is a weight of 0.
    ///
    /// `count` must be a multiple of 8 (fill up with -infinity). Nil when there is no finite weight, or one that is not a
    /// number.
    public init?(normalising logs: UnsafeMutablePointer<Double>, count: Int) {
        var highest = Lanes(repeating: -.infinity)
        for block in 0..<count / 8 {
            let value = lanes(logs, block)
            highest = highest.replacing(with: value, where: value .> highest)
        }
        let largest = highest.max()
        guard largest.isFinite else { return nil }
        var (sum, squares) = (Lanes.zero, Lanes.zero)
        for block in 0..<count / 8 {
            let log = lanes(logs, block)
            // exponential holds its argument above -708: what is to be 0 is set apart.
            let weight = exponential(log - largest).replacing(with: 0, where: log .< Lanes(repeating: largest - 700))
            store(weight, logs, block)
            sum += weight
            squares += weight * weight
        }
        let total = sum.sum()
        guard total.isFinite else { return nil }
        let scale = Lanes(repeating: 1 / total)
        for block in 0..<count / 8 { store(lanes(logs, block) * scale, logs, block) }
        logEvidence = largest + log(total / Double(count))
        effectiveCount = total * total / squares.sum()
    }

    /// The mean of `values` under normalised `weights`, `count` (a multiple of 8) of both.
    @inlinable
    public static func mean(
        _ weights: UnsafePointer<Double>, _ values: UnsafePointer<Double>, count: Int
    ) -> Double {
        var sum = Lanes.zero
        for block in 0..<count / 8 { sum += lanes(weights, block) * lanes(values, block) }
        return sum.sum()
    }

    /// The standard error of that mean for independent draws, (sum w^2 (f - mean)^2)^1/2.
    @inlinable
    public static func standardError(
        _ weights: UnsafePointer<Double>, _ values: UnsafePointer<Double>, mean: Double, count: Int
    ) -> Double {
        var sum = Lanes.zero
        for block in 0..<count / 8 {
            let part = lanes(weights, block) * (lanes(values, block) - mean)
            sum += part * part
        }
        return sum.sum().squareRoot()
    }
}
