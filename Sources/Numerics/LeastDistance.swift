import Foundation

/// The shortest w with f_k.w >= h_k for all k (least distance programming, the hard-margin problem), from the Gram matrix
/// G_kl = f_k.f_l alone: w = sum_k lambda_k f_k.
///
/// By Lawson and Hanson's reduction to non-negative least squares with columns (f_k, h_k) and target (0, 1), whose
/// residual vanishes exactly when no w exists: dependent, repeated and zero constraints need no care. The multipliers of
/// the set that it finds are then solved for again from G alone, with refinement.
public struct LeastDistance: Sendable {
    /// False when no w satisfies the constraints; the multipliers are then zero and the norm is infinite.
    public let isFeasible: Bool
    /// lambda_k >= 0. Not unique when active constraints depend on each other; w always is.
    public let multipliers: [Double]
    /// Indices with lambda_k > 0, ascending.
    public let support: [Int]
    /// |w|^2.
    public let squaredNorm: Double
    /// The slack (G lambda)_k - h_k of each constraint.
    public let slack: [Double]

    /// How far the solution is from the conditions of optimality: the largest violation of a constraint or of
    /// complementarity, max(h_k - (G lambda)_k, |lambda_k slack_k|), and the relative gap between primal and dual value.
    public var residual: Double {
        guard isFeasible else { return .infinity }
        var worst = gap
        for (lambda, slack) in zip(multipliers, slack) { worst = max(worst, -slack, abs(lambda * slack)) }
        return worst
    }

    /// |h.lambda - lambda^T G lambda| / (h.lambda).
    private let gap: Double

    /// Solves the problem for `gram` (row-major, `targets.count` squared elements, both triangles) and h = `targets`.
    ///
    /// Norms above about 1e6 times that of the shortest w for a typical single constraint count as infeasible.
    /// - Throws: ``QuadraticProgrammeError``.
    public init(gram G: [Double], targets h: [Double]) throws {
        let count = h.count
        guard G.count == count * count else {
            throw QuadraticProgrammeError.sizes("\(G.count) matrix elements for \(count) constraints")
        }
        guard h.allSatisfy(\.isFinite), G.allSatisfy(\.isFinite) else { throw QuadraticProgrammeError.notFinite }
        func infeasible() -> (Bool, [Double]) { (false, Array(repeating: 0, count: count)) }
        var (feasible, lambda) = (true, Array(repeating: 0.0, count: count))
        var support: [Int] = []
        if h.contains(where: { $0 > 0 }) {
            let meanSquare = (0..<count).reduce(0) { $0 + G[$1 * count + $1] } / Double(count)
            let targetSquare = h.reduce(0) { $0 + $1 * $1 } / Double(count)
            let scale = meanSquare > 0 ? targetSquare / meanSquare : 1
            var H = Array(repeating: 0.0, count: count * count)
            for k in 0..<count {
                for l in 0..<count { H[k * count + l] = scale * G[k * count + l] + h[k] * h[l] }
            }
            let solution = try NonNegativeQuadratic(gram: H, h)
            H = []
            // The squared distance of (0, 1) from the cone.
            let rest = 1 - zip(h, solution.z).reduce(0) { $0 + $1.0 * $1.1 }
            if rest > 1e-12 {
                for k in solution.support { lambda[k] = scale * solution.z[k] / rest }
                support = solution.support.sorted()
                if let refined = Self.refined(G, h, support, lambda) { lambda = refined }
            } else {
                (feasible, lambda) = infeasible()
            }
        }
        var slack = h.map { -$0 }
        if count > 0 { BLAS.symv(count, G, leading: count, lambda, beta: 1, &slack) }
        let linear = zip(h, lambda).reduce(0) { $0 + $1.0 * $1.1 }
        let quadratic = zip(lambda, slack).reduce(linear) { $0 + $1.0 * $1.1 }
        isFeasible = feasible
        multipliers = lambda
        self.support = support
        squaredNorm = feasible ? linear : .infinity
        self.slack = slack
        gap = linear > 0 ? abs(linear - quadratic) / linear : 0
    }

    /// lambda on `support` from G alone, by its Cholesky factor with refinement; nil when that is no better.
    private static func refined(_ G: [Double], _ h: [Double], _ support: [Int], _ first: [Double]) -> [Double]? {
        let count = h.count
        var factor = UpdatedCholesky(capacity: support.count)
        guard factor.factorise(G, count: count, members: support, tolerance: 1e-13) else { return nil }
        var values = support.map { h[$0] }
        factor.solve(&values)
        for _ in 0..<2 {
            var rest = support.map { k in
                var sum = h[k]
                for (value, l) in zip(values, support) { sum -= G[k * count + l] * value }
                return sum
            }
            factor.solve(&rest)
            for i in values.indices { values[i] += rest[i] }
        }
        guard values.allSatisfy({ $0 > 0 && $0.isFinite }) else { return nil }
        var lambda = Array(repeating: 0.0, count: count)
        for (value, k) in zip(values, support) { lambda[k] = value }
        return lambda
    }
}
