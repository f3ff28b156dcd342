import ModelTesting
import Modeling
import SingleLocationRegression

/// The setting of most landmarks, d = 400, L = 10, gamma^2 = 1/2, lambda = 0.1, a = 4e-3, with prescribed overlaps
/// (kappa, nu, theta, eta, rho), and more on top.
func given(_ q: [Double] = [], _ more: Given = [:]) -> Given {
    var values: Given = [
        "d": .integer(400), "L": .integer(10), "lambda0": .real(0.1), "step_size": .real(4e-3),
    ]
    for (name, value) in zip(overlapNames, q) { values[name + "0"] = .real(value) }
    return values.merging(more) { $1 }
}

let harness = TaskHarness(SingleLocationRegression(), salt: 0x534C_5200)

/// Runs one task.
func run(
    _ method: String, _ values: Given, times: [Double] = [], unit: TimeUnit = .steps, seed: Int = 1,
    quantum: Int = 1 << 20, observables: Set<String>? = nil
) throws -> Recording {
    try harness.run(method, values, times: times, unit: unit, seed: seed, quantum: quantum, observables: observables)
}

/// A number of method closed-form.
func closedForm(_ name: String, _ values: Given) throws -> Double {
    try run("closed-form", values, observables: [name])(name).first ?? .nan
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
