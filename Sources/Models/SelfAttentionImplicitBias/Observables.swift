import Modeling

extension SelfAttentionImplicitBias {
    private static func scalar(
        _ name: String, _ symbol: String, _ text: String, inTime: Bool = true, byDefault: Bool = true
    ) -> ObservableSpec {
        ObservableSpec(name, symbol: symbol, text, inTime: inTime, byDefault: byDefault)
    }

    /// What simulations and the symmetric theory record in time (sheet, Observables).
    static let trajectoryObservables: [ObservableSpec] = [
        scalar("train_loss", "\\mathcal{L}", "training loss"),
        scalar(
            "log_excess", "\\ln(\\mathcal{L}-\\mathcal{L}^*)",
            "ln of the loss above its infimum, in the log domain (joint: infimum 0)"),
        scalar("norm_W", "\\|W\\|", "Frobenius norm of the key-query matrix"),
        scalar(
            "corr_W", "\\cos(W, W_{mm})", "direction correlation with W_mm of the score-optimal tokens; NaN at W = 0"),
        scalar("dist_W", "\\delta_W", "distance of W/|W| from W_mm/|W_mm|, sqrt(2 (1 - corr_W))"),
        scalar("s_opt_mean", "\\overline{s_{opt}}", "mean softmax probability of the optimal tokens"),
        scalar("s_opt_min", "\\min s_{opt}", "smallest softmax probability of an optimal token"),
        scalar(
            "log_sparsity", "\\ln\\overline{1-s_{opt}}",
            "ln of the mean attention off the optimal tokens, in the log domain"),
        scalar("step_len", "\\|W_{t+1}-W_t\\|", "length of the next step"),
        scalar("margin_mean", "\\overline{m}", "mean margin y_i Phi_i"),
        scalar("accuracy", "P(m>0)", "fraction of sequences with a positive margin"),
        scalar("norm_u", "\\|u\\|", "norm of the decoder"),
        scalar("corr_u", "\\cos(u, u_{mm})", "direction correlation of the decoder with u_mm; NaN at u = 0"),
    ]

    /// What only a simulation has in time.
    static let selectionObservables: [ObservableSpec] = [
        scalar("s_max_mean", "\\overline{s_{\\max}}", "mean of the largest softmax probability of each sequence"),
        scalar(
            "selected_optimal", "P(\\mathrm{sel}=opt)",
            "fraction of sequences whose largest softmax probability is on the optimal token"),
        scalar(
            "corr_W_selected", "\\cos(W, W_{mm}^{sel})",
            "direction correlation with W_mm of the tokens selected now (solves a W-SVM when they change)",
            byDefault: false),
        scalar(
            "norm_Wmm_selected", "\\|W_{mm}^{sel}\\|", "norm of W_mm of the tokens selected now; infinite: infeasible",
            byDefault: false),
    ]

    /// Numbers of one data set.
    static let instanceObservables: [ObservableSpec] = [
        scalar("norm_Wmm", "\\|W_{mm}\\|", "norm of the hard-margin solution; infinite when infeasible", inTime: false),
        scalar("feasible", "1_{\\mathrm{feas}}", "1 when the W-SVM is feasible, else 0", inTime: false),
        scalar("kkt_residual", "r_{KKT}", "largest violation of the W-SVM's optimality conditions", inTime: false),
        scalar("n_support_W", "|\\{k:\\lambda_k>0\\}|", "active constraints of the W-SVM", inTime: false),
        scalar(
            "active_fraction", "P(\\mathrm{active})", "fraction of sequences with an active constraint", inTime: false),
        scalar("rank_Wmm", "\\mathrm{rank}\\,W_{mm}", "rank of the hard-margin solution", inTime: false),
        scalar(
            "norm_Wmm_sq_per_n", "\\|W_{mm}\\|^2/n", "squared norm of the hard-margin solution over n", inTime: false),
        scalar("norm_umm", "\\|u_{mm}\\|", "norm of the u-SVM's solution; infinite when infeasible", inTime: false),
        scalar(
            "nu_max", "\\nu_{\\max}",
            "largest curvature nu_j, one copy of the trivial 1 left out; polyak settles iff below 2c", inTime: false,
            byDefault: false),
        scalar(
            "nu_min", "\\nu_{\\min}",
            "smallest curvature nu_j: gd's direction settles like t^-nu_min besides 1/ln t", inTime: false,
            byDefault: false),
        scalar(
            "eta_crit", "\\eta_{crit}", "ngd's direction settles for steps below this", inTime: false, byDefault: false),
        ObservableSpec(
            "multipliers", symbol: "\\lambda",
            "multipliers of the W-SVM; 0 at the optimal token (needs n and L in the job)",
            inTime: false,
            dimensions: [ExtraDimension("sequence", .parameter("n")), ExtraDimension("token", .parameter("L"))],
            byDefault: false),
    ]

    /// What late-time theory gives.
    static let lateTimeObservables: [ObservableSpec] = {
        let names: Set = ["log_excess", "norm_W", "corr_W", "dist_W", "log_sparsity", "step_len"]
        return trajectoryObservables.filter { names.contains($0.name) } + [
            scalar(
                "log_excess_slope", "d\\ln(\\mathcal{L}-\\mathcal{L}^*)/dt",
                "ngd, polyak: per step; gd: per unit of ln t", inTime: false),
            scalar(
                "dist_constant", "\\lim 2(1-\\mathrm{corr})\\|W\\|^2",
                "ngd, polyak with all constraints active: limit of (dist_W |W|)^2; NaN otherwise", inTime: false),
            scalar(
                "gd_transient", "\\max_k\\lambda_k/C_k",
                "gd: sum of steps that must be long past; in time nothing is given before", inTime: false),
            scalar("all_active", "1_{\\mathrm{all}}", "1 when every constraint of the W-SVM is active", inTime: false),
        ]
            + instanceObservables.map { spec in
                ObservableSpec(
                    spec.name, symbol: spec.symbol, spec.longName, inTime: false, dimensions: spec.dimensions,
                    byDefault: spec.isRecordedByDefault || ["nu_max", "nu_min", "eta_crit"].contains(spec.name))
            }
    }()

    static let closedFormObservables: [ObservableSpec] = [
        scalar(
            "norm_Wmm_sq_per_n", "\\|W_{mm}\\|^2/n", "squared norm of the hard-margin solution over n", inTime: false),
        scalar(
            "active_fraction", "P(\\mathrm{active})", "fraction of sequences with an active constraint", inTime: false),
        scalar("norm_Wmm_sq_small_alpha", "\\|W_{mm}\\|^2/n", "the same to first order in alpha", inTime: false),
        scalar("norm_Wmm_sq_all_active", "\\|W_{mm}\\|^2/n", "the same were all constraints active", inTime: false),
    ]

    /// Observables behind which stands the W-SVM.
    static let marginObservables: Set<String> = {
        var names = Set(instanceObservables.map(\.name)).subtracting(["norm_umm"])
        names.formUnion(["corr_W", "dist_W"])
        return names
    }()
}
