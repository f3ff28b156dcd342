import Dynamics
import Modeling
import Numerics

/// The theory methods without time.
struct BSRTheoryRun: Run {
    private let method: String
    private let p: BSRParameters

    init(_ request: RunRequest, _ parameters: BSRParameters) {
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
                let E = try BSRBayes(p).solve().E
                // Any two samples, or a sample and the target, are two draws from the posterior.
                sink.put("E", (1 + 1 / Double(p.runs)) * E)
                sink.put("E_single", 2 * E)
                sink.put("spread", (1 - 1 / Double(p.runs)) * E)
            case "ridge-theory":
                let ridge = BSRRidgeTheory(alpha: p.alpha, ridge: p.ridge, noise: p.noise)
                sink.put("E", ridge.error)
                sink.put("train_error", ridge.trainError)
            case "thresholds": try thresholds(into: &sink)
            default: try limits(into: &sink)
            }
        } catch let error as SpectralError { throw ModelError.notConverged("\(error)") }
    }

    private func bayes(into sink: inout ObservationSink) throws {
        let theory = BSRBayes(p)
        let (E, t) = try theory.solve()
        sink.put("E", E)
        sink.put("q_star", 1 - E)
        sink.put("t_star", t)
        sink.put("alpha_realised", p.alpha)
        sink.put("alpha_strong", p.prior.initialSlope)
        sink.put("E_ridge", BSRRidgeTheory(alpha: p.alpha, ridge: p.noise, noise: p.noise).error)
        guard sink.wants("free_entropy") else { return }
        let error = p.overlap.map { 1 - $0 } ?? E
        // Without noise phi grows beyond all bounds as the target is found.
        sink.put(
            "free_entropy",
            p.noise + error > 0 ? try theory.freeEntropy(hat: p.alpha / (p.noise + error)) : .infinity)
    }

    private func thresholds(into sink: inout ObservationSink) throws {
        let strong = p.prior.initialSlope
        sink.put("alpha_strong", strong)
        sink.put("alphabar_strong", strong * p.beta / (p.rho * (1 + p.beta)))
        sink.put("alphabar_weak", BSRLimits.weakRecovery(beta: p.beta, noise: p.noise))
        sink.put("alpha_mnne", try BSRLimits.nuclearNorm(rho: p.rho, beta: p.beta))
    }

    private func limits(into sink: inout ObservationSink) throws {
        sink.put("E_low_rank", try BSRLimits.lowRank(alphaBar: p.alphaBar, beta: p.beta, noise: p.noise))
        sink.put("E_long", try BSRLimits.longSequences(alpha: p.alpha, rho: p.rho, noise: p.noise))
        sink.put("E_high_rank", BSRRidgeTheory(alpha: p.alpha, ridge: p.noise, noise: p.noise).error)
        sink.put("E_few_samples", 1 - p.alpha / (1 + p.noise))
    }
}

/// Method `state-evolution`: E_0 = 1, E_{k+1} = mmse((Delta + E_k)/alpha).
struct BSRStateEvolutionRun: Run {
    private let p: BSRParameters
    private let theory: BSRBayes
    private let unit: TimeUnit
    private var iteration: FixedPoint
    /// The noise that made the present E.
    private var t = Double.nan
    /// The first iteration at which E no longer changed, when there was one.
    private var settled = 0

    init(_ request: RunRequest, _ parameters: BSRParameters) throws {
        p = parameters
        theory = BSRBayes(parameters)
        unit = try StepClock.iterations(request)
        iteration = FixedPoint(from: [1], rule: FixedPointRule(tolerance: 0, maximumIterations: .max))
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = try nearestStep(time, unit: unit, d: 1)
        // One mmse takes some 100 microseconds.
        for _ in 0..<min(max(quantum / 100, 1), target - iteration.iterations) {
            t = (p.noise + iteration.value[0]) / p.alpha
            do {
                try iteration.step { [try theory.next($0[0])] }
            } catch let error as SpectralError { throw ModelError.notConverged("\(error)") }
            if settled == 0, iteration.residual < 1e-12 * iteration.value[0] { settled = iteration.iterations }
        }
        return iteration.iterations >= target
    }

    mutating func observe(into sink: inout ObservationSink) {
        sink.put("E", iteration.value[0])
        sink.put("V", iteration.value[0])
        sink.put("A", 1 / t)
    }

    mutating func finish(into sink: inout ObservationSink) {
        sink.put("iterations", Double(settled > 0 ? settled : iteration.iterations))
        sink.put("residual", iteration.residual)
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&iteration)
        try archive.exchange(&t)
        try archive.exchange(&settled, in: 0...maximumStep)
    }
}
