import Dynamics
import Modeling

/// Method `ode`: the overlaps in the limit d -> infinity at fixed gamma and L, (23) to (27), in t = steps/d.
///
/// Smooth right-hand sides (all networks; attention with a squared loss) go through CVODE; the sampled Frobenius norm has
/// small kinks and goes through fixed Runge-Kutta steps. One value owns one integration: copies share it.
struct ODE: Run {
    private enum Integrator: Sendable {
        case adaptive(AdaptiveODE)
        case fixed(RungeKutta4)
    }

    private let parameters: Parameters
    /// d where the job's times are in steps; else the theory knows none.
    private let stepsPerTime: Double?
    private let theory: any OverlapTheory
    /// Where its noise is recorded.
    private let origin: OriginTheory?
    private var integrator: Integrator
    /// How many elementary steps (of about a microsecond) one integration step stands for.
    private let stepWeight: Int
    private var t = 0.0
    private var recorder: OverlapRecorder

    init(_ parameters: Parameters, _ request: RunRequest) throws {
        self.parameters = parameters
        stepsPerTime = request.stepsPerTime
        recorder = OverlapRecorder(parameters)
        let isAttention = parameters.student == .attention
        let theory: any OverlapTheory = isAttention ? AttentionTheory(parameters) : NetworkTheory(parameters)
        self.theory = theory
        origin = request.wants(.overlapNoise) || request.wants(.positionalNoise) ? theory.origin : nil
        stepWeight = isAttention ? 1000 : 10
        let rightHandSide: ODERightHandSide = { _, y, f in
            let drift = theory.drift((0..<y.count).map { y[$0] })
            for (i, value) in drift.enumerated() { f[i] = value }
        }
        let gamma = parameters.gamma
        if parameters.loss == .frobenius {
            // gamma dt = 1/4: the risk's second derivatives are below 1, so the error of a step is about 1e-6, far
            // below that of sampling.
            let step = min(0.25 / gamma, 0.25 / (gamma * gamma))
            integrator = .fixed(try RungeKutta4(state: theory.start(), step: step, rightHandSide))
        } else {
            // Short against every time scale, 1/gamma and 1/gamma^2; the integrator lengthens it at once.
            let firstStep = 1e-3 / (gamma * (1 + gamma))
            let tolerance: AdaptiveODE.Tolerance = isAttention ? .init(relative: 1e-7, absolute: 1e-11) : .init()
            integrator = .adaptive(
                try AdaptiveODE(
                    state: theory.start(), firstStep: firstStep, tolerance: tolerance, rightHandSide))
        }
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let maxSteps = max(quantum / stepWeight, 1)
        do {
            let arrived: Bool
            switch integrator {
            case .adaptive(let ode): arrived = try ode.advance(to: time, maxSteps: maxSteps)
            case .fixed(var ode):
                // Taken out and put back, so that the stages are not copied.
                integrator = .fixed(ode)
                arrived = try ode.advance(to: time, maxSteps: maxSteps)
                integrator = .fixed(ode)
            }
            if arrived { t = time }
            return arrived
        } catch let error as ODEError {
            throw translated(error)
        }
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        let state: [Double]
        do {
            switch integrator {
            case .adaptive(let ode): state = try ode.state(at: t)
            case .fixed(let ode): state = try ode.state(at: t)
            }
        } catch let error as ODEError {
            throw translated(error)
        }
        try recorder.observe(
            t: t, steps: stepsPerTime.map { t * $0 }, m: Array(state[..<parameters.rows]),
            eps: Array(state[parameters.rows...]), into: &sink)
        if sink.wants(.halfRisk) { sink.put(.halfRisk, theory.halfRisk(state)) }
        if sink.wants(.risk) { sink.put(.risk, theory.risk(state)) }
        guard let origin else { return }
        sink.put(.overlapNoise, origin.standardDeviation(V: origin.Vm, lambda: origin.lambdaM, t: t, d: 1))
        if let V = origin.Ve.first, let lambda = origin.lambdaE.first {
            sink.put(.positionalNoise, origin.standardDeviation(V: V, lambda: lambda, t: t, d: 1))
        }
    }

    func finish(into sink: inout ObservationSink) throws { sink.put(.weakRecoveryTime, recorder.weakRecoveryTime) }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&t)
        try archive.exchange(&recorder)
        switch integrator {
        case .adaptive(var ode): try archive.exchange(&ode)
        case .fixed(var ode):
            try archive.exchange(&ode)
            integrator = .fixed(ode)
        }
    }

    private func translated(_ error: ODEError) -> ModelError {
        switch error {
        case .notFinite(let time):
            .diverged(step: Int(min(time * (stepsPerTime ?? 1), 1e18)), error.description)
        default: .notConverged(error.description)
        }
    }
}
