import Foundation

/// The probabilists' Gauss-Hermite rule: the mean of `f(z)` over a standard normal `z` is `sum weights[i] f(nodes[i])`,
/// exactly for polynomials up to degree `2 count - 1`.
///
/// For smooth `f` only: at a kink the error falls like `1 / count`. Nodes are good to 1e-14, weights to 1e-13 relative.
public struct GaussHermite: Sendable {
    /// Where to evaluate, in increasing order, symmetric about 0.
    public let nodes: [Double]
    /// Positive weights whose sum is 1; they underflow to 0 at the outermost nodes of very large rules.
    public let weights: [Double]

    /// The rule with `count` nodes; a `count` below 1 gives the empty rule.
    public init(count: Int) {
        let n = max(count, 0)
        var nodes = [Double](repeating: 0, count: n)
        var weights = nodes
        var upper = 2 * Double(n).squareRoot() + 1
        for i in 0..<(n + 1) / 2 {
            // The eigenvalues of the Jacobi matrix, from the largest down: bisection by its Sturm count, then Newton.
            var lower = -1e-3
            var high = upper
            while high - lower > 1e-3 / Double(n) {
                let middle = 0.5 * (lower + high)
                if Self.rootsAbove(middle, n) > i { lower = middle } else { high = middle }
            }
            var x = 0.5 * (lower + high)
            for _ in 0..<20 {
                let (ratio, _) = Self.newton(n, x)
                x -= ratio
                if abs(ratio) < 1e-15 * max(1, abs(x)) { break }
            }
            if 2 * i + 1 == n { x = 0 }
            upper = x
            let weight = Self.newton(n, x).weight
            nodes[n - 1 - i] = x
            nodes[i] = -x
            weights[n - 1 - i] = weight
            weights[i] = weight
        }
        let sum = weights.reduce(0, +)
        self.nodes = nodes
        self.weights = weights.map { $0 / sum }
    }

    /// How many zeros of `He_n` exceed `x`: the negative pivots of the Jacobi matrix's factorisation, counted from below.
    private static func rootsAbove(_ x: Double, _ n: Int) -> Int {
        var pivot = -x
        var count = pivot > 0 ? 1 : 0
        for k in 1..<max(n, 1) {
            if abs(pivot) < 1e-300 { pivot = 1e-300 }
            pivot = -x - Double(k) / pivot
            if pivot > 0 { count += 1 }
        }
        return count
    }

    /// `He_n / He_n'` at `x` and the weight `1 / sum_{k<n} h_k(x)^2` of the orthonormal `h_k = He_k / sqrt(k!)`.
    ///
    /// The recurrence is rescaled when it grows, since `h_k` leaves the range of a double for `n` in the hundreds.
    private static func newton(_ n: Int, _ x: Double) -> (ratio: Double, weight: Double) {
        var previous = 0.0
        var value = 1.0
        var sum = 0.0
        var logScale = 0.0
        for k in 0..<n {
            sum += value * value
            (previous, value) = (
                value, (x * value - Double(k).squareRoot() * previous) / Double(k + 1).squareRoot()
            )
            if abs(value) > 1e100 {
                value *= 1e-100
                previous *= 1e-100
                sum *= 1e-200
                logScale += 200 * log(10)
            }
        }
        // h_n' = sqrt(n) h_{n-1}
        return (value / (Double(n).squareRoot() * previous), exp(-log(sum) - logScale))
    }
}
