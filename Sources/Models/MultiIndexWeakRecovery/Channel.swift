import Dynamics
import Foundation
import Numerics

/// How the precision A is made of the outputs (sheet, section 3).
package enum MIWPrecision: String, Sendable, CaseIterable {
    /// (1/d) sum g g^T, positive semidefinite.
    case gg
    /// -(1/d) sum dg/d omega.
    case jacobian
}

/// The output channel of a link for n labels: g = D/Z of each sample, eight samples at a time.
package struct MIWChannel: OutputChannel {
    package let link: MIWLink
    package let precision: MIWPrecision
    /// 1 - 2 eps.
    package let contrast: Double
    /// n labels, then copies of the last up to a multiple of 8.
    private let labels: [Double]
    private let n: Int
    private let d: Double

    package init(link: MIWLink, labels: [Double], d: Int, contrast: Double = 1, precision: MIWPrecision) {
        (self.link, self.contrast, self.precision) = (link, contrast, precision)
        n = labels.count
        self.d = Double(d)
        self.labels = labels + Array(repeating: labels.last ?? 0, count: (8 - n % 8) % 8)
    }

    package func evaluate(
        fields: UnsafePointer<Double>, variance: UnsafePointer<Double>, g: UnsafeMutablePointer<Double>,
        precision A: UnsafeMutablePointer<Double>
    ) throws {
        let p = link.directions ?? 1
        let V = Array(UnsafeBufferPointer(start: variance, count: p * p))
        switch link {
        case .phaseParity: run(try required(MIWPhaseParityPosterior(V), V), p, fields, g, A)
        case .committee3: run(try required(MIWSignCount(V), V), p, fields, g, A)
        default: run(try required(MIWSignProduct2(V, contrast: contrast), V), p, fields, g, A)
        }
    }

    private func required<Posterior>(_ posterior: Posterior?, _ V: [Double]) throws -> Posterior {
        guard let posterior else { throw MIWNotPositive(what: "V = \(V) is not positive definite") }
        return posterior
    }

    private func run(
        _ posterior: some MIWPosterior, _ p: Int, _ fields: UnsafePointer<Double>, _ g: UnsafeMutablePointer<Double>,
        _ A: UnsafeMutablePointer<Double>
    ) {
        let wantsJacobian = precision == .jacobian
        // The six elements of A: 00, 01, 02, 11, 12, 22.
        var sum = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
        labels.withUnsafeBufferPointer { labels in
            var first = 0
            while first < n {
                let count = min(8, n &- first)
                let base = fields + first &* p
                var (w0, w1, w2, used) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
                for i in 0..<count {
                    w0[i] = base[i &* p]
                    w1[i] = base[i &* p &+ 1]
                    if p == 3 { w2[i] = base[i &* p &+ 2] }
                    used[i] = 1
                }
                let label = lanes(labels.baseAddress.unsafelyUnwrapped + first, 0)
                let m = posterior.moments(w0, w1, w2, label: label, hessian: wantsJacobian)
                let inverse = 1 / m.Z
                let (g0, g1, g2) = (m.D0 * inverse, m.D1 * inverse, m.D2 * inverse)
                let out = g + first &* p
                for i in 0..<count {
                    out[i &* p] = g0[i]
                    out[i &* p &+ 1] = g1[i]
                    if p == 3 { out[i &* p &+ 2] = g2[i] }
                }
                // -dg = g g^T - H/Z.
                sum.0 += used * (wantsJacobian ? g0 * g0 - m.H00 * inverse : g0 * g0)
                sum.1 += used * (wantsJacobian ? g0 * g1 - m.H01 * inverse : g0 * g1)
                sum.3 += used * (wantsJacobian ? g1 * g1 - m.H11 * inverse : g1 * g1)
                if p == 3 {
                    sum.2 += used * (wantsJacobian ? g0 * g2 - m.H02 * inverse : g0 * g2)
                    sum.4 += used * (wantsJacobian ? g1 * g2 - m.H12 * inverse : g1 * g2)
                    sum.5 += used * (wantsJacobian ? g2 * g2 - m.H22 * inverse : g2 * g2)
                }
                first &+= 8
            }
        }
        let a = [sum.0.sum(), sum.1.sum(), sum.2.sum(), sum.3.sum(), sum.4.sum(), sum.5.sum()].map { $0 / d }
        let elements = p == 2 ? [a[0], a[1], a[1], a[3]] : [a[0], a[1], a[2], a[1], a[3], a[4], a[2], a[4], a[5]]
        for i in elements.indices { A[i] = elements[i] }
    }
}

/// The prior N(0, I_p) of each coordinate: W_hat = B (I + A)^-1, and C = (I + A)^-1 + reg I. Where recovery is exact C falls to
/// 0 by a factor an iteration and the posterior of fields that carry rounding would not exist: reg stops it before.
package struct MIWPrior: InputDenoiser {
    package let count: Int
    package let p: Int
    package let reg: Double

    package init(count: Int, p: Int, reg: Double = 0) { (self.count, self.p, self.reg) = (count, p, reg) }

    package func denoise(
        pseudoField: UnsafePointer<Double>, precision: UnsafePointer<Double>,
        estimate: UnsafeMutablePointer<Double>, covariance: UnsafeMutablePointer<Double>
    ) throws {
        let sum = (0..<p * p).map { precision[$0] + ($0 % (p + 1) == 0 ? 1 : 0) }
        guard let factor = SmallMatrix.cholesky(sum, p, tolerance: 0, allowsZero: false) else {
            throw MIWNotPositive(what: "I + A = \(sum) is not positive definite; precision: gg always is")
        }
        let C = SmallMatrix.inverse(factor: factor, p)
        for i in 0..<p * p { covariance[i] = 0.5 * (C[i] + C[i % p * p + i / p]) }
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
