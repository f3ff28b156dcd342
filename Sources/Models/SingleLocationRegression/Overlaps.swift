import Modeling

/// The order parameters q = (kappa, nu, theta, eta, rho) (6): all inner products of the unit vectors k*, v* (orthogonal)
/// and k, v other than these.
package struct Overlaps: Sendable, Hashable {
    /// k.k*
    package var kappa: Double
    /// v.v*
    package var nu: Double
    /// v.k*
    package var theta: Double
    /// k.v*
    package var eta: Double
    /// k.v
    package var rho: Double

    package init(_ kappa: Double, _ nu: Double, _ theta: Double, _ eta: Double, _ rho: Double) {
        (self.kappa, self.nu, self.theta, self.eta, self.rho) = (kappa, nu, theta, eta, rho)
    }

    /// From five numbers in the order of ``array``.
    package init(_ q: [Double]) { self.init(q[0], q[1], q[2], q[3], q[4]) }

    /// (kappa, nu, theta, eta, rho)
    package var array: [Double] { [kappa, nu, theta, eta, rho] }

    /// What the five are called and are, in this order; telling are those of which one sees the attractor.
    static let terms: [(name: String, product: String, isTelling: Bool)] = [
        ("kappa", "k.k*", true), ("nu", "v.v*", true), ("theta", "v.k*", false), ("eta", "k.v*", true),
        ("rho", "k.v", false),
    ]

    /// The distance to the invariant manifold theta = eta = rho = 0 (7).
    package var distanceToManifold: Double { (theta * theta + eta * eta + rho * rho).squareRoot() }

    /// The run found (k*, v*) up to the joint sign.
    package var isOracle: Bool { abs(kappa) > 0.5 && abs(nu) > 0.9 }
    /// The run found k along v*: the attractor of small sharpness with the parts of k and v exchanged.
    package var isSwapped: Bool { abs(eta) > 0.9 }

    package var isFinite: Bool { kappa.isFinite && nu.isFinite && theta.isFinite && eta.isFinite && rho.isFinite }

    /// Nil when there are unit vectors with these overlaps (16), else what is wrong.
    package var violation: String? {
        let k = 1 - kappa * kappa - eta * eta
        let v = 1 - theta * theta - nu * nu
        let slack = 1e-12
        if k < -slack { return "kappa^2 + eta^2 = \(1 - k) exceeds 1, and k is a unit vector" }
        if v < -slack { return "theta^2 + nu^2 = \(1 - v) exceeds 1, and v is a unit vector" }
        let rest = rho - kappa * theta - eta * nu
        guard rest * rest > max(0, k) * max(0, v) + slack else { return nil }
        return "there are no unit vectors with these overlaps: |rho - kappa theta - eta nu| = \(abs(rest)) exceeds "
            + "sqrt(1 - kappa^2 - eta^2) sqrt(1 - theta^2 - nu^2) = \((max(0, k) * max(0, v)).squareRoot())"
    }
}

extension Overlaps: Resumable {
    package mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&kappa)
        try archive.exchange(&nu)
        try archive.exchange(&theta)
        try archive.exchange(&eta)
        try archive.exchange(&rho)
    }
}

/// k and v in an orthonormal frame of four vectors that starts with k*, v* (15): k = (kappa, eta, k3, 0) and
/// v = (theta, nu, v3, v4) with k3, v4 >= 0.
///
/// The chain keeps this rather than the five overlaps, from which k3, v3 and v4 follow by differences that cancel near
/// the attractors.
package struct Frame: Sendable, Hashable {
    package var k: SIMD4<Double>
    package var v: SIMD4<Double>

    package init(k: SIMD4<Double>, v: SIMD4<Double>) { (self.k, self.v) = (k, v) }

    /// The frame of overlaps that fit together (``Overlaps/violation``); roots of what is negative by rounding are 0.
    package init(_ q: Overlaps) {
        let k3 = max(0, 1 - q.kappa * q.kappa - q.eta * q.eta).squareRoot()
        let v3 = k3 < 1e-12 ? 0 : (q.rho - q.kappa * q.theta - q.eta * q.nu) / k3
        let v4 = max(0, 1 - q.theta * q.theta - q.nu * q.nu - v3 * v3).squareRoot()
        k = SIMD4(q.kappa, q.eta, k3, 0)
        v = SIMD4(q.theta, q.nu, v3, v4)
    }

    package var overlaps: Overlaps { Overlaps(k[0], v[1], v[0], k[1], (k * v).sum()) }
}

extension Frame: Resumable {
    package mutating func exchange(with archive: inout StateArchive) throws {
        for i in 0..<4 {
            try archive.exchange(&k[i])
            try archive.exchange(&v[i])
        }
    }
}
