import Foundation
import Modeling
import Numerics

/// The gap features f_k = (x_{i,opt} - x_{i,tau}) q_i^T, (8), of a choice of one token a sequence, k = (i, tau != opt_i) in
/// order.
package struct Gaps: Sendable {
    let data: DataSet
    package let opt: [Int]
    /// i T + tau of each k.
    package let places: [Int]
    /// delta_k = x_{i,opt} - x_{i,tau}, (K, d).
    let delta: [Double]

    /// K = n (T - 1).
    package var count: Int { places.count }

    package init(_ data: DataSet, opt given: [Int]? = nil) {
        let (opt, T, d) = (given ?? data.opt, data.T, data.d)
        let places = (0..<(data.n * T)).filter { $0 % T != opt[$0 / T] }
        var delta: [Double] = []
        delta.reserveCapacity(places.count * d)
        for place in places {
            let (best, at) = ((place / T * T + opt[place / T]) * d, place * d)
            for a in 0..<d { delta.append(data.X[best + a] - data.X[at + a]) }
        }
        (self.data, self.opt, self.places, self.delta) = (data, opt, places, delta)
    }

    /// G_kl = (delta_k.delta_l)(q_i.q_j), K x K, (13).
    ///
    /// - Throws: ``ModelError/parameter(_:_:)`` for more constraints than a solution is sensible with.
    package func gram() throws -> [Double] {
        try require(
            count < 40_000, Keys.n,
            "(L-1) = \(count) constraints are more than 40000; take fewer sequences or tokens")
        var G = rowOverlaps(delta, count)
        let R = rowOverlaps(data.Q, data.n)
        let (n, t) = (data.n, data.T - 1)
        for k in 0..<count {
            for j in 0..<n {
                let overlap = R[k / t * n + j]
                for tau in 0..<t { G[k * count + j * t + tau] *= overlap }
            }
        }
        // Both products are symmetric up to rounding.
        for k in 0..<count { for l in 0..<k { G[l * count + k] = G[k * count + l] } }
        return G
    }

    /// v_i = sum_tau c_k delta_k, (n, d): sum_k c_k f_k = V^T Q.
    package func contract(_ c: [Double]) -> [Double] {
        let (n, d, t) = (data.n, data.d, data.T - 1)
        var V = Array(repeating: 0.0, count: n * d)
        withPointers(delta, c, &V) { delta, c, V in
            for i in 0..<n {
                BLAS.gemv(.transposed, rows: t, columns: d, delta + i * t * d, leading: d, c + i * t, V + i * d)
            }
        }
        return V
    }

    /// sum_k c_k f_k, (d, d_q).
    package func combine(_ c: [Double]) -> [Double] {
        var W = Array(repeating: 0.0, count: data.d * data.dq)
        data.outer(contract(c), &W)
        return W
    }

    /// g_k = <f_k, W>.
    package func gaps(of W: [Double]) -> [Double] {
        let (d, t) = (data.d, data.T - 1)
        var Z = Array(repeating: 0.0, count: data.n * d)
        data.project(W, &Z)
        var g = Array(repeating: 0.0, count: count)
        withPointers(delta, Z, &g) { delta, Z, g in
            for k in 0..<places.count { g[k] = BLAS.dot(d, delta + k * d, Z + k / t * d) }
        }
        return g
    }
}

extension DataSet {
    /// W q_i of every query, (n, d), into `Z`.
    func project(_ W: [Double], _ Z: inout [Double]) {
        BLAS.gemm(.none, .transposed, m: n, n: d, k: dq, Q, leadingA: dq, W, leadingB: dq, &Z, leadingC: d)
    }

    /// V^T Q, (d, d_q), into `W`.
    func outer(_ V: [Double], _ W: inout [Double]) {
        BLAS.gemm(.transposed, .none, m: d, n: dq, k: n, V, leadingA: d, Q, leadingB: dq, &W, leadingC: dq)
    }
}

/// The products x_i.x_j of `count` rows.
func rowOverlaps(_ x: [Double], _ count: Int) -> [Double] {
    let k = x.count / count
    var G = Array(repeating: 0.0, count: count * count)
    BLAS.gemm(.none, .transposed, m: count, n: count, k: k, x, leadingA: k, x, leadingB: k, &G, leadingC: count)
    return G
}

/// Gives `body` pointers to three arrays.
func withPointers(
    _ a: [Double], _ b: [Double], _ c: inout [Double],
    _ body: (UnsafePointer<Double>, UnsafePointer<Double>, UnsafeMutablePointer<Double>) -> Void
) {
    a.withUnsafeBufferPointer { a in
        b.withUnsafeBufferPointer { b in
            c.withUnsafeMutableBufferPointer { c in
                guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
                body(a, b, c)
            }
        }
    }
}

/// W_mm, (12), of a choice of tokens, with what is derived from it.
package struct Margin: Sendable {
    package let gaps: Gaps
    package let problem: LeastDistance
    /// |W_mm|, infinite when infeasible.
    package let norm: Double

    /// `relaxed` sequences only need gaps >= 0.
    package init(_ gaps: Gaps, gram: [Double], relaxed: Set<Int> = []) throws {
        self.gaps = gaps
        let targets = gaps.places.map { relaxed.contains($0 / gaps.data.T) ? 0.0 : 1 }
        problem = try LeastDistance(gram: gram, targets: targets)
        norm = problem.squaredNorm.squareRoot()
    }

    package var lambda: [Double] { problem.multipliers }

    /// W_mm itself, (d, d_q); zero when infeasible.
    package func matrix() -> [Double] { gaps.combine(lambda) }

    /// W_mm/|W_mm|, (d, d_q); empty when infeasible.
    func direction() -> [Double] {
        guard problem.isFeasible && norm > 0 else { return [] }
        var direction = matrix()
        BLAS.scal(direction.count, 1 / norm, &direction)
        return direction
    }

    /// Sequences with at least one active constraint.
    package var activeFraction: Double {
        Double(Set(problem.support.map { gaps.places[$0] / gaps.data.T }).count) / Double(gaps.data.n)
    }

    /// The rank of W_mm: singular values above 1e-6 of the largest.
    package func rank() throws -> Int {
        guard problem.isFeasible else { return 0 }
        // W W^T = V^T (Q Q^T) V has the eigenvalues of S V V^T S with S = (Q Q^T)^(1/2), n x n.
        let n = gaps.data.n
        let P = rowOverlaps(gaps.contract(lambda), n)
        var R = rowOverlaps(gaps.data.Q, n)
        let (values, vectors) = try LAPACK.symmetricEigen(n, R, vectors: true)
        // Rows of B are the eigenvectors times the roots of their eigenvalues, so B^T B = Q Q^T.
        var B = vectors
        for k in 0..<n {
            let root = max(values[k], 0).squareRoot()
            for j in 0..<n { B[k * n + j] *= root }
        }
        var BP = R
        BLAS.gemm(m: n, n: n, k: n, B, leadingA: n, P, leadingB: n, &BP, leadingC: n)
        BLAS.gemm(.none, .transposed, m: n, n: n, k: n, BP, leadingA: n, B, leadingB: n, &R, leadingC: n)
        let squares = try LAPACK.symmetricEigen(n, R).values
        let largest = squares.last ?? 0
        return largest > 0 ? squares.filter { $0 > 1e-12 * largest }.count : 0
    }

    /// nu_j, (35), the eigenvalues of D^(1/2) G D^(1/2), D = diag(lambda), on the support, ascending, without one copy of the
    /// trivial eigenvalue 1.
    package func curvatures(gram G: [Double]) throws -> [Double] {
        let support = problem.support
        let K = gaps.count
        let root = support.map { lambda[$0].squareRoot() }
        var M: [Double] = []
        M.reserveCapacity(support.count * support.count)
        for (a, k) in support.enumerated() {
            for (b, l) in support.enumerated() { M.append(root[a] * G[k * K + l] * root[b]) }
        }
        var values = try LAPACK.symmetricEigen(support.count, M).values
        if let trivial = values.indices.min(by: { abs(values[$0] - 1) < abs(values[$1] - 1) }) {
            values.remove(at: trivial)
        }
        return values
    }
}
