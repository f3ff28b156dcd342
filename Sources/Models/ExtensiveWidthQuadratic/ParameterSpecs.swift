import Modeling
import Numerics

extension ExtensiveWidthQuadratic {
    private static let positive = RealRange(0, 1e9, includesLower: false)

    static let parameterSpecs: [ParameterSpec] = [
        ParameterSpec(
            "d", aliases: ["dim"], kind: .integer(1...100_000), default: .derived("needed by simulations"),
            "input dimension; theory may do with kappa and alpha alone, and else takes the ratios of these sizes"),
        ParameterSpec(
            "kappa", kind: .real(positive), default: .derived("width/d"),
            "hidden units of the target per input dimension, width = round(kappa d)"),
        ParameterSpec(
            "width", symbol: "m", kind: .integer(1...10_000_000), default: .derived("round(kappa d), with d"),
            "hidden units of the target, S* = W*^T W*/m, in place of kappa"),
        ParameterSpec(
            "alpha", kind: .real(positive), default: .derived("from alpha_bar or n"),
            "samples per squared dimension, n = round(alpha d^2)"),
        ParameterSpec(
            "alpha_bar", symbol: "\\bar{\\alpha}", aliases: ["alphabar"], kind: .real(positive),
            default: .derived("not used"),
            "samples per weight of the target, n/(m d) = alpha/kappa, in place of alpha"),
        ParameterSpec(
            "n", kind: .integer(1...1_000_000_000_000), default: .derived("round(alpha d^2)"),
            "samples, in place of alpha (with d)"),
        ParameterSpec(
            "noise", symbol: "Delta0", aliases: ["delta0"], kind: .real(.nonNegative),
            default: .derived("noise_std^2, else 0"),
            "variance of the Gaussian added to every hidden pre-activation of the target. Bayes, amp and langevin know it; "
                + "gd fits labels whose mean it raises to 1 + noise"),
        ParameterSpec(
            "noise_std", symbol: "sqrt(Delta0)", kind: .real(.nonNegative), default: .derived("not used"),
            "its standard deviation, in place of noise"),
        ParameterSpec(
            "student_width", symbol: "m_s", aliases: ["m_student"], kind: .integer(1...10_000_000),
            default: .derived("width"),
            "gd, langevin: hidden units of the student, S = W^T W/student_width"),
        ParameterSpec(
            "runs", symbol: "B", aliases: ["n_replicas"], kind: .integer(1...4096), default: .value(.integer(1)),
            "gd, langevin: independent starts on the same data, averaged as matrices S (averaged GD); sampling: samples"
        ),
        ParameterSpec(
            "optimizer", kind: .choice(EWQOptimizer.allCases.map(\.rawValue)), default: .value(.text("gd")),
            "gd: plain full-batch steps (gd), or Adam with beta 0.9, 0.999 and eps 1e-8"),
        ParameterSpec(
            "step_size", symbol: "eta", kind: .real(.positive),
            default: .derived("gd: 0.1, adam, langevin: 0.01; gd, langevin: at most half of the bound of stability"),
            "step on the loss (1/4) sum_i (yhat_i - y_i)^2 of outputs sqrt(m) x^T S x/d (langevin: on minus the log posterior). "
                + "Plain descent needs step_size < 1/(alpha d (1 + noise)), langevin < noise (2 + noise)/(alpha d)"),
        ParameterSpec(
            "init_scale", symbol: "sigma", kind: .real(.positive), default: .value(.real(1)),
            "gd, langevin: standard deviation of the entries of W at the start; 1 is the prior"),
        ParameterSpec(
            "weight_decay", symbol: "wd", kind: .real(.nonNegative), default: .value(.real(0)),
            "gd: weight_decay W is added to the gradient (for adam too)"),
        ParameterSpec(
            "stop_error", kind: .real(.nonNegative), default: .value(.real(1e-9)),
            "gd: steps end, and the rest of the recording times repeats, once train_error of every run is below"),
        ParameterSpec(
            "burn_in", kind: .integer(0...1_000_000_000), default: .value(.integer(500)),
            "langevin: steps before samples enter the average"),
        ParameterSpec(
            "damping", symbol: "\\delta", kind: .real(RealRange(0, 1, includesUpper: false)),
            default: .value(.real(0.4)),
            "amp: weight of the old fields and variance; undamped iterations end in a cycle"),
        ParameterSpec(
            "precision", kind: .choice(ChannelPrecision.allCases.map(\.rawValue)), default: .value(.text("residual")),
            "amp: how s in g = (y - omega)/s and A is found: from the residuals (s = mean (y - omega)^2, A = 2 alpha/s), as in "
                + "the paper (empirical: s = Delta + V, A = 2 alpha mean g^2), or as state evolution does (variance: "
                + "s = Delta + V, A = 2 alpha/s)"),
        ParameterSpec(
            "outliers", kind: .choice(SymmetricDenoiser.Outliers.allCases.map(\.rawValue)),
            default: .value(.text("edge")),
            "amp: eigenvalues of the noisy matrix beyond the ends of its spectrum are denoised as one at the end (edge), or along "
                + "the continuation (branch, the paper's). A single sample makes such eigenvalues when alpha d is below some 15; "
                + "with branch the iteration then diverges"),
        ParameterSpec(
            "tolerance", kind: .real(.nonNegative), default: .value(.real(1e-6)),
            "amp: iterations end once |S_new - S|^2/d is at most this; 0: never"),
    ]
}
