import Foundation
import Modeling

/// What a task takes.
enum EWQCost {
    static func cost(method: String, at point: ParameterPoint, times: RecordingTimes) throws -> Cost {
        let last = times.values.last ?? 0
        switch method {
        case "bayes", "sampling": return Cost(seconds: 3e-3, memory: 1 << 16)
        case "state-evolution": return Cost(seconds: 2e-4 * (1 + last), memory: 1 << 16)
        case "thresholds", "limits": return Cost(seconds: 1e-5, memory: 1 << 12)
        default: break
        }
        guard let sizes = try EWQRules.ratios(point, method: method).sizes else {
            throw ModelError.parameter("d", "is needed by simulations")
        }
        let (n, d, m) = (Double(sizes.samples), Double(sizes.dimension), Double(sizes.width))
        let drawing = n * d * (4e-9 + 0.3e-9 * m)
        if method == "amp" {
            let iterations = min(last, 60)
            return Cost(
                seconds: drawing + iterations * (0.15e-9 * n * d * d + 1e-9 * d * d * d + 5e-6 * d),
                memory: memory(EWQMessagePassing.bytes(sizes)))
        }
        let parameters = try EWQParameters(point, method: method)
        let weights = Double(parameters.runs) * Double(parameters.studentWidth) * d
        let steps = times.unit == .steps ? last : last / parameters.stepSize
        let kicks = method == "langevin" ? 12e-9 * weights : 0
        return Cost(
            seconds: drawing + (steps + Double(times.values.count)) * (weights * (0.15e-9 * n + 4e-9) + kicks),
            memory: memory(EWQDescent.bytes(sizes, parameters)))
    }

    private static func memory(_ bytes: Double) -> Int { Int(min(bytes, 1e18)) }
}
