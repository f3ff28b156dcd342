import ModelKit
import Modeling

/// How tokens are weighted: by erf(lambda X_l.k), not normalised over tokens (3), or by softmax_l(lambda X_l.k) (4).
package enum AttentionKind: String, Sendable, CaseIterable { case erf, softmax }

/// The parameters of job files.
enum Keys {
    static let d = Key.d(
        in: 6...1_000_000_000_000, typical: 400, "token dimension; |mean of the informative token|^2 = d/2")
    static let L = Key.L(
        in: 1...1_000_000, typical: 10, "sequence length: one informative token, L - 1 of pure noise")
    static let gamma = Key<Double>(
        "gamma", in: RealRange(0, 1e6, includesLower: false), default: 0.5.squareRoot(),
        "spread of the informative token about its mean, per component (others: 1)")
    static let noise = Key.noise(symbol: "eps^2", deviation: ["eps"])
    static let attention = Key<AttentionKind>(
        "attention", default: .erf,
        "weight of token l: erf(lambda X_l.k), not normalised over tokens, or softmax_l(lambda X_l.k)")
    static let lambda0 = Key<Double>(
        "lambda0", symbol: "lambda", in: RealRange(0, 1e6, includesLower: false), typical: 0.1,
        "sharpness of the attention at step 0")
    static let lambdaIncrement = Key<Double>(
        "lambda_increment", in: .nonNegative, default: 0,
        "schedule: step t = 0, 1, ... uses lambda0/(1 + lambda_increment t)")
    static let stepSize = Key.stepSize(
        symbol: "a", typical: 0.004,
        "gradient step (alpha in the paper); population descent needs step_size below step_limit, about 2/d")
    static let batchSize = Key.batchSize(default: 5, "fresh sequences a step of sgd and overlap-chain")
    static let start = Key<Start.Law>(
        "init", derived: "overlaps when one of kappa0 ... rho0 is given, else sphere",
        "start: k, v uniform on the sphere; uniform with theta = eta = rho = 0 (manifold); or with given overlaps")
    static let initScale = Key.initScale(
        symbol: "init_scale", in: .any, derived: "1 with prescribed overlaps", "factor on all prescribed overlaps")
    /// In the order of ``Overlaps``.
    static let overlaps = Overlaps.terms.map { term in
        Key<Double>(
            term.name + "0", symbol: term.name + "_0", in: RealRange(-1, 1),
            derived: "0 when another overlap is given",
            "prescribed overlap \(term.product) at the start (closed-form: where risk and gradient are taken)")
    }
    static let bayesSamples = Key<Int>(
        "bayes_samples", in: 1...1_000_000_000, default: 20000,
        "closed-form: sequences behind bayes_excess where it has no quadrature (gamma other than 1, or a large d)")

    static let all: [any ParameterKey] =
        [d, L, gamma, noise, attention, lambda0, lambdaIncrement, stepSize, batchSize, start, initScale] + overlaps
        + [bayesSamples]
}

extension SingleLocationRegression {
    /// A grid point. What a method's result does not depend on is not read.
    public struct Parameters: ModelParameters {
        /// d, L, gamma and the kind of attention.
        package let population: Population
        /// Whether sequences are drawn.
        let isStochastic: Bool
        /// epsilon^2, the variance of the label noise, from 0; 0 for descent of the population risk.
        package let noise: Double
        /// lambda_0, the sharpness at time 0, positive.
        package let lambda0: Double
        /// How fast the sharpness falls, from 0: a step, or of flow a unit of t.
        package let decay: Double
        /// The step a, positive; NaN for closed forms and for flow at a fixed sharpness.
        package let stepSize: Double
        /// B, sequences a step, from 1; 1 where none are drawn.
        package let batchSize: Int
        /// The law of k and v at time 0; for closed forms, the overlaps to take the risk at.
        package let start: Start
        /// Sequences behind the Bayes risk, from 1; 0 where there is a quadrature or nobody asks.
        package let bayesSamples: Int

        /// Token dimension, from 6.
        package var d: Int { population.d }
        /// Tokens of a sequence, from 1.
        package var L: Int { population.L }
        /// The spread of the informative token, positive.
        package var gamma: Double { population.gamma }
        /// The weights of tokens.
        package var attention: AttentionKind { population.attention }
        /// The closed forms of the population.
        package var theory: Theory { Theory(population) }

        /// lambda_0/(1 + decay t) (13), t in the method's own unit.
        func lambda(at time: Double) -> Double { lambda0 / (1 + decay * time) }

        public init(_ point: Reader, method: Method) throws {
            population = Population(
                d: try point[Keys.d], L: try point[Keys.L], gamma: try point[Keys.gamma],
                attention: try point[Keys.attention])
            start = try Start(point)
            isStochastic = method.isStochastic
            let isClosedForm = method == .closedForm
            noise = isStochastic || isClosedForm ? try point[Keys.noise] : 0
            batchSize = isStochastic ? try point[Keys.batchSize] : 1
            lambda0 = try point[Keys.lambda0]
            let increment = isClosedForm ? 0 : try point[Keys.lambdaIncrement]
            // Flow sees the step size through the schedule only.
            let hasSteps = !isClosedForm && (method != .gradientFlow || increment != 0)
            stepSize = hasSteps ? try point[Keys.stepSize] : .nan
            decay = method == .gradientFlow && increment != 0 ? increment / stepSize : increment
            bayesSamples =
                isClosedForm && !Theory(population).hasBayesQuadrature ? try point[Keys.bayesSamples] : 0
        }
    }
}
