import ModelKit
import Modeling

/// The parameters, in the order of `dynsweep models sequence-single-index`.
enum Keys {
    static let d = Key.d(in: 3...1_000_000_000_000, "token dimension; inputs have variance 1/d")
    static let L = Key.L(in: 1...1_000_000, "sequence length")
    static let student = Key<Student>(
        "student", default: .tied, "tied or untied network, or single-layer softmax attention")
    static let normMode = Key<NormMode>(
        "norm_mode", default: .global,
        "untied only: renormalise all rows together, or each token's row on its own sphere")
    static let activation = Key<Activation>(
        "activation", symbol: "sigma", default: .relu, "activation of network students")
    static let target = Key<Target>(
        "target", symbol: "g", default: .inverseSqrtSum, "target function of the teacher's fields z*_l")
    static let hermiteTerms = Key<ArrayValue>(
        "hermite_terms", dimensions: 2...2, derived: "needed by target: hermite",
        "terms [b, k_1, ..., k_L] of g(z) = sum b prod_l He_{k_l}(z_l)")
    static let loss = Key<Loss>(
        "loss", derived: "half_square for positional_semantic, else square",
        "c (y-f)^2 with c = 1 (square) or 1/2 (half_square), or the Frobenius norm of a matrix residual")
    static let stepSize = Key.stepSize(
        symbol: "gamma", aliases: ["gamma_0"], "SGD step gamma_0, O(1): it is not divided by d")
    static let stepScaling = Key<StepScaling>(
        "step_scaling", aliases: ["gamma_scaling"], default: .one, "the step used is gamma_0 times 1, sqrt(L) or L")
    static let start = Key<StartKind>(
        "init", derived: "prescribed when m0 or e0 is given, else overlapped", "initial condition")
    static let initScale = Key.initScale(
        symbol: "o", aliases: ["init_overlap"], in: RealRange(0, 1, includesUpper: false), derived: "1/sqrt(d)",
        "overlapped start: w_0 ~ (1-o) u + o w*, so m_0 = o/sqrt((1-o)^2 + o^2)")
    static let randomSign = Key<Bool>(
        "random_sign", default: false, "overlapped start: an independent random sign of each row's overlap")
    static let m0 = Key<Double>(
        "m0", symbol: "m_0", in: RealRange(-1, 1), derived: "0 in a prescribed start",
        "prescribed overlap with w* (of every row when untied)")
    static let m0Rows = Key<ArrayValue>(
        "m0_vec", dimensions: 1...1, derived: "m0 in every row", "untied: prescribed overlap of each row")
    static let e0 = Key<Double>(
        "e0", symbol: "e_0", in: RealRange(-1, 1), derived: "0 in a prescribed start",
        "attention: prescribed overlap with the first encoding direction (paired: e_1 = -e_2 = e0)")
    static let e0Directions = Key<ArrayValue>(
        "e0_vec", dimensions: 1...1, derived: "(e0, 0, ...)",
        "attention: prescribed overlap with each encoding direction (orthonormal: e_1, ..., e_L)")
    static let omega = Key<Double>(
        "omega", in: .unit, default: 0, "positional_semantic: positional share of the target")
    static let a = Key<Double>(
        "a", in: RealRange(0, 1, includesLower: false), default: 1,
        "positional_semantic: strength of the positional part")
    static let eta = Key<Double>(
        "eta", in: RealRange(0, 1, includesLower: false, includesUpper: false), derived: "2/sqrt(d)",
        "level of weak recovery")
    static let reduction = Key<Reduction>(
        "reduction", derived: "none for positional_semantic, explicit when U is given, else trace",
        "attention output: the matrix S (none), or sum_ij U_ij S_ij with U = I/sqrt(L), a_l a_r^T or explicit")
    static let U = Key<ArrayValue>(
        "U", dimensions: 2...2, derived: "needed by reduction: explicit", "the L x L matrix of an explicit reduction")
    static let projectionLeft = Key<ArrayValue>(
        "projection_left", symbol: "a_l", dimensions: 1...1, derived: "uniform, 1/sqrt(L)",
        "unit vector of reduction: projection")
    static let projectionRight = Key<ArrayValue>(
        "projection_right", symbol: "a_r", dimensions: 1...1, derived: "uniform, 1/sqrt(L)",
        "unit vector of reduction: projection")
    static let encoding = Key<PositionalEncoding>(
        "encoding", aliases: ["pe"], derived: "paired for positional_semantic, else none",
        "attention: positional encoding; paired is P_1 = -P_2, orthonormal one direction a token")
    static let encodingMatrix = Key<ArrayValue>(
        "encoding_matrix", symbol: "pi", dimensions: 2...2, derived: "needed by encoding: explicit",
        "the L x k matrix pi of P_l = sum_j pi_lj v_j/sqrt(d), v_j orthogonal of norm sqrt(d)")
    static let testSize = Key.testSize(derived: "20 d", "samples of the test set behind risk_half in simulations")
    static let quadraturePoints = Key<Int>(
        "quadrature_points", in: 64...(1 << 24), default: 1 << 16,
        "theory of attention with loss frobenius or L >= 4: Sobol points of an average, each used with its mirror images"
    )

    static let all: [any ParameterKey] = [
        d, L, student, normMode, activation, target, hermiteTerms, loss, stepSize, stepScaling, start, initScale,
        randomSign, m0, m0Rows, e0, e0Directions, omega, a, eta, reduction, U, projectionLeft, projectionRight,
        encoding, encodingMatrix, testSize, quadraturePoints,
    ]
}
