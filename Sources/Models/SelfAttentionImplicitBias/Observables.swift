import Modeling

extension Observable {
    static let trainLoss = Observable("train_loss", symbol: "\\mathcal{L}", "training loss")
    static let logExcess = Observable(
        "log_excess", symbol: "\\ln(\\mathcal{L}-\\mathcal{L}^*)",
        "ln of the loss above its infimum, in the log domain (joint: infimum 0)")
    static let normW = Observable("norm_W", symbol: "\\|W\\|", "Frobenius norm of the key-query matrix")
    static let corrW = Observable(
        "corr_W", symbol: "\\cos(W, W_{mm})",
        "direction correlation with W_mm of the score-optimal tokens; NaN at W = 0")
    static let distW = Observable(
        "dist_W", symbol: "\\delta_W", "distance of W/|W| from W_mm/|W_mm|, sqrt(2 (1 - corr_W))")
    static let sOptMean = Observable(
        "s_opt_mean", symbol: "\\overline{s_{opt}}", "mean softmax probability of the optimal tokens")
    static let sOptMin = Observable(
        "s_opt_min", symbol: "\\min s_{opt}", "smallest softmax probability of an optimal token")
    static let logSparsity = Observable(
        "log_sparsity", symbol: "\\ln\\overline{1-s_{opt}}",
        "ln of the mean attention off the optimal tokens, in the log domain")
    static let stepLength = Observable("step_len", symbol: "\\|W_{t+1}-W_t\\|", "length of the next step")
    static let marginMean = Observable("margin_mean", symbol: "\\overline{m}", "mean margin y_i Phi_i")
    static let accuracy = Observable("accuracy", symbol: "P(m>0)", "fraction of sequences with a positive margin")
    static let normU = Observable("norm_u", symbol: "\\|u\\|", "norm of the decoder")
    static let corrU = Observable(
        "corr_u", symbol: "\\cos(u, u_{mm})", "direction correlation of the decoder with u_mm; NaN at u = 0")

    static let sMaxMean = Observable(
        "s_max_mean", symbol: "\\overline{s_{\\max}}", "mean of the largest softmax probability of each sequence")
    static let selectedOptimal = Observable(
        "selected_optimal", symbol: "P(\\mathrm{sel}=opt)",
        "fraction of sequences whose largest softmax probability is on the optimal token")
    static let corrWSelected = Observable(
        "corr_W_selected", symbol: "\\cos(W, W_{mm}^{sel})",
        "direction correlation with W_mm of the tokens selected now (solves a W-SVM when they change)",
        byDefault: false)
    static let normWmmSelected = Observable(
        "norm_Wmm_selected", symbol: "\\|W_{mm}^{sel}\\|",
        "norm of W_mm of the tokens selected now; infinite: infeasible", byDefault: false)

    static let normWmm = Observable(
        "norm_Wmm", symbol: "\\|W_{mm}\\|", "norm of the hard-margin solution; infinite when infeasible",
        inTime: false)
    static let feasible = Observable(
        "feasible", symbol: "1_{\\mathrm{feas}}", "1 when the W-SVM is feasible, else 0", inTime: false)
    static let kktResidual = Observable(
        "kkt_residual", symbol: "r_{KKT}", "largest violation of the W-SVM's optimality conditions", inTime: false)
    static let supportW = Observable(
        "n_support_W", symbol: "|\\{k:\\lambda_k>0\\}|", "active constraints of the W-SVM", inTime: false)
    static let activeFraction = Observable(
        "active_fraction", symbol: "P(\\mathrm{active})", "fraction of sequences with an active constraint",
        inTime: false)
    static let rankWmm = Observable(
        "rank_Wmm", symbol: "\\mathrm{rank}\\,W_{mm}", "rank of the hard-margin solution", inTime: false)
    static let normWmmSquarePerN = Observable(
        "norm_Wmm_sq_per_n", symbol: "\\|W_{mm}\\|^2/n", "squared norm of the hard-margin solution over n",
        inTime: false)
    static let normUmm = Observable(
        "norm_umm", symbol: "\\|u_{mm}\\|", "norm of the u-SVM's solution; infinite when infeasible", inTime: false)
    static let nuMax = Observable(
        "nu_max", symbol: "\\nu_{\\max}",
        "largest curvature nu_j, one copy of the trivial 1 left out; polyak settles iff below 2c", inTime: false,
        byDefault: false)
    static let nuMin = Observable(
        "nu_min", symbol: "\\nu_{\\min}",
        "smallest curvature nu_j: gd's direction settles like t^-nu_min besides 1/ln t", inTime: false,
        byDefault: false)
    static let etaCrit = Observable(
        "eta_crit", symbol: "\\eta_{crit}", "ngd's direction settles for steps below this", inTime: false,
        byDefault: false)
    static let multipliers = Observable(
        "multipliers", symbol: "\\lambda",
        "multipliers of the W-SVM; 0 at the optimal token (needs n and L in the job)", inTime: false,
        dimensions: [
            ExtraDimension("sequence", .value(of: Keys.n)), ExtraDimension("token", .value(of: Keys.L)),
        ], byDefault: false)

    static let logExcessSlope = Observable(
        "log_excess_slope", symbol: "d\\ln(\\mathcal{L}-\\mathcal{L}^*)/dt",
        "ngd, polyak: per step; gd: per unit of ln t", inTime: false)
    static let distConstant = Observable(
        "dist_constant", symbol: "\\lim 2(1-\\mathrm{corr})\\|W\\|^2",
        "ngd, polyak with all constraints active: limit of (dist_W |W|)^2; NaN otherwise", inTime: false)
    static let gdTransient = Observable(
        "gd_transient", symbol: "\\max_k\\lambda_k/C_k",
        "gd: sum of steps that must be long past; in time nothing is given before", inTime: false)
    static let allActive = Observable(
        "all_active", symbol: "1_{\\mathrm{all}}", "1 when every constraint of the W-SVM is active", inTime: false)

    static let normWmmSquareSmallAlpha = Observable(
        "norm_Wmm_sq_small_alpha", symbol: "\\|W_{mm}\\|^2/n", "the same to first order in alpha", inTime: false)
    static let normWmmSquareAllActive = Observable(
        "norm_Wmm_sq_all_active", symbol: "\\|W_{mm}\\|^2/n", "the same were all constraints active", inTime: false)

    /// What simulations and the symmetric theory record in time.
    static let trajectory: [Observable] = [
        trainLoss, logExcess, normW, corrW, distW, sOptMean, sOptMin, logSparsity, stepLength, marginMean, accuracy,
        normU, corrU,
    ]
    /// Numbers of one data set.
    static let ofInstance: [Observable] =
        [normWmm, feasible, kktResidual, supportW, activeFraction, rankWmm, normWmmSquarePerN, normUmm] + curvatures
        + [multipliers]
    /// What needs the spectrum on the support.
    static let curvatures: [Observable] = [nuMax, nuMin, etaCrit]
    /// Observables behind which stands the W-SVM.
    static let ofMargin = ofInstance.filter { $0.name != normUmm.name } + [corrW, distW]
}
