import Foundation
import Numerics

/// What a label says at omega = 0: m(y) = E[z|y] and G(y) = E[z z^T|y] - I, with the weights of labels (13), (14), (32).
package struct Linearisation: Sendable {
    package typealias Term = (weight: Double, m: [Double], G: [Double])
    package let p: Int
    package let terms: [Term]

    package init(link: Link, p: Int, contrast: Double = 1) throws {
        self.p = p
        var terms: [Term] = []
        let none = Array(repeating: 0.0, count: p)
        func isotropic(_ value: Double) -> [Double] { SmallMatrix.diagonal(p, value) }
        switch link {
        case .signProduct2:
            for y in [1.0, -1] {
                let g = contrast * 2 / .pi * y
                terms.append((0.5, none, [0, g, g, 0]))
            }
        case .signProduct3: terms.append((1, none, isotropic(0)))
        case .square, .absolute:
            let rule = GaussHermite(count: 32)
            for (z, weight) in zip(rule.nodes, rule.weights) { terms.append((weight, none, [z * z - 1])) }
        case .ratio:
            // (z1, z2) = r (sin t, cos t) has y = tan t with t uniform, and E r^2 = 2.
            for i in 0..<64 {
                let t = .pi * (Double(i) + 0.5) / 64
                terms.append((1.0 / 64, none, [-cos(2 * t), sin(2 * t), sin(2 * t), cos(2 * t)]))
            }
        case .sumOfSquares:
            // y = r^2 with r chi-distributed.
            let (low, high) = (max(0, Double(p).squareRoot() - 9), Double(p).squareRoot() + 9)
            let rule = GaussLegendre(count: 160, from: low, to: high)
            let log2 = Foundation.log(2.0)
            for (r, weight) in zip(rule.nodes, rule.weights) {
                let density =
                    (Double(p) - 1) * log(r) - 0.5 * r * r - (0.5 * Double(p) - 1) * log2 - lgamma(0.5 * Double(p))
                terms.append((weight * exp(density), none, isotropic(r * r / Double(p) - 1)))
            }
        case .product:
            // Density K0(|y|)/pi; y = +-e^s.
            let step = 0.05
            for i in 0...Int(40 / step) {
                let y = exp(-36 + step * Double(i))
                let (k0, k1) = Self.bessel(y)
                let weight = step * y * k0 / .pi
                guard weight > 1e-30 else { continue }
                let a = y * k1 / k0 - 1
                for sign in [1.0, -1] { terms.append((weight, none, [a, sign * y, sign * y, a])) }
            }
        case .committee3:
            let count = try SignCount(isotropic(1))
            for y in [-3.0, -1, 1, 3] {
                let m = count.moments(Triple(), label: Lanes(repeating: y), hessian: true)
                let (Z, D, H) = (m.Z[0], [m.D.x, m.D.y, m.D.z], m.H)
                let G = [H.xx, H.xy, H.xz, H.xy, H.yy, H.yz, H.xz, H.yz, H.zz]
                terms.append((Z, D.map { $0[0] / Z }, G.map { $0[0] / Z }))
            }
        case .phaseParity:
            // Only E[(m2 - 1)^2] enters: one term of that square.
            let g = PhaseParity.secondMomentInformation().squareRoot()
            terms.append((1, none, [g, 0, 0, 0, 0, 0, 0, 0, 0]))
        }
        self.terms = terms
    }

    /// K_0 and K_1 at y > 0: the trapezoidal rule on int exp(-y cosh t) cosh(nu t) dt, which is exact to rounding.
    private static func bessel(_ y: Double) -> (Double, Double) {
        var (k0, k1) = (0.5 * exp(-y), 0.5 * exp(-y))
        let step = 0.04
        var t = step
        while true {
            let c = cosh(t)
            let term = exp(-y * c)
            k0 += term
            k1 += term * c
            if y * c > 745 || term * c < 1e-18 * k1 { break }
            t += step
        }
        return (step * k0, step * k1)
    }

    /// E[m m^T]: what the first step from M = 0 sees.
    package var firstOrder: [Double] {
        average { SmallMatrix.product($0.m, $0.m, p, 1, p) }
    }

    /// F(X) = E[G X G].
    package func apply(_ X: [Double]) -> [Double] {
        average { SmallMatrix.product(SmallMatrix.product($0.G, X, p, p, p), $0.G, p, p, p) }
    }

    private func average(_ f: (Term) -> [Double]) -> [Double] {
        terms.reduce(into: Array(repeating: 0.0, count: p * p)) { sum, term in
            for (i, value) in f(term).enumerated() { sum[i] += term.weight * value }
        }
    }
}
