import ModelTesting
import Modeling
import SelfAttentionImplicitBias

let harness = TaskHarness(SelfAttentionImplicitBias(), salt: 0x5341_4942, leftOut: ["multipliers"])

/// The data set of a point with `data_seed: seed`.
func sharedStream(_ seed: UInt64) -> RandomStream {
    RandomStream(identity: TaskIdentity(high: 0x5341_4942, low: seed &* 0x9E37_79B9_7F4A_7C15))
}

func tensor(_ x: [[[Double]]]) -> ParameterValue {
    .array(
        ArrayValue(
            shape: [x.count, x[0].count, x[0][0].count], elements: x.flatMap { $0.flatMap { $0 } }))
}

/// |x/y - 1|.
func relativeError(_ x: Double, _ y: Double) -> Double { abs(x / y - 1) }

/// The sin data of landmark 1.
let sinData: Given = ["data": .text("sin"), "n": .integer(4), "L": .integer(3), "d": .integer(6)]

extension FullTraining {
    /// Training at a point, for its gradients.
    init(_ values: Given) throws {
        self = try FullTraining(
            harness.parameters(.gd, values),
            RunRequest(times: [1], observables: [], random: RandomStream(identity: TaskIdentity(high: 0, low: 0))))
    }
}
