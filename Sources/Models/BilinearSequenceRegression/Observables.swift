import ModelKit
import Modeling

extension Observable {
    static let errors = MatrixObservables(
        "E", "mean squared error of the entries of S, the test error without label noise", spread: "over d L",
        estimate: "V", precision: "precision of the noisy matrix that was denoised, 1/t",
        change: "|S_new - S|^2/(d L)", entries: "d L")

    private static func number(_ name: String, _ symbol: String, _ text: String, byDefault: Bool = true) -> Observable {
        Observable(name, symbol: symbol, text, inTime: false, byDefault: byDefault)
    }

    static let strongRecovery = number(
        "alpha_strong", "\\alpha_{\\mathrm{strong}}", "sample ratio from which E = 0 without noise")
    static let strongRecoveryBar = number(
        "alphabar_strong", "\\bar{\\alpha}_{\\mathrm{strong}}", "the same as n/(r (d + L))")
    static let weakRecovery = number(
        "alphabar_weak", "\\bar{\\alpha}_{\\mathrm{weak}}",
        "low rank: n/(r (d + L)) from which E < 1; at extensive rank E < 1 always")
    static let nuclearNorm = number(
        "alpha_mnne", "\\alpha_{\\mathrm{nuc}}", "sample ratio of recovery by the least nuclear norm, without noise")
    static let ridgeError = number(
        "E_ridge", "E_{\\mathrm{ridge}}", "error of the best ridge regression (ridge = noise)")
    static let freeEntropy = number(
        "free_entropy", "\\phi", "free entropy at overlap q (else at q_star), up to a constant", byDefault: false)
    static let lowRank = number(
        "E_low_rank", "E_{\\rho \\to 0}", "best error at rho -> 0 with alpha_bar fixed")
    static let longSequences = number(
        "E_long", "E_{\\beta \\to \\infty}", "best error at beta -> infinity with alpha and rho fixed")
    static let highRank = number(
        "E_high_rank", "E_{\\rho \\to \\infty}", "best error at rho -> infinity: ridge with ridge = noise")
    static let fewSamples = number(
        "E_few_samples", "E_{\\alpha \\to 0}", "best error to first order in alpha, 1 - alpha/(1 + noise)")
    static let norm = Observable("norm2", symbol: "|S|^2/p", "|S|^2/(d L), mean over runs")

    /// Of ridge regression, in theory and on data.
    static let ofRidge = [errors.error, errors.trainError].map { $0.recorded(inTime: false) }
}
