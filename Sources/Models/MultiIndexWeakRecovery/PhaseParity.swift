import Foundation
import Numerics

/// Averages over the label y = z1^2 + sign(z1 z2 z3) and omega_1 at overlap M11 = `a`, with diagonal M (22) to (24).
///
/// At y < 1 there are two atoms z1 = +-r with s = -1 and y = r^2 - 1; at y = 1 + q^2 there are z1 = +-q with s = 1
/// besides. In r and q all is smooth: panels of Gauss-Legendre nodes where the mass is, so that neither the kink at y = 1 nor a
/// small V11 costs accuracy. omega_1 -> -omega_1 with the sign of z2 z3 leaves everything, so omega_1 > 0 is enough.
package struct PhaseParity: Sendable {
    package let a: Double
    private let V: Double

    package init(a: Double) {
        self.a = max(a, 0)
        V = max(1 - a, 1e-12)
    }

    /// At one (omega_1, y), over its atoms of weight w: `u` = sum w/2, `v` = sum s sigma w/2, and the same with w (z1 -
    /// omega_1)/V11. Then P(y) = u + v c with c = E[sign z2 z3]. `moment` = sum w z1^2/2.
    struct Atoms {
        var (u, v, u1, v1, moment) = (0.0, 0.0, 0.0, 0.0, 0.0)
    }

    private static let rule = GaussLegendre(count: 32, from: 0, to: 1)
    private static let cutoff = 8.0

    /// Sums `body(weight, atoms)` over omega_1 and y; the weights of all y at one omega_1, times u + v c, sum to 1.
    func integrate(_ body: (Double, Atoms) -> Void) {
        guard a > 1e-15 else { return integrate(atField: 0, 1, body) }
        let (scale, sigma, end) = (a.squareRoot(), V.squareRoot(), Self.cutoff * a.squareRoot())
        let near = Self.cutoff * sigma
        let cuts = [0, near, 2.0.squareRoot() - near, 2.0.squareRoot(), 2.0.squareRoot() + near, end]
        forEachPanel(cuts.filter { $0 >= 0 && $0 <= end }) { omega, weight in
            integrate(atField: omega, 2 * weight * normalDensity(omega / scale) / scale, body)
        }
    }

    /// Calls `body(x, weight)` on the nodes of the intervals between `cuts`.
    private func forEachPanel(_ cuts: [Double], _ body: (Double, Double) -> Void) {
        let sorted = cuts.sorted()
        for (lower, upper) in zip(sorted, sorted.dropFirst()) where upper > lower {
            for i in Self.rule.nodes.indices {
                body(lower + (upper - lower) * Self.rule.nodes[i], (upper - lower) * Self.rule.weights[i])
            }
        }
    }

    private func integrate(atField omega: Double, _ outer: Double, _ body: (Double, Atoms) -> Void) {
        let (reach, root) = (Self.cutoff * V.squareRoot(), 2.0.squareRoot())
        let (low, high) = (max(0, omega - reach), omega + reach)
        let norm = 1 / (2 * .pi * V).squareRoot()
        func add(_ z: Double, _ jacobian: Double, _ sign: Double, to atoms: inout Atoms) {
            let step = (z - omega) / V
            let half = 0.5 * jacobian * norm * exp(-0.5 * step * (z - omega))
            atoms.u += half
            atoms.v += sign * half
            atoms.u1 += half * step
            atoms.v1 += sign * half * step
            atoms.moment += half * z * z
        }
        /// The atoms +-z of one s.
        func addBoth(_ z: Double, _ jacobian: Double, _ s: Double, to atoms: inout Atoms) {
            add(z, jacobian, s, to: &atoms)
            add(-z, jacobian, -s, to: &atoms)
        }
        func put(_ weight: Double, _ atoms: Atoms) {
            if atoms.u > 1e-290 { body(outer * weight, atoms) }
        }
        // y < 1.
        forEachPanel(low < root ? [low, min(high, root)] : []) { r, weight in
            var atoms = Atoms()
            addBoth(r, 1, -1, to: &atoms)
            put(weight, atoms)
        }
        // y = 1 + q^2: mass near q = omega_1 (s = 1) and near q^2 + 2 = omega_1^2 (s = -1).
        func inner(_ r: Double) -> Double { max(0, r * r - 2).squareRoot() }
        let (first, last) = high > root ? (inner(low), inner(high)) : (low, high)
        let panels = last < low ? [[first, last], [low, high]] : [[first, last, low, high]]
        for cuts in panels {
            forEachPanel(cuts) { q, weight in
                let r = (2 + q * q).squareRoot()
                var atoms = Atoms()
                addBoth(q, 1, 1, to: &atoms)
                addBoth(r, q / r, -1, to: &atoms)
                put(weight, atoms)
            }
        }
    }

    /// E[g_k^2], k = 1, 2, 3, at M = diag(a, b, c) (22).
    package func information(b: Double, c: Double) -> SIMD3<Double> {
        let pairs = Pairs(b, c)
        var sum = SIMD3<Double>.zero
        integrate { sum += $0 * pairs.average($1) }
        return sum
    }

    /// E[rho^2], rho = v/u: the staircase's coupling of (z2, z3) at this a (24).
    package func coupling() -> Double {
        if 1 - a < 1e-9 { return 1 }
        var sum = 0.0
        integrate { sum += $0 * $1.v * $1.v / $1.u }
        return sum
    }

    /// E[(m2 - 1)^2] with m2(y) = E[z1^2|y], at a = 0: 1/alpha_1 (23).
    package static func secondMomentInformation() -> Double {
        var sum = 0.0
        PhaseParity(a: 0).integrate { weight, atoms in
            let excess = atoms.moment / atoms.u - 1
            sum += weight * atoms.u * excess * excess
        }
        return sum
    }

    /// Nodes for (omega_2, omega_3): c = e_2 e_3 and the squares of its derivatives in them, and weights.
    private struct Pairs {
        private let nodes: [(v: Triple, w: Lanes)]

        /// Half an axis: e = erf(omega/sqrt(2 V)), (de/d omega)^2, weight.
        private static func axis(_ m: Double) -> [SIMD3<Double>] {
            let V = max(1 - m, 1e-12)
            let density = 2 / (2 * .pi * V).squareRoot()
            guard m > 1e-15 else { return [SIMD3(0, density * density, 1)] }
            let step = max(0.03, min(0.45, 0.5 * (V / m).squareRoot()))
            return (0..<Int((7 / step).rounded(.up))).map { i in
                let xi = step * (Double(i) + 0.5)
                let x = (0.5 * m / V).squareRoot() * xi
                let slope = density * exp(-x * x)
                return SIMD3(erf(x), slope * slope, 2 * step * normalDensity(xi))
            }
        }

        init(_ b: Double, _ c: Double) {
            let (second, third) = (Self.axis(b), Self.axis(c))
            var points: [SIMD4<Double>] = []
            for x in second {
                for y in third {
                    for sign in [1.0, -1] {
                        points.append(
                            SIMD4(sign * x.x * y.x, x.y * y.x * y.x, y.y * x.x * x.x, 0.5 * x.z * y.z))
                    }
                }
            }
            nodes = blocks(points)
        }

        /// The mean over the pairs of P(y) g_k^2.
        @inline(__always)
        func average(_ atoms: Atoms) -> SIMD3<Double> {
            var sum = Triple()
            for node in nodes {
                // Where sign z2 z3 is certain (c rounds to +-1) and against the label there is no mass.
                let mass = atoms.u + atoms.v * node.v.x
                let isTiny = mass .< Lanes(repeating: 1e-12 * atoms.u)
                let inverse = (node.w / mass).replacing(with: 0, where: isTiny)
                let slope = atoms.u1 + atoms.v1 * node.v.x
                sum.x += slope * slope * inverse
                sum.y += node.v.y * inverse
                sum.z += node.v.z * inverse
            }
            let square = atoms.v * atoms.v
            return SIMD3(sum.x.sum(), square * sum.y.sum(), square * sum.z.sum())
        }
    }
}
