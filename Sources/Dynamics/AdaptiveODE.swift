import CSundials
import Numerics
import Persistence
import Synchronization

/// An initial value problem dy/dt = f(t, y), integrated with SUNDIALS CVODE: variable-order, variable-step Adams
/// methods and a fixed-point corrector, for smooth and non-stiff right-hand sides.
///
/// The step sequence is the integrator's own: it depends on f, the start, the tolerances and the first step, and on
/// nothing else. Output between steps is the method's interpolating polynomial, so a solution is the same whatever
/// times are asked for and however often one stops in between. Each object owns its CVODE memory; there is no global
/// state.
///
/// CVODE keeps a history of past steps that cannot be taken out of it. Therefore the integrator starts afresh from its
/// present point after every ``restartInterval`` steps, in all cases, and what is saved is the last such point and the
/// number of steps since: a restored integrator repeats these, as part of its next ``advance(to:maxSteps:)``, and is
/// then bit for bit where it was.
public final class AdaptiveODE: Sendable, Resumable {
    /// Internal steps between two fresh starts. With 3000 there are 0.5 % more right-hand sides than without any (mean
    /// over smooth, oscillating and driven systems at tolerances of 1e-7 to 1e-10), and errors are the same; with 1000
    /// it is up to 7 %.
    package static let restartInterval = 3000

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
    private let integration: Mutex<Integration>

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
        integration = Mutex(
            try Integration(
                from: ODEOrigin(time: time, state: state, firstStep: firstStep), tolerance: tolerance,
                rightHandSide: rightHandSide))
    }

    /// Integrates until `time` can be interpolated, by at most `maxSteps` internal steps; true when it can.
    /// A time that is already behind the integrator costs nothing.
    ///
    /// - Throws: what the right-hand side throws, or ``ODEError``.
    public func advance(to time: Double, maxSteps: Int = .max) throws -> Bool {
        try integration.withLock { try $0.advance(to: time, maxSteps: maxSteps) }
    }

    /// The solution at `time`, which must lie in the last internal step: between the step's two ends, where
    /// ``advance(to:maxSteps:)`` has led.
    public func state(at time: Double) throws -> [Double] {
        try integration.withLock { try $0.state(at: time) }
    }

    /// The solution at `time`: advances and interpolates.
    public func integrate(to time: Double) throws -> [Double] {
        _ = try advance(to: time)
        return try state(at: time)
    }

    /// Internal steps taken so far.
    public var stepCount: Int { integration.withLock { $0.stepCount } }

    public func exchange(with archive: inout StateArchive) throws {
        var (origin, steps, earlier) = integration.withLock { ($0.origin, $0.stepsSinceOrigin, $0.earlierSteps) }
        try archive.exchange(&origin.time)
        try archive.exchange(&origin.state)
        try archive.exchange(&origin.firstStep)
        try archive.exchange(&steps, in: 0...Self.restartInterval)
        try archive.exchange(&earlier, in: 0...(1 << 62))
        guard archive.isRestoring else { return }
        guard origin.isValid else { throw StateArchiveError.invalid("the integrator's last fresh start is not finite") }
        let saved = (origin, steps, earlier)
        try integration.withLock { try $0.restart(from: saved.0, repeating: saved.1, earlierSteps: saved.2) }
    }
}

/// A point where CVODE starts afresh.
struct ODEOrigin: Sendable {
    var time: Double
    var state: [Double]
    var firstStep: Double

    var isValid: Bool {
        time.isFinite && firstStep > 0 && firstStep.isFinite && state.allSatisfy(\.isFinite)
    }
}

/// The integration as a chain of CVODE runs, one after each fresh start.
private struct Integration: ~Copyable {
    private let tolerance: AdaptiveODE.Tolerance
    private let rightHandSide: ODERightHandSide
    private var memory: CVODEMemory
    private(set) var origin: ODEOrigin
    /// Steps before `origin`.
    private(set) var earlierSteps = 0
    /// Steps since `origin` that a restored integration has still to repeat.
    private var stepsToRepeat = 0

    var stepsSinceOrigin: Int { memory.stepCount + stepsToRepeat }
    var stepCount: Int { earlierSteps + stepsSinceOrigin }

    init(from origin: ODEOrigin, tolerance: AdaptiveODE.Tolerance, rightHandSide: @escaping ODERightHandSide) throws {
        self.origin = origin
        self.tolerance = tolerance
        self.rightHandSide = rightHandSide
        memory = try CVODEMemory(
            state: origin.state, time: origin.time, firstStep: origin.firstStep, tolerance: tolerance,
            rightHandSide: rightHandSide)
    }

    /// Begins at `origin` with new CVODE memory: a used one, reinitialised, would still depend on its past.
    mutating func restart(from origin: ODEOrigin, repeating steps: Int = 0, earlierSteps: Int) throws {
        memory = try CVODEMemory(
            state: origin.state, time: origin.time, firstStep: origin.firstStep, tolerance: tolerance,
            rightHandSide: rightHandSide)
        self.origin = origin
        self.earlierSteps = earlierSteps
        stepsToRepeat = steps
    }

    mutating func advance(to time: Double, maxSteps: Int) throws -> Bool {
        guard !time.isNaN else { throw ODEError.argument("the time is not a number") }
        var steps = 0
        while stepsToRepeat > 0 || memory.reached < time {
            guard steps < maxSteps else { return false }
            if stepsToRepeat > 0 {
                stepsToRepeat -= 1
            } else if memory.stepCount == AdaptiveODE.restartInterval {
                // Only when a step follows, so that times within the last step can be interpolated until then.
                try restart(from: try memory.end(), earlierSteps: stepCount)
            }
            try memory.step()
            steps += 1
        }
        return true
    }

    mutating func state(at time: Double) throws -> [Double] {
        _ = try advance(to: -.infinity, maxSteps: .max)
        return try memory.state(at: time)
    }
}
