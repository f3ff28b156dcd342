import Foundation

/// A batch of sequences on unsafe storage: what tokens and labels are made of, and what the sequences do to k and v.
///
/// Tokens lie sequence by sequence, the informative one first.
struct Batch {
    let attention: AttentionKind
    let L: Int
    /// Sequences.
    let size: Int
    /// Tokens of all sequences.
    let tokens: Int
    let gamma: Double
    let D: Double
    /// epsilon.
    let noise: Double
    let stepSize: Double
    private let storage: UnsafeMutablePointer<Double>

    /// Room for ``a``, ``b``, ``w``, ``u`` and ``y``.
    static func storage(_ p: Parameters) -> [Double] {
        Array(repeating: 0, count: 4 * p.batchSize * p.L + p.batchSize)
    }

    init(_ p: Parameters, _ storage: UnsafeMutablePointer<Double>) {
        attention = p.attention
        (L, size, tokens) = (p.L, p.batchSize, p.batchSize * p.L)
        (gamma, D, noise, stepSize) = (p.gamma, p.population.D, p.noise.squareRoot(), p.stepSize)
        self.storage = storage
    }

    /// X.k of each token.
    var a: UnsafeMutablePointer<Double> { storage }
    /// X.v of each token.
    var b: UnsafeMutablePointer<Double> { storage + tokens }
    /// Its weight in the gradient of k.
    var w: UnsafeMutablePointer<Double> { storage + 2 * tokens }
    /// Its weight in the gradient of v.
    var u: UnsafeMutablePointer<Double> { storage + 3 * tokens }
    /// The label of each sequence.
    var y: UnsafeMutablePointer<Double> { storage + 4 * tokens }

    /// Sets `w` and `u` from `a`, `b` and `y`, (10) or (11), such that the batch gradients (12) are g_k = sum w X and
    /// g_v = sum u X over all tokens (the factor 1/B is in them), and returns (k.g_k, v.g_v).
    @inline(__always)
    func measure(lambda: Double) -> (Double, Double) {
        var (alongK, alongV) = (0.0, 0.0)
        let scale = -2 / Double(size)
        for sequence in 0..<size {
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
