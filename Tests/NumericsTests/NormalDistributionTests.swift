import Foundation
import Numerics
import Testing

@Suite struct NormalDistributionTests {
    /// From mpmath at 40 digits.
    @Test(
        "quantiles to 1e-15 relative",
        arguments: [
            (1e-300, -37.047096299361199237), (1e-100, -21.273453560965324294), (1e-20, -9.2623400897984075796),
            (1e-10, -6.3613409024040561991), (1e-5, -4.2648907939228246102), (0.001, -3.0902323061678135354),
            (0.07, -1.4757910281791706856), (0.2, -0.84162123357291416552), (0.45, -0.12566134685507400616),
            (0.6, 0.25334710313579974132), (0.9, 1.2815515655446005935), (0.975, 1.9599639845400538556),
        ])
    func quantile(p: Double, x: Double) {
        #expect(abs(normalQuantile(p) / x - 1) < 1e-15)
    }

    @Test("quantiles at and beyond the ends")
    func ends() {
        #expect(normalQuantile(0) == -.infinity && normalQuantile(1) == .infinity && normalQuantile(0.5) == 0)
        #expect(normalQuantile(-0.1).isNaN && normalQuantile(1.1).isNaN && normalQuantile(.nan).isNaN)
    }

    @Test(
        "distribution function to (2 + x^2) 1e-16 relative",
        arguments: [
            (-37, 5.7255712225245768227e-300), (-20, 2.7536241186062336951e-89), (-5, 2.8665157187919391167e-7),
            (-1, 0.15865525393145705141), (0.5, 0.69146246127401310364), (3, 0.99865010196836990547),
        ])
    func cdf(x: Double, p: Double) {
        #expect(abs(normalCDF(x) / p - 1) < (2 + x * x) * 1e-16)
    }

    @Test("the density is the slope of the distribution function", arguments: [-3, -0.4, 0, 1.7])
    func density(x: Double) {
        let h = 1e-5
        #expect(abs((normalCDF(x + h) - normalCDF(x - h)) / (2 * h) - normalDensity(x)) < 1e-10)
    }
}
