import Foundation
import Modeling
import Models
import Numerics

let bsr: TaskHarness = {
    // As in the program: else the tests, which run side by side, fight for the cores.
    BLAS.setSingleThreaded()
    return TaskHarness(model: BilinearSequenceRegression(), salt: 0x4253_5200, leftOut: ["free_entropy", "E_runs"])
}()

/// Runs one task of bilinear sequence regression.
func runBSR(
    _ method: String, _ values: Given, times: [Double] = [.infinity], unit: TimeUnit = .steps, seed: Int = 1,
    quantum: Int = 1 << 20, observables: Set<String>? = nil
) throws -> Recording {
    try bsr.run(method, values, times: times, unit: unit, seed: seed, quantum: quantum, observables: observables)
}

/// The one number of an observable without time.
func bsrNumber(_ method: String, _ name: String, _ values: Given) throws -> Double {
    try runBSR(method, values, observables: [name])(name).first ?? .nan
}

/// Ratios alone: what theory takes.
func bsrRatios(alpha: Double, beta: Double, rho: Double, noise: Double = 0) -> Given {
    ["alpha": .real(alpha), "beta": .real(beta), "rho": .real(rho), "noise": .real(noise)]
}

/// Sizes: what simulations take.
func bsrSizes(d: Int, L: Int, rank: Int, alpha: Double, noise: Double = 0, _ more: Given = [:]) -> Given {
    [
        "d": .integer(d), "L": .integer(L), "rank": .integer(rank), "alpha": .real(alpha), "noise": .real(noise),
    ].merging(more) { $1 }
}

/// Mean and standard error.
func meanAndError(_ x: [Double]) -> (mean: Double, error: Double) {
    let n = Double(x.count)
    let mean = x.reduce(0, +) / n
    let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)
    return (mean, (variance / n).squareRoot())
}
