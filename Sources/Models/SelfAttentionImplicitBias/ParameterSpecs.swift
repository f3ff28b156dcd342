import Modeling

extension SelfAttentionImplicitBias {
    private static func choice<C: CaseIterable & RawRepresentable>(_: C.Type) -> ParameterKind
    where C.RawValue == String {
        .choice(C.allCases.map(\.rawValue))
    }

    /// The parameters of the sheet, and what it lets one prescribe.
    static let parameterSpecs: [ParameterSpec] = [
        ParameterSpec(
            "alpha", kind: .real(.positive), default: .derived("n/d"),
            "sequences per token dimension, n/d; give two of alpha, n, d"),
        ParameterSpec(
            "n", kind: .integer(1...1_000_000),
            default: .derived("alpha d, to the nearest whole number (even one where labels are balanced)"),
            "sequences; even for gaussian and orthogonal"),
        ParameterSpec(
            "d", kind: .integer(1...1_000_000), default: .derived("from n and alpha, or from the tokens given"),
            "token dimension"),
        ParameterSpec(
            "L", symbol: "T", aliases: ["seq_len"], kind: .integer(2...100_000),
            default: .derived("needed, or from the tokens given"), "sequence length, tokens"),
        ParameterSpec(
            "data", kind: choice(SAIBFamily.self), default: .derived("explicit when tokens are given, else gaussian"),
            "signal + Gaussian noise tokens, exactly orthogonal tokens, random unit tokens, the sheet's sin tokens, or given"
        ),
        ParameterSpec(
            "query", kind: choice(SAIBQuery.self),
            default: .derived(
                "noise (gaussian, orthogonal), external (sphere, or queries given), first (sin, explicit)"),
            "q_i: the first token, not optimal (noise), optimal (opt) or whichever (first); an own vector; or 1 (prompt)"
        ),
        ParameterSpec(
            "geometry", kind: choice(SAIBGeometry.self), default: .value(.text("antipodal")),
            "gaussian, orthogonal: the two signals are orthogonal or opposite"),
        ParameterSpec(
            "signal", symbol: "U", kind: .real(.positive), default: .value(.real(1)),
            "gaussian, orthogonal: norm of the signals"),
        ParameterSpec(
            "sigma", kind: .real(.positive), default: .value(.real(1)),
            "gaussian, orthogonal: norm of the noise tokens (gaussian: N(0, sigma^2/d))"),
        ParameterSpec(
            "project", kind: .flag, default: .value(.flag(false)),
            "gaussian: take the signal coordinates out of the noise tokens"),
        ParameterSpec(
            "sin_w", symbol: "w", kind: .array(dimensions: 1...1), default: .derived("(0.61, 0.83, 0.29, 1.1)"),
            "sin: the four frequencies"),
        ParameterSpec(
            "tokens", symbol: "X", kind: .array(dimensions: 3...3), default: .derived("needed by data: explicit"),
            "explicit: tokens, shape (n, L, d)"),
        ParameterSpec(
            "queries", symbol: "q", kind: .array(dimensions: 2...2),
            default: .derived("needed by explicit with query: external"), "explicit: queries, shape (n, d_q)"),
        ParameterSpec(
            "labels", symbol: "y", kind: .array(dimensions: 1...1), default: .derived("+1, -1, +1, ..."),
            "explicit: labels +1 or -1, shape (n)"),
        ParameterSpec(
            "opt", kind: .array(dimensions: 1...1),
            default: .derived("the token of the largest score; needed by explicit with joint or without u or scores"),
            "explicit: position (from 0) of each sequence's optimal token"),
        ParameterSpec(
            "scores", symbol: "gamma", kind: .array(dimensions: 2...2), default: .derived("y_i u.x"),
            "explicit, fixed decoder: the token scores themselves, shape (n, L), in place of a decoder"),
        ParameterSpec(
            "u", kind: .array(dimensions: 1...1),
            default: .derived("fixed: u_mm (sphere, sin: the u that made the labels' scores); joint: 0"),
            "the fixed decoder, or the start u_0 of a trained one; shape (d)"),
        ParameterSpec(
            "data_seed", kind: .integer(0...1_000_000_000_000), default: .derived("the task's own seed and method"),
            "number of the random data set and start W_0: given, all methods and seeds share it"),
        ParameterSpec(
            "loss", kind: choice(SAIBLoss.self), default: .value(.text("logistic")),
            "l(m): log(1 + exp(-m)), exp(-m), or -m"),
        ParameterSpec(
            "optimizer", kind: choice(SAIBOptimizer.self), default: .value(.text("ngd")),
            "full-batch gradient descent, with normalised steps, or with Polyak's steps"),
        ParameterSpec(
            "polyak_c", symbol: "c", kind: .real(.positive), default: .value(.real(1)),
            "polyak: step (L - L*)/(c |grad|^2); 1 classical, 2 more cautious"),
        ParameterSpec(
            "joint", kind: .flag, default: .value(.flag(false)), "train the decoder u together with W"),
        ParameterSpec(
            "step_size", symbol: "eta_W", aliases: ["eta"], kind: .real(.positive), default: .value(.real(0.1)),
            "gd: step of W; ngd: length of W's steps; scaled time is steps times this"),
        ParameterSpec(
            "step_size_u", symbol: "eta_u", kind: .real(.positive), default: .value(.real(0.1)),
            "joint: the same for the decoder"),
        ParameterSpec(
            "step_decay", symbol: "a_W", kind: .real(.nonNegative), default: .value(.real(0)),
            "gd, ngd: step number t has step_size (t + 1)^-a"),
        ParameterSpec(
            "step_decay_u", symbol: "a_u", kind: .real(.nonNegative), default: .value(.real(0)),
            "joint: the same for the decoder"),
        ParameterSpec(
            "init", aliases: ["init_dir"], kind: choice(SAIBStart.self),
            default: .derived("explicit when W0 is given, random when init_scale is, else zero"),
            "direction of W_0: random Gaussian, -W_mm (adversarial), +W_mm (mm); or uniform entries in +-1/sqrt(d)"),
        ParameterSpec(
            "init_scale", symbol: "omega", kind: .real(.nonNegative),
            default: .derived("needed by random, adversarial, mm"),
            "norm of W_0"),
        ParameterSpec(
            "W0", symbol: "W_0", kind: .array(dimensions: 1...2), default: .derived("needed by init: explicit"),
            "W_0 itself, shape (d, d_q) (prompt: (d))"),
    ]
}
