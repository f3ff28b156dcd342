import Modeling
import Models
import Numerics

/// Self-attention: microseconds a step of the gap recursion (n = 50, L = 10: K = 450) and of training in d x d (d = 400,
/// n = 20, L = 10), and seconds of a margin problem with 1800 constraints.
@Sendable
func benchmarkSelfAttention() throws -> [String: Double] {
    let gaps: [String: ParameterValue] = ["n": .integer(50), "L": .integer(10), "d": .integer(500)]
    let full: [String: ParameterValue] = ["n": .integer(20), "L": .integer(10), "d": .integer(400)]
    let margin: [String: ParameterValue] = [
        "n": .integer(200), "L": .integer(10), "d": .integer(250), "query": .text("external"),
    ]
    return [
        "attention.gap_recursion_K450_us": try microsecondsPerStep("gap-recursion", gaps, steps: 500, repeats: 20),
        "attention.gd_d400_n20_L10_us": try microsecondsPerStep("gd", full, steps: 20, repeats: 20),
        "attention.margin_K1800_s": try shortestSeconds(repeats: 3) {
            var run = try attentionRun("svm", margin, observables: ["kkt_residual", "norm_Wmm"])
            _ = try run.advance(toward: .infinity, quantum: 1)
        },
    ]
}

private func attentionRun(
    _ method: String, _ values: [String: ParameterValue], observables: Set<String>
) throws -> any Run {
    let model = SelfAttentionImplicitBias()
    var point = ParameterPoint(values)
    for spec in model.parameters {
        if case .value(let value) = spec.defaultValue, point[spec.name] == nil { point[spec.name] = value }
    }
    return try model.makeRun(
        RunRequest(
            method: method, point: point, times: RecordingTimes(unit: .steps, values: []), observables: observables,
            random: RandomStream(identity: TaskIdentity(high: 1, low: 2))))
}

private func microsecondsPerStep(
    _ method: String, _ values: [String: ParameterValue], steps: Int, repeats: Int
) throws -> Double {
    var run = try attentionRun(method, values, observables: [])
    var done = 0
    let seconds = try shortestSeconds(repeats: repeats) {
        done += steps
        while try !run.advance(toward: Double(done), quantum: 1000) {}
    }
    return seconds / Double(steps) * 1e6
}
