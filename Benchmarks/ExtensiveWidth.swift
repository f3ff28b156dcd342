import ExtensiveWidthQuadratic
import Modeling
import Numerics

/// Extensive-width quadratic network: a Bayes curve of 1000 points, an iteration of message passing at d = 100, n = 2000, and a
/// step of descent at d = 100 for 8 starts, with the share of its two products of matrices.
@Sendable
func benchmarkExtensiveWidth() throws -> [String: Double] {
    BLAS.setSingleThreaded()
    var results: [String: Double] = [:]
    let prior = WishartPrior(kappa: 0.5)
    results["ewq.bayes_curve_1000_s"] = try shortestSeconds(repeats: 3) {
        let table = DenoisingTable(prior)
        for i in 1...1000 { _ = try table.crossing(slope: 1e-3 * Double(i), offset: 0.1) }
    }
    let model = ExtensiveWidthQuadratic()
    let values: [String: ParameterValue] = [
        "d": .integer(100), "kappa": .real(0.5), "alpha": .real(0.2), "noise": .real(0.1),
    ]
    results["ewq.amp_d100_ms"] =
        try nanosecondsPerStep(
            "amp", of: model, values.merging(["tolerance": .real(0)]) { $1 }, steps: 4, repeats: 10) * 1e-6
    let step = try nanosecondsPerStep(
        "gd", of: model, values.merging(["runs": .integer(8), "stop_error": .real(0)]) { $1 }, steps: 4, repeats: 10)
    results["ewq.gd_d100_runs8_ms"] = step * 1e-6
    results["ewq.gd_d100_runs8_blas_percent"] = 100 * products(n: 2000, d: 100, columns: 400) / step
    return results
}

/// Nanoseconds of X W^T and H^T X alone.
private func products(n: Int, d: Int, columns: Int) -> Double {
    var random = RandomStream(identity: TaskIdentity(high: 1, low: 6))
    let X = (0..<n * d).map { _ in random.normal() }
    let W = (0..<columns * d).map { _ in random.normal() }
    var H = Array(repeating: 0.0, count: n * columns)
    var gradient = W
    return shortestSeconds(repeats: 10) {
        BLAS.gemm(
            .none, .transposed, m: n, n: columns, k: d, X, leadingA: d, W, leadingB: d, &H, leadingC: columns)
        BLAS.gemm(
            .transposed, .none, m: columns, n: d, k: n, H, leadingA: columns, X, leadingB: d, &gradient, leadingC: d)
    } * 1e9
}
