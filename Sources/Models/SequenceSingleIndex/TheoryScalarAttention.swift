import Numerics

/// Averages of attention with a scalar output f = sum_ij U_ij S_ij, any L, loss c (y - f)^2.
///
/// D = 2c (f - y) df/dz is linear in y, so the average over the 2L Gaussians falls into one over t = z - e in R^L and the
/// conditional moments E[y|t] and E[y^2|t], which are exact, (52). Product Gauss-Hermite rules for L <= 3, fixed scrambled Sobol points closed under t -> -t beyond.
struct ScalarAttentionAverages: AttentionAverages {
    let L: Int
    private let c: Double
    private let U: [Double]
    private let samples: GaussianSamples
    /// The degrees present, and g_k or (g^2)_k at every point.
    private let first: [(degree: Int, values: [Double])]
    private let second: [(degree: Int, values: [Double])]
    /// g and g^2.
    private let target: HermiteExpansion
    private let squared: HermiteExpansion

    /// Nodes in each direction of the product rule; nil where averages are sampled.
    static func nodes(_ L: Int) -> Int? { [1: 64, 2: 64, 3: 32][L] }

    init(_ parameters: Parameters, U: [Double], points: Int) {
        L = parameters.L
        c = parameters.loss.c
        self.U = U
        let L = L
        let nodes = Self.nodes(L)
        let samples = SharedSamples.shared.samples(
            .init(kind: .tokens, dimension: L, points: nodes == nil ? points : 0)
        ) {
            if let nodes { return .product(dimension: L, nodes: nodes) }
            return .sobol(dimension: L, points: points, images: [{ $0 }, { $0.map { -$0 } }])
        }
        self.samples = samples
        target = HermiteExpansion(parameters)
        squared = target.squared()
        first = Self.byDegree(target, samples)
        second = Self.byDegree(squared, samples)
    }

    /// The value of each degree's part of `expansion` at every sample.
    private static func byDegree(_ expansion: HermiteExpansion, _ samples: GaussianSamples)
        -> [(degree: Int, values: [Double])]
    {
        Set(expansion.terms.map(\.degree)).sorted().map { degree in
            var values = [Double](repeating: 0, count: samples.count)
            for term in expansion.terms where term.degree == degree {
                for p in values.indices {
                    var v = term.coefficient
                    for factor in term.factors {
                        v *= hermitePolynomial(factor.degree, samples.coordinates[factor.token][p])
                    }
                    values[p] += v
                }
            }
            return (degree, values)
        }
    }

    func means(m: Double, e: [Double]) -> AttentionMeans {
        let sums = sums(m: m, e: e)
        return AttentionMeans(
            risk: c * (sums.loss + squared.mean), riskSlope: -2 * c * sums.slope,
            squaredSignal: 4 * c * c * sums.signal, B: sums.B.map { 2 * c * $0 })
    }

    /// (49).
    func curvaturesAtOrigin(along patterns: [[Double]]) -> (Rmm: Double, Ree: [Double]) {
        let (c, mean) = (c, target.mean)
        let Ree = patterns.map { s in
            let norm = s.reduce(0) { $0 + $1 * $1 }
            var (fq, ffq) = (0.0, 0.0)
            forEachBlock(e: origin) { block, weight, output, _, coordinates in
                var projection = Lanes()
                for l in 0..<L { projection += Lanes(repeating: s[l]) * lanes(coordinates[l], block) }
                let q = weight * (projection * projection - Lanes(repeating: norm))
                fq += (q * output).sum()
                ffq += (q * output * output).sum()
            }
            return c * (ffq - 2 * mean * fq)
        }
        // <C_2(g), C_2(f)> = 2 E[f g_2].
        var overlap = 0.0
        if let second = first.first(where: { $0.degree == 2 }) {
            withPointers([second.values]) { g in
                forEachBlock(e: origin) { block, weight, output, _, _ in
                    overlap += (weight * output * lanes(g[0], block)).sum()
                }
            }
        }
        return (-4 * c * overlap, Ree)
    }

    /// (50).
    func noiseAtOrigin(along patterns: [[Double]]) -> (squaredSignal: Double, Vm: Double, Ve: [Double]) {
        let Y = Self.secondMoments(target, L)
        let YY = Self.secondMoments(squared, L)
        var Vm = 0.0
        var Ve = [Double](repeating: 0, count: patterns.count)
        let (mean, power) = (target.mean, squared.mean)
        forEachBlock(e: origin) { _, weight, f, v, _ in
            var norm = Lanes()
            for l in 0..<L {
                norm += v[l] * v[l]
                for k in 0..<L {
                    let coupling = v[l] * v[k]
                    var factor = Lanes(repeating: YY[l * L + k]) - 2 * f * Lanes(repeating: Y[l * L + k])
                    if l == k { factor += f * f }
                    Vm += (weight * coupling * factor).sum()
                }
            }
            let error = f * f - 2 * f * Lanes(repeating: mean) + Lanes(repeating: power)
            for (j, pi) in patterns.enumerated() {
                var pull = Lanes()
                for l in 0..<L { pull += Lanes(repeating: pi[l]) * v[l] }
                Ve[j] += (weight * error * (pull * pull + norm)).sum()
            }
        }
        return (means(m: 0, e: origin).squaredSignal, 4 * c * c * Vm, Ve.map { 4 * c * c * $0 })
    }

    private var origin: [Double] { Array(repeating: 0, count: L) }

    /// E[F z_l z_k] for z standard normal: the constant term on the diagonal plus the second Hermite tensor.
    private static func secondMoments(_ F: HermiteExpansion, _ L: Int) -> [Double] {
        var M = [Double](repeating: 0, count: L * L)
        for l in 0..<L { M[l * L + l] = F.mean }
        for term in F.terms where term.degree == 2 {
            if term.factors.count == 1 {
                M[term.factors[0].token * (L + 1)] += 2 * term.coefficient
            } else {
                let (i, j) = (term.factors[0].token, term.factors[1].token)
                M[i * L + j] += term.coefficient
                M[j * L + i] += term.coefficient
            }
        }
        return M
    }

    // MARK: The loop over samples

    private struct Sums {
        var loss = 0.0
        var slope = 0.0
        var signal = 0.0
        var B: [Double]
    }

    private func sums(m: Double, e: [Double]) -> Sums {
        let powers = first.map { power(m, $0.degree) }
        let slopes = first.map { $0.degree > 0 ? Double($0.degree) * power(m, $0.degree - 1) : 0 }
        let squarePowers = second.map { power(m, $0.degree) }
        var (loss, slope, signal) = (Lanes(), Lanes(), Lanes())
        return withUnsafeTemporaryAllocation(of: Lanes.self, capacity: L) { B in
            B.initialize(repeating: Lanes())
            withPointers(first.map(\.values) + second.map(\.values)) { moments in
                forEachBlock(e: e) { block, weight, f, v, _ in
                    var (mu1, mu2, dmu) = (Lanes(), Lanes(), Lanes())
                    for k in powers.indices {
                        let g = lanes(moments[k], block)
                        mu1 += Lanes(repeating: powers[k]) * g
                        dmu += Lanes(repeating: slopes[k]) * g
                    }
                    for k in squarePowers.indices {
                        mu2 += Lanes(repeating: squarePowers[k]) * lanes(moments[powers.count + k], block)
                    }
                    var norm = Lanes()
                    let error = weight * (f - mu1)
                    for l in 0..<L {
                        norm += v[l] * v[l]
                        B[l] += error * v[l]
                    }
                    // E y^2 is added once, exactly, rather than as a mean of mu2.
                    loss += weight * (f * f - 2 * f * mu1)
                    slope += weight * f * dmu
                    signal += weight * (f * f - 2 * f * mu1 + mu2) * norm
                }
            }
            return Sums(loss: loss.sum(), slope: slope.sum(), signal: signal.sum(), B: B.map { $0.sum() })
        }
    }

    /// For every eight samples: weight, f, v = df/dz = (V + V^T) z, and the coordinates t.
    @inline(__always)
    private func forEachBlock(
        e: [Double], _ body: (Int, Lanes, Lanes, UnsafeMutablePointer<Lanes>, [UnsafePointer<Double>]) -> Void
    ) {
        let L = L
        withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 3 * L) { scratch in
            guard let z = scratch.baseAddress else { return }
            let v = z + L
            let row = z + 2 * L
            scratch.initialize(repeating: Lanes())
            withPointers(samples.coordinates + [samples.weights, U]) { at in
                let u = at[L + 1]
                for block in 0..<(samples.count / 8) {
                    for l in 0..<L {
                        z[l] = lanes(at[l], block) + Lanes(repeating: e[l])
                        v[l] = Lanes()
                    }
                    var f = Lanes()
                    for i in 0..<L {
                        var largest = z[i] * z[0]
                        for j in 1..<max(L, 1) {
                            let logit = z[i] * z[j]
                            largest = largest.replacing(with: logit, where: logit .> largest)
                        }
                        var total = Lanes()
                        var mean = Lanes()
                        for j in 0..<L {
                            row[j] = exponential(z[i] * z[j] - largest)
                            total += row[j]
                            mean += Lanes(repeating: u[i * L + j]) * row[j]
                        }
                        let inverse = Lanes(repeating: 1) / total
                        mean *= inverse
                        f += mean
                        // V_ij = S_ij (U_ij - sum_k U_ik S_ik).
                        var own = Lanes()
                        for j in 0..<L {
                            let V = row[j] * inverse * (Lanes(repeating: u[i * L + j]) - mean)
                            own += V * z[j]
                            v[j] += V * z[i]
                        }
                        v[i] += own
                    }
                    body(block, lanes(at[L], block), f, v, at)
                }
            }
        }
    }
}
