import Modeling

extension SequenceSingleIndex {
    /// The parameters of the sheet, section 5, and what it lets one prescribe.
    static let baseParameters: [ParameterSpec] = [
        ParameterSpec(
            "d", kind: .integer(3...1_000_000_000_000), default: .required, typical: .integer(1000),
            "token dimension; inputs have variance 1/d"),
        ParameterSpec(
            "L", kind: .integer(1...1_000_000), default: .required, typical: .integer(2), "sequence length"),
        ParameterSpec(
            "student", kind: .choice(Student.allCases.map(\.rawValue)), default: .value(.text("tied")),
            "tied or untied network, or single-layer softmax attention"),
        ParameterSpec(
            "norm_mode", kind: .choice(NormMode.allCases.map(\.rawValue)), default: .value(.text("global")),
            "untied only: renormalise all rows together, or each token's row on its own sphere"),
        ParameterSpec(
            "activation", symbol: "sigma", kind: .choice(Activation.allCases.map(\.rawValue)),
            default: .value(.text("relu")), "activation of network students"),
        ParameterSpec(
            "target", symbol: "g", kind: .choice(Target.allCases.map(\.rawValue)),
            default: .value(.text("inversesqrtsum")), "target function of the teacher's fields z*_l"),
        ParameterSpec(
            "hermite_terms", kind: .array(dimensions: 2...2), default: .derived("needed by target: hermite"),
            "terms [b, k_1, ..., k_L] of g(z) = sum b prod_l He_{k_l}(z_l)"),
        ParameterSpec(
            "loss", kind: .choice(Loss.allCases.map(\.rawValue)),
            default: .derived("half_square for positional_semantic, else square"),
            "c (y-f)^2 with c = 1 (square) or 1/2 (half_square), or the Frobenius norm of a matrix residual"),
        ParameterSpec(
            "step_size", symbol: "gamma", aliases: ["gamma_0"], kind: .real(.positive), default: .required,
            typical: .real(0.1), "SGD step gamma_0, O(1): it is not divided by d"),
        ParameterSpec(
            "step_scaling", aliases: ["gamma_scaling"], kind: .choice(StepScaling.allCases.map(\.rawValue)),
            default: .value(.text("one")), "the step used is gamma_0 times 1, sqrt(L) or L"),
        ParameterSpec(
            "init", kind: .choice(InitialisationKind.allCases.map(\.rawValue)),
            default: .derived("prescribed when m0 or e0 is given, else overlapped"), "initial condition"),
        ParameterSpec(
            "init_scale", symbol: "o", aliases: ["init_overlap"], kind: .real(RealRange(0, 1, includesUpper: false)),
            default: .derived("1/sqrt(d)"), "overlapped start: w_0 ~ (1-o) u + o w*, so m_0 = o/sqrt((1-o)^2 + o^2)"),
        ParameterSpec(
            "random_sign", kind: .flag, default: .value(.flag(false)),
            "overlapped start: an independent random sign of each row's overlap"),
        ParameterSpec(
            "m0", symbol: "m_0", kind: .real(RealRange(-1, 1)), default: .derived("0 in a prescribed start"),
            "prescribed overlap with w* (of every row when untied)"),
        ParameterSpec(
            "m0_vec", kind: .array(dimensions: 1...1), default: .derived("m0 in every row"),
            "untied: prescribed overlap of each row"),
        ParameterSpec(
            "e0", symbol: "e_0", kind: .real(RealRange(-1, 1)), default: .derived("0 in a prescribed start"),
            "attention: prescribed overlap with the first encoding direction (paired: e_1 = -e_2 = e0)"),
        ParameterSpec(
            "e0_vec", kind: .array(dimensions: 1...1), default: .derived("(e0, 0, ...)"),
            "attention: prescribed overlap with each encoding direction (orthonormal: e_1, ..., e_L)"),
        ParameterSpec(
            "omega", kind: .real(RealRange(0, 1)), default: .value(.real(0)),
            "positional_semantic: positional share of the target"),
        ParameterSpec(
            "a", kind: .real(RealRange(0, 1, includesLower: false)), default: .value(.real(1)),
            "positional_semantic: strength of the positional part"),
        ParameterSpec(
            "eta", kind: .real(RealRange(0, 1, includesLower: false, includesUpper: false)),
            default: .derived("2/sqrt(d)"), "level of weak recovery"),
        ParameterSpec(
            "reduction", kind: .choice(Reduction.allCases.map(\.rawValue)),
            default: .derived("none for positional_semantic, explicit when U is given, else trace"),
            "attention output: the matrix S (none), or sum_ij U_ij S_ij with U = I/sqrt(L), a_l a_r^T or explicit"),
        ParameterSpec(
            "U", kind: .array(dimensions: 2...2), default: .derived("needed by reduction: explicit"),
            "the L x L matrix of an explicit reduction"),
        ParameterSpec(
            "projection_left", symbol: "a_l", kind: .array(dimensions: 1...1), default: .derived("uniform, 1/sqrt(L)"),
            "unit vector of reduction: projection"),
        ParameterSpec(
            "projection_right", symbol: "a_r", kind: .array(dimensions: 1...1),
            default: .derived("uniform, 1/sqrt(L)"), "unit vector of reduction: projection"),
        ParameterSpec(
            "encoding", aliases: ["pe"], kind: .choice(PositionalEncoding.allCases.map(\.rawValue)),
            default: .derived("paired for positional_semantic, else none"),
            "attention: positional encoding; paired is P_1 = -P_2, orthonormal one direction a token"),
        ParameterSpec(
            "encoding_matrix", symbol: "pi", kind: .array(dimensions: 2...2),
            default: .derived("needed by encoding: explicit"),
            "the L x k matrix pi of P_l = sum_j pi_lj v_j/sqrt(d), v_j orthogonal of norm sqrt(d)"),
        ParameterSpec(
            "test_size", kind: .integer(1...1_000_000_000), default: .derived("20 d"),
            "samples of the test set behind risk_half in simulations"),
    ]
}
