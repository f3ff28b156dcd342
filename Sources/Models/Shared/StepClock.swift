import Modeling

/// Turns recording times into steps.
struct StepClock: Sendable {
    private let stepsPerUnit: Double

    /// t = step_size steps, the time of gradient flow.
    init(_ unit: TimeUnit, stepSize: Double) { stepsPerUnit = unit == .steps ? 1 : 1 / stepSize }

    /// The whole step nearest to `time`.
    func step(at time: Double) throws -> Int { try nearestStep(time * stepsPerUnit, unit: .steps, d: 1) }

    /// - Throws: ``ModelError/parameter(_:_:)`` when times are not in iterations.
    static func iterations(_ request: RunRequest) throws -> TimeUnit {
        guard request.times.unit == .steps else {
            throw ModelError.parameter(
                "record", "gives times in t; \(request.method) counts iterations: leave out time_unit")
        }
        return .steps
    }
}
