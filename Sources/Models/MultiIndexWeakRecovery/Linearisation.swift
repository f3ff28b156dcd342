import Foundation
import Numerics

/// What a label says at omega = 0: m(y) = E[z|y] and G(y) = E[z z^T|y] - I, with the weights of labels (sheet, sections 5
/// and 6).
package struct MIWLinearisation: Sendable {
    package let p: Int
    package let terms: [(weight: Double, m: [Double], G: [Double])]

    package init(link: MIWLink, p: Int, contrast: Double = 1) {
        let p = link.directions ?? p
        self.p = p
        var terms: [(weight: Double, m: [Double], G: [Double])] = []
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
            guard let count = MIWSignCount(isotropic(1)) else { break }
            for k in 0..<4 {
                let m = count.moments(.zero, .zero, .zero, label: Lanes(repeating: 2 * Double(k) - 3), hessian: true)
                let (Z, D) = (m.Z[0], [m.D0[0], m.D1[0], m.D2[0]])
                let H = [m.H00, m.H01, m.H02, m.H01, m.H11, m.H12, m.H02, m.H12, m.H22].map { $0[0] / Z }
                terms.append((Z, D.map { $0 / Z }, H))
            }
        case .phaseParity:
            // Only E[(m2 - 1)^2] enters: one term of that square.
            let g = MIWPhaseParity.secondMomentInformation().squareRoot()
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
        var sum = Array(repeating: 0.0, count: p * p)
        for term in terms {
            for i in 0..<p {
                for j in 0..<p { sum[i * p + j] += term.weight * term.m[i] * term.m[j] }
            }
        }
        return sum
    }

    /// F(X) = E[G X G].
    package func apply(_ X: [Double]) -> [Double] {
        var sum = Array(repeating: 0.0, count: p * p)
        for term in terms {
            let image = SmallMatrix.product(SmallMatrix.product(term.G, X, p, p, p), term.G, p, p, p)
            for i in sum.indices { sum[i] += term.weight * image[i] }
        }
        return sum
    }
}

/// The directions that wait for others (sheet, section 5, staircase): (2, 3) of phase_parity after 1, and the committee's
/// differences after its mean.
package struct MIWStaircase: Sendable {
    package let link: MIWLink

    /// Nil for a link without such a step.
    package init?(link: MIWLink) {
        guard link == .phaseParity || link == .committee3 else { return nil }
        self.link = link
    }

    /// M with overlap `value` of what is learned first and `rest` of the others.
    package func matrix(_ value: Double, rest: Double) -> [Double] {
        if link == .phaseParity { return [value, 0, 0, 0, rest, 0, 0, 0, rest] }
        return (0..<9).map { ($0 % 4 == 0 ? rest : 0) + (value - rest) / 3 }
    }

    /// The overlap of what is learned first, the rest at 0: its fixed point from a small start.
    ///
    /// - Throws: ``MIWNotConverged`` with the residual.
    package func learned(alpha: Double) throws -> Double {
        let evolution = MIWStateEvolution(link: link, alpha: alpha)
        var value = 1e-3
        var residual = Double.infinity
        for _ in 0..<200_000 {
            let next: Double
            if link == .phaseParity {
                let information = alpha * MIWPhaseParity(a: value).information(b: 0, c: 0).x
                next = information / (1 + information)
            } else {
                next = try evolution.step(matrix(value, rest: 0)).reduce(0, +) / 3
            }
            residual = abs(next - value)
            value = next
            if residual < 1e-10 { return value }
        }
        throw MIWNotConverged(residual: residual)
    }

    /// The top eigenvalue of F_perp at overlap `value`: the rest grows from alpha = 1/this on.
    package func eigenvalue(at value: Double) throws -> Double {
        if link == .phaseParity { return 4 / (.pi * .pi) * MIWPhaseParity(a: value).coupling() }
        let M = matrix(value, rest: 0)
        let V = (0..<9).map { ($0 % 4 == 0 ? 1 : 0) - M[$0] }
        guard let count = MIWSignCount(V) else { throw MIWNotPositive(what: "I - M = \(V) is not positive definite") }
        let grid = try MIWFieldGrid(M, 3)
        // E sum_y P (kappa - 1)^2 with P (kappa - 1) = tr H_perp/2 (6.3).
        return grid.average(3) { w0, w1, w2 in
            let parts = count.parts(w0, w1, w2)
            var sum = MIWProducts()
            for k in 0..<4 {
                let m = count.moments(parts, w0, w1, w2, count: Lanes(repeating: Double(k)), hessian: true)
                let along = (m.H00 + m.H11 + m.H22 + 2 * (m.H01 + m.H02 + m.H12)) * (1.0 / 3)
                var trace = MIWMoments(Z: m.Z)
                trace.D0 = 0.5 * (m.H00 + m.H11 + m.H22 - along)
                sum.add(trace)
            }
            return sum
        }[0]
    }

    /// By what factor a small overlap of the rest grows in one step of state evolution.
    package func growth(alpha: Double, at value: Double) throws -> Double {
        let small = 1e-6
        let image = try MIWStateEvolution(link: link, alpha: alpha).step(matrix(value, rest: small))
        if link == .phaseParity { return image[4] / small }
        let along = image.reduce(0, +) / 3
        return 0.5 * (image[0] + image[4] + image[8] - along) / small
    }

    /// The alpha beyond which `ratio(alpha)`, at the overlap learned at alpha, is above 1.
    package func threshold(tolerance: Double = 1e-7, _ ratio: (Double, Double) throws -> Double) throws -> Double {
        try bisectThreshold(from: 0.6, to: 20, tolerance: tolerance) { try ratio($0, learned(alpha: $0)) > 1 }
    }
}

struct MIWNotConverged: Error {
    let residual: Double
}
