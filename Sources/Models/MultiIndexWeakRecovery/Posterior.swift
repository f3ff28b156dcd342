import Foundation
import Numerics

/// Z(y, omega, V) = E P(y|z) over z ~ N(omega, V), its gradient D and Hessian H in omega, for eight samples. A factor that
/// does not depend on omega may be left out. Then g_out = D/Z and its Jacobian is H/Z - g g^T.
package struct MIWMoments: Sendable {
    package var Z: Lanes
    package var D0 = Lanes.zero
    package var D1 = Lanes.zero
    package var D2 = Lanes.zero
    package var H00 = Lanes.zero
    package var H01 = Lanes.zero
    package var H02 = Lanes.zero
    package var H11 = Lanes.zero
    package var H12 = Lanes.zero
    package var H22 = Lanes.zero
}

/// The posterior of one sample's pre-activations for one link and one V.
package protocol MIWPosterior: Sendable {
    func moments(_ w0: Lanes, _ w1: Lanes, _ w2: Lanes, label: Lanes, hessian: Bool) -> MIWMoments
}

/// What is not a covariance matrix: the algorithm has left its range.
struct MIWNotPositive: Error {
    let what: String
}

/// y = sign(z1 z2), flipped with probability eps (6.1).
package struct MIWSignProduct2: MIWPosterior {
    private let pair: MIWSignPair
    private let contrast: Double

    /// `contrast` is 1 - 2 eps. Nil when V is not positive definite.
    package init?(_ V: [Double], contrast: Double) {
        guard let pair = MIWSignPair(V[0], 0.5 * (V[1] + V[2]), V[3]) else { return nil }
        (self.pair, self.contrast) = (pair, contrast)
    }

    @inline(__always)
    package func moments(_ w0: Lanes, _ w1: Lanes, _ w2: Lanes, label: Lanes, hessian: Bool) -> MIWMoments {
        let v = pair.value(w0, w1)
        let half = 0.5 * contrast * label
        var m = MIWMoments(Z: 0.5 + half * v.E)
        m.D0 = half * v.E1
        m.D1 = half * v.E2
        if hessian {
            let (E11, E22) = pair.curvature(v, w0, w1)
            m.H00 = half * E11
            m.H01 = half * v.E12
            m.H11 = half * E22
        }
        return m
    }
}

/// y = z1^2 + sign(z1 z2 z3) (6.2): a sum over the atoms z1 = +-sqrt(y - s), s = +-1.
package struct MIWPhaseParityPosterior: MIWPosterior {
    private let pair: MIWSignPair
    private let inverse: Double
    /// V_{23,1}/V11.
    private let (slope1, slope2): (Double, Double)

    /// Nil when V is not positive definite.
    package init?(_ V: [Double]) {
        guard V[0] > 0 else { return nil }
        inverse = 1 / V[0]
        (slope1, slope2) = (V[3] * inverse, V[6] * inverse)
        guard
            let pair = MIWSignPair(
                V[4] - V[1] * slope1, 0.5 * (V[5] + V[7]) - V[1] * slope2, V[8] - V[2] * slope2)
        else { return nil }
        self.pair = pair
    }

    @inline(__always)
    package func moments(_ w0: Lanes, _ w1: Lanes, _ w2: Lanes, label: Lanes, hessian: Bool) -> MIWMoments {
        // y + 1 can round to 0 or below; there is no s = +1 atom at y <= 1.
        var square = label + 1
        let least = Lanes(repeating: 1e-24)
        square = square.replacing(with: least, where: square .< least)
        let outer = square.squareRoot()
        let hasInner = label .> Lanes(repeating: 1)
        square = (label - 1).replacing(with: 1, where: .!hasInner)
        square = square.replacing(with: least, where: square .< least)
        let inner = square.squareRoot()
        // Exponents relative to the largest, that of the atom nearest to omega_1.
        let size = w0.replacing(with: -w0, where: w0 .< Lanes.zero)
        func exponent(_ z: Lanes) -> Lanes { (z - w0) * (z - w0) * (-0.5 * inverse) }
        let first = -0.5 * inverse * (outer - size) * (outer - size)
        let second = -0.5 * inverse * (inner - size) * (inner - size)
        let top = first.replacing(with: second, where: hasInner .& (second .> first))
        var m = MIWMoments(Z: .zero)
        for atom in 0..<4 {
            let (isInner, isNegative) = (atom >= 2, atom % 2 == 1)
            let magnitude = isInner ? inner : outer
            let z = isNegative ? -magnitude : magnitude
            // (s sigma)/2.
            let half = isInner == isNegative ? -0.5 : 0.5
            var weight = exponential(exponent(z) - top) / magnitude
            if isInner { weight = weight.replacing(with: 0, where: .!hasInner) }
            let step = (z - w0) * inverse
            let (mu1, mu2) = (w1 + slope1 * (z - w0), w2 + slope2 * (z - w0))
            let v = pair.value(mu1, mu2)
            let (P, P1, P2) = (0.5 + half * v.E, half * v.E1, half * v.E2)
            let along = slope1 * P1 + slope2 * P2
            m.Z += weight * P
            m.D0 += weight * (step * P - along)
            m.D1 += weight * P1
            m.D2 += weight * P2
            guard hessian else { continue }
            let (E11, E22) = pair.curvature(v, mu1, mu2)
            let (P11, P12, P22) = (half * E11, half * v.E12, half * E22)
            let (along1, along2) = (slope1 * P11 + slope2 * P12, slope1 * P12 + slope2 * P22)
            let bend = slope1 * along1 + slope2 * along2
            m.H00 += weight * ((step * step - inverse) * P - 2 * step * along + bend)
            m.H01 += weight * (step * P1 - along1)
            m.H02 += weight * (step * P2 - along2)
            m.H11 += weight * P11
            m.H12 += weight * P12
            m.H22 += weight * P22
        }
        return m
    }
}
