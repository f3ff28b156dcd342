import Foundation
import Modeling

/// What a task takes.
enum BSRCost {
    static func cost(method: String, at point: ParameterPoint, times: RecordingTimes) throws -> Cost {
        let last = times.values.last ?? 0
        switch method {
        case "bayes", "sampling": return Cost(seconds: 3e-3, memory: 1 << 16)
        case "state-evolution": return Cost(seconds: 2e-4 * (1 + last), memory: 1 << 16)
        case "ridge-theory", "thresholds", "limits": return Cost(seconds: 1e-3, memory: 1 << 12)
        default: break
        }
        guard let sizes = try BSRRules.ratios(point, method: method).sizes else {
            throw ModelError.parameter("d", "is needed by simulations")
        }
        let (n, p, m) = (Double(sizes.samples), Double(sizes.entries), Double(sizes.short))
        let drawing = 1.5e-9 * n * p
        switch method {
        case "amp":
            let iterations = min(last, 60)
            return Cost(
                seconds: drawing + iterations * (0.15e-9 * n * p + 2e-9 * m * p + 3e-6 * m + 2e-4),
                memory: memory(BSRMessagePassing.bytes(sizes)))
        case "ridge":
            let least = min(n, p)
            return Cost(
                seconds: drawing + 0.04e-9 * least * least * (max(n, p) + least / 3),
                memory: memory(BSRRidge.bytes(sizes)))
        default:
            let parameters = try BSRParameters(point, method: method)
            let B = Double(parameters.runs)
            let steps = times.unit == .steps ? last : last / parameters.stepSize
            let isGram = 2 * n > p
            let product =
                isGram || B > 1 ? (isGram ? p * p : 2 * n * p) * (0.1e-9 + 0.03e-9 * B) : 0.12e-9 * n * p
            let factors = B * p * (0.35e-9 * Double(parameters.studentRank) + 3e-9)
            let kicks = method == "langevin" ? B * Double(parameters.studentRank) * Double(sizes.short + sizes.long) : 0
            return Cost(
                seconds: drawing + (isGram ? 0.03e-9 * p * p * n : 0) + (steps + Double(times.values.count))
                    * (product + factors + 5e-9 * kicks),
                memory: memory(BSRDescent.bytes(sizes, parameters)))
        }
    }

    private static func memory(_ bytes: Double) -> Int { Int(min(bytes, 1e18)) }
}
