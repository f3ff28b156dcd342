import Foundation
import Modeling

/// How far an optimizer goes along the scaled gradients, all from logarithms so that nothing underflows.
struct SAIBStep: Sendable {
    /// Factors of the scaled directions: W += w D, u += u D_u.
    var w = 0.0
    var u = 0.0

    /// - Parameters:
    ///   - norm: |D| of -dL/dW = e^sigma D.
    ///   - decoder: the same for u in joint training, with its own e^omega.
    ///   - logExcess: ln(L - L*), read by polyak alone.
    /// A gradient that is exactly zero gives no step.
    init(
        _ p: SAIBParameters, t: Int, norm: Double, sigma: Double, decoder: (norm: Double, omega: Double)?,
        logExcess: () -> Double
    ) {
        switch p.optimizer {
        case .gd:
            if norm > 0 { w = p.stepSize(t) * exp(sigma) }
            if let decoder, decoder.norm > 0 { u = p.stepSizeU(t) * exp(decoder.omega) }
        case .ngd:
            if norm > 0 { w = p.stepSize(t) / norm }
            if let decoder, decoder.norm > 0 { u = p.stepSizeU(t) / decoder.norm }
        case .polyak:
            // One step size (L - L*)/(c (|g_W|^2 + |g_u|^2)) for both.
            let logW = norm > 0 ? sigma : -.infinity
            let logU = (decoder?.norm ?? 0) > 0 ? decoder?.omega ?? 0 : -.infinity
            let top = max(logW, logU)
            guard top > -.infinity else { return }
            var square = 0.0
            if logW > -.infinity { square += norm * norm * exp(2 * (logW - top)) }
            if let decoder, logU > -.infinity { square += decoder.norm * decoder.norm * exp(2 * (logU - top)) }
            let excess = logExcess()
            if logW > -.infinity { w = exp(excess + logW - 2 * top) / (p.polyak * square) }
            if logU > -.infinity { u = exp(excess + logU - 2 * top) / (p.polyak * square) }
        }
    }
}

extension SAIBParameters {
    /// The whole step nearest to `time`, in steps or in the scaled time steps * step_size.
    func nearestStep(_ time: Double, unit: TimeUnit) throws -> Int {
        let steps = (unit == .steps ? time : time / step).rounded()
        guard steps >= 0, steps < Double(maximumStep) else {
            throw ModelError.parameter("record", "time \(time) is \(steps) steps, outside 0 to 2^62")
        }
        return Int(steps)
    }
}
