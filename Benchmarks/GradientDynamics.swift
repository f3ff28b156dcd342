import DMFTGradientDynamics
import Modeling
import Numerics
import Randomness

/// Full-batch descent at d = 2000 on n = 4000 samples: milliseconds a step for 1 and 8 runs on the same data, how many
/// GFlop/s that is (4 n d a step and run), and how much of it the same BLAS calls take alone.
@Sendable
func benchmarkGradientDynamics() throws -> [String: Double] {
    BLAS.setSingleThreaded()
    let (d, n) = (2000, 4000)
    var results: [String: Double] = [:]
    for runs in [1, 8] {
        let values: [String: ParameterValue] = [
            "alpha": .real(2), "d": .integer(d), "loss": .text("logistic"), "step_size": .real(0.1),
            "runs": .integer(runs),
        ]
        let step = try nanosecondsPerStep("gd", of: DMFTGradientDynamics(), values, steps: 10, repeats: 30)
        let alone = products(d: d, n: n, columns: runs)
        results["dmft_gd.d2000_n4000_runs\(runs)_ms"] = step * 1e-6
        results["dmft_gd.d2000_n4000_runs\(runs)_gflops"] = Double(4 * n * d * runs) / step
        results["dmft_gd.d2000_n4000_runs\(runs)_blas_percent"] = 100 * alone / step
    }
    return results
}

/// Nanoseconds of the products of one step alone, with blocks of 64 samples.
private func products(d: Int, n: Int, columns: Int) -> Double {
    var random = RandomStream(identity: TaskIdentity(high: 1, low: 3))
    var X = Array(repeating: Float(0), count: n * d)
    X.withUnsafeMutableBufferPointer { random.fillNormal($0) }
    let W = Array(X[..<(columns * d)])
    var Z = Array(repeating: Float(0), count: columns * 64)
    var G = W
    let seconds = shortestSeconds(repeats: 30) {
        for _ in 0..<10 {
            for first in stride(from: 0, to: n, by: 64) {
                let count = min(64, n - first)
                X.withUnsafeBufferPointer { X in
                    guard let rows = X.baseAddress.map({ $0 + first * d }) else { return }
                    if columns == 1 {
                        BLAS.gemv(rows: count, columns: d, rows, leading: d, W, &Z)
                        BLAS.gemv(.transposed, rows: count, columns: d, rows, leading: d, Z, beta: 1e-3, &G)
                    } else {
                        BLAS.gemm(
                            .none, .transposed, m: columns, n: count, k: d, W, leadingA: d, rows, leadingB: d, &Z,
                            leadingC: 64)
                        BLAS.gemm(
                            m: columns, n: d, k: count, Z, leadingA: 64, rows, leadingB: d, beta: 1e-3, &G, leadingC: d)
                    }
                }
            }
        }
    }
    return seconds / 10 * 1e9
}
