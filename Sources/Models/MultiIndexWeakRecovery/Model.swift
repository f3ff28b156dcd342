import Foundation
import ModelKit
import Modeling
import Numerics

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
            switch self {
            case .amp:
                MethodSpec(
                    self, kind: .simulation, isSeeded: true, time: .iterations,
                    observables: Observable.shared + [.trainError, .mMinusQ, .qMinusC, .change] + Observable.ends,
                    "approximate message passing on n = alpha d drawn samples; a time is an iteration")
            case .stateEvolution:
                MethodSpec(
                    self, kind: .theory, isSeeded: false, time: .iterations,
                    observables: Observable.shared + [.bayesError] + Observable.ends,
                    "its overlaps after each iteration as d grows, by quadrature")
            case .fixedPoint:
                MethodSpec(
                    self, kind: .theory, isSeeded: false, time: .none,
                    observables: (Observable.shared + [.bayesError] + Observable.ends).map {
                        $0.recorded(inTime: false)
                    }, "where state evolution ends from the same start; not converged: no result")
            case .weakRecovery:
                MethodSpec(
                    self, kind: .theory, isSeeded: false, time: .none,
                    observables: [
                        .difficulty, .trivialDimension, .alphaC, .topEigenvalue, .eigenvector, .powerIterations,
                        .spectrumError, .alphaCGrowth, .learnedOverlap, .stability, .localThreshold, .stabilityGrowth,
                        .alpha2, .alpha2Growth,
                    ], "thresholds of all links: trivial, easy and hard directions, and the staircase")
            }
        }
    }

    public func cost(of method: Method, _ parameters: Parameters, times: [Double]) -> Cost {
        let link = parameters.link
        let (n, d, p) = (Double(parameters.n), Double(parameters.d), Double(parameters.p))
        let iterations = min(times.last ?? .infinity, Double(parameters.maximumIterations))
        let perStep = link == .signProduct2 ? 5e-5 : link == .phaseParity ? 4e-3 : 1e-3
        switch method {
        case .amp:
            let channel = link == .signProduct2 ? 25e-9 : link == .phaseParity ? 150e-9 : 300e-9
            let observations = Double(times.count) * Double(parameters.testSize) * p * 10e-9
            return Cost(
                seconds: n * d * 1e-9 + iterations * (n * d * p * 0.2e-9 + n * channel) + observations,
                bytes: Sensing.bytes(n: n, d: d, width: p) + 8 * (n * (3 * p + 2) + 6 * d * p))
        case .stateEvolution: return Cost(seconds: min(iterations, 300) * perStep, bytes: 0x1p20)
        case .fixedPoint: return Cost(seconds: 100 * perStep, bytes: 0x1p20)
        case .weakRecovery: return Cost(seconds: link.hasStaircase ? 0.1 : 1e-3, bytes: 0x1p20)
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
