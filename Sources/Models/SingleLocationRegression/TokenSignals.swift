import Foundation

/// What the sequences of one batch do to k and v (sheet, "One-pass SGD"): the token coefficients of both gradients.
struct TokenSignals: Sendable {
    let attention: AttentionKind
    let L: Int
    let batchSize: Int

    /// Sets `w` and `u`, such that the batch gradients are g_k = sum w X and g_v = sum u X over all tokens (the factor
    /// 1/B is in them), and returns (k.g_k, v.g_v).
    ///
    /// Per token, sequence by sequence: `a` = X.k, `b` = X.v; per sequence the label `y`.
    @inline(__always)
    func measure(
        lambda: Double, a: UnsafePointer<Double>, b: UnsafePointer<Double>, y: UnsafePointer<Double>,
        w: UnsafeMutablePointer<Double>, u: UnsafeMutablePointer<Double>
    ) -> (Double, Double) {
        var (alongK, alongV) = (0.0, 0.0)
        let scale = -2 / Double(batchSize)
        for sequence in 0..<batchSize {
            let first = sequence * L
            switch attention {
            case .erf:
                var T = 0.0
                for l in first..<(first + L) {
                    u[l] = erf(lambda * a[l])
                    T += u[l] * b[l]
                }
                let signal = scale * (y[sequence] - T)
                let slope = signal * lambda * 1.128379167095512573896
                for l in first..<(first + L) {
                    let x = lambda * a[l]
                    w[l] = slope * exp(-x * x) * b[l]
                    u[l] *= signal
                }
            case .softmax:
                var largest = -Double.infinity
                for l in first..<(first + L) { largest = max(largest, lambda * a[l]) }
                var (Z, T) = (0.0, 0.0)
                for l in first..<(first + L) {
                    u[l] = exp(lambda * a[l] - largest)
                    Z += u[l]
                    T += u[l] * b[l]
                }
                T /= Z
                let signal = scale * (y[sequence] - T)
                for l in first..<(first + L) {
                    let p = u[l] / Z
                    w[l] = signal * lambda * p * (b[l] - T)
                    u[l] = signal * p
                }
            }
            for l in first..<(first + L) {
                alongK += w[l] * a[l]
                alongV += u[l] * b[l]
            }
        }
        return (alongK, alongV)
    }
}
