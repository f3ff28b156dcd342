import Foundation
import Numerics
import Randomness
import Testing

@Suite struct ThresholdTests {
    /// X -> sum_i G_i X G_i.
    private func map(_ matrices: [[Double]], _ p: Int) -> ([Double]) -> [Double] {
        { x in
            matrices.reduce(Array(repeating: 0.0, count: p * p)) { sum, g in
                let image = SmallMatrix.product(SmallMatrix.product(g, x, p, p, p), g, p, p, p)
                return zip(sum, image).map { $0 + $1 }
            }
        }
    }

    @Test func aPauliMatrixHasBothSigns() throws {
        let pauli = map([[0, 0.8, 0.8, 0]], 2)
        let top = try TopEigenmatrix.byPowerIteration(size: 2, pauli)
        #expect(abs(top.eigenvalue - 0.64) < 1e-12)
        #expect(abs(top.matrix[0] - 0.5) < 1e-9 && abs(top.matrix[3] - 0.5) < 1e-9)
        let spectrum = try TopEigenmatrix.spectrum(size: 2, pauli)
        for (value, expected) in zip(spectrum, [-0.64, 0.64, 0.64]) { #expect(abs(value - expected) < 1e-12) }
    }

    @Test(arguments: [1, 2, 3, 5]) func powerIterationAndSpectrumAgree(p: Int) throws {
        var random = RandomStream(identity: TaskIdentity(high: 0x7E5, low: UInt64(p)))
        for _ in 0..<5 {
            let matrices = (0..<4).map { _ in
                var g = Array(repeating: 0.0, count: p * p)
                for i in 0..<p {
                    for j in 0...i {
                        g[i * p + j] = random.normal()
                        g[j * p + i] = g[i * p + j]
                    }
                }
                return g
            }
            let f = map(matrices, p)
            let top = try TopEigenmatrix.byPowerIteration(size: p, f)
            let spectrum = try TopEigenmatrix.spectrum(size: p, f)
            #expect(spectrum.count == p * (p + 1) / 2)
            #expect(abs(top.eigenvalue - spectrum[spectrum.count - 1]) < 1e-9 * top.eigenvalue)
            #expect(spectrum.allSatisfy { abs($0) <= top.eigenvalue * (1 + 1e-9) })
            let eigenvalues = try LAPACK.symmetricEigen(p, top.matrix).values
            #expect(eigenvalues[0] > -1e-9)
            #expect(abs(eigenvalues.reduce(0, +) - 1) < 1e-9)
        }
    }

    @Test func nothingGrowsUnderTheZeroMap() throws {
        let top = try TopEigenmatrix.byPowerIteration(size: 3) { $0.map { _ in 0 } }
        #expect(top.eigenvalue == 0 && top.matrix.allSatisfy(\.isNaN))
    }

    @Test func mapsThatAreNotFiniteOrNotSelfAdjoint() {
        #expect(throws: ThresholdError.self) {
            try TopEigenmatrix.byPowerIteration(size: 2) { $0.map { _ in .infinity } }
        }
        #expect(throws: ThresholdError.self) {
            try TopEigenmatrix.spectrum(size: 2) { [$0[0] + $0[3], 0, 0, 0] }
        }
        #expect(throws: ThresholdError.self) {
            try TopEigenmatrix.byPowerIteration(size: 2, maximumIterations: 3) { [2 * $0[0], 0, 0, 1.9 * $0[3]] }
        }
    }

    @Test func bisectionFindsWhereGrowthBegins() throws {
        // x <- a x/(1 + x) grows from small x when a > 1.
        let threshold = try bisectThreshold(from: 0.2, to: 3, tolerance: 1e-9) { a in
            let x = (0..<200).reduce(1e-9) { x, _ in a * x / (1 + x) }
            return x > 1e-9
        }
        #expect(abs(threshold - 1) < 2e-9)
        #expect(throws: ThresholdError.notBracketed(lower: 2, upper: 3, holds: true)) {
            try bisectThreshold(from: 2, to: 3, tolerance: 1e-3) { $0 > 1 }
        }
        #expect(throws: ThresholdError.notBracketed(lower: 0, upper: 0.5, holds: false)) {
            try bisectThreshold(from: 0, to: 0.5, tolerance: 1e-3) { $0 > 1 }
        }
    }
}
