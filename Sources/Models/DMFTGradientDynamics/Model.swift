import Dynamics
import Modeling

/// (S)GD on a fixed set of n = alpha d samples, each L tokens in R^d, and the two-time mean-field theory that is exact for
/// it at d to infinity. Equations are numbered as in docs/models/dmft-gradient-dynamics.md.
public struct DMFTGradientDynamics: Model {
    public init() {}

    public let name = "dmft-gradient-dynamics"
    public let summary = "GD and SGD that reuse their data, on vectors and sequences, and the mean-field theory of it"
    public let references = [
        "arXiv:2006.06098 (Mignacco, Krzakala, Urbani, Zdeborova, NeurIPS 2020)",
        "arXiv:2210.06591 (Gerbelot, Troiani, Mignacco, Krzakala, Zdeborova, 2022)",
        "arXiv:2112.07572 (Celentano, Cheng, Montanari, 2021)",
    ]
    public let revision = 1
    public var keys: [any ParameterKey] { Keys.all }

    /// The algorithms, and what is known of them at d to infinity.
    public enum Method: String, ModelMethod {
        case gd, sgd, dmft
        case onePass = "one-pass"
        case closedForm = "closed-form"

        public var spec: MethodSpec {
            switch self {
            case .gd:
                MethodSpec(
                    self, kind: .simulation, isSeeded: true, time: .steps, observables: Observable.trajectory + [.C],
                    "full-batch gradient descent on n samples in R^d")
            case .sgd:
                MethodSpec(
                    self, kind: .simulation, isSeeded: true, time: .steps, observables: Observable.trajectory + [.C],
                    "the same with batches drawn from the n samples")
            case .dmft:
                MethodSpec(
                    self, kind: .theory, isSeeded: true, time: .steps,
                    observables: Observable.trajectory + Observable.kernels,
                    "dynamical mean-field theory, exact at d to infinity, by a Monte Carlo of mc_samples copies; seeds "
                        + "are independent integrations")
            case .onePass:
                MethodSpec(
                    self, kind: .theory, isSeeded: false, time: .steps,
                    observables: Observable.overlaps + [.samplesPerD],
                    "the limit of d to infinity when every step has fresh samples, alpha batch_fraction d of them: a "
                        + "recursion of overlap and q")
            case .closedForm:
                MethodSpec(
                    self, kind: .theory, isSeeded: false, time: .steps,
                    observables: Observable.trajectory + Observable.kernels,
                    "gd, and sgd with mask bernoulli, of the linear loss at d to infinity, in closed form")
            }
        }
    }

    /// t of (14) is the time of gradient flow.
    public func stepsPerTime(of method: Method, at point: Reader) throws -> Double { try 1 / point[Keys.stepSize] }

    public func cost(of method: Method, _ parameters: Parameters, times: [Double]) -> Cost {
        let (last, count) = (times.last ?? 0, Double(times.count))
        return switch method {
        case .gd, .sgd: parameters.descentCost(steps: last, records: count)
        case .dmft: parameters.meanFieldCost(steps: last, records: count)
        case .onePass: parameters.onePassCost(steps: last, records: count)
        case .closedForm: parameters.closedFormCost(steps: last, records: count)
        }
    }

    public func makeRun(_ method: Method, _ p: Parameters, _ request: RunRequest) throws -> any Run {
        // Called with each type of channel, so that the runs are compiled for each of them.
        func make(_ channel: some DMFTChannel) throws -> any Run {
            switch method {
            case .gd, .sgd: Descent(p, channel, request)
            case .dmft: try MeanField(p, channel, request)
            case .onePass: OnePass(p, channel)
            case .closedForm: try ClosedForm(p, request)
            }
        }
        let (L, k, a) = (p.tokens, p.students, p.teachers)
        switch p.loss {
        case .linear: return try make(LinearLoss(sigma: p.noise.squareRoot(), teachers: a))
        case .logistic: return try make(LogisticLoss(teachers: a))
        case .phase: return try make(PhaseLoss(teachers: a))
        case .tokenAverage: return try make(TokenAverageChannel(tokens: L, students: k, teachers: a))
        case .tiedAttention:
            let positions = Set(p.prior.positions ?? []).count
            return try make(
                TiedAttentionChannel(tokens: L, students: k, teachers: a, positions: positions, beta: p.beta))
        }
    }
}
