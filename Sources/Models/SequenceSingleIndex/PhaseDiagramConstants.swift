import Foundation
import Numerics

/// The constants of the paired L = 2 matrix model, loss half_square, (43): 2-D integrals over
/// z ~ N(0, I_2) of f = s(z_1 (z_1 - z_2)), with q = z_1 - z_2 and f+ = f at (z_1 + 1, z_2 - 1). By the product rule of
/// 200 Gauss-Legendre nodes on [-9, 9], good to 1e-9; once a process.
package struct PairConstants: Sendable {
    package static let shared = PairConstants()

    /// E f, E f^2.
    package let s0: Double
    package let s2: Double
    /// E[f (z z^T - I)], entries 11, 12, 22, and its squared norm.
    package let M: [Double]
    package var M2: Double { M[0] * M[0] + 2 * M[1] * M[1] + M[2] * M[2] }
    /// E[f (q^2-2)], E[f^2 (q^2-2)].
    package let V1: Double
    package let V2: Double
    /// E f+, E f+^2, E[f+ q], E[f+^2 q].
    package let p1: Double
    package let p2: Double
    package let U1: Double
    package let U2: Double
    /// sum_jk M_jk E[f+ (z z^T - I)]_jk.
    package let X: Double
    /// E |grad f|^2.
    package let g2: Double
    /// E[(ds f)^2], E[ds^2 f], E[f ds^2 f], with ds = d/dz_1 - d/dz_2.
    package let d1: Double
    package let d2: Double
    package let fd2: Double

    private init() {
        let rule = GaussLegendre(count: 200, from: -9, to: 9)
        let weights = zip(rule.nodes, rule.weights).map { $1 * normalDensity($0) }
        var sums = [Double](repeating: 0, count: 18)
        func add(_ index: Int, _ value: Double) { sums[index] += value }
        for (z1, w1) in zip(rule.nodes, weights) {
            for (z2, w2) in zip(rule.nodes, weights) {
                let w = w1 * w2
                let q = z1 - z2
                let f = logistic(z1 * q)
                let fp = logistic((z1 + 1) * (q + 2))
                let He = (z1 * z1 - 1, z1 * z2, z2 * z2 - 1)
                let d = f * (1 - f)
                let slope = 3 * z1 - z2
                let ds = d * slope
                let ds2 = d * (1 - 2 * f) * slope * slope + 4 * d
                add(0, w * f)
                add(1, w * f * f)
                add(2, w * f * He.0)
                add(3, w * f * He.1)
                add(4, w * f * He.2)
                add(5, w * f * (q * q - 2))
                add(6, w * f * f * (q * q - 2))
                add(7, w * fp)
                add(8, w * fp * fp)
                add(9, w * fp * q)
                add(10, w * fp * fp * q)
                add(11, w * fp * He.0)
                add(12, w * fp * He.1)
                add(13, w * fp * He.2)
                add(14, w * d * d * ((2 * z1 - z2) * (2 * z1 - z2) + z1 * z1))
                add(15, w * ds * ds)
                add(16, w * ds2)
                add(17, w * f * ds2)
            }
        }
        (s0, s2, M) = (sums[0], sums[1], Array(sums[2...4]))
        (V1, V2) = (sums[5], sums[6])
        (p1, p2, U1, U2) = (sums[7], sums[8], sums[9], sums[10])
        X = sums[2] * sums[11] + 2 * sums[3] * sums[12] + sums[4] * sums[13]
        (g2, d1, d2, fd2) = (sums[14], sums[15], sums[16], sums[17])
    }
}
