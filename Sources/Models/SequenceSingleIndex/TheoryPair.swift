import Numerics

/// Averages of the matrix model, L = 2, loss half_square, (51): a mean over t = z - e by the product rule of 64 x 64
/// Gauss-Hermite nodes, on which the conditional means of Y_11, Y_22, Y_11^2, ... given t take two small matrix products.
struct PairAverages: AttentionAverages {
    let omega: Double
    let A11: Double
    fileprivate let table = PairTable.shared

    init(omega: Double, A11: Double) {
        self.omega = omega
        self.A11 = A11
    }

    func means(m: Double, e: [Double]) -> AttentionMeans {
        let n = PairTable.n
        let size = n * n
        let e1 = e.count > 0 ? e[0] : 0
        let e2 = e.count > 1 ? e[1] : 0
        let w = 1 - omega
        let positional = omega * A11
        // E Y_11^2 does not depend on the student.
        let targetPower = w * w * table.square + 2 * w * positional * table.mean + positional * positional
        return withUnsafeTemporaryAllocation(of: Double.self, capacity: 5 * size + n) { scratch in
            guard let base = scratch.baseAddress else { preconditionFailure("an allocation without address") }
            // E[f|t], its derivative in m, E[f^2|t] and E[f f'|t], f' the other token's weight.
            let first = base
            let slope = base + size
            let second = base + 2 * size
            let cross = base + 3 * size
            let work = base + 4 * size
            let powers = base + 5 * size
            table.conditionalMean(table.f, m, derivative: false, into: first, work: work, powers: powers)
            table.conditionalMean(table.f, m, derivative: true, into: slope, work: work, powers: powers)
            table.conditionalMean(table.ff, m, derivative: false, into: second, work: work, powers: powers)
            table.conditionalMean(table.cross, m, derivative: false, into: cross, work: work, powers: powers)
            var risk = 0.0
            var riskSlope = 0.0
            var signal = 0.0
            var B1 = 0.0
            var B2 = 0.0
            for i in 0..<n {
                let z1 = table.nodes[i] + e1
                for j in 0..<n {
                    let z2 = table.nodes[j] + e2
                    let weight = table.weights[i] * table.weights[j]
                    let S1 = logistic(z1 * (z1 - z2))
                    let S2 = logistic(z2 * (z2 - z1))
                    let (here, swapped) = (i * n + j, j * n + i)
                    let y1 = w * first[here] + positional
                    let y2 = w * first[swapped] + positional
                    let y11 = w * w * second[here] + positional * (2 * y1 - positional)
                    let y22 = w * w * second[swapped] + positional * (2 * y2 - positional)
                    let y12 =
                        w * w * cross[here] + positional * (w * (first[here] + first[swapped]) + positional)
                    // delta_i = S_i - Y_i: its first and second moments given t.
                    let (d1, d2) = (S1 - y1, S2 - y2)
                    let d11 = S1 * S1 - 2 * S1 * y1 + y11
                    let d22 = S2 * S2 - 2 * S2 * y2 + y22
                    let d12 = S1 * S2 - S1 * y2 - S2 * y1 + y12
                    // D_l = 2 delta_1 p_l + 2 delta_2 q_l.
                    let g1 = S1 * (1 - S1)
                    let g2 = S2 * (1 - S2)
                    let (p1, p2) = (g1 * (2 * z1 - z2), -g1 * z1)
                    let (q1, q2) = (-g2 * z2, g2 * (2 * z2 - z1))
                    risk += weight * (S1 * S1 - 2 * S1 * y1 + S2 * S2 - 2 * S2 * y2)
                    riskSlope -= weight * (S1 * slope[here] + S2 * slope[swapped])
                    B1 += weight * (d1 * p1 + d2 * q1)
                    B2 += weight * (d1 * p2 + d2 * q2)
                    signal +=
                        weight
                        * (d11 * (p1 * p1 + p2 * p2) + 2 * d12 * (p1 * q1 + p2 * q2) + d22 * (q1 * q1 + q2 * q2))
                }
            }
            return AttentionMeans(
                risk: risk + 2 * targetPower, riskSlope: 2 * w * riskSlope, squaredSignal: 4 * signal,
                B: [2 * B1, 2 * B2])
        }
    }
}

extension PairAverages {
    /// (44), and along any pattern s: with M_jk = E[f He2_jk], N_jk = E[f^2 He2_jk] and T = E Y_11,
    /// R_ee = s^T [(N - 2 T M) + its token swap] s.
    func curvaturesAtOrigin(along patterns: [[Double]]) -> (Rmm: Double, Ree: [Double]) {
        let M = table.secondTensor(table.f)
        let N = table.secondTensor(table.ff)
        let T = (1 - omega) * table.mean + omega * A11
        let W = zip(M, N).map { $1 - 2 * T * $0 }
        let Ree = patterns.map { s in
            (s[0] * s[0] + s[1] * s[1]) * (W[0] + W[2]) + 4 * s[0] * s[1] * W[1]
        }
        return (-4 * (1 - omega) * (M[0] * M[0] + 2 * M[1] * M[1] + M[2] * M[2]), Ree)
    }

    /// Microseconds a call: D is linear in Y, so all are quadratic in (1-omega) and omega A.
    func noiseAtOrigin(along patterns: [[Double]]) -> (squaredSignal: Double, Vm: Double, Ve: [Double]) {
        let (w, p) = (1 - omega, omega * A11)
        let basis = [1, w, p, w * w, w * p, p * p]
        let values = Self.originPolynomials.map { zip($0, basis).reduce(0) { $0 + $1.0 * $1.1 } }
        let (Vm, D11, D12, D22) = (values[0], values[1], values[2], values[3])
        let Ve = patterns.map { s in
            s[0] * s[0] * D11 + 2 * s[0] * s[1] * D12 + s[1] * s[1] * D22 + D11 + D22
        }
        return (D11 + D22, Vm, Ve)
    }

    /// V_m, E[D_1^2], E[D_1 D_2] and E[D_2^2] at the origin as coefficients of (1, w, p, w^2, wp, p^2), w = 1-omega and
    /// p = omega A, from their values at six points; once a process.
    private static let originPolynomials: [[Double]] = {
        let at = [(0, 0), (1, 0), (2, 0), (0, 1), (0, 2), (1, 1)].map { originMoments(w: $0.0, positional: $0.1) }
        return (0..<4).map { i in
            let f = at.map { $0[i] }
            let ww = 0.5 * (f[2] - 2 * f[1] + f[0])
            let pp = 0.5 * (f[4] - 2 * f[3] + f[0])
            return [f[0], f[1] - f[0] - ww, f[3] - f[0] - pp, ww, f[5] - f[1] - f[3] + f[0], pp]
        }
    }()

    /// V_m, E[D_1^2], E[D_1 D_2], E[D_2^2] at the origin for Y_11 = w f(z*) + positional.
    private static func originMoments(w: Double, positional: Double) -> [Double] {
        let table = PairTable.shared
        let n = PairTable.n
        // E[F z*_l z*_k] as (11, 12, 22), for F = Y_1, Y_1^2 and Y_1 Y_2; those of Y_2 and Y_2^2 are swapped.
        func moments(_ coefficients: [Double]) -> [Double] {
            let H = table.secondTensor(coefficients)
            return [H[0] + coefficients[0], H[1], H[2] + coefficients[0]]
        }
        let f = moments(table.f)
        let unit = [1.0, 0, 1]
        let Y = (0..<3).map { w * f[$0] + positional * unit[$0] }
        let ff = moments(table.ff)
        let YY = (0..<3).map { w * w * ff[$0] + positional * (2 * w * f[$0] + positional * unit[$0]) }
        let product = moments(table.cross)
        let cross = (0..<3).map {
            w * w * product[$0] + positional * (w * (f[$0] + f[2 - $0]) + positional * unit[$0])
        }
        var Vm = 0.0
        var (D11, D12, D22) = (0.0, 0.0, 0.0)
        let T = w * table.mean + positional
        let power = w * w * table.square + positional * (2 * w * table.mean + positional)
        let crossPower = w * w * table.cross[0] + positional * (2 * w * table.mean + positional)
        for i in 0..<n {
            let z1 = table.nodes[i]
            for j in 0..<n {
                let z2 = table.nodes[j]
                let weight = 4 * table.weights[i] * table.weights[j]
                let S1 = logistic(z1 * (z1 - z2))
                let S2 = logistic(z2 * (z2 - z1))
                let (g1, g2) = (S1 * (1 - S1), S2 * (1 - S2))
                let p = (g1 * (2 * z1 - z2), -g1 * z1)
                let q = (-g2 * z2, g2 * (2 * z2 - z1))
                // Quadratic forms in p and q with the second moments of delta_1, delta_2 times z* z*^T.
                func form(_ a: (Double, Double), _ b: (Double, Double), _ entry: (Int) -> Double) -> Double {
                    a.0 * b.0 * entry(0) + (a.0 * b.1 + a.1 * b.0) * entry(1) + a.1 * b.1 * entry(2)
                }
                Vm +=
                    weight
                    * (form(p, p) { S1 * S1 * unit[$0] - 2 * S1 * Y[$0] + YY[$0] }
                        + form(q, q) { S2 * S2 * unit[$0] - 2 * S2 * Y[2 - $0] + YY[2 - $0] }
                        + 2 * form(p, q) { S1 * S2 * unit[$0] - S1 * Y[2 - $0] - S2 * Y[$0] + cross[$0] })
                let d11 = S1 * S1 - 2 * S1 * T + power
                let d22 = S2 * S2 - 2 * S2 * T + power
                let d12 = S1 * S2 - (S1 + S2) * T + crossPower
                D11 += weight * (d11 * p.0 * p.0 + 2 * d12 * p.0 * q.0 + d22 * q.0 * q.0)
                D12 += weight * (d11 * p.0 * p.1 + d12 * (p.0 * q.1 + p.1 * q.0) + d22 * q.0 * q.1)
                D22 += weight * (d11 * p.1 * p.1 + 2 * d12 * p.1 * q.1 + d22 * q.1 * q.1)
            }
        }
        return [Vm, D11, D12, D22]
    }
}

/// What does not depend on any parameter: the rule, its Hermite transform and the coefficients of f, f^2 and f f'.
struct PairTable: Sendable {
    static let n = 64
    static let shared = PairTable()

    let nodes: [Double]
    let weights: [Double]
    /// h_k(x_i), row-major (i, k), h_k = He_k/sqrt(k!).
    private let H: [Double]
    /// Its transpose.
    private let HT: [Double]
    /// Coefficients, row-major (j, k), of f = s(z_1 (z_1 - z_2)), of f^2, and of f(z_1, z_2) f(z_2, z_1).
    let f: [Double]
    let ff: [Double]
    let cross: [Double]
    /// E f and E f^2, by the same rule.
    let mean: Double
    let square: Double

    private init() {
        let n = Self.n
        let rule = GaussHermite(count: n)
        nodes = rule.nodes
        weights = rule.weights
        var H = [Double](repeating: 0, count: n * n)
        for i in 0..<n {
            var (previous, h) = (0.0, 1.0)
            for k in 0..<n {
                H[i * n + k] = h
                (previous, h) = (
                    h, (nodes[i] * h - Double(k).squareRoot() * previous) / Double(k + 1).squareRoot()
                )
            }
        }
        let transposed = (0..<(n * n)).map { H[($0 % n) * n + $0 / n] }
        let weighted = (0..<(n * n)).map { transposed[$0] * rule.weights[$0 % n] }
        func coefficients(_ F: (Double, Double) -> Double) -> [Double] {
            let values = (0..<(n * n)).map { F(rule.nodes[$0 / n], rule.nodes[$0 % n]) }
            let weightedT = (0..<(n * n)).map { weighted[($0 % n) * n + $0 / n] }
            var half = values
            var result = values
            product(weighted, values, into: &half, n)
            product(half, weightedT, into: &result, n)
            return result
        }
        func weight(_ x: Double, _ y: Double) -> Double { logistic(x * (x - y)) }
        f = coefficients(weight)
        ff = coefficients { weight($0, $1) * weight($0, $1) }
        cross = coefficients { weight($0, $1) * weight($1, $0) }
        mean = f[0]
        square = ff[0]
        self.H = H
        HT = transposed
    }

    /// E[F He2_jk] for (j,k) = 11, 12, 22, from the coefficients of F.
    func secondTensor(_ coefficients: [Double]) -> [Double] {
        let n = Self.n
        let root2 = 2.0.squareRoot()
        return [root2 * coefficients[2 * n], coefficients[n + 1], root2 * coefficients[2]]
    }

    /// E[F(m t + sqrt(1-m^2) g)] on the grid of t, or its derivative in m, from the coefficients of F.
    func conditionalMean(
        _ coefficients: [Double], _ m: Double, derivative: Bool, into result: UnsafeMutablePointer<Double>,
        work: UnsafeMutablePointer<Double>, powers: UnsafeMutablePointer<Double>
    ) {
        let n = Self.n
        // m^j, and for the derivative (j+k) m^{j+k-1}.
        var value = 1.0
        for j in 0..<n {
            powers[j] = value
            value *= m
        }
        coefficients.withUnsafeBufferPointer { C in
            for j in 0..<n {
                for k in 0..<n {
                    let degree = j + k
                    let factor: Double
                    if !derivative {
                        factor = powers[j] * powers[k]
                    } else if degree == 0 {
                        factor = 0
                    } else {
                        factor = Double(degree) * (j > 0 ? powers[j - 1] * powers[k] : powers[k - 1])
                    }
                    result[j * n + k] = C[j * n + k] * factor
                }
            }
        }
        H.withUnsafeBufferPointer { H in
            HT.withUnsafeBufferPointer { HT in
                guard let h = H.baseAddress, let hT = HT.baseAddress else { return }
                product(h, result, into: work, n)
                product(work, hT, into: result, n)
            }
        }
    }
}

/// C = A B for row-major n x n matrices, n a multiple of 8.
private func product(
    _ A: UnsafePointer<Double>, _ B: UnsafePointer<Double>, into C: UnsafeMutablePointer<Double>, _ n: Int
) {
    for i in 0..<n {
        let row = A + i * n
        for block in 0..<(n / 8) {
            var sum = Lanes()
            for k in 0..<n { sum += Lanes(repeating: row[k]) * lanes(B + k * n, block) }
            store(sum, C + i * n, block)
        }
    }
}
