import Foundation
import Numerics
import Randomness
import Testing

@Suite struct NormalDrawTests {
    /// 1e9 with the long tests.
    static let count = ProcessInfo.processInfo.environment["DYNSWEEP_LONG_TESTS"] == "1" ? 1_000_000_000 : 10_000_000

    @Test("single precision: moments to order 8, tails, Kolmogorov-Smirnov and pairs at 1e7 or 1e9 draws")
    func floats() {
        var stream = RandomStream(identity: TaskIdentity(high: 11, low: 12))
        check(partner: 16) { RandomStreamTests.floats(&stream, $0).map(Double.init) }
    }

    @Test("double precision: moments to order 8, tails, Kolmogorov-Smirnov and pairs at 1e7 or 1e9 draws")
    func doubles() {
        var stream = RandomStream(identity: TaskIdentity(high: 13, low: 14))
        check(partner: 8) { RandomStreamTests.doubles(&stream, $0) }
    }

    /// `partner` is the distance of the two draws that share a radius.
    private func check(partner: Int, _ draw: (Int) -> [Double]) {
        let portion = 1 << 16
        var statistics = DistributionCheck(order: 8)
        let bounds = [2.0, 3, 4, 5]
        var upper = [0, 0, 0, 0]
        var lower = upper
        let lags = [1, 2, 4, 8, 16, 32, 64]
        var products = lags.map { _ in 0.0 }
        var squares = products
        while statistics.count < Self.count {
            let x = draw(portion)
            for z in x {
                statistics.add(z, probability: normalCDF(z))
                for (i, bound) in bounds.enumerated() where abs(z) > bound {
                    if z > 0 { upper[i] += 1 } else { lower[i] += 1 }
                }
            }
            for (i, lag) in lags.enumerated() {
                for n in stride(from: 0, to: portion - lag, by: 1) {
                    products[i] += x[n] * x[n + lag]
                    squares[i] += (x[n] * x[n] - 1) * (x[n + lag] * x[n + lag] - 1)
                }
            }
        }
        let n = Double(statistics.count)
        #expect(statistics.kolmogorovSmirnov < 1.95)
        func doubleFactorial(_ k: Int) -> Double { stride(from: k, to: 0, by: -2).reduce(1) { $0 * Double($1) } }
        for k in 1...8 {
            let exact = k % 2 == 0 ? doubleFactorial(k - 1) : 0
            let variance = doubleFactorial(2 * k - 1) - exact * exact
            #expect(abs(statistics.moment(k) - exact) < 4 * (variance / n).squareRoot(), "moment \(k)")
        }
        for (i, bound) in bounds.enumerated() {
            let expected = n * normalCDF(-bound)
            #expect(abs(Double(upper[i]) - expected) < 4 * expected.squareRoot(), "above \(bound)")
            #expect(abs(Double(lower[i]) - expected) < 4 * expected.squareRoot(), "below -\(bound)")
        }
        for (i, lag) in lags.enumerated() {
            #expect(abs(products[i]) < 4 * n.squareRoot(), "lag \(lag)")
            #expect(abs(squares[i]) < 4 * 2 * n.squareRoot(), "squares at lag \(lag)")
        }
        #expect(lags.contains(partner))
    }
}
