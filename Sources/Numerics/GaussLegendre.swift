import Foundation

/// The Gauss-Legendre rule: the integral of `f` over an interval is `sum weights[i] f(nodes[i])`, exactly for polynomials
/// up to degree `2 count - 1`. Nodes increase; nodes and weights are good to a few 1e-16 of the interval's length.
public struct GaussLegendre: Sendable {
    /// Where to evaluate, in increasing order, inside the interval.
    public let nodes: [Double]
    /// Positive weights, their sum is the interval's length.
    public let weights: [Double]

    /// The rule with `count` nodes on [`lower`, `upper`]; a `count` below 1 gives the empty rule.
    public init(count: Int, from lower: Double = -1, to upper: Double = 1) {
        var nodes = [Double](repeating: 0, count: max(count, 0))
        var weights = nodes
        let middle = 0.5 * (lower + upper)
        let half = 0.5 * (upper - lower)
        for i in nodes.indices.prefix((max(count, 0) + 1) / 2) {
            // Newton from Tricomi's approximation; roots are symmetric, so only the upper half is computed.
            var x = cos(.pi * (Double(i) + 0.75) / (Double(count) + 0.5))
            for _ in 0..<10 {
                let (value, slope) = Self.legendre(count, x)
                let step = value / slope
                x -= step
                if abs(step) < 1e-15 { break }
            }
            if 2 * i + 1 == count { x = 0 }
            let slope = Self.legendre(count, x).slope
            let weight = 2 / ((1 - x * x) * slope * slope)
            nodes[i] = middle - half * x
            nodes[count - 1 - i] = middle + half * x
            weights[i] = half * weight
            weights[count - 1 - i] = half * weight
        }
        self.nodes = nodes
        self.weights = weights
    }

    /// The value and derivative of the Legendre polynomial of degree `n` >= 1 at `x` in (-1, 1).
    private static func legendre(_ n: Int, _ x: Double) -> (value: Double, slope: Double) {
        var previous = 1.0
        var value = x
        for k in stride(from: 2, through: n, by: 1) {
            let k = Double(k)
            (previous, value) = (value, ((2 * k - 1) * x * value - (k - 1) * previous) / k)
        }
        return (value, Double(n) * (x * value - previous) / (x * x - 1))
    }
}
