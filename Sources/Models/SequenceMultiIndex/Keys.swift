import ModelKit
import Modeling

extension SequenceMultiIndex {
    /// What a job can set; symbols are those of the model's page.
    enum Keys {
        static let d = Key<Int>(
            "d", symbol: "D", aliases: ["dim", "token_dim"], in: 2...10_000_000, default: 1000, "token dimension")
        static let L = Key.L(
            in: 2...64, default: 2,
            "tokens of a sequence; with two layers and L = 2 the channel is a quadrature, else it takes draws")
        static let layers = Key<Int>(
            "layers", symbol: "p", in: 1...16, default: 2, "attention layers; the last one gives the label")
        static let skip = Key<Double>(
            "skip", symbol: "c", in: .nonNegative, default: 1,
            "strength of the skip connection: a layer multiplies by softmax(q q^T) + c I; one layer alone has none")
        static let alpha = Key.alpha(
            typical: 0.5,
            "sequences per dimension, N/D (not tokens); sgd with data: fresh, the ODE and thresholds do not read it")
        static let reg = Key<Double>(
            "reg", in: .nonNegative, default: 0,
            "added to the variance V in state evolution and amp; 1e-3 compares with the published figures")
        static let start = Key<Start>(
            "init", derived: "warm when Q0 is given, else cold",
            "start: cold (little or no overlap), warm (overlaps Q0) or informed (overlaps 0.99)")
        static let Q0 = Key<ArrayValue>(
            "Q0", symbol: "m_0", dimensions: 1...2, derived: "init_scale^2 on the diagonal",
            "warm start: state evolution and amp begin at M = Q = diag(Q0), p numbers; sgd and overlap-ode at Q = Q0 exactly, "
                + "p numbers or p x p")
        static let M0 = Key<ArrayValue>(
            "M0", dimensions: 1...2,
            derived: "random for sgd; init_scale/sqrt(d) for overlap-ode, or where Q0 is given",
            "sgd and overlap-ode: overlaps with the teacher at the start, imposed exactly; p numbers or p x p")
        static let initScale = Key.initScale(
            symbol: "init_scale", in: .positive,
            derived: "0.1 for amp, 0.9 for sgd and overlap-ode, sqrt(0.05) for state evolution",
            "cold start: scale of the Gaussian weights; state evolution begins at Q = init_scale^2")
        static let damping = Key.damping(
            "weight of the old value in state evolution and amp; do not damp cold amp, it then stays at the start")
        static let jacobian = Key<Bool>(
            "jacobian", default: true,
            "amp: precision A from the mean Jacobian of g (else from the mean of g g^T)")
        static let tolerance = Key.tolerance(
            derived: "1e-4 for fixed-point, 0 for amp",
            "fixed-point ends when one more iteration changes no overlap by more; amp stands still once a weight's root mean "
                + "square change is at most this (0: never)")
        static let maxIterations = Key.maxIterations(in: 1...1_000_000, default: 500, "fixed-point: iterations")
        static let mcSamples = Key.mcSamples(
            derived: "8192, and 32768 for weak-recovery and overlap-ode",
            "common quasi-random sequences behind expectations of the theory (rounded up to 8 groups of a power of two)"
        )
        static let draws = Key<Int>(
            "draws", in: 16...10_000_000, default: 4096,
            "importance draws a sequence, where the channel has no quadrature (three or more layers, or L > 2)")
        static let testSize = Key.testSize(
            in: 64...100_000_000, default: 32768, "quasi-random sequences behind e_gen")
        static let lastOverlap = Key<Double>(
            "q_last", in: RealRange(0, 1, includesLower: false, includesUpper: false), typical: 0.9,
            "branch: overlap of the last layer, all others being 0")
        static let data = Key<DataSource>(
            "data", default: .fresh,
            "sgd: fresh sequences every step (one-pass), or alpha d sequences reused in a fixed order")
        static let batchSize = Key.batchSize(default: 1, "sgd: sequences a step; the gradient is their sum")
        static let repeats = Key<Int>(
            "repeats", symbol: "n_passes", in: 1...1_000_000, default: 1,
            "sgd with data: reuse: steps on a batch before the next one")
        static let stepSize = Key.stepSize(
            symbol: "gamma", derived: "learning_rate/d, else 0.03", typical: nil,
            "w_k moves by -step_size/sqrt(d) times the sum of delta x over a batch")
        static let learningRate = Key<Double>(
            "learning_rate", symbol: "lr", in: .positive, derived: "step_size d",
            "in place of step_size: that of the loss (1/d) sum |y - yhat|^2 over a batch")
        static let weightDecay = Key<Double>(
            "weight_decay", symbol: "kappa", in: .nonNegative, derived: "from l2, else 0",
            "w_k shrinks by weight_decay batch_size/d a step")
        static let l2 = Key<Double>(
            "l2", symbol: "lambda d", in: .nonNegative, derived: "not used",
            "in place of weight_decay: the l2 coefficient times d, weight_decay = step_size l2 d/batch_size")
        static let dt = Key<Double>(
            "dt", in: RealRange(0, 10, includesLower: false), default: 0.05, "overlap-ode: Euler step in t = samples/d")

        static let eitherStep = OneOf("the step", stepSize, learningRate)
        static let eitherDecay = OneOf("the decay of the weights", weightDecay, l2)
    }

    public var keys: [any ParameterKey] {
        [
            Keys.d, Keys.L, Keys.layers, Keys.skip, Keys.alpha, Keys.reg, Keys.start, Keys.Q0, Keys.M0, Keys.initScale,
            Keys.damping, Keys.jacobian, Keys.tolerance, Keys.maxIterations, Keys.mcSamples, Keys.draws, Keys.testSize,
            Keys.lastOverlap, Keys.data, Keys.batchSize, Keys.repeats, Keys.stepSize, Keys.learningRate,
            Keys.weightDecay, Keys.l2, Keys.dt,
        ]
    }
}

/// Where state evolution and amp begin.
package enum Start: String, Sendable, CaseIterable { case cold, warm, informed }

/// Where the sequences of sgd come from.
package enum DataSource: String, Sendable, CaseIterable { case fresh, reuse }
