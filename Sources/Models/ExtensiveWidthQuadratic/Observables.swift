import Modeling

extension ExtensiveWidthQuadratic {
    private static func number(
        _ name: String, _ symbol: String, _ text: String, inTime: Bool = false, byDefault: Bool = true,
        dimensions: [ExtraDimension] = []
    ) -> ObservableSpec {
        ObservableSpec(name, symbol: symbol, text, inTime: inTime, dimensions: dimensions, byDefault: byDefault)
    }

    private static let error = "kappa |S - S*|^2/d, squared error of S in units of the best constant's"

    static let bayesObservables = [
        number("R", "R", error + ", of the posterior mean"),
        number("q_star", "q", "overlap of the posterior mean with the target beyond their traces, 1 - R"),
        number("t_star", "t", "variance of the effective noise on the matrix"),
        number("qhat", "\\hat{q}", "its precision, 1/t (infinite where R = 0)"),
        number("alpha_realised", "\\alpha", "n/d^2 with whole numbers"),
        number("kappa_realised", "\\kappa", "m/d with whole numbers"),
        number("alpha_PR", "\\alpha_{\\mathrm{PR}}", "sample ratio from which R = 0 without noise"),
    ]
    static let iterationObservables = [
        number("R", "R", error + " after this iteration", inTime: true),
        number("V", "\\kappa V/2", "the algorithm's own estimate of R, kappa V/2", inTime: true),
        number(
            "A", "A", "precision of the fields, 1/(2 t) for noise t on the matrix (none at iteration 0)", inTime: true),
        number("iterations", "k", "iterations until R changes by less than 1e-12 of itself, or the last one"),
        number("residual", "\\epsilon", "change of R in the last iteration"),
    ]
    static let samplingObservables = [
        number("R", "R", error + ", of the average of the samples"),
        number("R_single", "R_1", "mean of R of the single samples"),
        number("spread", "\\Delta_B", "kappa times the mean squared distance of samples from their average, over d"),
    ]
    static let thresholdObservables = [
        number("alpha_PR", "\\alpha_{\\mathrm{PR}}", "sample ratio n/d^2 from which R = 0 without noise"),
        number("alphabar_PR", "\\bar{\\alpha}_{\\mathrm{PR}}", "the same as n/(m d)"),
        number(
            "alphabar_weak", "\\bar{\\alpha}_{\\mathrm{weak}}",
            "few units: n/(m d) from which R < 1; at extensive width R < 1 always"),
    ]
    static let limitObservables = [
        number("R_wide", "R_{\\kappa \\to \\infty}", "best R at kappa -> infinity with alpha fixed"),
        number("R_narrow", "R_{\\kappa \\to 0}", "best R at kappa -> 0 with alpha/kappa fixed"),
        number("R_few_samples", "R_{\\alpha \\to 0}", "best R to first order in alpha, 1 - 2 alpha/(1 + noise)^2"),
    ]
    private static let trace = number("trace", "\\mathrm{tr} S/d", "tr S/d, mean over runs", inTime: true)
    private static let test = number(
        "test_error", "e_{\\mathrm{test}}",
        "mean squared error of the output on new inputs, without noise: 2 R + (kappa/d)(tr S - tr S*)^2, mean over runs",
        inTime: true)
    static let passingObservables = [
        number("R", "R", error, inTime: true),
        number("V", "\\kappa V/2", "the algorithm's own estimate of R, kappa V/2", inTime: true),
        number(
            "A", "A", "precision of the fields, 1/(2 t) for noise t on the matrix (none at iteration 0)", inTime: true),
        trace, test,
        number("change", "\\delta S", "|S_new - S|^2/d in the last iteration over (1 - damping)^2", inTime: true),
        number("iterations", "k", "iterations made"),
        number("converged", "", "1 when the change came below the tolerance"),
    ]
    static let descentObservables = [
        number("R", "R", error + ", of the average of the runs (langevin: and of steps after burn_in)", inTime: true),
        number("R_single", "R_1", "mean over runs of each one's R", inTime: true),
        number("R_single_std", "\\sigma_{R_1}", "standard deviation over runs of each one's R", inTime: true),
        number(
            "spread", "\\Delta_B", "kappa times the mean squared distance of runs from their average, over d",
            inTime: true),
        number(
            "train_error", "e",
            "(1/n) sum_i (yhat_i - y_i)^2 of outputs sqrt(m) x^T S x/d, mean over runs (langevin: labels less the noise's mean)",
            inTime: true),
        trace, test,
        number(
            "R_runs", "R_b", "R of each run", inTime: true, byDefault: false,
            dimensions: [ExtraDimension("run", .parameter("runs"))]),
    ]
}
