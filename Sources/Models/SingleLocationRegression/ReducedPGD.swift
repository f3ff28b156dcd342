import Modeling
import Numerics

extension SLROverlaps {
    /// One step of projected gradient descent in terms of overlaps alone (sheet, "Theory 1"): exact in any dimension.
    ///
    /// The new k is a combination of (k*, v*, k, v) with coefficients a_k, of norm 1 in their Gram matrix G; likewise v.
    package func afterGradientStep(_ gradient: SLROverlaps, stepSize a: Double) -> SLROverlaps {
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
        return SLROverlaps(
            Gk[0] * scaleK, Gv[1] * scaleV, Gv[0] * scaleV, Gk[1] * scaleK, (ak * Gv).sum() * scaleV)
    }

    /// G x for the Gram matrix of (k*, v*, k, v).
    private func gram(_ x: SIMD4<Double>) -> SIMD4<Double> {
        SIMD4(
            x[0] + kappa * x[2] + theta * x[3], x[1] + eta * x[2] + nu * x[3],
            kappa * x[0] + eta * x[1] + x[2] + rho * x[3], theta * x[0] + nu * x[1] + rho * x[2] + x[3])
    }

    /// The velocity of gradient flow, d/dtau of the overlaps with tau = a steps and a -> 0 (sheet, "Gradient flow").
    package func gradientFlow(_ R: SLROverlaps) -> SLROverlaps {
        let K = kappa * R.kappa + eta * R.eta + rho * R.rho
        let V = theta * R.theta + nu * R.nu + rho * R.rho
        return SLROverlaps(
            -(R.kappa + theta * R.rho) + kappa * K, -(R.nu + eta * R.rho) + nu * V,
            -(R.theta + kappa * R.rho) + theta * V, -(R.eta + nu * R.rho) + eta * K,
            -(theta * R.kappa + nu * R.eta + R.rho) + rho * K - (kappa * R.theta + eta * R.nu + R.rho) + rho * V)
    }
}

/// Method `reduced-pgd`: the recursion of the five overlaps.
struct ReducedPGD: Run {
    private let parameters: SLRParameters
    private let clock: SLRClock
    private var step = 0
    private var q: SLROverlaps
    private var recorder = SLRRecorder()

    init(_ request: RunRequest, _ parameters: SLRParameters) {
        self.parameters = parameters
        clock = SLRClock(request.times.unit, parameters)
        var random = request.random.substream(SLRStreams.initial)
        q = parameters.initialFrame(&random).overlaps
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = try clock.step(at: time)
        // An elementary step is far cheaper than that of a simulation for erf, and dearer for softmax.
        let count = min(max(quantum / parameters.populationStepWeight, 1), target - step)
        guard count > 0 else { return true }
        for _ in 0..<count {
            let lambda = parameters.schedule.lambda(atStep: Double(step))
            let gradient = try parameters.population.risk(at: q, lambda: lambda).gradient
            q = q.afterGradientStep(gradient, stepSize: parameters.stepSize)
            step += 1
            guard q.isFinite else { throw SLRParameters.diverged(step) }
        }
        return step == target
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        let lambda = parameters.schedule.lambda(after: step)
        try recorder.observe(parameters, steps: Double(step), q, lambda: lambda, into: &sink)
    }

    mutating func finish(into sink: inout ObservationSink) throws { recorder.finish(into: &sink) }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...maximumStep)
        try archive.exchange(&q)
        try archive.exchange(&recorder)
    }
}

extension SLROverlaps: Resumable {
    package mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&kappa)
        try archive.exchange(&nu)
        try archive.exchange(&theta)
        try archive.exchange(&eta)
        try archive.exchange(&rho)
    }
}
