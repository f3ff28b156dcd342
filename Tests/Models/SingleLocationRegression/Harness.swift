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
    return values.with(more)
}

let harness = TaskHarness(SingleLocationRegression(), salt: 0x534C_5200)

/// A number of method closed-form.
func closedForm(_ name: String, _ values: Given) throws -> Double {
    try harness.number(.closedForm, name, values)
}

let overlapNames = ["kappa", "nu", "theta", "eta", "rho"]

extension Recording {
    /// (kappa, nu, theta, eta, rho) at recording time `index`.
    func overlaps(_ index: Int) -> [Double] { overlapNames.map { self($0)[index] } }
}
