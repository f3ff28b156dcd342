import Modeling

extension SequenceMultiIndex {
    static let parameterSpecs: [ParameterSpec] = [
        ParameterSpec(
            "d", symbol: "D", kind: .integer(2...10_000_000), default: .value(.integer(1000)), "token dimension"),
        ParameterSpec(
            "L", kind: .integer(2...64), default: .value(.integer(2)),
            "tokens of a sequence; with two layers and L = 2 the channel is a quadrature, else it takes draws"),
        ParameterSpec(
            "layers", symbol: "p", kind: .integer(1...16), default: .value(.integer(2)),
            "attention layers; the last one gives the label"),
        ParameterSpec(
            "skip", symbol: "c", kind: .real(.nonNegative), default: .value(.real(1)),
            "strength of the skip connection: a layer multiplies by softmax(q q^T) + c I"),
        ParameterSpec(
            "alpha", symbol: "\\alpha", kind: .real(.positive), default: .required, typical: .real(0.5),
            "sequences per dimension, N/D (not tokens); sgd with data: fresh, the ODE and thresholds do not read it"),
        ParameterSpec(
            "reg", kind: .real(.nonNegative), default: .value(.real(0)),
            "added to the variance V in state evolution and amp; 1e-3 compares with the published figures"),
        ParameterSpec(
            "init", kind: .choice(SMIStart.allCases.map(\.rawValue)),
            default: .derived("warm when Q0 is given, else cold"),
            "start: cold (little or no overlap), warm (overlaps Q0) or informed (overlaps 0.99)"),
        ParameterSpec(
            "Q0", symbol: "m_0", kind: .array(dimensions: 1...2), default: .derived("init_scale^2 on the diagonal"),
            "warm start: state evolution and amp begin at M = Q = diag(Q0), p numbers; sgd and overlap-ode at Q = Q0 exactly, "
                + "p numbers or p x p"),
        ParameterSpec(
            "M0", kind: .array(dimensions: 1...2),
            default: .derived("random for sgd; init_scale/sqrt(d) for overlap-ode"),
            "sgd and overlap-ode: overlaps with the teacher at the start, imposed exactly; p numbers or p x p"),
        ParameterSpec(
            "init_scale", kind: .real(.positive),
            default: .derived("0.1 for amp, 0.9 for sgd and overlap-ode, sqrt(0.05) for state evolution"),
            "cold start: scale of the Gaussian weights; state evolution begins at Q = init_scale^2"),
        ParameterSpec(
            "damping", kind: .real(RealRange(0, 1, includesUpper: false)), default: .value(.real(0)),
            "weight of the old value in state evolution and amp; do not damp cold amp, it then stays at the start"),
        ParameterSpec(
            "jacobian", kind: .flag, default: .value(.flag(true)),
            "amp: precision A from the mean Jacobian of g (else from the mean of g g^T)"),
        ParameterSpec(
            "tolerance", kind: .real(.nonNegative), default: .derived("1e-4 for fixed-point, 0 for amp"),
            "fixed-point ends when one more iteration changes no overlap by more; amp stands still once a weight's root mean "
                + "square change is at most this (0: never)"),
        ParameterSpec(
            "max_iterations", kind: .integer(1...1_000_000), default: .value(.integer(500)), "fixed-point: iterations"),
        ParameterSpec(
            "mc_samples", kind: .integer(64...100_000_000),
            default: .derived("8192, and 32768 for weak-recovery and overlap-ode"),
            "common quasi-random sequences behind expectations of the theory (rounded up to 8 groups of a power of two)"
        ),
        ParameterSpec(
            "draws", kind: .integer(16...10_000_000), default: .value(.integer(4096)),
            "importance draws a sequence, where the channel has no quadrature (three or more layers, or L > 2)"),
        ParameterSpec(
            "test_size", kind: .integer(64...100_000_000), default: .value(.integer(32768)),
            "quasi-random sequences behind e_gen"),
        ParameterSpec(
            "q_last", kind: .real(RealRange(0, 1, includesLower: false, includesUpper: false)), default: .required,
            typical: .real(0.9), "branch: overlap of the last layer, all others being 0"),
        ParameterSpec(
            "data", kind: .choice(SMIData.allCases.map(\.rawValue)), default: .value(.text("fresh")),
            "sgd: fresh sequences every step (one-pass), or alpha d sequences reused in a fixed order"),
        ParameterSpec(
            "batch_size", symbol: "B", aliases: ["batch"], kind: .integer(1...1_000_000), default: .value(.integer(1)),
            "sgd: sequences a step; the gradient is their sum"),
        ParameterSpec(
            "repeats", symbol: "n_passes", kind: .integer(1...1_000_000), default: .value(.integer(1)),
            "sgd with data: reuse: steps on a batch before the next one"),
        ParameterSpec(
            "step_size", symbol: "gamma", kind: .real(.positive), default: .derived("learning_rate/d, else 0.03"),
            "w_k moves by -step_size/sqrt(d) times the sum of delta x over a batch"),
        ParameterSpec(
            "learning_rate", symbol: "lr", kind: .real(.positive), default: .derived("step_size d"),
            "in place of step_size: that of the loss (1/d) sum |y - yhat|^2 over a batch"),
        ParameterSpec(
            "weight_decay", symbol: "kappa", kind: .real(.nonNegative), default: .derived("from l2, else 0"),
            "w_k shrinks by weight_decay batch_size/d a step"),
        ParameterSpec(
            "l2", symbol: "lambda d", kind: .real(.nonNegative), default: .derived("not used"),
            "in place of weight_decay: the l2 coefficient times d, weight_decay = step_size l2 d/batch_size"),
        ParameterSpec(
            "dt", kind: .real(RealRange(0, 10, includesLower: false)), default: .value(.real(0.05)),
            "overlap-ode: Euler step in t = samples/d"),
    ]
}

/// Where state evolution and amp begin.
package enum SMIStart: String, Sendable, CaseIterable { case cold, warm, informed }

/// Where the sequences of sgd come from.
package enum SMIData: String, Sendable, CaseIterable { case fresh, reuse }
