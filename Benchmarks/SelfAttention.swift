import Modeling
import SelfAttentionImplicitBias

/// Self-attention: microseconds a step of the gap recursion (n = 50, L = 10: K = 450) and of training in d x d (d = 400,
/// n = 20, L = 10), and seconds of a margin problem with 1800 constraints.
@Sendable
func benchmarkSelfAttention() throws -> [String: Double] {
    let model = SelfAttentionImplicitBias()
    let gaps: [String: ParameterValue] = ["n": .integer(50), "L": .integer(10), "d": .integer(500)]
    let full: [String: ParameterValue] = ["n": .integer(20), "L": .integer(10), "d": .integer(400)]
    let margin: [String: ParameterValue] = [
        "n": .integer(200), "L": .integer(10), "d": .integer(250), "query": .text("external"),
    ]
    let recursion = try nanosecondsPerStep("gap-recursion", of: model, gaps, steps: 500, repeats: 20)
    let training = try nanosecondsPerStep("gd", of: model, full, steps: 20, repeats: 20)
    let point = try Parameters(Reader(ParameterPoint(margin)), method: .svm)
    return [
        "attention.gap_recursion_K450_us": recursion * 1e-3,
        "attention.gd_d400_n20_L10_us": training * 1e-3,
        // All of it is done when the run is made.
        "attention.margin_K1800_s": try shortestSeconds(repeats: 3) {
            let request = RunRequest(
                times: [], observables: ["kkt_residual", "norm_Wmm"],
                random: RandomStream(identity: TaskIdentity(high: 1, low: 2)))
            _ = try model.makeRun(.svm, point, request)
        },
    ]
}
