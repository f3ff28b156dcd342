import Modeling
import SingleLocationRegression

/// Nanoseconds a step of single-location regression: SGD in R^d, the overlap chain and descent.
@Sendable
func benchmarkSingleLocation() throws -> [String: Double] {
    let model = SingleLocationRegression()
    func values(d: Int, _ more: [String: ParameterValue] = [:]) -> [String: ParameterValue] {
        [
            "d": .integer(d), "L": .integer(10), "batch_size": .integer(5), "lambda0": .real(0.5),
            "step_size": .real(1 / Double(d)),
        ].merging(more) { $1 }
    }
    let softmax: [String: ParameterValue] = ["attention": .text("softmax")]
    var results = [
        "slr.sgd_erf_d400_L10_B5_ns": try nanosecondsPerStep(
            "sgd", of: model, values(d: 400), steps: 200, repeats: 100),
        "slr.sgd_softmax_d400_L10_B5_ns": try nanosecondsPerStep(
            "sgd", of: model, values(d: 400, softmax), steps: 200, repeats: 100),
        "slr.pgd_d400_ns": try nanosecondsPerStep("pgd", of: model, values(d: 400), steps: 1000, repeats: 50),
        "slr.reduced_pgd_ns": try nanosecondsPerStep(
            "reduced-pgd", of: model, values(d: 400), steps: 1000, repeats: 50),
    ]
    // The two sizes in turn, so that a busy machine disturbs both alike.
    for _ in 0..<20 {
        for (name, d) in [("d1e2", 100), ("d1e7", 10_000_000)] {
            let key = "slr.chain_erf_L10_B5_\(name)_ns"
            let time = try nanosecondsPerStep("overlap-chain", of: model, values(d: d), steps: 2000, repeats: 10)
            results[key] = min(results[key] ?? .infinity, time)
        }
    }
    if let small = results["slr.chain_erf_L10_B5_d1e2_ns"], let large = results["slr.chain_erf_L10_B5_d1e7_ns"] {
        results["slr.chain_erf_L10_B5_d1e7_over_d1e2"] = large / small
    }
    return results
}
