import Modeling

extension DMFTGradientDynamics {
    static let parameterSpecs: [ParameterSpec] = [
        ParameterSpec(
            "alpha", kind: .real(RealRange(0, 1000, includesLower: false)), default: .required, typical: .real(2),
            "samples per dimension, n = round(alpha d)"),
        ParameterSpec(
            "d", kind: .integer(2...1_000_000), default: .value(.integer(1000)), "token dimension of the simulations"),
        ParameterSpec(
            "L", symbol: "L", aliases: ["seq_len"], kind: .integer(1...8), default: .value(.integer(1)),
            "tokens per sample"),
        ParameterSpec(
            "width", symbol: "k", kind: .integer(1...8), default: .value(.integer(1)),
            "student columns k: W is d x k"),
        ParameterSpec(
            "teachers", symbol: "a", kind: .integer(1...16), default: .value(.integer(1)),
            "teacher columns a: W* is d x a, those of the tokens' means included"),
        ParameterSpec(
            "loss", kind: .choice(DGDLoss.allCases.map(\.rawValue)), default: .required, typical: .text("logistic"),
            "linear: (z-z*-zeta)^2/2; logistic: log(1+e^(-yz)), y = sign z*; phase: (z^2-z*^2)^2/4; "
                + "token-average: (mean_li tanh z_li - mean_l tanh z*_l)^2/2; "
                + "tied-attention: |P-P*|_F^2/2, P = softmax_rows(beta Z Z^T/sqrt(k))"),
        ParameterSpec(
            "step_size", symbol: "eta", aliases: ["step"], kind: .real(.nonNegative), default: .required,
            typical: .real(0.2),
            "step on the summed loss: W -= eta (sum over samples of A^T g + ridge W), fields z = x.w/sqrt(d)"),
        ParameterSpec(
            "ridge", symbol: "lambda", kind: .real(.nonNegative), default: .value(.real(0)), "weight decay"),
        ParameterSpec(
            "init_scale", symbol: "q0", kind: .real(.positive), default: .derived("1, unless init_gram is given"),
            "squared norm of each student column per coordinate at the start: q_0 = init_scale times the identity"),
        ParameterSpec(
            "init_gram", symbol: "q_0", kind: .array(dimensions: 2...2),
            default: .derived("init_scale on the diagonal"),
            "W_0^T W_0/d, k x k, in place of init_scale"),
        ParameterSpec(
            "init_overlap", symbol: "m0", kind: .real(.any), default: .derived("0, unless M0 is given"),
            "overlap of student column i with teacher column i at the start, for every i that both have"),
        ParameterSpec(
            "M0", symbol: "M_0", kind: .array(dimensions: 2...2), default: .derived("init_overlap on the diagonal"),
            "W_0^T W*/d, k x a, in place of init_overlap"),
        ParameterSpec(
            "teacher_norm", symbol: "rho", kind: .real(.positive), default: .derived("1, unless teacher_gram is given"),
            "squared norm of each teacher column per coordinate: Q* = teacher_norm times the identity"),
        ParameterSpec(
            "teacher_gram", symbol: "Q*", aliases: ["Q_star"], kind: .array(dimensions: 2...2),
            default: .derived("teacher_norm on the diagonal"), "W*^T W*/d, a x a, in place of teacher_norm"),
        ParameterSpec(
            "positions", symbol: "pos", kind: .array(dimensions: 1...1), default: .derived("none: tokens have mean 0"),
            "for each token the teacher column (from 0) that is sqrt(d) times its mean, a positional encoding; the target "
                + "depends on the other columns only"),
        ParameterSpec(
            "batch_fraction", symbol: "b", kind: .real(RealRange(0, 1, includesLower: false)),
            default: .value(.real(1)),
            "mean fraction of the samples in each step of sgd (and of dmft, one-pass, closed-form); 1 is gd"),
        ParameterSpec(
            "mask", kind: .choice(DGDMask.allCases.map(\.rawValue)), default: .value(.text("bernoulli")),
            "how batches are drawn: independent; a Markov chain for each sample; or each sample once an epoch"),
        ParameterSpec(
            "p_off", kind: .real(RealRange(0, 1, includesLower: false)),
            default: .derived("needed by mask: persistent"),
            "persistent: probability a step that a sample leaves the batch (eta (1-b)/(b tau)); it enters with "
                + "b p_off/(1-b)"),
        ParameterSpec(
            "scaled", kind: .flag, default: .value(.flag(true)),
            "whether samples in the batch weigh 1/b (true) or 1"),
        ParameterSpec(
            "spherical", kind: .flag, default: .value(.flag(false)),
            "whether W is put back to its first norm after each step (width 1)"),
        ParameterSpec(
            "noise", symbol: "sigma^2", kind: .real(.nonNegative), default: .derived("sigma^2, else 0"),
            "variance of the label noise zeta of the linear loss"),
        ParameterSpec(
            "sigma", kind: .real(RealRange(0, 1e150)), default: .derived("sqrt(noise)"),
            "standard deviation of the label noise, in place of noise"),
        ParameterSpec(
            "beta", kind: .real(.positive), default: .value(.real(1)), "inverse temperature of the attention"),
        ParameterSpec(
            "runs", symbol: "R", kind: .integer(1...1024), default: .value(.integer(1)),
            "gd, sgd: independent starts (and batches) on the same data in one task; what is recorded is their mean"),
        ParameterSpec(
            "mc_samples", symbol: "N", aliases: ["mc"], kind: .integer(64...100_000_000),
            default: .value(.integer(20000)), "dmft: copies of the effective process"),
        ParameterSpec(
            "probes", symbol: "P", kind: .integer(1...64), default: .value(.integer(1)),
            "dmft: random-sign probes of the responses in each copy; late, small losses have a bias that falls as "
                + "1/(mc_samples probes)"),
        ParameterSpec(
            "tangents", kind: .choice(DGDTangents.allCases.map(\.rawValue)), default: .value(.text("probes")),
            "dmft: responses by random-sign probes, or exactly (memory N T^2, time N T^3: for checks)"),
    ]
}
