import Foundation
import Numerics

/// E = E[sign z_1 sign z_2] for z ~ N(mu, S), with its derivatives in mu (16), (17), for eight means at once.
package struct SignPair: Sendable {
    /// 1/sqrt(2 S_ii), and 1/sqrt(2 S_i|j).
    private let (scale1, scale2, conditional1, conditional2): (Double, Double, Double, Double)
    /// S12/S22 and S12/S11.
    private let (slope1, slope2): (Double, Double)
    /// 2/sqrt(2 pi S_ii), and 4/(2 pi sqrt(det S)).
    private let (density1, density2, jointDensity): (Double, Double, Double)
    private let (inverse1, inverse2): (Double, Double)
    /// For each node t of the integral from 0 to asin rho: 2 sin t, 1/cos^2 t, (2/pi) weight.
    private let nodes: [SIMD3<Double>]

    package struct Value: Sendable {
        package var E, E1, E2, E12: Lanes
    }

    /// Nil when S is not positive definite.
    package init?(_ S11: Double, _ S12: Double, _ S22: Double) {
        let (rest1, rest2) = (S11 - S12 * S12 / S22, S22 - S12 * S12 / S11)
        guard S11 > 0, S22 > 0, rest1 > 0, rest2 > 0, rest1 < .infinity, rest2 < .infinity else { return nil }
        (scale1, scale2) = (1 / (2 * S11).squareRoot(), 1 / (2 * S22).squareRoot())
        (conditional1, conditional2) = (1 / (2 * rest1).squareRoot(), 1 / (2 * rest2).squareRoot())
        (slope1, slope2) = (S12 / S22, S12 / S11)
        (density1, density2) = (2 / (2 * .pi * S11).squareRoot(), 2 / (2 * .pi * S22).squareRoot())
        jointDensity = density1 * 2 / (2 * .pi * rest2).squareRoot()
        (inverse1, inverse2) = (1 / S11, 1 / S22)
        let rho = S12 / (S11 * S22).squareRoot()
        nodes = Self.nodes(asin(max(-1, min(1, rho))))
    }

    /// As many nodes as an error of 1e-13 takes below |rho| = 0.925 (1e-9 at 0.99): the integrand becomes steep near pi/2.
    private static func nodes(_ angle: Double) -> [SIMD3<Double>] {
        guard angle != 0 else { return [] }
        let size = abs(angle)
        let rule = size < 0.3 ? rules.0 : size < 0.85 ? rules.1 : size < 1.2 ? rules.2 : rules.3
        return zip(rule.nodes, rule.weights).map { node, weight in
            let t = angle * node
            return SIMD3(2 * sin(t), 1 / (cos(t) * cos(t)), 2 / .pi * angle * weight)
        }
    }

    private static let rules = (
        GaussLegendre(count: 8, from: 0, to: 1), GaussLegendre(count: 14, from: 0, to: 1),
        GaussLegendre(count: 24, from: 0, to: 1), GaussLegendre(count: 64, from: 0, to: 1)
    )

    @inline(__always)
    package func value(_ mu1: Lanes, _ mu2: Lanes) -> Value {
        let (x1, x2) = (mu1 * scale1, mu2 * scale2)
        let (e1, gauss1) = errorFunction(x1)
        let (e2, gauss2) = errorFunction(x2)
        let (right1, _) = errorFunction((mu1 - slope1 * mu2) * conditional1)
        let (right2, rest2) = errorFunction((mu2 - slope2 * mu1) * conditional2)
        var E = e1 * e2
        let (squares, product) = (x1 * x1 + x2 * x2, x1 * x2)
        for node in nodes { E += node.z * exponential((node.x * product - squares) * node.y) }
        return Value(
            E: E, E1: density1 * gauss1 * right2, E2: density2 * gauss2 * right1, E12: jointDensity * gauss1 * rest2)
    }

    /// The second derivatives in mu_1 and mu_2 alone: E_ii = -(mu_i E_i + S_12 E_12)/S_ii.
    @inline(__always)
    package func curvature(_ v: Value, _ mu1: Lanes, _ mu2: Lanes) -> (E11: Lanes, E22: Lanes) {
        (-(mu1 * inverse1) * v.E1 - slope2 * v.E12, -(mu2 * inverse2) * v.E2 - slope1 * v.E12)
    }
}
