import Numerics
import Persistence

/// An initial value problem dy/dt = f(t, y) on a fixed grid of steps, by the classical fourth-order Runge-Kutta method,
/// with cubic Hermite interpolation (fourth-order accurate as well) between the grid's points.
///
/// For right-hand sides that are averages over fixed sample points: such an f may have small kinks, on which an
/// adaptive method wastes its steps. The grid is `time + n step`, whatever times are asked for. A value: a copy goes on
/// by itself from the same state.
public struct RungeKutta4: Sendable, Resumable {
    public let step: Double
    /// Steps taken so far.
    public private(set) var stepCount = 0
    private let start: Double
    private let rightHandSide: ODERightHandSide
    // The two ends of the last step: time, solution and derivative.
    private var earlier: (y: [Double], f: [Double])
    private var later: (y: [Double], f: [Double])
    private var stages: (k2: [Double], k3: [Double], k4: [Double], argument: [Double])

    /// - Throws: ``ODEError/argument(_:)`` when the step is not positive; what the right-hand side throws.
    public init(state: [Double], time: Double = 0, step: Double, _ rightHandSide: @escaping ODERightHandSide) throws {
        guard step > 0, step.isFinite, time.isFinite else {
            throw ODEError.argument("the step must be positive, and it and the start time finite")
        }
        self.step = step
        self.start = time
        self.rightHandSide = rightHandSide
        let zero = [Double](repeating: 0, count: state.count)
        earlier = (state, zero)
        later = (state, zero)
        stages = (zero, zero, zero, zero)
        try Self.evaluate(rightHandSide, time, state, &later.f)
        earlier.f = later.f
    }

    /// The time up to which the solution is known.
    public var reached: Double { start + Double(stepCount) * step }

    /// Steps on until `time` can be interpolated, by at most `maxSteps` steps; true when it can.
    ///
    /// - Throws: what the right-hand side throws, or ``ODEError/notFinite(time:)``.
    public mutating func advance(to time: Double, maxSteps: Int = .max) throws -> Bool {
        var steps = 0
        while reached < time {
            guard steps < maxSteps else { return false }
            try advance()
            steps += 1
        }
        return true
    }

    /// The solution at `time`, which must lie in the last step taken.
    public func state(at time: Double) throws -> [Double] {
        guard stepCount > 0 else {
            guard time == start else { throw ODEError.argument("t = \(time) is not the start") }
            return later.y
        }
        let begin = start + Double(stepCount - 1) * step
        guard time >= begin, time <= reached else {
            throw ODEError.argument("t = \(time) is not in the last step, \(begin) to \(reached)")
        }
        let s = (time - begin) / step
        let (a, b) = ((1 + 2 * s) * (1 - s) * (1 - s), s * s * (3 - 2 * s))
        let (c, d) = (s * (1 - s) * (1 - s) * step, s * s * (s - 1) * step)
        return earlier.y.indices.map {
            a * earlier.y[$0] + b * later.y[$0] + c * earlier.f[$0] + d * later.f[$0]
        }
    }

    public mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&stepCount, in: 0...(1 << 53))
        try archive.exchange(&earlier.y)
        try archive.exchange(&earlier.f)
        try archive.exchange(&later.y)
        try archive.exchange(&later.f)
    }

    private mutating func advance() throws {
        swap(&earlier, &later)
        let t = reached
        let n = earlier.y.count
        for i in 0..<n { stages.argument[i] = earlier.y[i] + 0.5 * step * earlier.f[i] }
        try Self.evaluate(rightHandSide, t + 0.5 * step, stages.argument, &stages.k2)
        for i in 0..<n { stages.argument[i] = earlier.y[i] + 0.5 * step * stages.k2[i] }
        try Self.evaluate(rightHandSide, t + 0.5 * step, stages.argument, &stages.k3)
        for i in 0..<n { stages.argument[i] = earlier.y[i] + step * stages.k3[i] }
        try Self.evaluate(rightHandSide, t + step, stages.argument, &stages.k4)
        for i in 0..<n {
            let slope = earlier.f[i] + 2 * (stages.k2[i] + stages.k3[i]) + stages.k4[i]
            later.y[i] = earlier.y[i] + step / 6 * slope
        }
        stepCount += 1
        guard later.y.allSatisfy(\.isFinite) else { throw ODEError.notFinite(time: reached) }
        try Self.evaluate(rightHandSide, reached, later.y, &later.f)
    }

    private static func evaluate(
        _ rightHandSide: ODERightHandSide, _ time: Double, _ state: [Double], _ derivative: inout [Double]
    ) throws {
        var output = derivative.mutableSpan
        try rightHandSide(time, state.span, &output)
    }
}
