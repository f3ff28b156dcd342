import Foundation
import Modeling
import Numerics

/// Multi-index regression in the proportional regime: Bayes-optimal message passing, its state evolution, and which
/// directions are found from a cold start (arXiv 2405.15480; sheet `multi-index-weak-recovery`).
public struct MultiIndexWeakRecovery: Model {
    public init() {}

    public let name = "multi-index-weak-recovery"
    public let summary =
        "Gaussian multi-index models: Bayes-optimal message passing, state evolution, weak-recovery thresholds"
    public let references = ["arXiv:2405.15480 (Troiani, Dandi, Defilippis, Zdeborova, Loureiro, Krzakala)"]

    public var parameters: [ParameterSpec] { Self.parameterSpecs }

    public let methods = [
        MethodSpec(
            "amp", kind: .simulation, isSeeded: true, isTimed: true, observables: ampObservables,
            costParameters: ["alpha", "d", "link", "max_iter", "test_size"],
            "approximate message passing on n = alpha d drawn samples; a time is an iteration"),
        MethodSpec(
            "state-evolution", kind: .theory, isSeeded: false, isTimed: true, observables: evolutionObservables,
            costParameters: ["link", "max_iter"], "its overlaps after each iteration as d grows, by quadrature"),
        MethodSpec(
            "fixed-point", kind: .theory, isSeeded: false, isTimed: false, observables: fixedPointObservables,
            costParameters: ["link"], "where state evolution ends from the same start; not converged: no result"),
        MethodSpec(
            "weak-recovery", kind: .theory, isSeeded: false, isTimed: false, observables: recoveryObservables,
            costParameters: ["link"], "thresholds of all links: trivial, easy and hard directions, and the staircase"),
    ]

    public func constraints(method: String) -> [Constraint] { MIWRules.all(method).map(\.constraint) }

    public func parametersUsed(by method: String, in context: JobContext) -> Set<String> {
        let start: Set<String> = ["alpha", "link", "flip", "init", "m0", "M0", "damping", "max_iter", "tol"]
        switch method {
        case "amp": return start.union(["d", "init_scale", "precision", "reg", "test_size"])
        case "weak-recovery":
            var used: Set<String> = ["link", "p", "flip"]
            // Only a staircase looks at a given alpha or overlap.
            let link = (try? context.fixed.text("link")).flatMap(MIWLink.init(rawValue:))
            if link == nil || link.flatMap(MIWStaircase.init(link:)) != nil {
                used.formUnion(["alpha", "learned_overlap"])
            }
            return used
        default: return start.union(["cold_overlap"])
        }
    }

    public func cost(method: String, at point: ParameterPoint, times: RecordingTimes) throws -> Cost {
        let link: MIWLink = try point.choice("link")
        let p = Double(link.directions ?? 1)
        let perStep = link == .signProduct2 ? 5e-5 : link == .phaseParity ? 4e-3 : 1e-3
        switch method {
        case "amp":
            let (alpha, d) = (try point.real("alpha"), Double(try point.integer("d")))
            let limit = point["max_iter"] == nil ? 200 : Double(try point.integer("max_iter"))
            let iterations = min(times.values.last ?? 0, limit)
            let n = alpha * d
            let channel = link == .signProduct2 ? 25e-9 : link == .phaseParity ? 150e-9 : 300e-9
            let observations = Double(times.values.count) * Double(try point.integer("test_size")) * p * 10e-9
            let bytes = MIWSensing.bytes(n: n, d: d, width: p) + 8 * (n * (3 * p + 2) + 6 * d * p)
            return Cost(
                seconds: n * d * 1e-9 + iterations * (n * d * p * 0.2e-9 + n * channel) + observations,
                memory: Int(min(bytes, 1e18)))
        case "state-evolution":
            let limit = point["max_iter"] == nil ? 1e5 : Double(try point.integer("max_iter"))
            return Cost(seconds: min(times.values.last ?? 0, limit, 300) * perStep, memory: 1 << 20)
        case "fixed-point": return Cost(seconds: 100 * perStep, memory: 1 << 20)
        default: return Cost(seconds: link == .phaseParity || link == .committee3 ? 0.1 : 1e-3, memory: 1 << 20)
        }
    }

    public func makeRun(_ request: RunRequest) throws -> any Run {
        let parameters = try MIWParameters(request.point, method: request.method)
        switch request.method {
        case "amp": return try MIWMessagePassing(request, parameters)
        case "state-evolution", "fixed-point": return try MIWTheoryRun(request, parameters)
        case "weak-recovery": return try MIWRecoveryRun(request, parameters)
        default: throw ModelError.inconsistent("multi-index-weak-recovery has no method '\(request.method)'")
        }
    }
}
