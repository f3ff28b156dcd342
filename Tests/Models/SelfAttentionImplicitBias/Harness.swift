import Modeling
import Models

let saib = TaskHarness(model: SelfAttentionImplicitBias(), salt: 0x5341_4942, leftOut: ["multipliers"])

/// A grid point of the model: `values` on top of the defaults.
func saibPoint(_ values: Given) -> ParameterPoint { saib.point(values) }

func tensor(_ x: [[[Double]]]) -> ParameterValue {
    .array(
        ArrayValue(
            shape: [x.count, x[0].count, x[0][0].count], elements: x.flatMap { $0.flatMap { $0 } }))
}

/// The request of one task and the sink for it; all observables of the method but the multipliers are recorded unless
/// `observables` says.
func saibTask(
    _ method: String, _ values: Given, times: [Double], unit: TimeUnit = .steps, seed: Int = 1,
    observables: Set<String>? = nil
) throws -> (RunRequest, ObservationSink) {
    try saib.task(method, values, times: times, unit: unit, seed: seed, observables: observables)
}

/// Runs one task.
func runSAIB(
    _ method: String, _ values: Given, times: [Double] = [.infinity], unit: TimeUnit = .steps, seed: Int = 1,
    observables: Set<String>? = nil
) throws -> Recording {
    try saib.run(method, values, times: times, unit: unit, seed: seed, observables: observables)
}

/// |x/y - 1|.
func relativeError(_ x: Double, _ y: Double) -> Double { abs(x / y - 1) }

/// The sheet's sin data of landmark 1.
let sinData: Given = ["data": .text("sin"), "n": .integer(4), "L": .integer(3), "d": .integer(6)]

extension Dictionary where Key == String, Value == ParameterValue {
    func with(_ others: Given) -> Given { merging(others) { $1 } }
}
