import Dynamics
import Numerics

/// The output channel of a link for n labels: g = D/Z of each sample, eight samples at a time (3), and A (6).
struct Channel: OutputChannel {
    private let link: Link
    private let precision: Precision
    private let contrast: Double
    /// n labels, then copies of the last up to a multiple of 8.
    private let labels: [Double]
    private let n: Int
    private let d: Double

    init(_ p: MultiIndexWeakRecovery.Parameters, labels: [Double]) {
        (link, contrast, precision) = (p.link, p.contrast, p.precision)
        (n, d) = (labels.count, Double(p.d))
        self.labels = labels + Array(repeating: labels.last ?? 0, count: (8 - n % 8) % 8)
    }

    func evaluate(
        fields: UnsafePointer<Double>, variance: UnsafePointer<Double>, g: UnsafeMutablePointer<Double>,
        precision A: UnsafeMutablePointer<Double>
    ) throws {
        let p = link.directions ?? 1
        let V = Array(UnsafeBufferPointer(start: variance, count: p * p))
        switch link {
        case .phaseParity: run(try PhaseParityPosterior(V), fields, g, A)
        case .committee3: run(try SignCount(V), fields, g, A)
        default: run(try SignProductPosterior(V, contrast: contrast), fields, g, A)
        }
    }

    private func run<P: Posterior>(
        _ posterior: P, _ fields: UnsafePointer<Double>, _ g: UnsafeMutablePointer<Double>,
        _ A: UnsafeMutablePointer<Double>
    ) {
        let (p, wantsJacobian) = (P.p, precision == .jacobian)
        var sum = SymmetricTriple()
        labels.withUnsafeBufferPointer { labels in
            var first = 0
            while first < n {
                let count = min(8, n &- first)
                let base = fields + first &* p
                var (w, used) = (Triple(), Lanes.zero)
                for i in 0..<count {
                    w.x[i] = base[i &* p]
                    w.y[i] = base[i &* p &+ 1]
                    if p == 3 { w.z[i] = base[i &* p &+ 2] }
                    used[i] = 1
                }
                let label = lanes(labels.baseAddress.unsafelyUnwrapped + first, 0)
                let m = posterior.moments(w, label: label, hessian: wantsJacobian)
                let inverse = 1 / m.Z
                let value = m.D * inverse
                let out = g + first &* p
                for i in 0..<count {
                    out[i &* p] = value.x[i]
                    out[i &* p &+ 1] = value.y[i]
                    if p == 3 { out[i &* p &+ 2] = value.z[i] }
                }
                // -dg = g g^T - H/Z.
                var term = SymmetricTriple.product(value, value)
                if wantsJacobian { term.add(m.H, times: -inverse) }
                sum.add(term, times: used)
                first &+= 8
            }
        }
        for (i, element) in sum.sum(p).enumerated() { A[i] = element / d }
    }
}

/// The prior N(0, I_p) of each coordinate: W_hat = B (I + A)^-1, and C = (I + A)^-1 + reg I (5). Where recovery is exact C
/// falls to 0 by a factor an iteration and the posterior of fields that carry rounding would not exist: reg stops it before.
struct Prior: InputDenoiser {
    let count: Int
    let p: Int
    let reg: Double

    init(count: Int, p: Int, reg: Double = 0) { (self.count, self.p, self.reg) = (count, p, reg) }

    func denoise(
        pseudoField: UnsafePointer<Double>, precision: UnsafePointer<Double>,
        estimate: UnsafeMutablePointer<Double>, covariance: UnsafeMutablePointer<Double>
    ) throws {
        let sum = (0..<p * p).map { precision[$0] + ($0 % (p + 1) == 0 ? 1 : 0) }
        for (i, element) in SmallMatrix.symmetrised(try positiveInverse("I + A", sum, p), p).enumerated() {
            covariance[i] = element
        }
        for i in 0..<count {
            for a in 0..<p {
                var value = 0.0
                for b in 0..<p { value += pseudoField[i &* p &+ b] * covariance[b &* p &+ a] }
                estimate[i &* p &+ a] = value
            }
        }
        for a in 0..<p { covariance[a * p + a] += reg }
    }
}
