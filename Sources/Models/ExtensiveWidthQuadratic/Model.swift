import Modeling
import Numerics

/// A network with one hidden layer of squares, as many hidden units as is in proportion to the dimension, learned from a number
/// of samples in proportion to its square (arXiv 2408.03733; sheet `extensive-width-quadratic`).
public struct ExtensiveWidthQuadratic: Model {
    public init() {}

    public let name = "extensive-width-quadratic"
    public let summary =
        "a quadratic network of kappa d hidden units from alpha d^2 samples: Bayes, AMP, averaged GD, Langevin"
    public let references = [
        "arXiv:2408.03733 (Maillard, Troiani, Martin, Krzakala, Zdeborova, 2024)"
    ]

    public var parameters: [ParameterSpec] { Self.parameterSpecs }
    public var methods: [MethodSpec] { Self.methodSpecs }

    private static let sizes = ["d", "kappa", "width", "alpha", "alpha_bar", "n", "noise", "noise_std"]
    private static let descent = ["runs", "student_width", "step_size", "init_scale", "optimizer"]

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
            "thresholds", kind: .theory, isSeeded: false, isTimed: false, observables: thresholdObservables,
            costParameters: [], "sample ratios of perfect recovery, and of weak recovery with few units"),
        MethodSpec(
            "limits", kind: .theory, isSeeded: false, isTimed: false, observables: limitObservables,
            costParameters: [], "the best error in the limits of many units, few units and few samples"),
        MethodSpec(
            "amp", kind: .simulation, isSeeded: true, isTimed: true, observables: passingObservables,
            costParameters: sizes,
            "GAMP-RIE: message passing with a rotationally invariant denoiser; time is iterations"),
        MethodSpec(
            "gd", kind: .simulation, isSeeded: true, isTimed: true, observables: descentObservables,
            costParameters: sizes + descent,
            "full-batch descent on the hidden weights; R is of the average of `runs` starts on the same data"),
        MethodSpec(
            "langevin", kind: .simulation, isSeeded: true, isTimed: true, observables: descentObservables,
            costParameters: sizes + descent,
            "unadjusted Langevin sampling of the posterior; R is of the average over chains, and over time after burn_in"
        ),
    ]

    public func constraints(method: String) -> [Constraint] { EWQRules.rules(method).map(\.constraint) }

    public func parametersUsed(by method: String, in context: JobContext) -> Set<String> {
        EWQRelevance.used(by: method)
    }

    public func cost(method: String, at point: ParameterPoint, times: RecordingTimes) throws -> Cost {
        try EWQCost.cost(method: method, at: point, times: times)
    }

    public func makeRun(_ request: RunRequest) throws -> any Run {
        let parameters = try EWQParameters(request.point, method: request.method)
        switch request.method {
        case "amp": return try EWQMessagePassing(request, parameters)
        case "gd", "langevin": return try EWQDescent(request, parameters)
        case "state-evolution": return try EWQStateEvolutionRun(request, parameters)
        case "bayes", "sampling", "thresholds", "limits": return EWQTheoryRun(request, parameters)
        default: throw ModelError.inconsistent("extensive-width-quadratic has no method '\(request.method)'")
        }
    }
}
