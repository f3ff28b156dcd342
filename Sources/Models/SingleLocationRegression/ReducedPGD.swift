import Modeling

extension Overlaps {
    /// One step of projected gradient descent in terms of overlaps alone, (30) and (31): exact in any dimension.
    ///
    /// The new k is a combination of (k*, v*, k, v) with coefficients a_k, of norm 1 in their Gram matrix G; likewise v.
    @inline(__always)
    package func afterGradientStep(_ gradient: Overlaps, stepSize a: Double) -> Overlaps {
        let R = gradient
        let alongK = kappa * R.kappa + eta * R.eta + rho * R.rho
        let alongV = theta * R.theta + nu * R.nu + rho * R.rho
        var ak = SIMD4(-a * R.kappa, -a * R.eta, 1 + a * alongK, -a * R.rho)
        var av = SIMD4(-a * R.theta, -a * R.nu, -a * R.rho, 1 + a * alongV)
        let Gk = gram(ak)
        let Gv = gram(av)
        let scaleK = 1 / (ak * Gk).sum().squareRoot()
        let scaleV = 1 / (av * Gv).sum().squareRoot()
        ak *= scaleK
        av *= scaleV
        return Overlaps(
            Gk[0] * scaleK, Gv[1] * scaleV, Gv[0] * scaleV, Gk[1] * scaleK, (ak * Gv).sum() * scaleV)
    }

    /// G x for the Gram matrix of (k*, v*, k, v).
    @inline(__always)
    private func gram(_ x: SIMD4<Double>) -> SIMD4<Double> {
        SIMD4(
            x[0] + kappa * x[2] + theta * x[3], x[1] + eta * x[2] + nu * x[3],
            kappa * x[0] + eta * x[1] + x[2] + rho * x[3], theta * x[0] + nu * x[1] + rho * x[2] + x[3])
    }
}

/// Method `reduced-pgd`: the recursion of the five overlaps.
struct OverlapDescent: Descent {
    private let p: Parameters
    private(set) var overlaps: Overlaps

    init(_ p: Parameters, _ random: RandomStream) {
        self.p = p
        var start = random.substream(Streams.initial)
        overlaps = p.initialFrame(&start).overlaps
    }

    var stepWeight: Int { p.population.riskWeight }

    mutating func take(_ steps: Range<Int>) throws -> Int {
        // Out of self, so that a step neither counts references nor checks accesses (a seventh of it).
        let (population, stepSize) = (p.population, p.stepSize)
        var current = overlaps
        defer { overlaps = current }
        return try p.take(steps) { lambda in
            let gradient = try population.risk(at: current, lambda: lambda).gradient
            current = current.afterGradientStep(gradient, stepSize: stepSize)
            return current.isFinite
        }
    }

    mutating func exchange(with archive: inout StateArchive) throws { try archive.exchange(&overlaps) }
}
