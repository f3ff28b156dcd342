import Numerics

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
