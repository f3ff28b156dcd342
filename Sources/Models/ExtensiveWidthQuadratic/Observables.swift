import ModelKit
import Modeling

extension Observable {
    static let errors = MatrixObservables(
        "R", "kappa |S - S*|^2/d, squared error of S in units of the best constant's", spread: "times kappa/d",
        estimate: "\\kappa V/2", precision: "precision of the fields, 1/(2 t) for noise t on the matrix",
        outputs: " of outputs sqrt(m) x^T S x/d (langevin: labels less the noise's mean)", change: "|S_new - S|^2/d",
        entries: "d^2")

    private static func number(_ name: String, _ symbol: String, _ text: String) -> Observable {
        Observable(name, symbol: symbol, text, inTime: false)
    }

    static let inverseNoise = number("qhat", "\\hat{q}", "precision of the noise, 1/t (infinite where R = 0)")
    static let realisedWidth = number("kappa_realised", "\\kappa", "m/d with whole numbers")
    static let perfectRecovery = number(
        "alpha_PR", "\\alpha_{\\mathrm{PR}}", "sample ratio n/d^2 from which R = 0 without noise")
    static let perfectRecoveryBar = number("alphabar_PR", "\\bar{\\alpha}_{\\mathrm{PR}}", "the same as n/(m d)")
    static let weakRecovery = number(
        "alphabar_weak", "\\bar{\\alpha}_{\\mathrm{weak}}",
        "few units: n/(m d) from which R < 1; at extensive width R < 1 always")
    static let wide = number("R_wide", "R_{\\kappa \\to \\infty}", "best R at kappa -> infinity with alpha fixed")
    static let narrow = number("R_narrow", "R_{\\kappa \\to 0}", "best R at kappa -> 0 with alpha/kappa fixed")
    static let fewSamples = number(
        "R_few_samples", "R_{\\alpha \\to 0}", "best R to first order in alpha, 1 - 2 alpha/(1 + noise)^2")
    static let trace = Observable("trace", symbol: "\\mathrm{tr} S/d", "tr S/d, mean over runs")
    static let testError = Observable(
        "test_error", symbol: "e_{\\mathrm{test}}",
        "mean squared error of the output on new inputs, without noise: 2 R + (kappa/d)(tr S - tr S*)^2, mean over runs"
    )
}
