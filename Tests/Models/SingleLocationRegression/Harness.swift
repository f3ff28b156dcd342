import Modeling
import Models

/// The setting of most landmarks: d = 400, L = 10, gamma^2 = 1/2, lambda = 0.1, a = 4e-3.
let slrBase: [String: ParameterValue] = [
    "d": .integer(400), "L": .integer(10), "lambda0": .real(0.1), "step_size": .real(4e-3),
]

/// Prescribed overlaps (kappa, nu, theta, eta, rho), and more on top of `slrBase`.
func slrValues(_ q: [Double] = [], _ more: [String: ParameterValue] = [:]) -> [String: ParameterValue] {
    var values = slrBase
    for (name, value) in zip(["kappa0", "nu0", "theta0", "eta0", "rho0"], q) { values[name] = .real(value) }
    return values.merging(more) { $1 }
}

let slr = TaskHarness(model: SingleLocationRegression(), salt: 0x534C_5200)

/// The request of one task of single-location regression, and the sink for what it records (all, without `observables`).
func slrTask(
    _ method: String, _ values: Given, times: [Double], unit: TimeUnit = .steps, seed: Int = 1,
    observables: Set<String>? = nil
) throws -> (RunRequest, ObservationSink) {
    try slr.task(method, values, times: times, unit: unit, seed: seed, observables: observables)
}

/// Runs one task.
func runSLR(
    _ method: String, _ values: Given, times: [Double] = [.infinity], unit: TimeUnit = .steps, seed: Int = 1,
    quantum: Int = 1 << 20, observables: Set<String>? = nil
) throws -> Recording {
    try slr.run(method, values, times: times, unit: unit, seed: seed, quantum: quantum, observables: observables)
}

/// A number of method closed-form.
func closedForm(_ name: String, _ values: [String: ParameterValue]) throws -> Double {
    try runSLR("closed-form", values, observables: [name])(name).first ?? .nan
}

let overlapNames = ["kappa", "nu", "theta", "eta", "rho"]

extension Recording {
    /// (kappa, nu, theta, eta, rho) at recording time `index`.
    func overlaps(_ index: Int) -> [Double] { overlapNames.map { self($0)[index] } }
}

/// The largest distance between two vectors' entries.
func largestDifference(_ x: [Double], _ y: [Double]) -> Double {
    x.count == y.count ? zip(x, y).map { abs($0 - $1) }.max() ?? 0 : .infinity
}
