import Dynamics
import Modeling
import Numerics

/// Method `gradient-flow`: the limit of small steps of projected gradient descent, in t = step_size steps (sheet,
/// "Gradient flow"). The schedule is lambda_0/(1 + increment t/step_size).
struct GradientFlow: Run {
    private let parameters: SLRParameters
    private let unit: TimeUnit
    /// False when the job's step_size does not reach the flow, which then has no steps.
    private let knowsStepSize: Bool
    private let integrator: AdaptiveODE
    private var t = 0.0
    private var recorder = SLRRecorder()

    init(_ request: RunRequest, _ parameters: SLRParameters) throws {
        self.parameters = parameters
        unit = request.times.unit
        knowsStepSize = !request.standIns.contains("step_size")
        var random = request.random.substream(SLRStreams.initial)
        let start = parameters.initialFrame(&random).overlaps
        let (population, schedule, a) = (parameters.population, parameters.schedule, parameters.stepSize)
        // The fastest rate is about d (sheet, "Numerical traps"); the integrator lengthens the step at once.
        integrator = try AdaptiveODE(
            state: start.array, firstStep: 1e-3 / Double(parameters.d),
            tolerance: .init(relative: 1e-9, absolute: 1e-15)
        ) { t, y, f in
            let q = SLROverlaps(y[0], y[1], y[2], y[3], y[4])
            let lambda = schedule.increment == 0 ? schedule.lambda0 : schedule.lambda(atStep: t / a)
            let velocity = q.gradientFlow(try population.risk(at: q, lambda: lambda).gradient)
            f[0] = velocity.kappa
            f[1] = velocity.nu
            f[2] = velocity.theta
            f[3] = velocity.eta
            f[4] = velocity.rho
        }
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let goal = unit == .steps ? time * parameters.stepSize : time
        do {
            let isThere = try integrator.advance(to: goal, maxSteps: max(quantum / parameters.populationStepWeight, 1))
            if isThere { t = goal }
            return isThere
        } catch let error as ODEError {
            throw translate(error)
        }
    }

    private func translate(_ error: ODEError) -> ModelError {
        guard case .notFinite(let time) = error else { return .notConverged(error.description) }
        return SLRParameters.diverged(Int(min(time / parameters.stepSize, 1e18)))
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        let y: [Double]
        do { y = try integrator.state(at: t) } catch let error as ODEError { throw translate(error) }
        let q = SLROverlaps(y[0], y[1], y[2], y[3], y[4])
        let lambda =
            parameters.schedule.increment == 0
            ? parameters.schedule.lambda0 : parameters.schedule.lambda(atStep: t / parameters.stepSize)
        sink.put("t", t)
        if knowsStepSize { sink.put("steps", t / parameters.stepSize) }
        recorder.putOverlaps(q, lambda: lambda, into: &sink)
        try recorder.putRisk(parameters.population, q, lambda: lambda, into: &sink)
    }

    mutating func finish(into sink: inout ObservationSink) throws { recorder.finish(into: &sink) }

    mutating func exchange(with archive: inout StateArchive) throws {
        var integrator = integrator
        try archive.exchange(&integrator)
        try archive.exchange(&t)
        try archive.exchange(&recorder)
    }
}
