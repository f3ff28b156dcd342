import Numerics

/// Z(y, omega, V) = E P(y|z) over z ~ N(omega, V), its gradient D and Hessian H in omega, for eight samples. A factor that
/// does not depend on omega may be left out. Then g_out = D/Z and its Jacobian is H/Z - g g^T (2), (3).
package struct Evidence: Sendable {
    package var Z: Lanes
    package var D = Triple()
    package var H = SymmetricTriple()
}

/// The posterior of one sample's pre-activations for one link and one V.
package protocol Posterior: Sendable {
    /// Directions of the link.
    static var p: Int { get }
    /// The moments at means `w` and a label.
    func moments(_ w: Triple, label: Lanes, hessian: Bool) -> Evidence
}

/// y = sign(z1 z2), flipped with probability eps (16) to (18).
package struct SignProductPosterior: Posterior {
    package static let p = 2
    private let pair: SignPair
    private let contrast: Double

    /// `contrast` is 1 - 2 eps.
    ///
    /// - Throws: ``NotPositive``.
    package init(_ V: [Double], contrast: Double) throws {
        guard let pair = SignPair(V[0], 0.5 * (V[1] + V[2]), V[3]) else { throw NotPositive("V", V) }
        (self.pair, self.contrast) = (pair, contrast)
    }

    @inline(__always)
    package func moments(_ w: Triple, label: Lanes, hessian: Bool) -> Evidence {
        let v = pair.value(w.x, w.y)
        let half = 0.5 * contrast * label
        var m = Evidence(Z: 0.5 + half * v.E)
        m.D.x = half * v.E1
        m.D.y = half * v.E2
        if hessian {
            let (E11, E22) = pair.curvature(v, w.x, w.y)
            m.H.xx = half * E11
            m.H.xy = half * v.E12
            m.H.yy = half * E22
        }
        return m
    }
}

/// y = z1^2 + sign(z1 z2 z3): a sum over the atoms z1 = +-sqrt(y - s), s = +-1 (20).
package struct PhaseParityPosterior: Posterior {
    package static let p = 3
    private let pair: SignPair
    private let inverse: Double
    /// V_{23,1}/V11.
    private let (slope1, slope2): (Double, Double)

    /// - Throws: ``NotPositive``.
    package init(_ V: [Double]) throws {
        inverse = 1 / V[0]
        (slope1, slope2) = (V[3] * inverse, V[6] * inverse)
        guard V[0] > 0,
            let pair = SignPair(
                V[4] - V[1] * slope1, 0.5 * (V[5] + V[7]) - V[1] * slope2, V[8] - V[2] * slope2)
        else { throw NotPositive("V", V) }
        self.pair = pair
    }

    @inline(__always)
    package func moments(_ w: Triple, label: Lanes, hessian: Bool) -> Evidence {
        let w0 = w.x
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
        var m = Evidence(Z: .zero)
        for atom in 0..<4 {
            let (isInner, isNegative) = (atom >= 2, atom % 2 == 1)
            let magnitude = isInner ? inner : outer
            let z = isNegative ? -magnitude : magnitude
            // (s sigma)/2.
            let half = isInner == isNegative ? -0.5 : 0.5
            var weight = exponential(exponent(z) - top) / magnitude
            if isInner { weight = weight.replacing(with: 0, where: .!hasInner) }
            let step = (z - w0) * inverse
            let (mu1, mu2) = (w.y + slope1 * (z - w0), w.z + slope2 * (z - w0))
            let v = pair.value(mu1, mu2)
            let (P, P1, P2) = (0.5 + half * v.E, half * v.E1, half * v.E2)
            let along = slope1 * P1 + slope2 * P2
            m.Z += weight * P
            m.D += Triple(x: step * P - along, y: P1, z: P2) * weight
            guard hessian else { continue }
            let (E11, E22) = pair.curvature(v, mu1, mu2)
            let (P11, P12, P22) = (half * E11, half * v.E12, half * E22)
            let (along1, along2) = (slope1 * P11 + slope2 * P12, slope1 * P12 + slope2 * P22)
            let bend = slope1 * along1 + slope2 * along2
            m.H.add(
                SymmetricTriple(
                    xx: (step * step - inverse) * P - 2 * step * along + bend, xy: step * P1 - along1,
                    xz: step * P2 - along2, yy: P11, yz: P12, zz: P22), times: weight)
        }
        return m
    }
}
