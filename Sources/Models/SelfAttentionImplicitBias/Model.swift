import Modeling

/// Training of one softmax self-attention layer with a linear decoder in binary classification, and its implicit bias
/// towards the hard-margin solution W_mm (arXiv 2402.05738; sheet `self-attention-implicit-bias`).
public struct SelfAttentionImplicitBias: Model {
    public init() {}

    public let name = "self-attention-implicit-bias"
    public let summary =
        "full-batch training of softmax attention and its direction towards the max-margin token selection"
    public let references = [
        "arXiv:2402.05738 (Vasudeva, Deora, Thrampoulidis, TMLR 2025)",
        "arXiv:2308.16898 (Tarzanagh, Li, Thrampoulidis, Oymak, 2023)",
        "arXiv:2306.13596 (Tarzanagh, Li, Zhang, Oymak, NeurIPS 2023)",
    ]

    public var parameters: [ParameterSpec] { Self.parameterSpecs }

    private static let costParameters = ["alpha", "n", "d", "L", "data", "tokens", "query", "step_size"]

    public var methods: [MethodSpec] {
        let dynamics = Self.trajectoryObservables + Self.selectionObservables + Self.instanceObservables
        let noMatrix = Set(["corr_W_selected", "norm_Wmm_selected"])
        let symmetricInstance = Self.instanceObservables.filter {
            ["norm_Wmm", "norm_Wmm_sq_per_n", "norm_umm"].contains($0.name)
        }
        return [
            MethodSpec(
                "gd", kind: .simulation, isSeeded: true, isTimed: true, observables: dynamics,
                costParameters: Self.costParameters,
                "full-batch training of W in d x d_q dimensions (parameter optimizer: gd, ngd, polyak)"),
            MethodSpec(
                "gap-recursion", kind: .simulation, isSeeded: true, isTimed: true,
                observables: dynamics.filter { !noMatrix.contains($0.name) }, costParameters: Self.costParameters,
                "the same, exactly, in the n (L - 1) gaps: fixed decoder; its cost does not depend on d"),
            MethodSpec(
                "svm", kind: .simulation, isSeeded: true, isTimed: false, observables: Self.instanceObservables,
                costParameters: Self.costParameters, "the hard-margin problems of a data set: W_mm and u_mm"),
            MethodSpec(
                "symmetric", kind: .theory, isSeeded: false, isTimed: true,
                observables: Self.trajectoryObservables + symmetricInstance, costParameters: ["step_size"],
                "scalar recursion: exact for data: orthogonal, the limit of large d for gaussian"),
            MethodSpec(
                "late-time", kind: .theory, isSeeded: true, isTimed: true, observables: Self.lateTimeObservables,
                costParameters: Self.costParameters,
                "leading asymptotics of a data set: norm, direction, loss, sparsity (fixed decoder)"),
            MethodSpec(
                "closed-form", kind: .theory, isSeeded: false, isTimed: false,
                observables: Self.closedFormObservables, costParameters: [],
                "|W_mm|^2/n for n, d to infinity at fixed alpha (gaussian data, external queries)"),
        ]
    }

    public func constraints(method: String) -> [Constraint] { SAIBRules.rules(method).map(\.constraint) }

    public func parametersUsed(by method: String, in context: JobContext) -> Set<String> {
        SAIBRelevance(context).used(by: method)
    }

    public func cost(method: String, at point: ParameterPoint, times: RecordingTimes) throws -> Cost {
        let choices = SAIBRules.Choices(point: point)
        let (n, d, T) = (choices.sizes.n ?? 10, choices.sizes.d ?? 100, Double(choices.T ?? 5))
        let dq = choices.query == .prompt ? 1 : d
        let K = n * (T - 1)
        let unit = times.unit == .steps ? 1 : (try? point.real("step_size")) ?? 1
        let steps = (times.values.last ?? 0) / unit
        let data = n * T * d
        let gram = K * K
        let solve = (gram * d + gram * K / 3) * 0.12e-9 + gram * 20e-9
        let softmax = n * T * 20e-9 + 1e-6
        switch method {
        case "gd":
            let step = (4 * n * d * dq + 4 * data) * 0.03e-9 + d * dq * 0.8e-9 + softmax
            return Cost(seconds: steps * step + solve, memory: Int(min(8 * (2 * d * dq + 2 * data + 3 * gram), 1e18)))
        case "gap-recursion":
            return Cost(
                seconds: steps * (gram * 0.05e-9 + softmax) + solve, memory: Int(min(8 * (2 * data + 4 * gram), 1e18)))
        case "svm", "late-time":
            return Cost(seconds: solve + 1e-4, memory: Int(min(8 * (2 * data + 4 * gram), 1e18)))
        case "symmetric": return Cost(seconds: steps * 200e-9, memory: 4096)
        default: return Cost(seconds: 1e-4, memory: 4096)
        }
    }

    public func makeRun(_ request: RunRequest) throws -> any Run {
        let parameters = try SAIBParameters(request.point, method: request.method)
        switch request.method {
        case "gd": return try FullTraining(request, parameters)
        case "gap-recursion": return try GapRecursion(request, parameters)
        case "svm": return try MarginRun(request, parameters)
        case "symmetric": return SymmetricRun(request, parameters)
        case "late-time": return try LateTimeRun(request, parameters)
        default: return AlphaTheoryRun(parameters)
        }
    }
}
