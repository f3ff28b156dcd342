import Numerics

/// Averages of the matrix model, L = 2, for the loss ||S - Y||_F: fixed scrambled Sobol points (z*_1, z*_2, g_1, g_2) with
/// z = m z* + sqrt(1-m^2) g + e. They are closed under exchanging the tokens and under z* -> -z*, so the sampled risk is
/// even in e (paired encoding) and in m, like the true one.
struct SampledPairAverages: AttentionAverages {
    private let samples: GaussianSamples
    /// Y_11 and Y_22 at every point.
    private let Y1: [Double]
    private let Y2: [Double]

    init(omega: Double, A11: Double, points: Int) {
        samples = SharedSamples.shared.samples(.init(kind: .pair, dimension: 4, points: points)) {
            .sobol(
                dimension: 4, points: points,
                images: [
                    { $0 }, { [$0[1], $0[0], $0[3], $0[2]] }, { [-$0[0], -$0[1], $0[2], $0[3]] },
                    { [-$0[1], -$0[0], $0[3], $0[2]] },
                ])
        }
        let z1 = samples.coordinates[0]
        let z2 = samples.coordinates[1]
        Y1 = zip(z1, z2).map { (1 - omega) * logistic($0 * ($0 - $1)) + omega * A11 }
        Y2 = zip(z1, z2).map { (1 - omega) * logistic($1 * ($1 - $0)) + omega * A11 }
    }

    func means(m: Double, e: [Double]) -> AttentionMeans {
        let sums = sums(m: m, e: e)
        return AttentionMeans(
            risk: sums.risk, riskSlope: sums.slope, squaredSignal: sums.signal, B: [sums.B1, sums.B2])
    }

    func noiseAtOrigin(along patterns: [[Double]]) -> (squaredSignal: Double, Vm: Double, Ve: [Double]) {
        let sums = sums(m: 0, e: [0, 0])
        let Ve = patterns.map { s in
            s[0] * s[0] * sums.D11 + 2 * s[0] * s[1] * sums.D12 + s[1] * s[1] * sums.D22 + sums.signal
        }
        return (sums.signal, sums.Vm, Ve)
    }

    /// (48); z and z* are independent there.
    func curvaturesAtOrigin(along patterns: [[Double]]) -> (Rmm: Double, Ree: [Double]) {
        let (one, two) = (Lanes(repeating: 1), Lanes(repeating: 2))
        return withPointers(samples.coordinates + [Y1, Y2, samples.weights]) { at in
            var Rmm = Lanes()
            var N11 = Lanes()
            var N12 = Lanes()
            var N22 = Lanes()
            for block in 0..<(samples.count / 8) {
                let (s1, s2) = (lanes(at[0], block), lanes(at[1], block))
                let (z1, z2) = (lanes(at[2], block), lanes(at[3], block))
                let delta1 = logistic(z1 * (z1 - z2)) - lanes(at[4], block)
                let delta2 = logistic(z2 * (z2 - z1)) - lanes(at[5], block)
                let ell = lanes(at[6], block) * (two * (delta1 * delta1 + delta2 * delta2)).squareRoot()
                let (h11, h22) = (z1 * z1 - one, z2 * z2 - one)
                let diagonal = (s1 * s1 - one) * h11 + (s2 * s2 - one) * h22
                Rmm += ell * (diagonal + two * s1 * s2 * z1 * z2)
                N11 += ell * h11
                N12 += ell * z1 * z2
                N22 += ell * h22
            }
            let Ree = patterns.map { s in
                s[0] * s[0] * N11.sum() + 2 * s[0] * s[1] * N12.sum() + s[1] * s[1] * N22.sum()
            }
            return (Rmm.sum(), Ree)
        }
    }

    private struct Sums {
        var risk = 0.0
        var slope = 0.0
        var signal = 0.0
        var B1 = 0.0
        var B2 = 0.0
        var Vm = 0.0
        var D11 = 0.0
        var D12 = 0.0
        var D22 = 0.0
    }

    private func sums(m: Double, e: [Double]) -> Sums {
        let e1 = Lanes(repeating: e.count > 0 ? e[0] : 0)
        let e2 = Lanes(repeating: e.count > 1 ? e[1] : 0)
        // The radicand is held above 0: a coarse step may leave the unit disc.
        let r = max(1 - m * m, 1e-12).squareRoot()
        let ratio = Lanes(repeating: m / r)
        let (M, Rest, one, two) = (Lanes(repeating: m), Lanes(repeating: r), Lanes(repeating: 1), Lanes(repeating: 2))
        return withPointers(samples.coordinates + [Y1, Y2, samples.weights]) { at in
            var (risk, slope, B1, B2) = (Lanes(), Lanes(), Lanes(), Lanes())
            var (Vm, D11, D12, D22) = (Lanes(), Lanes(), Lanes(), Lanes())
            for block in 0..<(samples.count / 8) {
                let (s1, s2) = (lanes(at[0], block), lanes(at[1], block))
                let (g1, g2) = (lanes(at[2], block), lanes(at[3], block))
                let weight = lanes(at[6], block)
                let z1 = M * s1 + Rest * g1 + e1
                let z2 = M * s2 + Rest * g2 + e2
                let S1 = logistic(z1 * (z1 - z2))
                let S2 = logistic(z2 * (z2 - z1))
                let delta1 = S1 - lanes(at[4], block)
                let delta2 = S2 - lanes(at[5], block)
                let ell = (two * (delta1 * delta1 + delta2 * delta2)).squareRoot()
                let inverse = (one / ell).replacing(with: 0, where: ell .== 0)
                let q1 = two * delta1 * S1 * (one - S1) * inverse
                let q2 = two * delta2 * S2 * (one - S2) * inverse
                let D1 = q1 * (two * z1 - z2) - q2 * z2
                let D2 = q2 * (two * z2 - z1) - q1 * z1
                let pull = D1 * s1 + D2 * s2
                risk += weight * ell
                B1 += weight * D1
                B2 += weight * D2
                // dz/dm = z* - (m/sqrt(1-m^2)) g.
                slope += weight * (pull - ratio * (D1 * g1 + D2 * g2))
                Vm += weight * pull * pull
                D11 += weight * D1 * D1
                D12 += weight * D1 * D2
                D22 += weight * D2 * D2
            }
            return Sums(
                risk: risk.sum(), slope: slope.sum(), signal: D11.sum() + D22.sum(), B1: B1.sum(), B2: B2.sum(),
                Vm: Vm.sum(), D11: D11.sum(), D12: D12.sum(), D22: D22.sum())
        }
    }
}
