import ModelKit
import Modeling

/// Training of one softmax self-attention layer with a linear decoder in binary classification, and its implicit bias
/// towards the hard-margin solution W_mm (docs/models/self-attention-implicit-bias.md, whose equations are cited here).
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
    public let revision = 1
    public var keys: [any ParameterKey] { Keys.all }

    /// Scaled time is the sum of constant steps: t = step_size * steps, whatever the optimizer.
    public func stepsPerTime(of method: Method, at point: Reader) throws -> Double { try 1 / point[Keys.stepSize] }

    public func cost(of method: Method, _ p: Parameters, times: [Double]) -> Cost {
        let (n, d, T, dq) = (Double(p.n), Double(p.d), Double(p.T), Double(p.dq))
        let steps = times.last ?? 0
        let (data, K) = (n * T * d, n * (T - 1))
        let gram = K * K
        // Drawing, the Gram matrix and its programme, the rank of W_mm.
        let instance = data * 12e-9 + (gram * d + gram * K / 3) * 0.12e-9 + gram * 20e-9 + n * n * n * 0.6e-9
        let softmax = n * T * 20e-9 + 0.4e-6 + (p.rule.optimizer == .polyak ? n * 150e-9 : 0)
        // Tokens, gap features and what made them; the Gram matrix, that of the programme, and a factor.
        let bytes = 8 * (3 * data + n * dq + 3 * gram)
        switch method {
        case .gd:
            let products = n * d * dq * 0.1e-9 + d * dq * 0.7e-9 + data * (p.isJoint ? 0.7e-9 : 0.35e-9)
            return Cost(seconds: steps * (products + softmax) + instance, bytes: bytes + 8 * (3 * d * dq + 2 * n * d))
        case .gapRecursion:
            return Cost(seconds: steps * (gram * 0.05e-9 + softmax) + instance, bytes: bytes + 8 * d * dq)
        case .svm: return Cost(seconds: instance + 2e-5, bytes: bytes)
        case .lateTime:
            let spectrum = gram * K * 0.06e-9
            let clock = p.rule.decay > 0 ? steps * 15e-9 : 0
            return Cost(seconds: instance + spectrum + clock + 1e-4, bytes: bytes + 8 * (gram + d * dq))
        case .symmetric: return Cost(seconds: steps * 110e-9, bytes: 4096)
        case .closedForm: return Cost(seconds: 1e-5, bytes: 4096)
        }
    }

    public func makeRun(_ method: Method, _ p: Parameters, _ request: RunRequest) throws -> any Run {
        switch method {
        case .gd: return try FullTraining(p, request)
        case .gapRecursion: return try GapRecursion(p, request)
        case .svm:
            let instance = try Instance(p, request, needsMargin: true)
            return ClosedForm { try instance.finish(into: &$0) }
        case .symmetric: return SymmetricRecursion(p)
        case .lateTime: return try LateTimeRun(p, request)
        case .closedForm: return ClosedForm { try AlphaTheory.observe(p, into: &$0) }
        }
    }
}

/// The algorithms and theories.
public enum Method: String, ModelMethod {
    case gd
    case gapRecursion = "gap-recursion"
    case svm
    case symmetric
    case lateTime = "late-time"
    case closedForm = "closed-form"

    /// It draws tokens in R^d, or is given them.
    var isSampled: Bool { self != .symmetric && self != .closedForm }
    /// It follows an optimizer.
    var trains: Bool { self != .svm && self != .closedForm }

    public var spec: MethodSpec {
        let inGaps = Observable.trajectory + [.sMaxMean, .selectedOptimal]
        switch self {
        case .gd:
            return MethodSpec(
                self, kind: .simulation, isSeeded: true, time: .steps,
                observables: inGaps + [.corrWSelected, .normWmmSelected] + Observable.ofInstance,
                "full-batch training of W in d x d_q dimensions (parameter optimizer: gd, ngd, polyak)")
        case .gapRecursion:
            return MethodSpec(
                self, kind: .simulation, isSeeded: true, time: .steps, observables: inGaps + Observable.ofInstance,
                "the same, exactly, in the n (L - 1) gaps: fixed decoder; its cost does not depend on d")
        case .svm:
            return MethodSpec(
                self, kind: .simulation, isSeeded: true, time: .none, observables: Observable.ofInstance,
                "the hard-margin problems of a data set: W_mm and u_mm")
        case .symmetric:
            return MethodSpec(
                self, kind: .theory, isSeeded: false, time: .steps,
                observables: Observable.trajectory + [.normWmm, .normWmmSquarePerN, .normUmm],
                "scalar recursion: exact for data: orthogonal, the limit of large d for gaussian")
        case .lateTime:
            let curvatures = Observable.curvatures.map { $0.recorded(byDefault: true) }
            let instance = Observable.ofInstance.map { observable in
                curvatures.first { $0.name == observable.name } ?? observable
            }
            return MethodSpec(
                self, kind: .theory, isSeeded: true, time: .steps,
                observables: [.logExcess, .normW, .corrW, .distW, .logSparsity, .stepLength]
                    + [.logExcessSlope, .distConstant, .gdTransient, .allActive] + instance,
                "leading asymptotics of a data set: norm, direction, loss, sparsity (fixed decoder)")
        case .closedForm:
            return MethodSpec(
                self, kind: .theory, isSeeded: false, time: .none,
                observables: [
                    .normWmmSquarePerN, .activeFraction, .normWmmSquareSmallAlpha, .normWmmSquareAllActive,
                ],
                "|W_mm|^2/n for n, d to infinity at fixed alpha (gaussian data, external queries)")
        }
    }
}
