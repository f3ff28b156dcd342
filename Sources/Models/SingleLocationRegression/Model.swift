import ModelKit
import Modeling

/// Single-location regression: one informative token among L, erf or softmax attention with one key and one value
/// direction on the unit sphere (arXiv 2410.01537). Numbers in brackets, (12), are equations of
/// docs/models/single-location-regression.md.
public struct SingleLocationRegression: Model {
    public init() {}

    public let name = "single-location-regression"
    public let summary =
        "one informative token among L, found by erf or softmax attention: population descent and one-pass SGD"
    public let references = ["arXiv:2410.01537 (Marion, Berthier, Biau, Boyer, ICLR 2025)"]
    public let revision = 1
    public var keys: [any ParameterKey] { Keys.all }

    /// Descent and SGD, their reductions to overlaps, and closed forms.
    public enum Method: String, ModelMethod {
        case pgd, sgd
        case reducedPGD = "reduced-pgd"
        case gradientFlow = "gradient-flow"
        case overlapChain = "overlap-chain"
        case closedForm = "closed-form"

        public static let allCases: [Method] = [.pgd, .reducedPGD, .gradientFlow, .sgd, .overlapChain, .closedForm]

        public var spec: MethodSpec {
            switch self {
            case .pgd:
                trajectory(
                    .simulation, .steps, "projected gradient descent of the population risk, on vectors in d dimensions"
                )
            case .reducedPGD:
                trajectory(
                    .theory, .steps, "the same as an exact recursion of the five overlaps; seeds draw random starts")
            case .gradientFlow:
                trajectory(
                    .theory, .scaled, "its limit of small steps, in t = step_size steps; seeds draw random starts")
            case .sgd:
                trajectory(.simulation, .steps, "one-pass projected SGD in d dimensions, every token drawn")
            case .overlapChain:
                trajectory(
                    .theory, .steps,
                    "the exact Markov chain of the overlaps: the law of sgd at a cost independent of d")
            case .closedForm:
                MethodSpec(
                    self, kind: .theory, isSeeded: false, time: .none, observables: .closedForm,
                    "risk and gradient at given overlaps; oracle, Bayes and linear benchmarks; attractors and rates")
            }
        }

        private func trajectory(_ kind: MethodSpec.Kind, _ time: MethodSpec.Time, _ summary: String) -> MethodSpec {
            MethodSpec(
                self, kind: kind, isSeeded: true, time: time,
                observables: .trajectory + (isStochastic ? [.alpha] : []), summary)
        }

        /// Whether it draws sequences, and so knows batches and the noise of labels.
        var isStochastic: Bool { self == .sgd || self == .overlapChain }
    }

    /// t = step_size steps is the time of gradient flow.
    public func stepsPerTime(of method: Method, at point: Reader) throws -> Double { try 1 / point[Keys.stepSize] }

    public func makeRun(_ method: Method, _ p: Parameters, _ request: RunRequest) throws -> any Run {
        switch method {
        case .pgd: Trajectory<VectorDescent>(p, request.random)
        case .reducedPGD: Trajectory<OverlapDescent>(p, request.random)
        case .gradientFlow: try GradientFlow(p, request)
        case .sgd: Trajectory<SGD>(p, request.random)
        case .overlapChain: Trajectory<OverlapChain>(p, request.random)
        case .closedForm: ClosedForm { sink in try PointNumbers.put(p, request.random, into: &sink) }
        }
    }

    public func cost(of method: Method, _ p: Parameters, times: [Double]) -> Cost {
        let (d, tokens, last) = (Double(p.d), Double(p.batchSize) * Double(p.L), times.last ?? 0)
        // The root mean square over all steps of a decreasing sharpness.
        let lambda = p.lambda0 / (1 + p.decay * last).squareRoot()
        let risk = p.population.secondsOfRisk(lambda: lambda)
        let observations = Double(times.count) * risk
        switch method {
        case .pgd: return Cost(seconds: last * (risk + 0.75e-9 * d) + observations, bytes: 32 * d)
        case .reducedPGD: return Cost(seconds: last * risk + observations, bytes: 4096)
        case .gradientFlow:
            return Cost(
                seconds: p.theory.flowEvaluations(until: last, lambda: lambda) * risk + observations, bytes: 8192)
        case .sgd:
            return Cost(
                seconds: last * (tokens * (d * 0.85e-9 + 45e-9) + d * 3e-9 + 60e-9) + observations,
                bytes: (4 * tokens + 32) * (d + 32) + 240 * tokens)
        case .overlapChain:
            let step = tokens * 22e-9 + Double(p.batchSize) * 17e-9 + 150e-9
            return Cost(seconds: last * step + observations, bytes: 400 * tokens + 16384)
        case .closedForm:
            let bayes =
                p.bayesSamples > 0
                ? Double(p.L) * Double(p.bayesSamples) * 35e-9
                : SoftmaxQuadrature.seconds(gamma: 1, lambda: p.population.D)
            return Cost(seconds: risk * 6 + bayes, bytes: 65536)
        }
    }
}

typealias Method = SingleLocationRegression.Method
package typealias Parameters = SingleLocationRegression.Parameters
