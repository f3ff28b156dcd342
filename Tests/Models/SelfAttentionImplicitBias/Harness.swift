import ModelTesting
import Modeling
import SelfAttentionImplicitBias

let harness = TaskHarness(SelfAttentionImplicitBias(), salt: 0x5341_4942, leftOut: ["multipliers"])

/// A grid point, read.
func parameters(_ values: Given, _ method: Method) throws -> Parameters {
    try Parameters(Reader(ParameterPoint(values)), method: method)
}

/// The data set of a point with `data_seed: seed`.
func sharedStream(_ seed: UInt64) -> RandomStream {
    RandomStream(identity: TaskIdentity(high: 0x5341_4942, low: seed &* 0x9E37_79B9_7F4A_7C15))
}

func tensor(_ x: [[[Double]]]) -> ParameterValue {
    .array(
        ArrayValue(
            shape: [x.count, x[0].count, x[0][0].count], elements: x.flatMap { $0.flatMap { $0 } }))
}

/// Runs one task; all observables of the method but the multipliers are recorded unless `observables` says.
func run(
    _ method: String, _ values: Given, times: [Double] = [.infinity], unit: TimeUnit = .steps, seed: Int = 1,
    observables: Set<String>? = nil
) throws -> Recording {
    try harness.run(method, values, times: times, unit: unit, seed: seed, observables: observables)
}

/// |x/y - 1|.
func relativeError(_ x: Double, _ y: Double) -> Double { abs(x / y - 1) }

/// The sin data of landmark 1.
let sinData: Given = ["data": .text("sin"), "n": .integer(4), "L": .integer(3), "d": .integer(6)]

extension Dictionary where Key == String, Value == ParameterValue {
    func with(_ others: Given) -> Given { merging(others) { $1 } }
}

extension FullTraining {
    /// Training at a point, for its gradients.
    init(_ values: Given) throws {
        self = try FullTraining(
            parameters(values, .gd),
            RunRequest(times: [1], observables: [], random: RandomStream(identity: TaskIdentity(high: 0, low: 0))))
    }
}
