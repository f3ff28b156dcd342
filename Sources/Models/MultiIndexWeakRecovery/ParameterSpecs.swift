import Modeling

extension MultiIndexWeakRecovery {
    static let parameterSpecs: [ParameterSpec] = [
        ParameterSpec(
            "alpha", kind: .real(.positive), default: .required, typical: .real(3), "samples per dimension, n/d"),
        ParameterSpec(
            "link", symbol: "g", kind: .choice(MIWLink.allCases.map(\.rawValue)), default: .required,
            typical: .text("sign_product2"),
            "the label g(z): sign(z1 z2); z1^2 + sign(z1 z2 z3); the sum of three signs; for thresholds only also z1 z2, "
                + "z1/z2, the sum of p squares, z^2, |z|, sign(z1 z2 z3)"),
        ParameterSpec(
            "d", kind: .integer(2...10_000_000), default: .value(.integer(1000)), "dimension of the amp run"),
        ParameterSpec(
            "p", kind: .integer(1...30), default: .derived("that of the link; 2 for sum_of_squares"),
            "directions; free for sum_of_squares alone"),
        ParameterSpec(
            "flip", symbol: "eps", kind: .real(RealRange(0, 0.5, includesUpper: false)), default: .value(.real(0)),
            "probability that a label +-1 is flipped"),
        ParameterSpec(
            "init", kind: .choice(MIWInitialisation.allCases.map(\.rawValue)),
            default: .derived("warm when m0 or M0 is given, else cold"),
            "cold: a small start; warm: overlap M0, Bayes consistent; informed: warm with M0 = 0.97 I; planted (amp): "
                + "sqrt(m0) w* + sqrt(1 - m0) noise with C = I, as in the official code"),
        ParameterSpec(
            "m0", kind: .real(RealRange(0, 1, includesUpper: false)), default: .derived("not used"),
            "initial overlap of every direction"),
        ParameterSpec(
            "M0", kind: .array(dimensions: 1...2), default: .derived("m0 times the identity"),
            "initial overlaps: p numbers, the diagonal, or a p x p matrix with eigenvalues from 0 to below 1"),
        ParameterSpec(
            "init_scale", kind: .real(RealRange(0, 1, includesLower: false)), default: .value(.real(0.1)),
            "amp, cold: standard deviation of the estimate's entries at the start"),
        ParameterSpec(
            "cold_overlap", kind: .real(RealRange(0, 1, includesLower: false, includesUpper: false)),
            default: .value(.real(1e-3)), "state evolution, cold: the start is this times the identity"),
        ParameterSpec(
            "damping", symbol: "delta", kind: .real(RealRange(0, 1, includesUpper: false)), default: .value(.real(0)),
            "weight of the old W_hat and C, or of the old M; best 0 for warm starts and near alpha_c; "
                + "cold starts far above alpha_c escape more often with 0.2 to 0.4"
        ),
        ParameterSpec(
            "precision", symbol: "A", kind: .choice(MIWPrecision.allCases.map(\.rawValue)),
            default: .value(.text("gg")),
            "amp's precision matrix: gg, (1/d) sum g g^T; jacobian, -(1/d) sum dg, which needs damping for sign_product2"
        ),
        ParameterSpec(
            "reg", kind: .real(.nonNegative), default: .value(.real(1e-6)),
            "amp: added to the diagonal of C, so that V stays above rounding where recovery is exact (official: 1e-6)"),
        ParameterSpec(
            "max_iter", kind: .integer(1...10_000_000),
            default: .derived("200 for amp, 100000 for state evolution"), "iterations after which a run stops"),
        ParameterSpec(
            "tol", kind: .real(.nonNegative), default: .derived("1e-4 for amp, 1e-8 for state evolution"),
            "converged below this: rms change of W_hat, largest change of M; 0: go on to max_iter"),
        ParameterSpec(
            "test_size", kind: .integer(1...100_000_000), default: .value(.integer(20_000)),
            "fresh samples of amp's test error, the same at each time"),
        ParameterSpec(
            "learned_overlap", symbol: "a", kind: .real(RealRange(0, 1)),
            default: .derived("the fixed point at alpha with the rest at 0"),
            "weak-recovery: overlap of what is learned first (z1 of phase_parity, the committee's mean)"),
    ]
}

/// The law of the start (sheet, section 3).
package enum MIWInitialisation: String, Sendable, CaseIterable { case cold, warm, informed, planted }
