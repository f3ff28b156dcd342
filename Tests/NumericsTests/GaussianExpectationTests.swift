import Foundation
import Numerics
import Randomness
import Testing

@Suite struct GaussianExpectationTests {
    private static func stream(_ number: UInt64) -> RandomStream {
        RandomStream(identity: TaskIdentity(high: 0x6A55, low: number))
    }

    /// E cos(a.x) = exp(-|a|^2/2), E x_1^2 x_2^2 = 1, E x_1^4 x_3^2 = 3.
    private static func integrand(_ x: UnsafePointer<Double>, _ value: UnsafeMutablePointer<Double>) {
        value[0] = cos(0.7 * x[0] - 0.4 * x[1] + x[2])
        value[1] = x[0] * x[0] * x[1] * x[1]
        value[2] = x[0] * x[0] * x[0] * x[0] * x[2] * x[2]
    }
    private static let exact = [exp(-0.5 * (0.49 + 0.16 + 1)), 1, 3]

    @Test func aTensorIsExactForPolynomialsAndItsErrorCoversWhatItMisses() throws {
        for (count, tolerance) in [(4, 1e-2), (8, 1e-6), (24, 1e-13)] {
            let tensor = try #require(GaussianTensor(dimension: 3, count: count))
            let estimate = tensor.expectation(outputs: 3, Self.integrand)
            #expect(abs(estimate.means[0] - Self.exact[0]) < tolerance)
            #expect(abs(estimate.means[0] - Self.exact[0]) <= estimate.errors[0] + 1e-15)
            #expect(abs(estimate.means[1] - 1) < 1e-12 && abs(estimate.means[2] - 3) < 1e-11)
        }
        // Three nodes of the coarser rule do not know x^4 y^2; four know it.
        let tensor = try #require(GaussianTensor(dimension: 3, count: 2))
        #expect(tensor.expectation(outputs: 3, Self.integrand).errors[2] > 0.5)
    }

    @Test func tensorsThatCannotBeAreNil() {
        #expect(GaussianTensor(dimension: 0, count: 3) == nil)
        #expect(GaussianTensor(dimension: 2, count: 0) == nil)
        #expect(GaussianTensor(dimension: 12, count: 64) == nil)
    }

    /// Twenty independent sets: the errors stated are those found, and points are better than random ones.
    @Test func pointsAreUnbiasedAndStateTheirError() throws {
        var (squares, stated) = ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0])
        let repeats = 20
        for number in 0..<repeats {
            var random = Self.stream(UInt64(number))
            let points = try #require(GaussianPoints(dimension: 3, count: 4096, random: &random))
            #expect(points.count == 4096 && points.values.count == 3 * 4096 && points.group(of: 512) == 1)
            let estimate = points.expectation(outputs: 3, Self.integrand)
            for i in 0..<3 {
                let z = (estimate.means[i] - Self.exact[i]) / estimate.errors[i]
                #expect(abs(z) < 6)
                squares[i] += (estimate.means[i] - Self.exact[i]) * (estimate.means[i] - Self.exact[i])
                stated[i] += estimate.errors[i] * estimate.errors[i]
            }
        }
        for i in 0..<3 {
            let ratio = (squares[i] / stated[i]).squareRoot()
            #expect(0.6 < ratio && ratio < 1.6, "output \(i): \(ratio)")
        }
        // Variances of one sample of plain Monte Carlo: 1/2 + exp(-2|a|^2)/2 - exp(-|a|^2) and 9 - 1.
        for (i, variance) in [(0, 0.33), (1, 8.0)] {
            #expect((squares[i] / Double(repeats)).squareRoot() < 0.5 * (variance / 4096).squareRoot())
        }
    }

    @Test func beyondTheSobolDimensionsPointsAreRandom() throws {
        var random = Self.stream(77)
        let points = try #require(GaussianPoints(dimension: 70, count: 1 << 12, random: &random))
        let estimate = points.expectation(outputs: 2) { x, value in
            value[0] = x[0] * x[0]
            value[1] = x[69] * x[69]
        }
        #expect(abs(estimate.means[0] - 1) < 3e-3 && abs(estimate.means[1] - 1) < 5 * estimate.errors[1])
        #expect(estimate.errors[1] > 4 * estimate.errors[0])
        #expect(GaussianPoints(dimension: 0, count: 4, random: &random) == nil)
        #expect(GaussianPoints(dimension: 3, count: 4, groups: 1, random: &random) == nil)
    }

    /// E exp(x) = sqrt(e) with the controls x and x^2 - 1, which leave E of the rest: 1 - (1 + 1/2)/(e - 1).
    @Test func controlsTakeOffWhatTheyExplain() throws {
        var random = Self.stream(5)
        var (plain, controlled) = (ControlledMean(controls: 0, groups: 16), ControlledMean(controls: 2, groups: 16))
        let n = 64_000
        for i in 0..<n {
            let x = random.normal()
            controlled.add([x, x * x - 1, exp(x)], group: i % 16)
            plain.add([exp(x)], group: i % 16)
        }
        let exact = exp(0.5)
        #expect(abs(plain.result.mean - exact) < 4 * plain.result.error)
        #expect(abs(controlled.result.mean - exact) < 4 * controlled.result.error)
        let left = 1 - 1.5 / (exp(1) - 1)
        #expect(abs(controlled.result.varianceLeft - left) < 0.02)
        let deviation = ((exp(2) - exp(1)) / Double(n)).squareRoot()
        #expect(abs(plain.result.error / deviation - 1) < 0.5)
        #expect(abs(controlled.result.error / (deviation * left.squareRoot()) - 1) < 0.5)
    }

    @Test func controlsThatDependOnEachOtherLeaveThePlainMean() {
        var mean = ControlledMean(controls: 2, groups: 2)
        for i in 0..<40 {
            let x = Double(i % 5) - 2
            mean.add([x, 2 * x, 3 + x + Double(i % 2)], group: i / 20)
        }
        #expect(abs(mean.result.mean - 3.5) < 1e-12)
    }

    /// N(1, 1/4) from draws of N(0, 1), without its factor: means 1 and 1 + 1/4, evidence (1/2) exp(...)/sqrt(2 pi) sqrt(2 pi).
    @Test func importanceWeightsGiveMeansErrorsAndTheEvidence() throws {
        let n = 1 << 14
        var (z1, z2) = (0.0, 0.0)
        for number in 0..<8 {
            var random = Self.stream(UInt64(100 + number))
            let x = (0..<n).map { _ in random.normal() }
            // The target over the proposal, with a factor e^-800 that would underflow.
            var logs = x.map { -2 * ($0 - 1) * ($0 - 1) + 0.5 * $0 * $0 - 800 }
            let weights = try #require(ImportanceWeights(normalising: &logs, count: n))
            #expect(abs(logs.reduce(0, +) - 1) < 1e-12)
            #expect(abs(weights.logEvidence + 800 - log(0.5)) < 0.05)
            // 1/E w^2 under the proposal: w = 2 exp(-2 (x-1)^2 + x^2/2), E w^2 = 4/sqrt(7) exp(4/7).
            #expect(abs(weights.effectiveCount / Double(n) - 7.0.squareRoot() / 4 * exp(-4.0 / 7)) < 0.02)
            let mean = ImportanceWeights.mean(logs, x, count: n)
            let error = ImportanceWeights.standardError(logs, x, mean: mean, count: n)
            z1 += (mean - 1) * (mean - 1) / (error * error)
            let squares = x.map { $0 * $0 }
            let second = ImportanceWeights.mean(logs, squares, count: n)
            let secondError = ImportanceWeights.standardError(logs, squares, mean: second, count: n)
            z2 += (second - 1.25) * (second - 1.25) / (secondError * secondError)
        }
        // Chi-square of eight: within 1 and 25.
        #expect(1 < z1 && z1 < 25 && 1 < z2 && z2 < 25, "\(z1) \(z2)")
    }

    @Test func weightsWithoutAFiniteOneAreRefused() {
        var nothing = Array(repeating: -Double.infinity, count: 8)
        #expect(ImportanceWeights(normalising: &nothing, count: 8) == nil)
        var undefined = Array(repeating: 0.0, count: 8)
        undefined[3] = .nan
        #expect(ImportanceWeights(normalising: &undefined, count: 8) == nil)
        var one = Array(repeating: -Double.infinity, count: 8)
        one[5] = -1e6
        let weights = ImportanceWeights(normalising: &one, count: 8)
        #expect(weights?.effectiveCount == 1 && one[5] == 1 && one[0] == 0)
    }
}
