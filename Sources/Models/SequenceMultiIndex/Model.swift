import Modeling
import Numerics

/// Deep attention with tied rank-one weights and skip connections, as a sequence multi-index model (arXiv 2502.00901;
/// equations are those of docs/models/sequence-multi-index.md).
public struct SequenceMultiIndex: Model {
    public init() {}

    public let name = "sequence-multi-index"
    public let summary =
        "deep attention with rank-one layers: Bayes-optimal AMP, its state evolution and thresholds, SGD"
    public let references = ["arXiv:2502.00901 (Troiani, Cui, Dandi, Krzakala, Zdeborova, ICML 2025)"]
    public let revision = 1

    /// The algorithms and theories.
    public enum Method: String, ModelMethod {
        case amp
        case stateEvolution = "state-evolution"
        case fixedPoint = "fixed-point"
        case weakRecovery = "weak-recovery"
        case branch
        case sgd
        case overlapODE = "overlap-ode"

        public var spec: MethodSpec {
            switch self {
            case .amp:
                simulation(
                    .iterations, Overlaps.observables + [.C, .publishedCosine, .stepsHalf],
                    "approximate message passing, Bayes-optimal at large d; steps are iterations")
            case .stateEvolution:
                theory(
                    .iterations, Overlaps.observables + [.C, .residual],
                    "the overlaps of amp iteration by iteration, for large d")
            case .fixedPoint:
                theory(
                    .none,
                    (Overlaps.observables + [.residual]).map { $0.recorded(inTime: false) }
                        + [.qStar, .qError, .iterations, .converged],
                    "where state evolution ends; not converged within max_iterations is a failure that states the residual"
                )
            case .weakRecovery:
                theory(
                    .none,
                    [
                        .F, .FError, .alphaAtZero, .alphaK, .alphaKError, .alphaFirst, .alphaC, .alphaBound, .alphaNext,
                        .qCritical,
                    ],
                    "thresholds in alpha from which a layer is recovered: of the last layer, and of each other one once the last is known; "
                        + "the responses they follow from")
            case .branch:
                theory(
                    .none,
                    [.alphaBranch, .alphaBranchError, .branchF, .FError, .growth, .eGen.recorded(inTime: false)],
                    "the branch on which only the last layer is learned, parametric in its overlap q_last")
            case .sgd:
                simulation(
                    .steps,
                    Overlaps.observables + [.steps, .t, .epoch, .trainLoss, .publishedCosine, .stepsHalf, .tHalf],
                    "minibatch SGD of the same network, on reused or fresh sequences; t = samples seen/d")
            case .overlapODE:
                theory(
                    .scaled, Overlaps.observables + [.t, .loss, .tHalf],
                    "the limit of one-pass SGD (data: fresh) for large d, in t = samples seen/d")
            }
        }

        private func simulation(
            _ time: MethodSpec.Time, _ observables: [Observable], _ summary: String
        ) -> MethodSpec {
            MethodSpec(self, kind: .simulation, isSeeded: true, time: time, observables: observables, summary)
        }

        private func theory(_ time: MethodSpec.Time, _ observables: [Observable], _ summary: String) -> MethodSpec {
            MethodSpec(self, kind: .theory, isSeeded: false, time: time, observables: observables, summary)
        }
    }

    /// t = samples seen/d.
    public func stepsPerTime(of method: Method, at point: Reader) throws -> Double {
        try Double(point[Keys.d]) / Double(point[Keys.batchSize])
    }

    public func makeRun(_ method: Method, _ p: Parameters, _ request: RunRequest) throws -> any Run {
        switch method {
        case .amp: try AMP(request, p)
        case .stateEvolution, .fixedPoint: try StateEvolution(request, p)
        case .weakRecovery: try WeakRecovery(request, p)
        case .branch: try branch(request, p)
        case .sgd: try SGD(request, p)
        case .overlapODE: try OverlapODE(request, p)
        }
    }
}

/// Numbers of the substreams of a task.
enum Streams {
    static let initial: UInt32 = 1
    static let tokens: UInt32 = 2
    static let test: UInt32 = 3
    static let channel: UInt32 = 4
}

/// `count` standard normals.
func normals(_ count: Int, _ random: inout RandomStream) -> [Double] {
    Array(unsafeUninitializedCapacity: count) { buffer, initialized in
        random.fillNormal(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
        initialized = count
    }
}
