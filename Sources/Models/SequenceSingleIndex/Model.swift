import ModelKit
import Modeling

/// The sequence single-index model: one-pass spherical SGD of tied and untied networks and single-layer attention on a
/// target of one hidden direction (arXiv 2506.02651). Numbers in parentheses are equations of
/// docs/models/sequence-single-index.md.
public struct SequenceSingleIndex: Model {
    public init() {}

    public let name = "sequence-single-index"
    public let summary = "one-pass spherical SGD of tied/untied networks and softmax attention on a single-index target"
    public let references = [
        "arXiv:2506.02651 (Arnaboldi, Loureiro, Stephan, Krzakala, Zdeborova, NeurIPS 2025)"
    ]
    public let revision = 1
    public var keys: [any ParameterKey] { Keys.all }

    /// Two simulations of one law, its limit, and what is known explicitly.
    public enum Method: String, ModelMethod {
        case sgd
        case overlapChain = "overlap-chain"
        case ode
        case closedForm = "closed-form"
        case closedFormTrajectory = "closed-form-trajectory"

        public var spec: MethodSpec {
            switch self {
            case .sgd:
                MethodSpec(
                    self, kind: .simulation, isSeeded: true, time: .steps,
                    observables: Observable.simulated + [.studentNorm], "one-pass spherical SGD in d dimensions")
            case .overlapChain:
                MethodSpec(
                    self, kind: .simulation, isSeeded: true, time: .steps, observables: Observable.simulated,
                    "the exact Markov chain of the overlaps: the law of sgd at a cost independent of d")
            case .ode:
                MethodSpec(
                    self, kind: .theory, isSeeded: false, time: .scaled,
                    observables: Observable.overlaps + [.halfRisk, .risk, .overlapNoise, .positionalNoise],
                    "overlaps for d to infinity at fixed step size, with the gamma^2 term")
            case .closedForm:
                MethodSpec(
                    self, kind: .theory, isSeeded: false, time: .none, observables: Observable.closedForms,
                    "thresholds, critical steps, gains, phase diagram; NaN where one does not apply")
            case .closedFormTrajectory:
                MethodSpec(
                    self, kind: .theory, isSeeded: false, time: .scaled,
                    observables: [.steps, .t, .overlap, .rowOverlaps, .weakRecoveryTime],
                    "overlap(t) of networks where it is an explicit function")
            }
        }
    }

    /// t = steps/d, for every student.
    public func stepsPerTime(of method: Method, at point: Reader) throws -> Double { try Double(point[Keys.d]) }

    public func makeRun(_ method: Method, _ parameters: Parameters, _ request: RunRequest) throws -> any Run {
        switch method {
        case .sgd: SphericalSGD(parameters, request)
        case .overlapChain: OverlapChain(parameters, request)
        case .ode: try ODE(parameters, request)
        case .closedForm: ClosedForm { try parameters.putClosedForms(into: &$0) }
        case .closedFormTrajectory: try ClosedFormTrajectory(parameters).run(request, eta: parameters.eta)
        }
    }
}

package typealias Parameters = SequenceSingleIndex.Parameters
