import Modeling

extension BilinearSequenceRegression {
    static let parameterSpecs: [ParameterSpec] = [
        ParameterSpec(
            "d", aliases: ["token_dim"], kind: .integer(1...100_000), default: .derived("needed by simulations"),
            "token dimension; theory may do with beta and rho alone, and else takes the ratios of these sizes"),
        ParameterSpec(
            "L", symbol: "L", aliases: ["seq_len"], kind: .integer(1...100_000),
            default: .derived("round(beta d), with d"), "tokens per sample; the model is symmetric in d and L"),
        ParameterSpec(
            "beta", kind: .real(RealRange(1, 1e9)), default: .derived("max(d, L)/min(d, L), else 1"),
            "aspect ratio, long side over short side, in place of L"),
        ParameterSpec(
            "rho", kind: .real(RealRange(0, 1e9, includesLower: false)), default: .derived("rank/min(d, L)"),
            "rank of the target over the short side"),
        ParameterSpec(
            "rank", symbol: "r", kind: .integer(1...1_000_000), default: .derived("round(rho min(d, L)), with d"),
            "rank of the target matrix S* = U V/sqrt(r), in place of rho"),
        ParameterSpec(
            "alpha", kind: .real(RealRange(0, 1e9, includesLower: false)), default: .derived("from alpha_bar or n"),
            "samples per entry of the matrix, n = round(alpha d L)"),
        ParameterSpec(
            "alpha_bar", symbol: "\\bar{\\alpha}", aliases: ["alphabar"],
            kind: .real(RealRange(0, 1e9, includesLower: false)), default: .derived("not used"),
            "samples per parameter of a low-rank target, n/(r (d + L)) = alpha beta/(rho (1 + beta)), in place of alpha"
        ),
        ParameterSpec(
            "n", kind: .integer(1...1_000_000_000_000), default: .derived("round(alpha d L)"),
            "samples, in place of alpha (with d)"),
        ParameterSpec(
            "noise", symbol: "Delta", aliases: ["delta"], kind: .real(.nonNegative), default: .value(.real(0)),
            "variance of the label noise; E is without it"),
        ParameterSpec(
            "ridge", symbol: "lambda", aliases: ["ridge_lambda"], kind: .real(.nonNegative),
            default: .derived("noise, the best"), "penalty of ridge: sum of squares + ridge |w|^2"),
        ParameterSpec(
            "q", kind: .real(RealRange(0, 1, includesUpper: false)), default: .derived("the stationary one"),
            "bayes: the overlap at which free_entropy is taken"),
        ParameterSpec(
            "student_rank", symbol: "r_s", kind: .integer(1...1_000_000), default: .derived("rank"),
            "gd, langevin: rank of the student S = U V/sqrt(student_rank)"),
        ParameterSpec(
            "runs", symbol: "B", aliases: ["n_replicas"], kind: .integer(1...4096), default: .value(.integer(1)),
            "gd, langevin: independent starts on the same data, averaged as matrices S (averaged GD); sampling: samples"
        ),
        ParameterSpec(
            "optimizer", kind: .choice(BSROptimizer.allCases.map(\.rawValue)), default: .value(.text("gd")),
            "gd: plain full-batch steps (gd), or AdamW with beta 0.9, 0.999 and eps 1e-8"),
        ParameterSpec(
            "step_size", symbol: "eta", kind: .real(.positive),
            default: .derived("gd: 0.1, adamw: 0.001, langevin: 0.01"),
            "step on the loss (1/4) sum_i (yhat_i - y_i)^2 (langevin: on minus the log posterior); the published curves of "
                + "gd are those of 0.7"),
        ParameterSpec(
            "init_scale", symbol: "sigma", kind: .real(.positive), default: .value(.real(1)),
            "gd, langevin: standard deviation of the entries of U and V at the start; 1 is the prior"),
        ParameterSpec(
            "weight_decay", symbol: "wd", kind: .real(.nonNegative), default: .value(.real(0)),
            "gd: decay of U and V, step_size weight_decay a step"),
        ParameterSpec(
            "stop_error", kind: .real(.nonNegative), default: .value(.real(1e-9)),
            "gd: steps end, and the rest of the recording times repeats, once train_error of every run is below"),
        ParameterSpec(
            "burn_in", kind: .integer(0...1_000_000_000), default: .value(.integer(500)),
            "langevin: steps before samples enter the average"),
        ParameterSpec(
            "damping", symbol: "\\delta", kind: .real(RealRange(0, 1, includesUpper: false)), default: .value(.real(0)),
            "amp: weight of the old fields and variance; without noise near alpha_strong, 0.2 makes more instances recover"
        ),
        ParameterSpec(
            "precision", kind: .choice(ChannelPrecision.allCases.map(\.rawValue)), default: .value(.text("residual")),
            "amp: how s in g = (y - omega)/s and A is found: from the residuals (s = mean (y - omega)^2, A = alpha/s), as in "
                + "the sheet (s = noise + V, A = alpha mean g^2), or as state evolution does (s = noise + V, A = alpha/s)"
        ),
        ParameterSpec(
            "tolerance", kind: .real(.nonNegative), default: .value(.real(1e-7)),
            "amp: iterations end once |S_new - S|^2/(d L) is at most this; 0: never"),
    ]
}
