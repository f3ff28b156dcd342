import BilinearSequenceRegression
import Modeling
import Numerics

/// Bilinear sequence regression: a Bayes curve of 1000 points, an iteration of message passing at d = L = 100 (and the
/// share of its decomposition), a step of descent at d = L = 50 for 1 and 8 starts (and the share of the same BLAS
/// calls alone).
@Sendable
func benchmarkBilinearSequence() throws -> [String: Double] {
    BLAS.setSingleThreaded()
    var results: [String: Double] = [:]
    let prior = RectangularPrior(beta: 2, rho: 0.5)
    results["bsr.bayes_curve_1000_s"] = try shortestSeconds(repeats: 3) {
        let table = DenoisingTable(prior)
        for i in 1...1000 { _ = try table.crossing(slope: 1e-3 * Double(i), offset: 0.1) }
    }
    let model = BilinearSequenceRegression()
    func values(_ d: Int, _ more: [String: ParameterValue]) -> [String: ParameterValue] {
        [
            "d": .integer(d), "L": .integer(d), "rho": .real(0.2), "alpha": .real(0.2), "noise": .real(0.1),
            "tolerance": .real(0),
        ].merging(more) { $1 }
    }
    let iteration = try nanosecondsPerStep("amp", of: model, values(100, [:]), steps: 4, repeats: 10)
    results["bsr.amp_d100_ms"] = iteration * 1e-6
    var random = RandomStream(identity: TaskIdentity(high: 1, low: 4))
    let matrix = (0..<10_000).map { _ in random.normal() }
    var svd = SingularValues(rows: 100, columns: 100)
    let alone = try shortestSeconds(repeats: 20) { try svd.decompose(matrix) } * 1e9
    results["bsr.amp_d100_svd_percent"] = 100 * alone / iteration
    for runs in [1, 8] {
        let step = try nanosecondsPerStep(
            "gd", of: model, values(50, ["runs": .integer(runs), "step_size": .real(0.1), "stop_error": .real(0)]),
            steps: 20, repeats: 10)
        results["bsr.gd_d50_runs\(runs)_ms"] = step * 1e-6
        results["bsr.gd_d50_runs\(runs)_blas_percent"] = 100 * products(n: 500, p: 2500, runs: runs) / step
    }
    return results
}

/// Nanoseconds of D X^T and (D X^T) X alone, in blocks of samples.
private func products(n: Int, p: Int, runs: Int) -> Double {
    var random = RandomStream(identity: TaskIdentity(high: 1, low: 5))
    var X = Array(repeating: Float(0), count: n * p)
    X.withUnsafeMutableBufferPointer { random.fillNormal($0) }
    let D = Array(X[..<(runs * p)])
    let block = 52
    var fields = Array(repeating: Float(0), count: runs * block)
    var gradient = D
    return shortestSeconds(repeats: 20) {
        for first in stride(from: 0, to: n, by: block) {
            let count = min(block, n - first)
            X.withUnsafeBufferPointer { X in
                guard let rows = X.baseAddress.map({ $0 + first * p }) else { return }
                if runs == 1 {
                    BLAS.gemv(rows: count, columns: p, rows, leading: p, D, &fields)
                    BLAS.gemv(.transposed, rows: count, columns: p, rows, leading: p, fields, beta: 1e-3, &gradient)
                } else {
                    BLAS.gemm(
                        .none, .transposed, m: runs, n: count, k: p, D, leadingA: p, rows, leadingB: p, &fields,
                        leadingC: block)
                    BLAS.gemm(
                        m: runs, n: p, k: count, fields, leadingA: block, rows, leadingB: p, beta: 1e-3, &gradient,
                        leadingC: p)
                }
            }
        }
    } * 1e9
}
