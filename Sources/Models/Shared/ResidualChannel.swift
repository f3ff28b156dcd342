import Dynamics
import Modeling
import Numerics

/// Where message passing takes its precision A from.
package enum ChannelPrecision: String, Sendable, CaseIterable { case residual, empirical, variance }

/// Linear measurements in Gaussian noise: g = (y - omega)/s and the precision A of the noisy matrix.
///
/// In the limit the mean of (y - omega)^2 is Delta + V, and three rules are the same. On one data set they are not:
/// - residual: s = mean (y - omega)^2, A = a/s, so that g, A and the Onsager term agree with the noise that is there;
/// - empirical (the papers'): s = Delta + V, A = a mean g^2. An instance whose V is too small takes ever smaller
///   steps, since A grows like 1/V^2, and ends where it is with V = 0;
/// - variance: s = Delta + V, A = a/s: V is that of state evolution whatever the data.
struct ResidualChannel: OutputChannel {
    let labels: [Double]
    /// Delta.
    let noise: Double
    /// a: alpha, for symmetric matrices 2 alpha.
    let ratio: Double
    let rule: ChannelPrecision
    /// Whether y - omega has a mean of its own that says nothing of the signal, to be taken off.
    var hasOffset = false

    mutating func evaluate(
        fields: UnsafePointer<Double>, variance: UnsafePointer<Double>, g: UnsafeMutablePointer<Double>,
        precision: UnsafeMutablePointer<Double>
    ) throws {
        var (mean, squares) = (0.0, 0.0)
        for i in labels.indices {
            g[i] = labels[i] - fields[i]
            mean += g[i]
        }
        mean = hasOffset && labels.count > 1 ? mean / Double(labels.count) : 0
        for i in labels.indices {
            g[i] -= mean
            squares += g[i] * g[i]
        }
        squares /= Double(labels.count)
        let s = rule == .residual ? squares : noise + variance[0]
        for i in labels.indices { g[i] /= s }
        precision[0] = rule == .empirical ? ratio * squares / (s * s) : ratio / s
    }
}

extension MessagePassing {
    /// Iterates towards iteration `target`, at most `count` of them; true when it is there or has converged.
    ///
    /// - Throws: ``ModelError/diverged(step:_:)`` for what message passing and a spectral denoiser throw.
    mutating func advance(toward target: Int, atMost count: Int) throws -> Bool {
        do {
            try iterate(atMost: min(max(count, 1), target - iteration))
        } catch MessagePassingError.diverged(let iteration, let what) {
            throw ModelError.diverged(step: iteration, what + "; damping may help")
        } catch let error as LAPACKError {
            throw ModelError.diverged(step: iteration + 1, "\(error)")
        } catch let error as SpectralError {
            throw ModelError.diverged(step: iteration + 1, "\(error)")
        }
        return isConverged || iteration >= target
    }
}
