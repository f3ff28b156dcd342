import ModelKit
import Modeling

/// Multi-index regression in the proportional regime: Bayes-optimal message passing, its state evolution, and which
/// directions are found from a cold start (docs/models/multi-index-weak-recovery.md).
public struct MultiIndexWeakRecovery: Model {
    public init() {}

    public let name = "multi-index-weak-recovery"
    public let summary =
        "Gaussian multi-index models: Bayes-optimal message passing, state evolution, weak-recovery thresholds"
    public let references = ["arXiv:2405.15480 (Troiani, Dandi, Defilippis, Zdeborova, Loureiro, Krzakala)"]
    public let revision = 1
    public let keys = Keys.all

    public enum Method: String, ModelMethod {
        case amp
        case stateEvolution = "state-evolution"
        case fixedPoint = "fixed-point"
        case weakRecovery = "weak-recovery"

        public var spec: MethodSpec {
            let theory = Observable.shared + [.bayesError] + Observable.ends
            return switch self {
            case .amp:
                MethodSpec(
                    self, kind: .simulation, isSeeded: true, time: .iterations,
                    observables: Observable.shared + [.trainError, .mMinusQ, .qMinusC, .change] + Observable.ends,
                    "approximate message passing on n = alpha d drawn samples; a time is an iteration")
            case .stateEvolution:
                MethodSpec(
                    self, kind: .theory, isSeeded: false, time: .iterations, observables: theory,
                    "its overlaps after each iteration as d grows, by quadrature")
            case .fixedPoint:
                MethodSpec(
                    self, kind: .theory, isSeeded: false, time: .none,
                    observables: theory.map { $0.recorded(inTime: false) },
                    "where state evolution ends from the same start; not converged: no result")
            case .weakRecovery:
                MethodSpec(
                    self, kind: .theory, isSeeded: false, time: .none, observables: Observable.recovery,
                    "thresholds of all links: trivial, easy and hard directions, and the staircase")
            }
        }
    }

    public func makeRun(_ method: Method, _ parameters: Parameters, _ request: RunRequest) throws -> any Run {
        switch method {
        case .amp: return try BayesPassing(parameters, request)
        case .stateEvolution: return TheoryRun(parameters, isTimed: true)
        case .fixedPoint: return TheoryRun(parameters, isTimed: false)
        case .weakRecovery:
            let thresholds = Thresholds(parameters: parameters)
            return ClosedForm { sink in try thresholds.put(into: &sink) }
        }
    }
}
