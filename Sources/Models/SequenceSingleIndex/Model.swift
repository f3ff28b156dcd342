import Modeling
import Numerics

/// The sequence single-index model: one-pass spherical SGD of tied and untied networks and single-layer attention on a
/// target of one hidden direction (arXiv 2506.02651; sheet `sequence-single-index`).
public struct SequenceSingleIndex: Model {
    public init() {}

    public let name = "sequence-single-index"
    public let summary = "one-pass spherical SGD of tied/untied networks and softmax attention on a single-index target"
    public let references = [
        "arXiv:2506.02651 (Arnaboldi, Loureiro, Stephan, Krzakala, Zdeborova, NeurIPS 2025)"
    ]

    public var parameters: [ParameterSpec] { Self.baseParameters + Self.theoryParameters }
    public var methods: [MethodSpec] { Self.simulationMethods + Self.theoryMethods }

    public func constraints(method: String) -> [Constraint] {
        SSIRules.all.map(\.constraint) + Self.theoryConstraints(method: method)
    }

    public func parametersUsed(by method: String, in context: JobContext) -> Set<String> {
        let relevance = ParameterRelevance(parameters: parameters, context: context)
        var used = Set(Self.baseParameters.map(\.name)).subtracting(relevance.unused)
        if Self.theoryMethods.contains(where: { $0.name == method }) {
            return Self.theoryParametersUsed(by: method, relevance: relevance, baseline: used)
        }
        if method == "overlap-chain" || method == "sgd" { used.subtract(Self.theoryParameters.map(\.name)) }
        return used
    }

    public func cost(method: String, at point: ParameterPoint, times: RecordingTimes) throws -> Cost {
        if let cost = Self.simulationCost(method: method, at: point, times: times) { return cost }
        return try Self.theoryCost(method: method, at: point, times: times)
    }

    public func makeRun(_ request: RunRequest) throws -> any Run {
        let parameters = try SSIParameters(request.point)
        switch request.method {
        case "sgd": return try SphericalSGD(request, parameters)
        case "overlap-chain": return try OverlapChain(request, parameters)
        default: return try Self.makeTheoryRun(request, parameters)
        }
    }
}
