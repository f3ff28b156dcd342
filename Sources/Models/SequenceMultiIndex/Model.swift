import Modeling
import Numerics

/// Deep attention with tied rank-one weights and skip connections, as a sequence multi-index model (arXiv 2502.00901; sheet
/// `sequence-multi-index`).
public struct SequenceMultiIndex: Model {
    public init() {}

    public let name = "sequence-multi-index"
    public let summary =
        "deep attention with rank-one layers: Bayes-optimal AMP, its state evolution and thresholds, SGD"
    public let references = [
        "arXiv:2502.00901 (Troiani, Cui, Dandi, Krzakala, Zdeborova, ICML 2025)"
    ]

    public var parameters: [ParameterSpec] { Self.parameterSpecs }
    public var methods: [MethodSpec] { Self.methodSpecs }

    static let methodSpecs: [MethodSpec] = [
        MethodSpec(
            "amp", kind: .simulation, isSeeded: true, isTimed: true, observables: ampObservables,
            costParameters: ["d", "L", "layers", "alpha", "draws", "test_size"],
            "approximate message passing, Bayes-optimal at large d; steps are iterations"),
        MethodSpec(
            "state-evolution", kind: .theory, isSeeded: false, isTimed: true, observables: stateEvolutionObservables,
            costParameters: ["L", "layers", "mc_samples", "draws", "test_size"],
            "the overlaps of amp iteration by iteration, for large d"),
        MethodSpec(
            "fixed-point", kind: .theory, isSeeded: false, isTimed: false, observables: fixedPointObservables,
            costParameters: ["L", "layers", "mc_samples", "draws", "test_size"],
            "where state evolution ends; not converged within max_iterations is a failure that states the residual"),
        MethodSpec(
            "weak-recovery", kind: .theory, isSeeded: false, isTimed: false, observables: thresholdObservables,
            costParameters: ["L", "layers", "skip", "mc_samples", "draws"],
            "thresholds in alpha from which a layer is recovered: of the last layer, and of each other one once the last is known; "
                + "the responses they follow from"),
        MethodSpec(
            "branch", kind: .theory, isSeeded: false, isTimed: false, observables: branchObservables,
            costParameters: ["L", "layers", "mc_samples", "draws", "test_size"],
            "the branch on which only the last layer is learned, parametric in its overlap q_last"),
        MethodSpec(
            "sgd", kind: .simulation, isSeeded: true, isTimed: true, observables: descentObservables,
            costParameters: ["d", "L", "layers", "batch_size", "alpha", "data", "test_size"],
            "minibatch SGD of the same network, on reused or fresh sequences; t = samples seen/d"),
        MethodSpec(
            "overlap-ode", kind: .theory, isSeeded: false, isTimed: true, observables: odeObservables,
            costParameters: ["d", "L", "layers", "mc_samples", "dt", "test_size"],
            "the limit of one-pass SGD (data: fresh) for large d, in t = samples seen/d"),
    ]

    public func constraints(method: String) -> [Constraint] {
        let own: [ParameterRule] =
            switch method {
            case "amp", "state-evolution", "fixed-point": [SMIRules.bayesian]
            case "sgd", "overlap-ode": [SMIRules.overlaps]
            default: []
            }
        return (SMIRules.all + own).map(\.constraint)
    }

    public func parametersUsed(by method: String, in context: JobContext) -> Set<String> {
        SMIRelevance(context).used(by: method)
    }

    public func makeRun(_ request: RunRequest) throws -> any Run {
        let parameters = try SMIParameters(request.point)
        for constraint in constraints(method: request.method) {
            if let violation = constraint.violation(request.point) {
                throw ModelError.parameter(constraint.parameters[0], violation)
            }
        }
        switch request.method {
        case "amp": return try SMIAMP(request, parameters)
        case "state-evolution": return try SMIStateEvolution(request, parameters)
        case "fixed-point": return try SMIFixedPoint(request, parameters)
        case "weak-recovery": return try SMIWeakRecovery(request, parameters)
        case "branch": return try SMIBranch(request, parameters)
        case "sgd": return try SMISGD(request, parameters)
        case "overlap-ode": return try SMIOverlapODE(request, parameters)
        default: throw ModelError.inconsistent("sequence-multi-index has no method '\(request.method)'")
        }
    }
}
