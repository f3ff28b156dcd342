import Modeling
import Numerics

/// Bilinear sequence regression: a label that is linear in a whole sequence of L tokens in R^d, through an unknown matrix of
/// extensive rank (arXiv 2410.18858; sheet `bilinear-sequence-regression`).
public struct BilinearSequenceRegression: Model {
    public init() {}

    public let name = "bilinear-sequence-regression"
    public let summary =
        "labels bilinear in token and position through a d x L matrix of extensive rank: Bayes, AMP, ridge, GD, Langevin"
    public let references = [
        "arXiv:2410.18858 (Erba, Troiani, Biggio, Maillard, Zdeborova, 2024)",
        "arXiv:2203.07752 (Troiani, Erba, Krzakala, Maillard, Zdeborova, 2022)",
    ]

    public var parameters: [ParameterSpec] { Self.parameterSpecs }
    public var methods: [MethodSpec] { Self.methodSpecs }

    private static let sizes = ["d", "L", "beta", "rho", "rank", "alpha", "alpha_bar", "n", "noise"]

    static let methodSpecs: [MethodSpec] = [
        MethodSpec(
            "bayes", kind: .theory, isSeeded: false, isTimed: false, observables: bayesObservables,
            costParameters: sizes, "the best possible error: where the state evolution stands still"),
        MethodSpec(
            "state-evolution", kind: .theory, isSeeded: false, isTimed: true, observables: iterationObservables,
            costParameters: sizes, "error of undamped message passing at each iteration; time is iterations"),
        MethodSpec(
            "sampling", kind: .theory, isSeeded: false, isTimed: false, observables: samplingObservables,
            costParameters: sizes,
            "error of the average of `runs` samples of the posterior, (1 + 1/runs) times the best"),
        MethodSpec(
            "ridge-theory", kind: .theory, isSeeded: false, isTimed: false, observables: ridgeObservables,
            costParameters: [], "ridge regression on the flattened sequence, in closed form"),
        MethodSpec(
            "thresholds", kind: .theory, isSeeded: false, isTimed: false, observables: thresholdObservables,
            costParameters: [],
            "sample ratios of strong recovery (Bayes, nuclear norm) and of weak recovery at low rank"),
        MethodSpec(
            "limits", kind: .theory, isSeeded: false, isTimed: false, observables: limitObservables,
            costParameters: [], "the best error in the limits of low rank, high rank, long sequences and few samples"),
        MethodSpec(
            "amp", kind: .simulation, isSeeded: true, isTimed: true, observables: passingObservables,
            costParameters: sizes,
            "GAMP-RIE: message passing with a rotationally invariant denoiser; time is iterations"),
        MethodSpec(
            "ridge", kind: .simulation, isSeeded: true, isTimed: false, observables: ridgeObservables,
            costParameters: sizes, "ridge regression on sampled data, solved exactly"),
        MethodSpec(
            "gd", kind: .simulation, isSeeded: true, isTimed: true, observables: descentObservables,
            costParameters: sizes + ["runs", "student_rank", "step_size"],
            "full-batch descent on the two factors; E is of the average of `runs` starts on the same data"),
        MethodSpec(
            "langevin", kind: .simulation, isSeeded: true, isTimed: true, observables: descentObservables,
            costParameters: sizes + ["runs", "student_rank", "step_size"],
            "unadjusted Langevin sampling of the posterior; E is of the average over chains, and over time after burn_in"
        ),
    ]

    public func constraints(method: String) -> [Constraint] { BSRRules.rules(method).map(\.constraint) }

    public func parametersUsed(by method: String, in context: JobContext) -> Set<String> {
        BSRRelevance.used(by: method, in: context)
    }

    public func cost(method: String, at point: ParameterPoint, times: RecordingTimes) throws -> Cost {
        try BSRCost.cost(method: method, at: point, times: times)
    }

    public func makeRun(_ request: RunRequest) throws -> any Run {
        let parameters = try BSRParameters(request.point, method: request.method)
        switch request.method {
        case "amp": return try BSRMessagePassing(request, parameters)
        case "ridge": return try BSRRidge(request, parameters)
        case "gd", "langevin": return try BSRDescent(request, parameters)
        case "state-evolution": return try BSRStateEvolutionRun(request, parameters)
        case "bayes", "sampling", "ridge-theory", "thresholds", "limits":
            return BSRTheoryRun(request, parameters)
        default: throw ModelError.inconsistent("bilinear-sequence-regression has no method '\(request.method)'")
        }
    }
}
