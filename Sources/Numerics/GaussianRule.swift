import Foundation

/// Nodes and weights for means over a standard normal variable: `E f(z) = sum weights[i] f(nodes[i])`.
public struct GaussianRule: Sendable {
    /// Where to evaluate, in increasing order.
    public let nodes: [Double]
    /// Weights; they include the Gaussian density, their sum is 1 to rounding.
    public let weights: [Double]

    /// 120 Gauss-Legendre nodes on [-12, 0] and 120 on [0, 12]: for functions that are smooth but for a kink or a jump at
    /// 0, such as relu, exact to 1e-12.
    public static let kinkAtZero = GaussianRule(kinks: [0])

    /// 64 Gauss-Hermite nodes, for functions that are smooth everywhere.
    public static let smooth = GaussianRule(GaussHermite(count: 64))

    /// Gauss-Legendre pieces on [-`cutoff`, `cutoff`] split at `kinks`, `countPerPiece` nodes each. The mass beyond the
    /// cutoff is 3.6e-33 for 12. Kinks outside the interval do not matter and are left out, as are undefined ones.
    public init(kinks: [Double], countPerPiece: Int = 120, cutoff: Double = 12) {
        let inside = Set(kinks.filter { abs($0) < cutoff }).sorted()
        let ends = [-cutoff] + inside + [cutoff]
        var nodes: [Double] = []
        var weights: [Double] = []
        for (lower, upper) in zip(ends, ends.dropFirst()) {
            let piece = GaussLegendre(count: countPerPiece, from: lower, to: upper)
            nodes += piece.nodes
            weights += zip(piece.nodes, piece.weights).map { z, weight in weight * normalDensity(z) }
        }
        self.nodes = nodes
        self.weights = weights
    }

    /// A Gauss-Hermite rule as a Gaussian rule.
    public init(_ rule: GaussHermite) {
        nodes = rule.nodes
        weights = rule.weights
    }

    /// `E f(z)`, `z` standard normal.
    @inlinable
    public func mean(_ f: (Double) throws -> Double) rethrows -> Double {
        var sum = 0.0
        for i in nodes.indices { sum += weights[i] * (try f(nodes[i])) }
        return sum
    }
}
