import ExtensiveWidthQuadratic
import ModelTesting
import Modeling

let harness = TaskHarness(ExtensiveWidthQuadratic(), salt: 0x4557_5100, leftOut: ["R_runs"])

/// Runs one task.
func runTask(
    _ method: Method, _ values: Given, times: [Double] = [], unit: TimeUnit = .steps, seed: Int = 1,
    quantum: Int = 1 << 20, observables: Set<String>? = nil
) throws -> Recording {
    try harness.run(
        method.rawValue, values, times: times, unit: unit, seed: seed, quantum: quantum, observables: observables)
}

/// The one number of an observable without time.
func number(_ method: Method, _ name: String, _ values: Given) throws -> Double {
    try runTask(method, values, observables: [name])(name).first ?? .nan
}

/// The parameters of a point.
func parameters(_ method: Method, _ values: Given) throws -> Parameters {
    try Parameters(Reader(ParameterPoint(values)), method: method)
}

/// Ratios alone: what theory takes.
func atRatios(kappa: Double, alpha: Double, noise: Double = 0, _ more: Given = [:]) -> Given {
    ["kappa": .real(kappa), "alpha": .real(alpha), "noise": .real(noise)].merging(more) { $1 }
}

/// Sizes: what simulations take.
func atSizes(d: Int, width: Int, alpha: Double, noise: Double = 0, _ more: Given = [:]) -> Given {
    ["d": .integer(d), "width": .integer(width), "alpha": .real(alpha), "noise": .real(noise)].merging(more) { $1 }
}

func meanAndError(_ x: [Double]) -> (mean: Double, error: Double) {
    let moments = Moments(x)
    return (moments.mean, moments.error)
}
