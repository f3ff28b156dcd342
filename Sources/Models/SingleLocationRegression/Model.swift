import Modeling
import Numerics

/// Single-location regression: one informative token among L, erf or softmax attention with one key and one value
/// direction on the unit sphere (arXiv 2410.01537; sheet `single-location-regression`).
public struct SingleLocationRegression: Model {
    public init() {}

    public let name = "single-location-regression"
    public let summary =
        "one informative token among L, found by erf or softmax attention: population descent and one-pass SGD"
    public let references = ["arXiv:2410.01537 (Marion, Berthier, Biau, Boyer, ICLR 2025)"]

    public var parameters: [ParameterSpec] { Self.parameterSpecs }
    public var methods: [MethodSpec] { Self.methodSpecs }

    static let methodSpecs: [MethodSpec] = [
        MethodSpec(
            "pgd", kind: .simulation, isSeeded: true, isTimed: true, observables: trajectoryObservables,
            costParameters: ["d", "L", "gamma", "attention", "lambda0", "step_size"],
            "projected gradient descent of the population risk, on vectors in d dimensions"),
        MethodSpec(
            "reduced-pgd", kind: .theory, isSeeded: true, isTimed: true, observables: trajectoryObservables,
            costParameters: ["d", "L", "gamma", "attention", "lambda0", "step_size"],
            "the same as an exact recursion of the five overlaps; seeds draw random starts"),
        MethodSpec(
            "gradient-flow", kind: .theory, isSeeded: true, isTimed: true, observables: trajectoryObservables,
            costParameters: ["d", "L", "gamma", "attention", "lambda0", "step_size"],
            "its limit of small steps, in t = step_size steps; seeds draw random starts"),
        MethodSpec(
            "sgd", kind: .simulation, isSeeded: true, isTimed: true,
            observables: trajectoryObservables + sampleObservables,
            costParameters: ["d", "L", "batch_size", "gamma", "attention", "lambda0", "step_size"],
            "one-pass projected SGD in d dimensions, every token drawn"),
        MethodSpec(
            "overlap-chain", kind: .theory, isSeeded: true, isTimed: true,
            observables: trajectoryObservables + sampleObservables,
            costParameters: ["d", "L", "batch_size", "gamma", "attention", "lambda0", "step_size"],
            "the exact Markov chain of the overlaps: the law of sgd at a cost independent of d"),
        MethodSpec(
            "closed-form", kind: .theory, isSeeded: false, isTimed: false, observables: closedFormObservables,
            costParameters: ["d", "L", "gamma", "attention", "lambda0", "bayes_samples"],
            "risk and gradient at given overlaps; oracle, Bayes and linear benchmarks; attractors and rates"),
    ]

    public func constraints(method: String) -> [Constraint] { SLRRules.all.map(\.constraint) }

    public func parametersUsed(by method: String, in context: JobContext) -> Set<String> {
        var used = Set(parameters.map(\.name))
        func isFixed(_ name: String, at value: Double) -> Bool {
            (try? context.fixed.realIfGiven(name)) == value
        }
        if method != "closed-form" { used.remove("bayes_samples") }
        switch method {
        case "sgd", "overlap-chain": break
        case "closed-form":
            used.subtract(["lambda_increment", "step_size", "batch_size"])
            if isFixed("gamma", at: 1) { used.remove("bayes_samples") }
        default:
            used.subtract(["noise", "eps", "batch_size"])
            // Flow sees the step size through steps and the schedule only.
            let hasSchedule = context.given.contains("lambda_increment") && !isFixed("lambda_increment", at: 0)
            if method == "gradient-flow", context.timeUnit == .scaled, !hasSchedule { used.remove("step_size") }
        }
        return used
    }

    public func makeRun(_ request: RunRequest) throws -> any Run {
        let parameters = try SLRParameters(request.point)
        switch request.method {
        case "pgd": return try FullPGD(request, parameters)
        case "reduced-pgd": return ReducedPGD(request, parameters)
        case "gradient-flow": return try GradientFlow(request, parameters)
        case "sgd": return try SLRSGD(request, parameters)
        case "overlap-chain": return try SLROverlapChain(request, parameters)
        case "closed-form": return try SLRClosedForm(request, parameters)
        default: throw ModelError.inconsistent("single-location-regression has no method '\(request.method)'")
        }
    }
}
