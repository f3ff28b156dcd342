import Foundation
import Modeling
import Numerics

/// |W_mm| for n, d -> infinity at fixed alpha = n/d and T, external unit queries (37) to (41).
package struct AlphaTheory: Sendable {
    /// |W_mm|^2/n; infinite where the limit problem has no solution.
    package let squaredNormPerN: Double
    /// Fraction of sequences with active constraints.
    package let activeFraction: Double
    /// The first two terms of the expansion in alpha.
    package let smallAlpha: Double
    /// The value were all constraints active.
    package let allActive: Double

    /// E[(1 - s Z)_+^2].
    private static func E2(_ s: Double) -> Double {
        (1 + s * s) * normalCDF(1 / s) + s * normalDensity(1 / s)
    }

    package init(alpha: Double, T: Int, A2: Double, B2: Double, geometry: Geometry) throws {
        let a = geometry == .antipodal ? alpha : alpha / 2
        let t = Double(T - 1)
        let C = t / B2
        // s(k) from s^2 = a k^2 E2(s); nil: infinite. s^2/E2(s) grows from 0 to 2.
        func s(_ k: Double) throws -> Double? {
            let level = a * k * k
            func f(_ s: Double) -> Double { s * s - level * Self.E2(s) }
            var upper = max(level.squareRoot(), 1e-300)
            while f(upper) < 0 {
                upper *= 2
                if upper > 1e9 { return nil }
            }
            return try rootBrent(from: upper * 1e-3, to: upper, f)
        }
        func active(_ s: Double?) -> Double { s.map { normalCDF(1 / $0) } ?? 0.5 }
        // In x = k/(1 - k) the equation is x/(C A2) + a k Phi = 1, and x <= C A2.
        let x = try rootBrent(from: 0, to: C * A2) { x in
            let k = x / (1 + x)
            return x / (C * A2) + (x > 0 ? a * k * active(try s(k)) : 0) - 1
        }
        let k = x / (1 + x)
        let solution = try s(k)
        activeFraction = active(solution)
        squaredNormPerN =
            solution.map { $0 * $0 / (a * A2) + C * Self.E2($0) / ((1 + x) * (1 + x)) } ?? .infinity
        let r = t * A2 / (t * A2 + B2)
        smallAlpha = t / (t * A2 + B2) * (1 + a * r * r)
        let z = B2 / (t * A2)
        let p = 1 - a + z
        let root = (p * p + 4 * a * z).squareRoot()
        // The difference of like numbers when p > 0.
        let M = p > 0 ? 2 / (root + p) : (root - p) / (2 * a * z)
        allActive = M / A2
    }
}

extension AlphaTheory {
    /// The values of method `closed-form`.
    static func observe(_ p: Parameters, into sink: inout ObservationSink) throws {
        let theory = try AlphaTheory(alpha: p.alpha, T: p.T, A2: p.A2, B2: p.B2, geometry: p.geometry)
        sink.put(.normWmmSquarePerN, theory.squaredNormPerN)
        sink.put(.activeFraction, theory.activeFraction)
        sink.put(.normWmmSquareSmallAlpha, theory.smallAlpha)
        sink.put(.normWmmSquareAllActive, theory.allActive)
    }
}
