import Modeling

extension BilinearSequenceRegression {
    private static func number(
        _ name: String, _ symbol: String, _ text: String, inTime: Bool = false, byDefault: Bool = true,
        dimensions: [ExtraDimension] = []
    ) -> ObservableSpec {
        ObservableSpec(name, symbol: symbol, text, inTime: inTime, dimensions: dimensions, byDefault: byDefault)
    }

    private static let error = "mean squared error of the entries of S, the test error without label noise"

    static let bayesObservables = [
        number("E", "E", error + ", of the posterior mean"),
        number("q_star", "q", "overlap of the posterior mean with the target, 1 - E"),
        number("t_star", "t", "variance of the effective noise on the matrix"),
        number("alpha_realised", "\\alpha", "n/(d L) with whole numbers"),
        number("alpha_strong", "\\alpha_{\\mathrm{strong}}", "sample ratio from which E = 0 without noise"),
        number("E_ridge", "E_{\\mathrm{ridge}}", "error of the best ridge regression (ridge = noise)"),
        number(
            "free_entropy", "\\phi", "free entropy at overlap q (else at q_star), up to a constant", byDefault: false),
    ]
    static let iterationObservables = [
        number("E", "E", error + " after this iteration", inTime: true),
        number("V", "V", "the algorithm's own estimate of E", inTime: true),
        number("A", "A", "precision of the noisy matrix that was denoised, 1/t (none at iteration 0)", inTime: true),
        number("iterations", "k", "iterations until E changes by less than 1e-12 of itself, or the last one"),
        number("residual", "\\epsilon", "change of E in the last iteration"),
    ]
    static let samplingObservables = [
        number("E", "E", error + ", of the average of the samples"),
        number("E_single", "E_1", "mean error of the single samples"),
        number("spread", "\\Delta_B", "mean squared distance of samples from their average, over d L"),
    ]
    static let ridgeObservables = [
        number("E", "E", error),
        number("train_error", "e", "(1/n) sum_i (yhat_i - y_i)^2"),
    ]
    static let thresholdObservables = [
        number("alpha_strong", "\\alpha_{\\mathrm{strong}}", "sample ratio from which E = 0 without noise"),
        number(
            "alphabar_strong", "\\bar{\\alpha}_{\\mathrm{strong}}", "the same as n/(r (d + L))"),
        number(
            "alphabar_weak", "\\bar{\\alpha}_{\\mathrm{weak}}",
            "low rank: n/(r (d + L)) from which E < 1; at extensive rank E < 1 always"),
        number(
            "alpha_mnne", "\\alpha_{\\mathrm{nuc}}", "sample ratio of recovery by the least nuclear norm, without noise"
        ),
    ]
    static let limitObservables = [
        number("E_low_rank", "E_{\\rho \\to 0}", "best error at rho -> 0 with alpha_bar fixed"),
        number("E_long", "E_{\\beta \\to \\infty}", "best error at beta -> infinity with alpha and rho fixed"),
        number("E_high_rank", "E_{\\rho \\to \\infty}", "best error at rho -> infinity: ridge with ridge = noise"),
        number("E_few_samples", "E_{\\alpha \\to 0}", "best error to first order in alpha, 1 - alpha/(1 + noise)"),
    ]
    static let passingObservables = [
        number("E", "E", error, inTime: true),
        number("V", "V", "the algorithm's own estimate of E", inTime: true),
        number("A", "A", "precision of the noisy matrix that was denoised, 1/t (none at iteration 0)", inTime: true),
        number("norm2", "|S|^2/p", "|S|^2/(d L)", inTime: true),
        number("change", "\\delta S", "|S_new - S|^2/(d L) in the last iteration over (1 - damping)^2", inTime: true),
        number("iterations", "k", "iterations made"),
        number("converged", "", "1 when the change came below the tolerance"),
    ]
    static let descentObservables = [
        number("E", "E", error + ", of the average of the runs (langevin: and of steps after burn_in)", inTime: true),
        number("E_single", "E_1", "mean over runs of each one's error", inTime: true),
        number("E_single_std", "\\sigma_{E_1}", "standard deviation over runs of each one's error", inTime: true),
        number("spread", "\\Delta_B", "mean squared distance of runs from their average, over d L", inTime: true),
        number("train_error", "e", "(1/n) sum_i (yhat_i - y_i)^2, mean over runs", inTime: true),
        number("norm2", "|S|^2/p", "|S|^2/(d L), mean over runs", inTime: true),
        number(
            "E_runs", "E_b", "error of each run", inTime: true, byDefault: false,
            dimensions: [ExtraDimension("run", .parameter("runs"))]),
    ]
}
