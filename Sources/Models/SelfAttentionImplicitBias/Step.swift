import Foundation
import Modeling

/// The optimizer and its step sizes, (15) to (17).
package struct StepRule: Sendable {
    /// gd, ngd or polyak.
    package let optimizer: Optimizer
    /// c_P of polyak, positive.
    package let polyak: Double
    /// eta_W, positive; not read by polyak.
    package let size: Double
    /// eta_u, positive; read in joint training.
    let sizeU: Double
    /// a_W, not negative.
    package let decay: Double
    /// a_u, not negative; read in joint training.
    let decayU: Double

    init(_ point: Reader, isJoint: Bool) throws {
        optimizer = try point[Keys.optimizer]
        let isPolyak = optimizer == .polyak
        polyak = isPolyak ? try point[Keys.polyak] : 1
        size = isPolyak ? 0 : try point[Keys.stepSize]
        decay = isPolyak ? 0 : try point[Keys.decay]
        sizeU = isPolyak || !isJoint ? 0 : try point[Keys.stepSizeU]
        decayU = isPolyak || !isJoint ? 0 : try point[Keys.decayU]
    }

    /// No training.
    init() { (optimizer, polyak, size, sizeU, decay, decayU) = (.ngd, 1, 0, 0, 0, 0) }

    /// eta_W (t + 1)^-a_W.
    func stepSize(_ t: Int) -> Double { decay == 0 ? size : size * pow(Double(t + 1), -decay) }
    /// eta_u (t + 1)^-a_u.
    func stepSizeU(_ t: Int) -> Double { decayU == 0 ? sizeU : sizeU * pow(Double(t + 1), -decayU) }
}

/// How far an optimizer goes along the scaled gradients, all from logarithms so that nothing underflows.
struct Step: Sendable {
    /// Factors of the scaled directions: W += w D, u += u D_u.
    var w = 0.0
    var u = 0.0

    /// - Parameters:
    ///   - norm: |D| of -dL/dW = e^sigma D.
    ///   - decoder: the same for u in joint training, with its own e^omega.
    ///   - logExcess: ln(L - L*), read by polyak alone.
    /// A gradient that is exactly zero gives no step.
    ///
    /// - Throws: ``ModelError/diverged(step:_:)``.
    init(
        _ rule: StepRule, t: Int, norm: Double, sigma: Double, decoder: (norm: Double, omega: Double)?,
        logExcess: () -> Double
    ) throws {
        switch rule.optimizer {
        case .gd:
            if norm > 0 { w = rule.stepSize(t) * exp(sigma) }
            if let decoder, decoder.norm > 0 { u = rule.stepSizeU(t) * exp(decoder.omega) }
        case .ngd:
            if norm > 0 { w = rule.stepSize(t) / norm }
            if let decoder, decoder.norm > 0 { u = rule.stepSizeU(t) / decoder.norm }
        case .polyak:
            // One step size (L - L*)/(c (|g_W|^2 + |g_u|^2)) for both.
            let logW = norm > 0 ? sigma : -.infinity
            let normU = decoder?.norm ?? 0
            let logU = normU > 0 ? decoder?.omega ?? 0 : -.infinity
            let top = max(logW, logU)
            guard top > -.infinity else { break }
            let square = norm * norm * exp(2 * (logW - top)) + normU * normU * exp(2 * (logU - top))
            let excess = logExcess()
            w = exp(excess + logW - 2 * top) / (rule.polyak * square)
            u = exp(excess + logU - 2 * top) / (rule.polyak * square)
        }
        guard norm.isFinite, w.isFinite, u.isFinite else {
            throw ModelError.diverged(step: t, "the gradient or step is not finite; the step size may be too large")
        }
    }
}

/// A run that counts steps.
package protocol Stepping: Run {
    var step: Int { get set }
    /// One step of the optimizer.
    mutating func move() throws
}

extension Stepping {
    package mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = Int(time)
        for _ in 0..<min(max(quantum, 1), max(target - step, 0)) {
            try move()
            step += 1
        }
        return step >= target
    }
}
