import Dynamics
import Foundation
import Modeling
import Numerics

/// Method `ode`: the overlaps in the limit d -> infinity at fixed gamma and L (sheet, section 4.1), in t = steps/d.
///
/// Smooth right-hand sides (all networks; attention with a squared loss) go through CVODE; the sampled Frobenius norm has
/// small kinks and goes through fixed Runge-Kutta steps. One value owns one integration: copies share it.
struct ODERun: Run {
    private enum Theory: Sendable {
        case network(NetworkTheory)
        case attention(AttentionTheory)
    }

    private enum Integrator: Sendable {
        case adaptive(AdaptiveODE)
        case fixed(RungeKutta4)
    }

    private let parameters: SSIParameters
    private let unit: TimeUnit
    /// False when the job's d does not reach the theory, which then has no steps.
    private let knowsD: Bool
    private let theory: Theory
    private var integrator: Integrator
    /// How many elementary steps (of about a microsecond) one integration step stands for.
    private let stepWeight: Int
    private var t = 0.0
    private var weakRecoveryTime = Double.infinity

    init(_ parameters: SSIParameters, _ request: RunRequest) throws {
        self.parameters = parameters
        unit = request.times.unit
        knowsD = !request.standIns.contains("d")
        let points = try request.point.integer("quadrature_points")
        let gamma = parameters.gamma
        // Short against every time scale, 1/gamma and 1/gamma^2; the integrator lengthens it at once.
        let firstStep = 1e-3 / (gamma * (1 + gamma))
        if parameters.student == .attention {
            let attention = try AttentionTheory(parameters, points: points)
            theory = .attention(attention)
            let start = attention.start()
            let rightHandSide: ODERightHandSide = { _, y, f in
                let drift = attention.drift((0..<y.count).map { y[$0] })
                for (i, value) in drift.enumerated() { f[i] = value }
            }
            if AttentionTheory.isRough(parameters) {
                // gamma dt = 1/4: the risk's second derivatives are below 1, so the error of a step is about 1e-6, far
                // below that of sampling.
                let step = min(0.25 / gamma, 0.25 / (gamma * gamma))
                integrator = .fixed(try RungeKutta4(state: start, step: step, rightHandSide))
            } else {
                let tolerance = AdaptiveODE.Tolerance(relative: 1e-7, absolute: 1e-11)
                integrator = .adaptive(
                    try AdaptiveODE(state: start, firstStep: firstStep, tolerance: tolerance, rightHandSide))
            }
            stepWeight = 1000
        } else {
            let network = NetworkTheory(parameters)
            theory = .network(network)
            let start = network.start()
            integrator = .adaptive(
                try AdaptiveODE(state: start, firstStep: firstStep) { _, y, f in
                    let drift = network.drift((0..<y.count).map { y[$0] })
                    for (i, value) in drift.enumerated() { f[i] = value }
                })
            stepWeight = 10
        }
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let goal = unit == .steps ? time / Double(parameters.d) : time
        let maxSteps = max(quantum / stepWeight, 1)
        do {
            let arrived: Bool
            switch integrator {
            case .adaptive(let ode): arrived = try ode.advance(to: goal, maxSteps: maxSteps)
            case .fixed(var ode):
                // Taken out and put back, so that the stages are not copied.
                integrator = .fixed(ode)
                arrived = try ode.advance(to: goal, maxSteps: maxSteps)
                integrator = .fixed(ode)
            }
            if arrived { t = goal }
            return arrived
        } catch let error as ODEError {
            throw Self.translate(error, d: parameters.d)
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
            throw Self.translate(error, d: parameters.d)
        }
        let L = parameters.L
        if knowsD { sink.put("steps", t * Double(parameters.d)) }
        sink.put("t", t)
        let overlap: Double
        if sink.wants("overlap_noise") || sink.wants("positional_noise") { putNoise(into: &sink) }
        switch theory {
        case .network(let network):
            let rows = parameters.student == .tied ? Array(repeating: state[0], count: L) : state
            let norm = state.reduce(0) { $0 + $1 * $1 }.squareRoot()
            overlap = parameters.student == .tied ? state[0] : norm / Double(L).squareRoot()
            try sink.put("overlap_vec", rows)
            if parameters.student == .untied { sink.put("normalized_component", state[0] / norm) }
            if sink.wants("risk_half") || sink.wants("risk") {
                let error = network.meanSquaredError(state)
                sink.put("risk_half", 0.5 * error)
                sink.put("risk", parameters.loss.c * error)
            }
        case .attention(let attention):
            overlap = state[0]
            let e = attention.positionalOverlaps(state.dropFirst())
            try sink.put("overlap_vec", Array(repeating: state[0], count: L))
            sink.put("positional_overlap", e[0])
            try sink.put("positional_overlap_vec", e)
            if sink.wants("risk_half") { sink.put("risk_half", attention.halfRisk(state)) }
            if sink.wants("risk") { sink.put("risk", attention.means(state).risk) }
        }
        sink.put("overlap", overlap)
        if overlap > parameters.eta { weakRecoveryTime = min(weakRecoveryTime, t) }
    }

    private func putNoise(into sink: inout ObservationSink) {
        let origin: OriginTheory
        switch theory {
        case .network(let network): origin = OriginTheory(network)
        case .attention(let attention): origin = OriginTheory(attention)
        }
        sink.put("overlap_noise", origin.standardDeviation(V: origin.Vm, lambda: origin.lambdaM, t: t, d: 1))
        if let V = origin.Ve.first, let lambda = origin.lambdaE.first {
            sink.put("positional_noise", origin.standardDeviation(V: V, lambda: lambda, t: t, d: 1))
        }
    }

    func finish(into sink: inout ObservationSink) throws { sink.put("weak_recovery_time", weakRecoveryTime) }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&t)
        try archive.exchange(&weakRecoveryTime)
        switch integrator {
        case .adaptive(var ode): try archive.exchange(&ode)
        case .fixed(var ode):
            try archive.exchange(&ode)
            integrator = .fixed(ode)
        }
    }

    private static func translate(_ error: ODEError, d: Int) -> ModelError {
        switch error {
        case .notFinite(let time): return .diverged(step: Int(min(time * Double(d), 1e18)), error.description)
        default: return .notConverged(error.description)
        }
    }
}
