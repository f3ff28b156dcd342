import Modeling
import SequenceSingleIndex

/// Nanoseconds a step of the sequence single-index simulations: `sgd` in R^d and the overlap chain.
@Sendable
func benchmarkSGD() throws -> [String: Double] {
    let tied: [String: ParameterValue] = ["d": .integer(1000), "L": .integer(8), "step_size": .real(0.015)]
    return [
        "sgd.tied_relu_d1000_L8_ns": try nanosecondsPerStep("sgd", tied, steps: 1000, repeats: 200),
        "sgd.untied_relu_d1000_L8_ns": try nanosecondsPerStep(
            "sgd", tied.merging(["student": .text("untied")]) { $1 }, steps: 100, repeats: 200),
        "sgd.attention_d1000_L2_ns": try nanosecondsPerStep("sgd", attention(d: 1000), steps: 1000, repeats: 200),
        "sgd.tied_relu_d1000000_L8_ns": try nanosecondsPerStep(
            "sgd", tied.merging(["d": .integer(1_000_000)]) { $1 }, steps: 2, repeats: 30),
    ]
}

/// The same for the overlap chain; its time must not depend on d.
@Sendable
func benchmarkChain() throws -> [String: Double] {
    var results: [String: Double] = [:]
    // The two sizes in turn, so that a busy machine disturbs both alike.
    for _ in 0..<20 {
        for (name, d) in [("d1e2", 100), ("d1e7", 10_000_000)] {
            let tied: [String: ParameterValue] = ["d": .integer(d), "L": .integer(8), "step_size": .real(0.015)]
            for (student, values) in [("tied_relu_L8", tied), ("attention_L2", attention(d: d))] {
                let key = "chain.\(student)_\(name)_ns"
                let time = try nanosecondsPerStep("overlap-chain", values, steps: 10_000, repeats: 10)
                results[key] = min(results[key] ?? .infinity, time)
            }
        }
    }
    for name in ["tied_relu_L8", "attention_L2"] {
        if let small = results["chain.\(name)_d1e2_ns"], let large = results["chain.\(name)_d1e7_ns"] {
            results["chain.\(name)_d1e7_over_d1e2"] = large / small
        }
    }
    return results
}

private func attention(d: Int) -> [String: ParameterValue] {
    [
        "student": .text("attention"), "d": .integer(d), "L": .integer(2), "step_size": .real(0.05),
        "target": .text("positional_semantic"), "omega": .real(0.6), "loss": .text("frobenius"),
        "init_scale": .real(0),
    ]
}

/// The time of a step of a simulation or theory in discrete steps; the shortest of `repeats` runs of `steps` steps.
func nanosecondsPerStep(
    _ method: String, of model: any Model = SequenceSingleIndex(), _ values: [String: ParameterValue], steps: Int,
    repeats: Int
) throws -> Double {
    guard let spec = model.methods.first(where: { $0.name == method }) else {
        throw ModelError.inconsistent("\(model.name) has no method '\(method)'")
    }
    let point = try model.prepare(
        spec, Reader(ParameterPoint(values)), times: RecordingTimes(unit: .steps, values: []))
    var run = try point.makeRun(observables: [], random: RandomStream(identity: TaskIdentity(high: 1, low: 2)))
    var done = 0
    let seconds = try shortestSeconds(repeats: repeats) {
        done += steps
        while try !run.advance(toward: Double(done), quantum: 1000) {}
    }
    return seconds / Double(steps) * 1e9
}
