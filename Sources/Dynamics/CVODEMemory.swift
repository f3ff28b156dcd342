import CSundials

/// What the C callback finds behind its user pointer.
private final class Callback {
    let rightHandSide: ODERightHandSide
    var failure: (any Error)?

    init(_ rightHandSide: @escaping ODERightHandSide) { self.rightHandSide = rightHandSide }
}

/// The handles of one CVODE integration, freed with it.
struct CVODEMemory: ~Copyable {
    private var context: SUNContext?
    private var memory: UnsafeMutableRawPointer?
    private var solver: SUNNonlinearSolver?
    private var solution: N_Vector?
    private var interpolated: N_Vector?
    private let callback: Callback
    private let dimension: Int
    private let firstStep: Double
    private let start: Double
    /// The end of the last step.
    private(set) var reached: Double
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

    mutating func step() throws {
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
        stepCount += 1
    }

    /// The point to start afresh from after the last step. The first step there is of order one again; it is chosen
    /// far below the last one, since CVODE gives up after seven rejections in a row but lengthens a step by up to 10^4.
    func end() throws -> ODEOrigin {
        var last = 0.0
        guard let solution, let data = N_VGetArrayPointer(solution), CVodeGetLastStep(memory, &last) == 0 else {
            throw ODEError.failed(time: reached, "no state")
        }
        let origin = ODEOrigin(
            time: reached, state: (0..<dimension).map { data[$0] },
            firstStep: min(last, max(1e-4 * last, 16 * reached.ulp)))
        guard origin.isValid else { throw ODEError.notFinite(time: reached) }
        return origin
    }

    func state(at time: Double) throws -> [Double] {
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
