import ModelKit
import Modeling

/// The parameters.
enum Keys {
    static let alpha = Key.alpha(
        derived: "n/d", typical: nil, "sequences per token dimension, n/d; give two of alpha, n, d")
    static let n = Key.n(
        in: 1...largest, derived: "alpha d, to the nearest whole number (even one where labels are balanced)",
        "sequences; even for gaussian and orthogonal")
    static let d = Key.d(
        in: 1...largest, derived: "from n and alpha, or from the tokens given", typical: nil, "token dimension")
    static let L = Key.L(
        in: 2...100_000, derived: "needed, or from the tokens given", typical: nil, "sequence length, tokens")
    static let data = Key<Family>(
        "data", derived: "explicit when tokens are given, else gaussian",
        "signal + Gaussian noise tokens, exactly orthogonal tokens, random unit tokens, sin tokens for tests, or given")
    static let query = Key<Query>(
        "query", derived: "noise (gaussian, orthogonal), external (sphere, or queries given), first (sin, explicit)",
        "q_i: the first token, not optimal (noise), optimal (opt) or whichever (first); an own vector; or 1 (prompt)")
    static let geometry = Key<Geometry>(
        "geometry", default: .antipodal, "gaussian, orthogonal: the two signals are orthogonal or opposite")
    static let signal = Key<Double>(
        "signal", symbol: "U", in: .positive, default: 1, "gaussian, orthogonal: norm of the signals")
    static let sigma = Key<Double>(
        "sigma", in: .positive, default: 1,
        "gaussian, orthogonal: norm of the noise tokens (gaussian: N(0, sigma^2/d))")
    static let project = Key<Bool>(
        "project", default: false, "gaussian: take the signal coordinates out of the noise tokens")
    static let sinW = Key<ArrayValue>(
        "sin_w", symbol: "w", dimensions: 1...1, derived: "(0.61, 0.83, 0.29, 1.1)", "sin: the four frequencies")
    static let tokens = Key<ArrayValue>(
        "tokens", symbol: "X", dimensions: 3...3, derived: "needed by data: explicit",
        "explicit: tokens, shape (n, L, d)")
    static let queries = Key<ArrayValue>(
        "queries", symbol: "q", dimensions: 2...2, derived: "needed by explicit with query: external",
        "explicit: queries, shape (n, d_q)")
    static let labels = Key<ArrayValue>(
        "labels", symbol: "y", dimensions: 1...1, derived: "+1, -1, +1, ...", "explicit: labels +1 or -1, shape (n)")
    static let opt = Key<ArrayValue>(
        "opt", dimensions: 1...1,
        derived: "the token of the largest score; needed by explicit with joint or without u or scores",
        "explicit: position (from 0) of each sequence's optimal token")
    static let scores = Key<ArrayValue>(
        "scores", symbol: "gamma", dimensions: 2...2, derived: "y_i u.x",
        "explicit, fixed decoder: the token scores themselves, shape (n, L), in place of a decoder")
    static let u = Key<ArrayValue>(
        "u", dimensions: 1...1,
        derived: "fixed: u_mm (sphere, sin: the u that made the labels' scores); joint: 0",
        "the fixed decoder, or the start u_0 of a trained one; shape (d)")
    static let dataSeed = Key<Int>(
        "data_seed", in: 0...1_000_000_000_000, derived: "none: every task draws its own",
        "number of the random data set and start W_0: given, all methods and seeds share it")
    static let loss = Key<Loss>("loss", default: .logistic, "l(m): log(1 + exp(-m)), exp(-m), or -m")
    static let optimizer = Key<Optimizer>(
        "optimizer", default: .ngd, "full-batch gradient descent, with normalised steps, or with Polyak's steps")
    static let polyak = Key<Double>(
        "polyak_c", symbol: "c", in: .positive, default: 1,
        "polyak: step (L - L*)/(c |grad|^2); 1 classical, 2 more cautious")
    static let joint = Key<Bool>("joint", default: false, "train the decoder u together with W")
    static let stepSize = Key.stepSize(
        symbol: "eta_W", aliases: ["eta"], default: 0.1, typical: nil,
        "gd: step of W; ngd: length of W's steps; scaled time is steps times this")
    static let stepSizeU = Key<Double>(
        "step_size_u", symbol: "eta_u", in: .positive, default: 0.1, "joint: the same for the decoder")
    static let decay = Key<Double>(
        "step_decay", symbol: "a_W", in: .nonNegative, default: 0, "gd, ngd: step number t has step_size (t + 1)^-a")
    static let decayU = Key<Double>(
        "step_decay_u", symbol: "a_u", in: .nonNegative, default: 0, "joint: the same for the decoder")
    static let start = Key<Start>(
        "init", aliases: ["init_dir"],
        derived: "explicit when W0 is given, random when init_scale is, else zero",
        "direction of W_0: random Gaussian, -W_mm (adversarial), +W_mm (mm); or uniform entries in +-1/sqrt(d)")
    static let initScale = Key.initScale(
        symbol: "omega", in: .nonNegative, derived: "needed by random, adversarial, mm", "norm of W_0")
    static let W0 = Key<ArrayValue>(
        "W0", symbol: "W_0", dimensions: 1...2, derived: "needed by init: explicit",
        "W_0 itself, shape (d, d_q) (prompt: (d))")

    /// In the order of `dynsweep models`.
    static let all: [any ParameterKey] = [
        alpha, n, d, L, data, query, geometry, signal, sigma, project, sinW, tokens, queries, labels, opt, scores, u,
        dataSeed, loss, optimizer, polyak, joint, stepSize, stepSizeU, decay, decayU, start, initScale, W0,
    ]
    /// What only `data: explicit` reads.
    static let explicit = [tokens, queries, labels, opt, scores]
    /// Of n and d.
    static let largest = 1_000_000
}
