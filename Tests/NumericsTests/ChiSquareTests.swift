import Foundation
import Numerics
import Randomness
import Testing

@Suite struct ChiSquareTests {
    @Test(
        "Kolmogorov-Smirnov against the incomplete gamma function, mean and variance",
        arguments: [
            0.05, 0.5, 1, 1.7, 2, 3, 9.5, 100, 2500.25,
        ])
    func distribution(k: Double) {
        var stream = RandomStream(identity: TaskIdentity(high: 21, low: k.bitPattern))
        let n = 200_000
        var statistics = DistributionCheck(order: 2)
        for _ in 0..<n {
            let x = stream.chiSquare(k)
            statistics.add(x, probability: regularisedGamma(0.5 * k, 0.5 * x))
        }
        #expect(statistics.kolmogorovSmirnov < 1.95)
        let mean = statistics.moment(1)
        let variance = statistics.moment(2) - mean * mean
        #expect(abs(mean - k) < 4 * (2 * k / Double(n)).squareRoot())
        // The fourth central moment is 12 k (k + 4).
        #expect(abs(variance - 2 * k) < 4 * ((12 * k * (k + 4) - 4 * k * k) / Double(n)).squareRoot())
    }

    @Test("large k: normal with the right skewness, sqrt(8 / k)", arguments: [1e5, 1e8])
    func large(k: Double) {
        var stream = RandomStream(identity: TaskIdentity(high: 22, low: k.bitPattern))
        let n = 1_000_000
        let skewness = (8 / k).squareRoot()
        var statistics = DistributionCheck(order: 4)
        for _ in 0..<n {
            let z = (stream.chiSquare(k) - k) / (2 * k).squareRoot()
            // Edgeworth's first correction.
            statistics.add(z, probability: normalCDF(z) - skewness / 6 * (z * z - 1) * normalDensity(z))
        }
        #expect(statistics.kolmogorovSmirnov < 1.95)
        let error = 1 / Double(n).squareRoot()
        #expect(abs(statistics.moment(1)) < 4 * error)
        #expect(abs(statistics.moment(2) - 1) < 4 * 2.0.squareRoot() * error)
        #expect(abs(statistics.moment(3) - skewness) < 4 * 15.0.squareRoot() * error)
        #expect(abs(statistics.moment(4) - 3) < 4 * 96.0.squareRoot() * error)
    }

    @Test("the ends of the range: 0, negative, undefined and infinite k")
    func ends() {
        var stream = RandomStream(identity: TaskIdentity(high: 23, low: 0))
        #expect(stream.chiSquare(0) == 0)
        #expect(stream.chiSquare(-1).isNaN && stream.chiSquare(.nan).isNaN)
        #expect(stream.chiSquare(.infinity) == .infinity)
        #expect(stream.position == RandomStream.Position())
        let tiny = stream.chiSquare(1e-6)
        #expect(tiny >= 0 && tiny.isFinite)
    }

    /// `P(a, x)`, by the series below `a + 1` and Legendre's continued fraction above (Numerical Recipes, section 6.2).
    private func regularisedGamma(_ a: Double, _ x: Double) -> Double {
        guard x > 0 else { return 0 }
        let front = exp(a * log(x) - x - lgamma(a))
        if x < a + 1 {
            var term = 1 / a
            var sum = term
            var k = a
            while term > 1e-15 * sum {
                k += 1
                term *= x / k
                sum += term
            }
            return front * sum
        }
        var b = x + 1 - a
        var c = 1e300
        var d = 1 / b
        var h = d
        for i in 1..<10_000 {
            let an = -Double(i) * (Double(i) - a)
            b += 2
            d = 1 / (an * d + b)
            c = b + an / c
            h *= d * c
            if abs(d * c - 1) < 1e-14 { break }
        }
        return 1 - front * h
    }
}
