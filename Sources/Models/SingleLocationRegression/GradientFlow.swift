import Dynamics
import Modeling

/// Method `gradient-flow`: the limit of small steps of projected gradient descent, in t = step_size steps (32).
struct GradientFlow: Run {
    private let p: Parameters
    /// NaN when neither the schedule nor the job's times ask for it.
    private let stepsPerTime: Double
    private let integrator: AdaptiveODE
    private var t = 0.0

    init(_ p: Parameters, _ request: RunRequest) throws {
        self.p = p
        stepsPerTime = request.stepsPerTime ?? 1 / p.stepSize
        var random = request.random.substream(Streams.initial)
        // The fastest rate is about d; the integrator lengthens the step at once.
        integrator = try AdaptiveODE(
            state: p.initialFrame(&random).overlaps.array, firstStep: 1e-3 / Double(p.d),
            tolerance: .init(relative: 1e-9, absolute: 1e-15)
        ) { t, y, f in
            let q = Overlaps(y[0], y[1], y[2], y[3], y[4])
            let velocity = q.gradientFlow(try p.population.risk(at: q, lambda: p.lambda(at: t)).gradient)
            f[0] = velocity.kappa
            f[1] = velocity.nu
            f[2] = velocity.theta
            f[3] = velocity.eta
            f[4] = velocity.rho
        }
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let maxSteps = max(quantum / p.population.riskWeight, 1)
        let isThere = try translatingErrors { try integrator.advance(to: time, maxSteps: maxSteps) }
        if isThere { t = time }
        return isThere
    }

    private func translatingErrors<Result>(_ body: () throws -> Result) throws -> Result {
        do { return try body() } catch let error as ODEError {
            guard case .notFinite(let time) = error else { throw ModelError.notConverged(error.description) }
            let steps = time * stepsPerTime
            throw p.diverged(step: steps.isNaN ? 0 : Int(min(steps, 1e18)))
        }
    }

    private var overlaps: Overlaps {
        get throws { Overlaps(try translatingErrors { try integrator.state(at: t) }) }
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        sink.put(.t, t)
        sink.put(.steps, t * stepsPerTime)
        try overlaps.put(p.population, lambda: p.lambda(at: t), into: &sink)
    }

    mutating func finish(into sink: inout ObservationSink) throws { try overlaps.putOutcome(into: &sink) }

    mutating func exchange(with archive: inout StateArchive) throws {
        var integrator = integrator
        try archive.exchange(&integrator)
        try archive.exchange(&t)
    }
}

extension Overlaps {
    /// The velocity of gradient flow, d/dt of the overlaps with t = a steps and a -> 0 (32).
    package func gradientFlow(_ R: Overlaps) -> Overlaps {
        let K = kappa * R.kappa + eta * R.eta + rho * R.rho
        let V = theta * R.theta + nu * R.nu + rho * R.rho
        return Overlaps(
            -(R.kappa + theta * R.rho) + kappa * K, -(R.nu + eta * R.rho) + nu * V,
            -(R.theta + kappa * R.rho) + theta * V, -(R.eta + nu * R.rho) + eta * K,
            -(theta * R.kappa + nu * R.eta + R.rho) + rho * K - (kappa * R.theta + eta * R.nu + R.rho) + rho * V)
    }
}
