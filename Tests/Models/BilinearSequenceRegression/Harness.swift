import BilinearSequenceRegression
import ModelTesting
import Modeling

let harness = TaskHarness(BilinearSequenceRegression(), salt: 0x4253_5200, leftOut: ["free_entropy", "E_runs"])

/// Ratios alone: what theory takes.
func atRatios(alpha: Double, beta: Double, rho: Double, noise: Double = 0) -> Given {
    ["alpha": .real(alpha), "beta": .real(beta), "rho": .real(rho), "noise": .real(noise)]
}

/// Sizes: what simulations take.
func atSizes(d: Int, L: Int, rank: Int, alpha: Double, noise: Double = 0, _ more: Given = [:]) -> Given {
    [
        "d": .integer(d), "L": .integer(L), "rank": .integer(rank), "alpha": .real(alpha), "noise": .real(noise),
    ].with(more)
}
