import ModelKit
import Modeling

/// A network with one hidden layer of squares, as many hidden units as is in proportion to the dimension, learned from a
/// number of samples in proportion to its square (arXiv 2408.03733; docs/models/extensive-width-quadratic.md).
public struct ExtensiveWidthQuadratic: Model {
    public init() {}

    public let name = "extensive-width-quadratic"
    public let summary =
        "a quadratic network of kappa d hidden units from alpha d^2 samples: Bayes, AMP, averaged GD, Langevin"
    public let references = ["arXiv:2408.03733 (Maillard, Troiani, Martin, Krzakala, Zdeborova, 2024)"]
    public let revision = 1
    public let keys = Keys.all

    /// t = step_size steps, the time of gradient flow.
    public func stepsPerTime(of method: Method, at point: Reader) throws -> Double {
        try 1 / point.read(Keys.stepSize, or: Parameters(point, method: method).descent.stepSize)
    }

    public func cost(of method: Method, _ p: Parameters, times: [Double]) -> Cost {
        let (n, d, m) = (Double(p.sizes.samples), Double(p.sizes.dimension), Double(p.sizes.width))
        let last = times.last ?? 0
        let drawing = n * d * (4e-9 + 0.3e-9 * m)
        switch method {
        case .bayes, .sampling: return Cost(seconds: 3e-3, bytes: 0x1p16)
        case .stateEvolution: return Cost(seconds: 2e-5 * (1 + last), bytes: 0x1p16)
        case .thresholds, .limits: return Cost(seconds: 1e-5, bytes: 0x1p12)
        case .amp:
            let iteration = 0.15e-9 * n * d * d + 1e-9 * d * d * d + 5e-6 * d
            return Cost(
                seconds: drawing + min(last, 60) * iteration, bytes: DataSet.bytes(p.sizes) + 60 * n + 120 * d * d)
        case .gd, .langevin:
            let weights = Double(p.descent.runs) * Double(p.studentWidth) * d
            let kicks = method == .langevin ? 12e-9 * weights : 0
            return Cost(
                seconds: drawing + (last + Double(times.count)) * (weights * (0.15e-9 * n + 4e-9) + kicks),
                bytes: NetworkLoss.bytes(p))
        }
    }

    public func makeRun(_ method: Method, _ p: Parameters, _ request: RunRequest) throws -> any Run {
        switch method {
        case .bayes: ClosedForm { try p.putBayes(into: &$0) }
        case .stateEvolution: StateEvolution(p.theory, Observable.errors)
        case .sampling: ClosedForm { try p.theory.putSampling(runs: p.runs, Observable.errors, into: &$0) }
        case .thresholds: ClosedForm { p.putThresholds(into: &$0) }
        case .limits: ClosedForm { p.putLimits(into: &$0) }
        case .amp: try p.messagePassing(DataSet(p, request.random))
        case .gd, .langevin: FactorDescent(p, DataSet(p, request.random), request.random)
        }
    }
}

public enum Method: String, ModelMethod {
    case bayes
    case stateEvolution = "state-evolution"
    case sampling, thresholds, limits, amp, gd, langevin

    var isSimulation: Bool {
        switch self {
        case .amp, .gd, .langevin: true
        case .bayes, .stateEvolution, .sampling, .thresholds, .limits: false
        }
    }

    public var spec: MethodSpec {
        let errors = Observable.errors
        return switch self {
        case .bayes: errors.bayes(self, and: [.inverseNoise, .realisedWidth, .perfectRecovery])
        case .stateEvolution: errors.stateEvolution(self)
        case .sampling: errors.sampling(self)
        case .thresholds:
            .closedForm(
                self, [.perfectRecovery, .perfectRecoveryBar, .weakRecovery],
                "sample ratios of perfect recovery, and of weak recovery with few units")
        case .limits:
            .closedForm(
                self, [.wide, .narrow, .fewSamples],
                "the best error in the limits of many units, few units and few samples")
        case .amp: errors.messagePassing(self, and: [.trace, .testError])
        case .gd:
            errors.descent(
                self, and: [.trace, .testError],
                "full-batch descent on the hidden weights; R is of the average of `runs` starts on the same data")
        case .langevin: errors.descent(self, and: [.trace, .testError], errors.langevinSummary)
        }
    }
}
