import Dynamics
import Modeling
import Numerics

/// The theory methods without time.
struct EWQTheoryRun: Run {
    private let method: String
    private let p: EWQParameters

    init(_ request: RunRequest, _ parameters: EWQParameters) {
        method = request.method
        p = parameters
    }

    mutating func advance(toward time: Double, quantum: Int) -> Bool { true }
    mutating func observe(into sink: inout ObservationSink) {}
    mutating func exchange(with archive: inout StateArchive) throws {}

    mutating func finish(into sink: inout ObservationSink) throws {
        do {
            switch method {
            case "bayes": try bayes(into: &sink)
            case "sampling":
                let R = p.kappa * (try EWQBayes(p).solve().E)
                // Any two samples, or a sample and the target, are two draws from the posterior.
                sink.put("R", (1 + 1 / Double(p.runs)) * R)
                sink.put("R_single", 2 * R)
                sink.put("spread", (1 - 1 / Double(p.runs)) * R)
            case "thresholds":
                let recovery = EWQBayes.perfectRecovery(p.prior)
                sink.put("alpha_PR", recovery)
                sink.put("alphabar_PR", recovery / p.kappa)
                sink.put("alphabar_weak", EWQLimits.weakRecovery(noise: p.noise))
            default:
                sink.put("R_wide", EWQLimits.wide(alpha: p.alpha, noise: p.noise))
                sink.put("R_narrow", EWQLimits.narrow(alphaBar: p.alphaBar, noise: p.noise))
                sink.put("R_few_samples", EWQLimits.fewSamples(alpha: p.alpha, noise: p.noise))
            }
        } catch let error as SpectralError { throw ModelError.notConverged("\(error)") }
    }

    private func bayes(into sink: inout ObservationSink) throws {
        let (E, t) = try EWQBayes(p).solve()
        sink.put("R", p.kappa * E)
        sink.put("q_star", 1 - p.kappa * E)
        sink.put("t_star", t)
        sink.put("qhat", 1 / t)
        sink.put("alpha_realised", p.alpha)
        sink.put("kappa_realised", p.kappa)
        sink.put("alpha_PR", EWQBayes.perfectRecovery(p.prior))
    }
}

/// Method `state-evolution`: E_0 = 1/kappa, E_{k+1} = E(t_k), t_k = (Delta + 2 E_k)/(4 alpha).
struct EWQStateEvolutionRun: Run {
    private let p: EWQParameters
    private let theory: EWQBayes
    private let unit: TimeUnit
    /// In E.
    private var iteration: FixedPoint
    /// The noise that made the present E.
    private var t = Double.nan
    /// The first iteration at which E no longer changed, when there was one.
    private var settled = 0

    init(_ request: RunRequest, _ parameters: EWQParameters) throws {
        p = parameters
        theory = EWQBayes(parameters)
        unit = try StepClock.iterations(request)
        iteration = FixedPoint(
            from: [1 / parameters.kappa], rule: FixedPointRule(tolerance: 0, maximumIterations: .max))
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = try nearestStep(time, unit: unit, d: 1)
        // One E(t) takes some 100 microseconds.
        for _ in 0..<min(max(quantum / 100, 1), target - iteration.iterations) {
            t = theory.noise(at: iteration.value[0])
            do {
                try iteration.step { [try theory.next($0[0])] }
            } catch let error as SpectralError { throw ModelError.notConverged("\(error)") }
            if settled == 0, iteration.residual < 1e-12 * iteration.value[0] { settled = iteration.iterations }
        }
        return iteration.iterations >= target
    }

    mutating func observe(into sink: inout ObservationSink) {
        let R = p.kappa * iteration.value[0]
        sink.put("R", R)
        sink.put("V", R)
        sink.put("A", 1 / (2 * t))
    }

    mutating func finish(into sink: inout ObservationSink) {
        sink.put("iterations", Double(settled > 0 ? settled : iteration.iterations))
        sink.put("residual", p.kappa * iteration.residual)
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&iteration)
        try archive.exchange(&t)
        try archive.exchange(&settled, in: 0...maximumStep)
    }
}
