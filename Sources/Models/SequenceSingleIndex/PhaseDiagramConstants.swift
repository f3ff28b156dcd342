import Foundation
import Numerics

/// The constants (43) of the paired L = 2 matrix model, loss half_square: means over z ~ N(0, I_2) of
/// f = s(z_1 (z_1 - z_2)), with q = z_1 - z_2 and f+ = f at (z_1 + 1, z_2 - 1). By the product rule of 200 Gauss-Legendre
/// nodes on [-9, 9], good to 1e-9; once a process.
package struct PairConstants: Sendable {
    package static let shared = PairConstants()

    /// E f, E f^2.
    package let s0, s2: Double
    /// E[f (z z^T - I)], entries 11, 12, 22, and its squared norm.
    package let M: [Double]
    package var M2: Double { M[0] * M[0] + 2 * M[1] * M[1] + M[2] * M[2] }
    /// E[f (q^2-2)], E[f^2 (q^2-2)].
    package let V1, V2: Double
    /// E f+, E f+^2, E[f+ q], E[f+^2 q].
    package let p1, p2, U1, U2: Double
    /// sum_jk M_jk E[f+ (z z^T - I)]_jk.
    package let X: Double
    /// E |grad f|^2.
    package let g2: Double
    /// E[(ds f)^2], E[ds^2 f], E[f ds^2 f], with ds = d/dz_1 - d/dz_2.
    package let d1, d2, fd2: Double

    private init() {
        let rule = GaussLegendre(count: 200, from: -9, to: 9)
        let weights = zip(rule.nodes, rule.weights).map { $1 * normalDensity($0) }
        let points = zip(rule.nodes, weights).flatMap { z1, w1 in
            zip(rule.nodes, weights).map { z2, w2 in (w1 * w2, Point(z1: z1, z2: z2)) }
        }
        func mean(_ F: (Point) -> Double) -> Double { points.reduce(0) { $0 + $1.0 * F($1.1) } }
        (s0, s2) = (mean { $0.f }, mean { $0.f * $0.f })
        M = (0..<3).map { i in mean { $0.f * $0.He[i] } }
        (V1, V2) = (mean { $0.f * ($0.q * $0.q - 2) }, mean { $0.f * $0.f * ($0.q * $0.q - 2) })
        (p1, p2) = (mean { $0.fp }, mean { $0.fp * $0.fp })
        (U1, U2) = (mean { $0.fp * $0.q }, mean { $0.fp * $0.fp * $0.q })
        let shifted = (0..<3).map { i in mean { $0.fp * $0.He[i] } }
        X = M[0] * shifted[0] + 2 * M[1] * shifted[1] + M[2] * shifted[2]
        g2 = mean { $0.d * $0.d * ((2 * $0.z1 - $0.z2) * (2 * $0.z1 - $0.z2) + $0.z1 * $0.z1) }
        (d1, d2, fd2) = (mean { $0.ds * $0.ds }, mean { $0.ds2 }, mean { $0.f * $0.ds2 })
    }

    /// What the integrands are made of.
    private struct Point {
        let z1, z2: Double
        let q, f, fp, d, ds, ds2: Double
        /// z z^T - I, entries 11, 12, 22.
        let He: SIMD4<Double>

        init(z1: Double, z2: Double) {
            (self.z1, self.z2, q) = (z1, z2, z1 - z2)
            f = logistic(z1 * q)
            fp = logistic((z1 + 1) * (q + 2))
            He = [z1 * z1 - 1, z1 * z2, z2 * z2 - 1, 0]
            d = f * (1 - f)
            let slope = 3 * z1 - z2
            ds = d * slope
            ds2 = d * (1 - 2 * f) * slope * slope + 4 * d
        }
    }
}
