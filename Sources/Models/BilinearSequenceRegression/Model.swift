import ModelKit
import Modeling
import Numerics

/// Bilinear sequence regression: a label that is linear in a whole sequence of L tokens in R^d, through an unknown matrix
/// of extensive rank (arXiv 2410.18858; docs/models/bilinear-sequence-regression.md).
public struct BilinearSequenceRegression: Model {
    public init() {}

    public let name = "bilinear-sequence-regression"
    public let summary =
        "labels bilinear in token and position through a d x L matrix of extensive rank: Bayes, AMP, ridge, GD, Langevin"
    public let references = [
        "arXiv:2410.18858 (Erba, Troiani, Biggio, Maillard, Zdeborova, 2024)",
        "arXiv:2203.07752 (Troiani, Erba, Krzakala, Maillard, Zdeborova, 2022)",
    ]
    public let revision = 1
    public let keys = Keys.all

    /// t = step_size steps, the time of gradient flow.
    public func stepsPerTime(of method: Method, at point: Reader) throws -> Double {
        try 1 / point.read(Keys.stepSize, or: Parameters(point, method: method).descent.stepSize)
    }

    public func cost(of method: Method, _ p: Parameters, times: [Double]) -> Cost {
        let (n, m, M) = (Double(p.sizes.samples), Double(p.sizes.short), Double(p.sizes.long))
        let entries = m * M
        let last = times.last ?? 0
        let drawing = 1.5e-9 * n * entries
        switch method {
        // Brent's method takes some eight errors, when another point has made the table of the prior.
        case .bayes, .sampling: return Cost(seconds: 8 * p.secondsOfError, bytes: 0x1p16)
        case .stateEvolution: return Cost(seconds: (1 + last) * p.secondsOfError, bytes: 0x1p16)
        case .ridgeTheory, .thresholds, .limits: return Cost(seconds: 1e-3, bytes: 0x1p12)
        case .amp:
            let iteration = 0.15e-9 * n * entries + 2e-9 * m * entries + 3e-6 * m + 2e-4
            return Cost(
                seconds: drawing + min(last, 60) * iteration,
                bytes: DataSet.bytes(p.sizes) + 60 * n + 100 * entries + 100 * m * m)
        case .ridge:
            let least = min(n, entries)
            // The inputs in single and double precision too, and the Gram matrix.
            return Cost(
                seconds: drawing + 0.04e-9 * least * least * (max(n, entries) + least / 3),
                bytes: DataSet.bytes(p.sizes) + 12 * n * entries + 8 * least * least)
        case .gd, .langevin:
            let (B, isGram) = (Double(p.descent.runs), 2 * n > entries)
            // Multiplications of every run. For several a Gram matrix is packed by BLAS in each step, which takes long beyond
            // the caches; inputs come in blocks. Measured with one, four and twelve runs, and matrices of 1 to 10 MB.
            let size = 4 * entries * entries
            let packing = B > 1 ? 0.55e-9 * size * size / (size * size + 64e12) : 0
            let product =
                isGram
                ? entries * entries * (packing + 0.03e-9 * B)
                : n * entries * (B > 1 ? 0.06e-9 * B : 0.1e-9)
            let factors = B * entries * (0.25e-9 * Double(p.studentRank) + 2e-9)
            let kicks = method == .langevin ? B * Double(p.studentRank) * (m + M) : 0
            return Cost(
                seconds: drawing + (isGram ? 0.025e-9 * entries * entries * n : 0)
                    + (last + Double(times.count)) * (product + factors + 3e-9 * kicks),
                bytes: ProductLoss.bytes(p))
        }
    }

    public func makeRun(_ method: Method, _ p: Parameters, _ request: RunRequest) throws -> any Run {
        switch method {
        case .bayes: ClosedForm { try p.putBayes(into: &$0) }
        case .stateEvolution: StateEvolution(p.theory, Observable.errors)
        case .sampling: ClosedForm { try p.theory.putSampling(runs: p.runs, Observable.errors, into: &$0) }
        case .ridgeTheory: ClosedForm { p.putRidge(into: &$0) }
        case .thresholds: ClosedForm { try p.putThresholds(into: &$0) }
        case .limits: ClosedForm { try p.putLimits(into: &$0) }
        case .amp: try p.messagePassing(DataSet(p, request.random))
        case .ridge: ClosedForm { try p.putRidge(of: DataSet(p, request.random), into: &$0) }
        case .gd, .langevin: FactorDescent(p, DataSet(p, request.random), request.random)
        }
    }
}

extension Parameters {
    /// Seconds of one error of the best estimate, near where the state evolution stands still: bulks, and 96 nodes in each
    /// panel of the spectrum there. The noise is that of ridge regression, which has a closed form. The constants were
    /// measured at one to three panels.
    fileprivate var secondsOfError: Double {
        let t = (noise + min(RidgeTheory(alpha: alpha, ridge: noise, noise: noise).error, 1)) / alpha
        guard t > RectangularPrior.smallestNoise else { return 5e-6 }
        return 5e-6 + 9e-6 * Double(RectangularSpectrum(prior, noise: t).panels.count)
    }
}

public enum Method: String, ModelMethod {
    case bayes
    case stateEvolution = "state-evolution"
    case sampling
    case ridgeTheory = "ridge-theory"
    case thresholds, limits, amp, ridge, gd, langevin

    var isSimulation: Bool {
        switch self {
        case .amp, .ridge, .gd, .langevin: true
        case .bayes, .stateEvolution, .sampling, .ridgeTheory, .thresholds, .limits: false
        }
    }

    public var spec: MethodSpec {
        let errors = Observable.errors
        return switch self {
        case .bayes: errors.bayes(self, and: [.strongRecovery, .ridgeError, .freeEntropy])
        case .stateEvolution: errors.stateEvolution(self)
        case .sampling: errors.sampling(self)
        case .ridgeTheory:
            .closedForm(self, Observable.ofRidge, "ridge regression on the flattened sequence, in closed form")
        case .thresholds:
            .closedForm(
                self, [.strongRecovery, .strongRecoveryBar, .weakRecovery, .nuclearNorm],
                "sample ratios of strong recovery (Bayes, nuclear norm) and of weak recovery at low rank")
        case .limits:
            .closedForm(
                self, [.lowRank, .longSequences, .highRank, .fewSamples],
                "the best error in the limits of low rank, high rank, long sequences and few samples")
        case .amp: errors.messagePassing(self, and: [.norm])
        case .ridge:
            MethodSpec(
                self, kind: .simulation, isSeeded: true, time: .none, observables: Observable.ofRidge,
                "ridge regression on sampled data, solved exactly")
        case .gd:
            errors.descent(
                self, and: [.norm],
                "full-batch descent on the two factors; E is of the average of `runs` starts on the same data")
        case .langevin: errors.descent(self, and: [.norm], errors.langevinSummary)
        }
    }
}
