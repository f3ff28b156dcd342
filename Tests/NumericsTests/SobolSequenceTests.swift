import Foundation
import Numerics
import Randomness
import Testing

@Suite struct SobolSequenceTests {
    /// From scipy.stats.qmc.Sobol(64, scramble=False), dimensions 0, 1, 2, 6, 20, 40, 63.
    @Test(
        "points are those of SciPy",
        arguments: [
            (0, [0, 0, 0, 0, 0, 0, 0]), (1, [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]),
            (5, [0.875, 0.875, 0.125, 0.875, 0.625, 0.375, 0.625]),
            (100, [0.4140625, 0.2578125, 0.7734375, 0.0234375, 0.7578125, 0.7109375, 0.6484375]),
            (777, [0.6923828125, 0.9365234375, 0.1630859375, 0.1904296875, 0.2373046875, 0.7216796875, 0.4267578125]),
            (1023, [0.0009765625, 0.7529296875, 0.6123046875, 0.1396484375, 0.8662109375, 0.6318359375, 0.0400390625]),
        ])
    func scipy(index: Int, values: [Double]) throws {
        let points = try #require(SobolSequence(dimension: 64)).uniformPoints(count: 1024)
        for (j, value) in zip([0, 1, 2, 6, 20, 40, 63], values) { #expect(points[index * 64 + j] == value) }
    }

    @Test("a scrambled sequence still puts one point into each of 2^m equal cells of every coordinate")
    func stratified() throws {
        var stream = RandomStream(identity: TaskIdentity(high: 3, low: 4))
        let points = try #require(SobolSequence(dimension: 64, scrambledBy: &stream)).uniformPoints(count: 4096)
        for j in 0..<64 {
            let cells = Set((0..<4096).map { Int(points[$0 * 64 + j] * 4096) })
            #expect(cells.count == 4096)
        }
        // Elementary boxes of the first two coordinates (a (0, m, 2)-net): 64 x 64 of them, one point each.
        let boxes = Set((0..<4096).map { Int(points[$0 * 64] * 64) * 64 + Int(points[$0 * 64 + 1] * 64) })
        #expect(boxes.count == 4096)
    }

    @Test("means over randomisations are unbiased and far better than Monte Carlo")
    func gaussianMean() throws {
        let count = 1024
        let exact = exp(-0.5 * 4 * 0.25)
        let errors = try (0..<16).map { r -> Double in
            var stream = RandomStream(identity: TaskIdentity(high: 5, low: 6), substream: UInt32(r))
            let z = try #require(SobolSequence(dimension: 4, scrambledBy: &stream)).gaussianPoints(count: count)
            var sum = 0.0
            for i in 0..<count { sum += cos(0.5 * z[4 * i..<4 * i + 4].reduce(0, +)) }
            return sum / Double(count) - exact
        }
        let mean = errors.reduce(0, +) / 16
        let squares = errors.map { ($0 - mean) * ($0 - mean) }
        let deviation = (squares.reduce(0, +) / 15).squareRoot()
        #expect(abs(mean) < 4 * deviation / 4)
        // Plain Monte Carlo: the standard deviation of the integrand is 0.45, so 0.014 at this count.
        #expect(deviation < 0.002)
    }

    @Test("dimensions outside 1...64 give nil, and no point is infinite")
    func limits() throws {
        #expect(SobolSequence(dimension: 0) == nil && SobolSequence(dimension: 65) == nil)
        let plain = try #require(SobolSequence(dimension: 2))
        let largest = plain.gaussianPoints(count: 8).map(abs).max() ?? .infinity
        #expect(largest < 10)
        #expect(plain.uniformPoints(count: -1).isEmpty)
    }
}
