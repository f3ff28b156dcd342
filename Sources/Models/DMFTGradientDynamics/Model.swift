import Dynamics
import Modeling
import Numerics

/// (S)GD on a fixed set of n = alpha d samples, each L tokens in R^d, and the two-time mean-field theory that is exact for
/// it at d to infinity (sheet `dmft-gradient-dynamics`).
public struct DMFTGradientDynamics: Model {
    public init() {}

    public let name = "dmft-gradient-dynamics"
    public let summary = "GD and SGD that reuse their data, on vectors and sequences, and the mean-field theory of it"
    public let references = [
        "arXiv:2006.06098 (Mignacco, Krzakala, Urbani, Zdeborova, NeurIPS 2020)",
        "arXiv:2210.06591 (Gerbelot, Troiani, Mignacco, Krzakala, Zdeborova, 2022)",
        "arXiv:2112.07572 (Celentano, Cheng, Montanari, 2021)",
    ]

    public var parameters: [ParameterSpec] { Self.parameterSpecs }
    public var methods: [MethodSpec] { Self.methodSpecs }

    static let methodSpecs: [MethodSpec] = [
        MethodSpec(
            "gd", kind: .simulation, isSeeded: true, isTimed: true, observables: trajectoryObservables + [weightKernel],
            costParameters: DGDSimulationCost.parameters, "full-batch gradient descent on n samples in R^d"),
        MethodSpec(
            "sgd", kind: .simulation, isSeeded: true, isTimed: true,
            observables: trajectoryObservables + [weightKernel], costParameters: DGDSimulationCost.parameters,
            "the same with batches drawn from the n samples"),
        MethodSpec(
            "dmft", kind: .theory, isSeeded: true, isTimed: true, observables: trajectoryObservables + theoryKernels,
            costParameters: [
                "alpha", "L", "width", "teachers", "loss", "step_size", "batch_fraction", "mask", "p_off", "scaled",
                "mc_samples", "probes", "tangents",
            ],
            "dynamical mean-field theory, exact at d to infinity, by a Monte Carlo of mc_samples copies; seeds are "
                + "independent integrations"),
        MethodSpec(
            "one-pass", kind: .theory, isSeeded: false, isTimed: true, observables: onePassObservables,
            costParameters: ["L", "width", "teachers", "step_size"],
            "the limit of d to infinity when every step has fresh samples, alpha batch_fraction d of them: a recursion of "
                + "overlap and q"),
        MethodSpec(
            "closed-form", kind: .theory, isSeeded: false, isTimed: true,
            observables: trajectoryObservables + theoryKernels, costParameters: ["step_size", "batch_fraction"],
            "gd, and sgd with mask bernoulli, of the linear loss at d to infinity, in closed form"),
    ]

    public func constraints(method: String) -> [Constraint] { DGDRules.rules(method).map(\.constraint) }

    public func parametersUsed(by method: String, in context: JobContext) -> Set<String> {
        DGDRelevance(context).used(by: method)
    }

    public func cost(method: String, at point: ParameterPoint, times: RecordingTimes) throws -> Cost {
        switch method {
        case "gd", "sgd": return try DGDSimulationCost.cost(method: method, at: point, times: times)
        case "dmft": return try theoryCost(at: point, times: times)
        case "one-pass": return try onePassCost(at: point, times: times)
        case "closed-form": return try closedFormCost(at: point, times: times)
        default: throw ModelError.inconsistent("dmft-gradient-dynamics has no method '\(method)'")
        }
    }

    public func makeRun(_ request: RunRequest) throws -> any Run {
        let parameters = try DGDParameters(request.point, method: request.method)
        switch request.method {
        case "gd", "sgd":
            return try Self.withChannel(of: parameters, MakeSimulation(request: request, parameters: parameters))
        case "dmft": return try Self.withChannel(of: parameters, MakeTheory(request: request, parameters: parameters))
        case "one-pass":
            return try Self.withChannel(of: parameters, MakeOnePass(request: request, parameters: parameters))
        case "closed-form": return try DGDClosedForm(request, parameters)
        default: throw ModelError.inconsistent("dmft-gradient-dynamics has no method '\(request.method)'")
        }
    }

    private struct MakeSimulation: ChannelVisitor {
        let request: RunRequest
        let parameters: DGDParameters

        func visit(_ channel: some DMFTChannel) throws -> any Run { try DGDSimulation(request, parameters, channel) }
    }

    /// What can be done with a channel of any type.
    protocol ChannelVisitor {
        associatedtype Result
        func visit(_ channel: some DMFTChannel) throws -> Result
    }

    /// Calls `visitor` with the channel of the point's loss, its type known.
    static func withChannel<Visitor: ChannelVisitor>(
        of parameters: DGDParameters, _ visitor: Visitor
    ) throws -> Visitor.Result {
        let a = parameters.teachers
        switch parameters.loss {
        case .linear: return try visitor.visit(ScalarChannel(LinearLoss(sigma: parameters.noise), teachers: a))
        case .logistic: return try visitor.visit(ScalarChannel(LogisticLoss(), teachers: a))
        case .phase: return try visitor.visit(ScalarChannel(PhaseLoss(), teachers: a))
        case .tokenAverage:
            return try visitor.visit(
                TokenAverageChannel(tokens: parameters.tokens, students: parameters.students, teachers: a))
        case .tiedAttention:
            return try visitor.visit(
                TiedAttentionChannel(
                    tokens: parameters.tokens, students: parameters.students, teachers: a,
                    positions: Set(parameters.prior.positions ?? []).count, beta: parameters.beta))
        }
    }
}
