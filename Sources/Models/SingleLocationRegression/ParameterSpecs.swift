import Modeling

extension SingleLocationRegression {
    static let parameterSpecs: [ParameterSpec] = [
        ParameterSpec(
            "d", kind: .integer(6...1_000_000_000_000), default: .required, typical: .integer(400),
            "token dimension; |mean of the informative token|^2 = d/2"),
        ParameterSpec(
            "L", kind: .integer(1...1_000_000), default: .required, typical: .integer(10),
            "sequence length: one informative token, L - 1 of pure noise"),
        ParameterSpec(
            "gamma", kind: .real(RealRange(0, 1e6, includesLower: false)), default: .value(.real(0.5.squareRoot())),
            "spread of the informative token about its mean, per component (others: 1)"),
        ParameterSpec(
            "noise", symbol: "eps^2", kind: .real(.nonNegative), default: .derived("eps^2, else 0"),
            "variance of the label noise"),
        ParameterSpec(
            "eps", kind: .real(RealRange(0, 1e150)), default: .derived("sqrt(noise)"),
            "standard deviation of the label noise, in place of noise"),
        ParameterSpec(
            "attention", kind: .choice(AttentionKind.allCases.map(\.rawValue)), default: .value(.text("erf")),
            "weight of token l: erf(lambda X_l.k), not normalised over tokens, or softmax_l(lambda X_l.k)"),
        ParameterSpec(
            "lambda0", symbol: "lambda", kind: .real(RealRange(0, 1e6, includesLower: false)), default: .required,
            typical: .real(0.1), "sharpness of the attention at step 0"),
        ParameterSpec(
            "lambda_increment", kind: .real(.nonNegative), default: .value(.real(0)),
            "schedule: step t = 0, 1, ... uses lambda0/(1 + lambda_increment t)"),
        ParameterSpec(
            "step_size", symbol: "a", kind: .real(.positive), default: .required, typical: .real(0.004),
            "gradient step (alpha in the paper); population descent needs step_size below step_limit, about 2/d"),
        ParameterSpec(
            "batch_size", symbol: "B", aliases: ["batch"], kind: .integer(1...1_000_000), default: .value(.integer(5)),
            "fresh sequences a step of sgd and overlap-chain"),
        ParameterSpec(
            "init", kind: .choice(SLRInitialisation.Kind.allCases.map(\.rawValue)),
            default: .derived("overlaps when one of kappa0 ... rho0 is given, else sphere"),
            "start: k, v uniform on the sphere; uniform with theta = eta = rho = 0 (manifold); or with given overlaps"),
        ParameterSpec(
            "init_scale", kind: .real(.any), default: .derived("1 with prescribed overlaps"),
            "factor on all prescribed overlaps"),
        overlap("kappa0", "kappa_0", "k.k*"),
        overlap("nu0", "nu_0", "v.v*"),
        overlap("theta0", "theta_0", "v.k*"),
        overlap("eta0", "eta_0", "k.v*"),
        overlap("rho0", "rho_0", "k.v"),
        ParameterSpec(
            "bayes_samples", kind: .integer(1...1_000_000_000), default: .value(.integer(20000)),
            "closed-form: sequences behind bayes_excess where it has no quadrature (gamma other than 1)"),
    ]

    private static func overlap(_ name: String, _ symbol: String, _ product: String) -> ParameterSpec {
        ParameterSpec(
            name, symbol: symbol, kind: .real(RealRange(-1, 1)), default: .derived("0 when another overlap is given"),
            "prescribed overlap \(product) at the start (closed-form: where risk and gradient are taken)")
    }
}
