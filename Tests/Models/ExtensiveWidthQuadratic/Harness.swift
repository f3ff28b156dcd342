import Foundation
import Modeling
import Models
import Numerics

let ewq = TaskHarness(model: ExtensiveWidthQuadratic(), salt: 0x4557_5100, leftOut: ["R_runs"])

/// Runs one task of the extensive-width quadratic network.
func runEWQ(
    _ method: String, _ values: Given, times: [Double] = [.infinity], unit: TimeUnit = .steps, seed: Int = 1,
    quantum: Int = 1 << 20, observables: Set<String>? = nil
) throws -> Recording {
    try ewq.run(method, values, times: times, unit: unit, seed: seed, quantum: quantum, observables: observables)
}

/// The one number of an observable without time.
func ewqNumber(_ method: String, _ name: String, _ values: Given) throws -> Double {
    try runEWQ(method, values, observables: [name])(name).first ?? .nan
}

/// Ratios alone: what theory takes.
func ewqRatios(kappa: Double, alpha: Double, noise: Double = 0, _ more: Given = [:]) -> Given {
    ["kappa": .real(kappa), "alpha": .real(alpha), "noise": .real(noise)].merging(more) { $1 }
}

/// Sizes: what simulations take.
func ewqSizes(d: Int, width: Int, alpha: Double, noise: Double = 0, _ more: Given = [:]) -> Given {
    ["d": .integer(d), "width": .integer(width), "alpha": .real(alpha), "noise": .real(noise)].merging(more) { $1 }
}
