import Foundation
import Numerics
import Testing

@Suite("Owen's T function")
struct OwensTTests {
    /// Computed with mpmath, 40 digits, by quadrature of the definition.
    static let references: [(h: Double, a: Double, value: Double)] = [
        (0, 0.5, 0.073791808825216637088), (0.0625, 0.25, 0.038911930234701366897),
        (0.3, 0.9999, 0.11804117502901747284), (1, 1, 0.066741882165700966623),
        (2, 0.5, 0.0086250779855215071311), (6.5, 0.4375, 2.000577304850831541e-11),
        (7, 0.96875, 6.3990627193898685308e-13), (4.78125, 0.0625, 1.0632974804687463806e-7),
        (10, 0.9, 3.8099265120802630325e-24), (20, 0.75, 1.3768120593031168475e-89),
        (30, 0.01, 5.7917996374072844079e-199), (36.5, 1, 2.7723628565374222769e-292),
        (0.5, 3, 0.15108404307601841107), (1.25, 40, 0.052824886833427628844),
        (3, 1.0625, 0.00067449205368346794729), (8, 2, 3.1104802871358920618e-16),
        (0.0078125, 200, 0.24839103123371775171), (12, 0.001, 8.5626238635328658185e-36),
        (2.5, 1_000_000, 0.0031048326628880675835),
    ]

    @Test(arguments: references.indices) func knownValues(index: Int) {
        let (h, a, value) = Self.references[index]
        let tolerance = 1e-15 * max(2, h * h / 8)
        #expect(abs(owensT(h, a) / value - 1) < tolerance, "T(\(h), \(a))")
        #expect(owensT(-h, a) == owensT(h, a))
        #expect(owensT(h, -a) == -owensT(h, a))
    }

    static let differences: [(h: Double, a: Double, length: Double, value: Double)] = [
        (0, 0.5, 0.25, 0.028624573524350088737), (1, 0.9990234375, 0.0009765625, 0.00002861671729256217396),
        (2.5, 1 - 0x1p-30, 0x1p-30, 1.4307038822681426243e-13), (0.5, -0.75, 0.5, 0.054228996894423623786),
        (3, -0.25, 1, 0.0010608959565175529598), (15, 0.5, 0.5, 9.3472781101797558196e-65),
        (0.25, -1, 2, 0.24025706127017659238),
    ]

    @Test(arguments: differences.indices) func differencesKeepTheirDigits(index: Int) {
        let (h, a, length, value) = Self.differences[index]
        #expect(abs(owensTDifference(h, from: a, length: length) / value - 1) < 1e-15 * max(2, h * h / 8))
    }

    @Test func identities() {
        for h in stride(from: 0.0, through: 8, by: 0.37) {
            // T(h, 1) = P(Z > h) P(Z < h)/2, and T(h, inf) = P(Z > |h|)/2.
            #expect(abs(owensT(h, 1) / (0.5 * normalCDF(h) * normalCDF(-h)) - 1) < 2e-14)
            #expect(abs(owensT(h, .infinity) / (0.5 * normalCDF(-h)) - 1) < 1e-15)
            for a in [0.1, 0.7, 0.999_999, 1.000_001, 5] {
                let part = owensTDifference(h, from: min(a, 1 / a), length: 1 - min(a, 1 / a))
                #expect(abs(owensT(h, min(a, 1 / a)) + part - owensT(h, 1)) < 1e-16)
            }
        }
        for a in [0.0, 0.3, 1, 4, 1e9] { #expect(abs(owensT(0, a) - atan(a) / (2 * .pi)) < 1e-16) }
    }

    @Test func endsOfTheRange() {
        #expect(owensT(.infinity, 0.5) == 0 && owensT(-.infinity, 3) == 0)
        #expect(owensT(1, 0) == 0 && owensT(40, 0.5) < 1e-300)
        #expect(owensT(.nan, 1).isNaN && owensT(1, .nan).isNaN)
        #expect(owensTDifference(1, from: 0.5, length: 0) == 0)
        #expect(owensTDifference(1, from: 0.5, length: 0.6).isNaN)
        #expect(owensTDifference(1, from: 0.5, length: -0.1).isNaN)
        #expect(owensTDifference(1, from: -1.5, length: 0.6).isNaN)
    }
}
