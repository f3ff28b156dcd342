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
