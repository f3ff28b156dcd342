import Foundation
import Modeling
import Numerics

/// The gap features f_k = (x_{i,opt} - x_{i,tau}) q_i^T of a choice of one token a sequence, k = (i, tau != opt_i) in order.
package struct SAIBGaps: Sendable {
    package let count: Int
    /// delta_k = x_{i,opt} - x_{i,tau}, (K, d).
    let delta: [Double]
    let n: Int
    let T: Int
    let d: Int
    let dq: Int
    let Q: [Double]
    package let opt: [Int]

    package init(_ data: SAIBData, opt: [Int]? = nil) {
        (n, T, d, dq, Q) = (data.n, data.T, data.d, data.dq, data.Q)
        self.opt = opt ?? data.opt
        count = n * (T - 1)
        var delta: [Double] = []
        delta.reserveCapacity(count * d)
        for i in 0..<n {
            let best = (i * T + self.opt[i]) * d
            for tau in 0..<T where tau != self.opt[i] {
                let at = (i * T + tau) * d
                for a in 0..<d { delta.append(data.X[best + a] - data.X[at + a]) }
            }
        }
        self.delta = delta
    }

    /// G_kl = (delta_k.delta_l)(q_i.q_j), K x K.
    ///
    /// - Throws: ``ModelError/parameter(_:_:)`` when it does not fit into the machine's memory.
    package func gram() throws -> [Double] {
        let bytes = 32 * Double(count) * Double(count)
        guard bytes < Double(ProcessInfo.processInfo.physicalMemory), count < 40_000 else {
            throw ModelError.parameter(
                "n", "(L-1) = \(count) constraints need \(bytes / 1e9) GB here; take fewer sequences or tokens")
        }
        var G = Array(repeating: 0.0, count: count * count)
        BLAS.gemm(
            .none, .transposed, m: count, n: count, k: d, delta, leadingA: d, delta, leadingB: d, &G, leadingC: count)
        var R = Array(repeating: 0.0, count: n * n)
        BLAS.gemm(.none, .transposed, m: n, n: n, k: dq, Q, leadingA: dq, Q, leadingB: dq, &R, leadingC: n)
        let t = T - 1
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
        var V = Array(repeating: 0.0, count: n * d)
        let t = T - 1
        delta.withUnsafeBufferPointer { delta in
            c.withUnsafeBufferPointer { c in
                V.withUnsafeMutableBufferPointer { V in
                    guard let delta = delta.baseAddress, let c = c.baseAddress, let V = V.baseAddress else { return }
                    for i in 0..<n {
                        BLAS.gemv(
                            .transposed, rows: t, columns: d, delta + i * t * d, leading: d, c + i * t, V + i * d)
                    }
                }
            }
        }
        return V
    }

    /// sum_k c_k f_k, (d, d_q).
    package func combine(_ c: [Double]) -> [Double] {
        var W = Array(repeating: 0.0, count: d * dq)
        BLAS.gemm(
            .transposed, .none, m: d, n: dq, k: n, contract(c), leadingA: d, Q, leadingB: dq, &W, leadingC: dq)
        return W
    }

    /// g_k = <f_k, W>.
    package func gaps(of W: [Double]) -> [Double] {
        var Z = Array(repeating: 0.0, count: n * d)
        BLAS.gemm(.none, .transposed, m: n, n: d, k: dq, Q, leadingA: dq, W, leadingB: dq, &Z, leadingC: d)
        let t = T - 1
        return (0..<count).map { k in
            delta.withUnsafeBufferPointer { delta in
                Z.withUnsafeBufferPointer { Z in
                    guard let delta = delta.baseAddress, let Z = Z.baseAddress else { return 0 }
                    return BLAS.dot(d, delta + k * d, Z + k / t * d)
                }
            }
        }
    }
}

/// W_mm (W-SVM) of a choice of tokens, with what is derived from it.
package struct SAIBMargin: Sendable {
    package let gaps: SAIBGaps
    package let problem: LeastDistance
    /// |W_mm|, infinite when infeasible.
    package let norm: Double

    /// `relaxed` sequences only need gaps >= 0.
    package init(_ gaps: SAIBGaps, gram: [Double], relaxed: Set<Int> = []) throws {
        self.gaps = gaps
        let targets = (0..<gaps.count).map { relaxed.contains($0 / (gaps.T - 1)) ? 0.0 : 1 }
        problem = try LeastDistance(gram: gram, targets: targets)
        norm = problem.squaredNorm.squareRoot()
    }

    package var lambda: [Double] { problem.multipliers }

    /// W_mm itself, (d, d_q); zero when infeasible.
    package func matrix() -> [Double] { gaps.combine(lambda) }

    /// Sequences with at least one active constraint.
    package var activeFraction: Double {
        Double(Set(problem.support.map { $0 / (gaps.T - 1) }).count) / Double(gaps.n)
    }

    /// The rank of W_mm: singular values above 1e-6 of the largest.
    package func rank() throws -> Int {
        guard problem.isFeasible else { return 0 }
        // W W^T = V^T (Q Q^T) V has the eigenvalues of S V V^T S with S = (Q Q^T)^(1/2), n x n.
        let (n, d, dq) = (gaps.n, gaps.d, gaps.dq)
        let V = gaps.contract(lambda)
        var (R, P) = (Array(repeating: 0.0, count: n * n), Array(repeating: 0.0, count: n * n))
        BLAS.gemm(.none, .transposed, m: n, n: n, k: dq, gaps.Q, leadingA: dq, gaps.Q, leadingB: dq, &R, leadingC: n)
        BLAS.gemm(.none, .transposed, m: n, n: n, k: d, V, leadingA: d, V, leadingB: d, &P, leadingC: n)
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

    /// nu_j, the eigenvalues of D^(1/2) G D^(1/2), D = diag(lambda), on the support, ascending, without one copy of the
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
