import DMFTGradientDynamics
import Modeling
import Numerics
import Randomness

/// The mean-field theory of descent on reused data: 200 steps of 100 000 copies, logistic loss, one token, one student
/// column, with all samples in each step and with batches. In seconds, all included; and milliseconds of the steps up to
/// 100 and 200, with their ratio, which is 3 where a step's cost is proportional to its number, and more if it grows faster.
@Sendable
func benchmarkMeanFieldDynamics() throws -> [String: Double] {
    BLAS.setSingleThreaded()
    var results: [String: Double] = [:]
    for (name, fraction) in [("full", 1.0), ("bernoulli", 0.4)] {
        let halves = try meanFieldSeconds(batchFraction: fraction)
        let key = "dmft.logistic_\(name)_T200_N100000"
        results["\(key)_s"] = halves[0] + halves[1]
        results["\(key)_steps_1_to_100_ms"] = halves[0] * 10
        results["\(key)_steps_101_to_200_ms"] = halves[1] * 10
        results["\(key)_growth"] = halves[1] / halves[0]
    }
    return results
}

/// Seconds of the first and of the second hundred of steps; the shortest of two runs.
private func meanFieldSeconds(batchFraction: Double) throws -> [Double] {
    let model = DMFTGradientDynamics()
    let values = ParameterPoint([
        "alpha": .real(2), "loss": .text("logistic"), "init_scale": .real(0.5), "init_overlap": .real(0.1),
        "step_size": .real(0.5), "ridge": .real(0.05), "batch_fraction": .real(batchFraction),
        "mc_samples": .integer(100_000),
    ])
    let point = try model.prepare(
        DMFTGradientDynamics.Method.dmft.spec, Reader(values), times: RecordingTimes(unit: .steps, values: [200]))
    let random = RandomStream(identity: TaskIdentity(high: 1, low: 2))
    var best = [Double.infinity, .infinity]
    for _ in 0..<2 {
        var run: (any Run)?
        for half in 0..<2 {
            let seconds = try shortestSeconds(repeats: 1) {
                if run == nil { run = try point.makeRun(observables: [], random: random) }
                while try run?.advance(toward: Double(100 * (half + 1)), quantum: 1 << 20) == false {}
            }
            best[half] = min(best[half], seconds)
        }
    }
    return best
}
