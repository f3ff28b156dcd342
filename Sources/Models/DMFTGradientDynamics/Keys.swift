import ModelKit
import Modeling

/// The parameters of the model.
enum Keys {
    static let all: [any ParameterKey] = [
        alpha, d, L, width, teachers, loss, stepSize, ridge, initScale, initGram, initOverlap, M0, teacherNorm,
        teacherGram, positions, batchFraction, mask, pOff, scaled, spherical, noise, beta, runs, mcSamples, probes,
        tangents,
    ]

    static let alpha = Key.alpha(
        in: RealRange(0, 1000, includesLower: false), typical: 2, "samples per dimension, n = round(alpha d)")
    static let d = Key.d(in: 2...1_000_000, default: 1000, "token dimension of the simulations")
    static let L = Key.L(in: 1...8, default: 1, "tokens per sample")
    static let width = Key<Int>("width", symbol: "k", in: 1...8, default: 1, "student columns k: W is d x k")
    static let teachers = Key<Int>(
        "teachers", symbol: "a", in: 1...16, default: 1,
        "teacher columns a: W* is d x a, those of the tokens' means included")
    static let loss = Key<Loss>(
        "loss", typical: .logistic,
        "linear: (z-z*-zeta)^2/2; logistic: log(1+e^(-yz)), y = sign z*; phase: (z^2-z*^2)^2/4; "
            + "token-average: (mean_li tanh z_li - mean_l tanh z*_l)^2/2; "
            + "tied-attention: |P-P*|_F^2/2, P = softmax_rows(beta Z Z^T/sqrt(k))")
    static let stepSize = Key.stepSize(
        symbol: "eta", aliases: ["step"], in: .nonNegative, typical: 0.2,
        "step on the summed loss: W -= eta (sum over samples of A^T g + ridge W), fields z = x.w/sqrt(d)")
    static let ridge = Key<Double>("ridge", symbol: "lambda", in: .nonNegative, default: 0, "weight decay")

    static let initScale = Key.initScale(
        symbol: "q0", in: .positive, derived: "1, unless init_gram is given",
        "squared norm of each student column per coordinate at the start: q_0 = init_scale times the identity")
    static let initGram = Key<ArrayValue>(
        "init_gram", symbol: "q_0", dimensions: 2...2, derived: "init_scale on the diagonal",
        "W_0^T W_0/d, k x k, in place of init_scale")
    static let initOverlap = Key<Double>(
        "init_overlap", symbol: "m0", in: .any, derived: "0, unless M0 is given",
        "overlap of student column i with teacher column i at the start, for every i that both have")
    static let M0 = Key<ArrayValue>(
        "M0", symbol: "M_0", dimensions: 2...2, derived: "init_overlap on the diagonal",
        "W_0^T W*/d, k x a, in place of init_overlap")
    static let teacherNorm = Key<Double>(
        "teacher_norm", symbol: "rho", in: .positive, derived: "1, unless teacher_gram is given",
        "squared norm of each teacher column per coordinate: Q* = teacher_norm times the identity")
    static let teacherGram = Key<ArrayValue>(
        "teacher_gram", symbol: "Q*", aliases: ["Q_star"], dimensions: 2...2, derived: "teacher_norm on the diagonal",
        "W*^T W*/d, a x a, in place of teacher_norm")
    static let positions = Key<ArrayValue>(
        "positions", symbol: "pos", dimensions: 1...1, derived: "none: tokens have mean 0",
        "for each token the teacher column (from 0) that is sqrt(d) times its mean, a positional encoding; the target "
            + "depends on the other columns only")

    static let batchFraction = Key<Double>(
        "batch_fraction", symbol: "b", in: RealRange(0, 1, includesLower: false), default: 1,
        "mean fraction of the samples in each step of sgd (and of dmft, one-pass, closed-form); 1 is gd")
    static let mask = Key<Mask>(
        "mask", default: .bernoulli,
        "how batches are drawn: independent; a Markov chain for each sample; or each sample once an epoch")
    static let pOff = Key<Double>(
        "p_off", in: RealRange(0, 1, includesLower: false), derived: "needed by mask: persistent",
        "persistent: probability a step that a sample leaves the batch (eta (1-b)/(b tau)); it enters with "
            + "b p_off/(1-b)")
    static let scaled = Key<Bool>("scaled", default: true, "whether samples in the batch weigh 1/b (true) or 1")
    static let spherical = Key<Bool>(
        "spherical", default: false, "whether W is put back to its first norm after each step (width 1)")
    static let noise = Key.noise(
        symbol: "sigma^2", deviation: ["sigma"], "variance of the label noise zeta of the linear loss")
    static let beta = Key<Double>("beta", in: .positive, default: 1, "inverse temperature of the attention")

    static let runs = Key.runs(
        in: 1...1024, symbol: "R",
        "gd, sgd: independent starts (and batches) on the same data in one task; what is recorded is their mean")
    static let mcSamples = Key.mcSamples(default: 20000, "dmft: copies of the effective process")
    static let probes = Key<Int>(
        "probes", symbol: "P", in: 1...64, default: 1,
        "dmft: random-sign probes of the responses in each copy; late, small losses have a bias that falls as "
            + "1/(mc_samples probes)")
    static let tangents = Key<Tangents>(
        "tangents", default: .probes,
        "dmft: responses by random-sign probes, or exactly (memory N T^2, time N T^3: for checks)")
}

/// The losses (6) to (10).
package enum Loss: String, Sendable, CaseIterable {
    case linear, logistic, phase
    case tokenAverage = "token-average"
    case tiedAttention = "tied-attention"

    /// Whether it is one of a single token and student column.
    var isScalar: Bool {
        switch self {
        case .linear, .logistic, .phase: true
        case .tokenAverage, .tiedAttention: false
        }
    }
}

/// How the batches of a step are drawn, see `BatchLaw`.
package enum Mask: String, Sendable, CaseIterable { case bernoulli, persistent, epoch }

/// How the theory finds responses.
package enum Tangents: String, Sendable, CaseIterable { case probes, exact }
