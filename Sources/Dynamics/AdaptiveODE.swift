import CSundials
import Synchronization

/// An initial value problem dy/dt = f(t, y), integrated with SUNDIALS CVODE: variable-order, variable-step Adams
/// methods and a fixed-point corrector, for smooth and non-stiff right-hand sides.
///
/// The step sequence is the integrator's own: it depends on f, the start, the tolerances and the first step, and on
/// nothing else. Output between steps is the method's interpolating polynomial, so a solution is the same whatever
/// times are asked for and however often one stops in between. Each object owns its CVODE memory; there is no global
/// state.
public final class AdaptiveODE: Sendable {
    /// The version of SUNDIALS, for provenance.
    public static var linkedVersion: String {
        var text = [CChar](repeating: 0, count: 32)
        guard SUNDIALSGetVersion(&text, Int32(text.count)) == 0 else { return "unknown" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The tolerances on the local error of one step: |error_i| <= relative |y_i| + absolute, in the root mean square.
    public struct Tolerance: Sendable, Hashable {
        public var relative: Double
        public var absolute: Double

        public init(relative: Double = 1e-8, absolute: Double = 1e-12) {
            self.relative = relative
            self.absolute = absolute
        }
    }

    /// The number of components.
    public let dimension: Int
    private let memory: Mutex<CVODEMemory>

    /// Prepares an integration forward in time from `state` at `time`.
    ///
    /// - Parameter firstStep: the first trial step. It is fixed here because CVODE's own guess looks at the first
    ///   output time, which must not influence the solution. Too large a value costs a few rejected steps.
    /// - Throws: ``ODEError/argument(_:)`` for an empty state, a tolerance or first step that is not positive.
    public init(
        state: [Double], time: Double = 0, firstStep: Double = 1e-4, tolerance: Tolerance = Tolerance(),
        _ rightHandSide: @escaping ODERightHandSide
    ) throws {
        guard !state.isEmpty else { throw ODEError.argument("the state has no components") }
        guard firstStep > 0, firstStep.isFinite, time.isFinite else {
            throw ODEError.argument("the first step must be positive, and it and the start time finite")
        }
        guard tolerance.relative > 0, tolerance.absolute >= 0 else {
            throw ODEError.argument("the relative tolerance must be positive and the absolute one not negative")
        }
        guard state.allSatisfy(\.isFinite) else { throw ODEError.notFinite(time: time) }
        dimension = state.count
        memory = Mutex(
            try CVODEMemory(
                state: state, time: time, firstStep: firstStep, tolerance: tolerance, rightHandSide: rightHandSide))
    }

    /// Integrates until `time` can be interpolated, by at most `maxSteps` internal steps; true when it can.
    /// A time that is already behind the integrator costs nothing.
    ///
    /// - Throws: what the right-hand side throws, or ``ODEError``.
    public func advance(to time: Double, maxSteps: Int = .max) throws -> Bool {
        try memory.withLock { try $0.advance(to: time, maxSteps: maxSteps) }
    }

    /// The solution at `time`, which must lie in the last internal step: between the step's two ends, where
    /// ``advance(to:maxSteps:)`` has led.
    public func state(at time: Double) throws -> [Double] {
        try memory.withLock { try $0.state(at: time) }
    }

    /// The solution at `time`: advances and interpolates.
    public func integrate(to time: Double) throws -> [Double] {
        _ = try advance(to: time)
        return try state(at: time)
    }

    /// Internal steps taken so far.
    public var stepCount: Int { memory.withLock { $0.stepCount } }
}

/// What the C callback finds behind its user pointer.
private final class Callback {
    let rightHandSide: ODERightHandSide
    var failure: (any Error)?

    init(_ rightHandSide: @escaping ODERightHandSide) { self.rightHandSide = rightHandSide }
}

/// The handles of one CVODE integration, freed with it.
private struct CVODEMemory: ~Copyable {
    private var context: SUNContext?
    private var memory: UnsafeMutableRawPointer?
    private var solver: SUNNonlinearSolver?
    private var solution: N_Vector?
    private var interpolated: N_Vector?
    private let callback: Callback
    private let dimension: Int
    private let firstStep: Double
    private let start: Double
    private var reached: Double
    private(set) var stepCount = 0

    init(
        state: [Double], time: Double, firstStep: Double, tolerance: AdaptiveODE.Tolerance,
        rightHandSide: @escaping ODERightHandSide
    ) throws {
        callback = Callback(rightHandSide)
        dimension = state.count
        start = time
        reached = time
        self.firstStep = firstStep
        guard SUNContext_Create(nil, &context) == 0 else {
            throw ODEError.failed(time: time, "SUNDIALS has no context")
        }
        solution = N_VNew_Serial(sunindextype(state.count), context)
        interpolated = N_VNew_Serial(sunindextype(state.count), context)
        guard let solution, interpolated != nil, let data = N_VGetArrayPointer(solution) else {
            throw ODEError.failed(time: time, "no memory for the state")
        }
        for i in state.indices { data[i] = state[i] }
        memory = CVodeCreate(csundials_adams(), context)
        solver = SUNNonlinSol_FixedPoint(solution, 0, context)
        guard let memory, solver != nil else { throw ODEError.failed(time: time, "no memory for CVODE") }
        let user = Unmanaged.passUnretained(callback).toOpaque()
        var codes = [csundials_silence(memory), CVodeInit(memory, evaluate, time, solution)]
        codes.append(CVodeSStolerances(memory, tolerance.relative, tolerance.absolute))
        codes.append(CVodeSetUserData(memory, user))
        codes.append(CVodeSetNonlinearSolver(memory, solver))
        codes.append(CVodeSetInitStep(memory, firstStep))
        if let code = codes.first(where: { $0 != 0 }) {
            throw ODEError.failed(time: time, "CVODE refused its set-up (code \(code))")
        }
    }

    deinit {
        var memory = self.memory
        var context = self.context
        if memory != nil { CVodeFree(&memory) }
        if let solver { _ = SUNNonlinSolFree(solver) }
        if let solution { N_VDestroy(solution) }
        if let interpolated { N_VDestroy(interpolated) }
        if context != nil { SUNContext_Free(&context) }
    }

    mutating func advance(to time: Double, maxSteps: Int) throws -> Bool {
        guard !time.isNaN else { throw ODEError.argument("the time is not a number") }
        var steps = 0
        while reached < time {
            guard steps < maxSteps else { return false }
            let before = reached
            // In one-step mode the target time only tells the direction; the same value is passed at every call.
            let code = CVode(memory, start + 2 * firstStep, solution, &reached, csundials_one_step())
            if let failure = callback.failure {
                callback.failure = nil
                throw failure
            }
            guard code >= 0 else { throw ODEError.failed(time: reached, Self.meaning(of: code)) }
            // Near a pole CVODE only warns when t + h rounds to t, and would go on for ever.
            guard reached > before else {
                throw ODEError.failed(time: reached, "the step is below the rounding error of t (a singularity?)")
            }
            steps += 1
            stepCount += 1
        }
        return true
    }

    mutating func state(at time: Double) throws -> [Double] {
        guard let solution, let interpolated else { throw ODEError.failed(time: time, "no state") }
        guard time <= reached else { throw ODEError.argument("t = \(time) is beyond the time reached, \(reached)") }
        var source = solution
        if stepCount > 0 {
            let code = CVodeGetDky(memory, time, 0, interpolated)
            guard code == 0 else { throw ODEError.argument("t = \(time) lies before the last step") }
            source = interpolated
        } else if time < reached {
            throw ODEError.argument("t = \(time) lies before the start")
        }
        guard let data = N_VGetArrayPointer(source) else { throw ODEError.failed(time: time, "no state") }
        let result = (0..<dimension).map { data[$0] }
        guard result.allSatisfy(\.isFinite) else { throw ODEError.notFinite(time: time) }
        return result
    }

    private static func meaning(of code: Int32) -> String {
        switch code {
        case CV_TOO_MUCH_ACC: return "the tolerance is below rounding error"
        case CV_ERR_FAILURE: return "the error test failed with the smallest step (a singular right-hand side?)"
        case CV_CONV_FAILURE: return "the corrector does not converge (a stiff right-hand side?)"
        default: return "CVODE answered code \(code)"
        }
    }
}

/// CVODE's right-hand side callback: 0 for success, -1 for an error that ends the integration.
private func evaluate(
    _ time: Double, _ state: N_Vector?, _ derivative: N_Vector?, _ user: UnsafeMutableRawPointer?
) -> Int32 {
    guard let user, let state, let derivative, let y = N_VGetArrayPointer(state),
        let f = N_VGetArrayPointer(derivative)
    else { return -1 }
    let callback = Unmanaged<Callback>.fromOpaque(user).takeUnretainedValue()
    let count = Int(N_VGetLength(state))
    var output = UnsafeMutableBufferPointer(start: f, count: count).mutableSpan
    do {
        try callback.rightHandSide(time, UnsafeBufferPointer(start: y, count: count).span, &output)
        return 0
    } catch {
        callback.failure = error
        return -1
    }
}
