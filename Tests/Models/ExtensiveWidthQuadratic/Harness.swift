import ExtensiveWidthQuadratic
import ModelTesting
import Modeling

let harness = TaskHarness(ExtensiveWidthQuadratic(), salt: 0x4557_5100, leftOut: ["R_runs"])

/// Ratios alone: what theory takes.
func atRatios(kappa: Double, alpha: Double, noise: Double = 0, _ more: Given = [:]) -> Given {
    ["kappa": .real(kappa), "alpha": .real(alpha), "noise": .real(noise)].with(more)
}

/// Sizes: what simulations take.
func atSizes(d: Int, width: Int, alpha: Double, noise: Double = 0, _ more: Given = [:]) -> Given {
    ["d": .integer(d), "width": .integer(width), "alpha": .real(alpha), "noise": .real(noise)].with(more)
}
