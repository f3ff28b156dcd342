import Foundation
import ModelTesting
import Modeling
import Numerics
import SequenceMultiIndex
import Testing

/// Landmarks 1 to 7, 16 and 17.
@Suite struct ThresholdTests {
    /// Landmark 1, and the same by the channel's own expectation.
    @Test(arguments: [2, 3, 4]) func oneLayerIsAPhaseRetrieval(L: Int) throws {
        let whole = Double(L * (L + 1))
        let values: Given = ["layers": .integer(1), "L": .integer(L)]
        #expect(abs(try run("weak-recovery", values)("alpha_c")[0] - 1 / whole) < 1e-12)
        var expectations = try makeExpectations(layers: 1, L: L, samples: 4096)
        #expect(abs(try expectations.growth(q: [0]).means[0] / whole - 1) < 0.01)
    }

    /// Landmarks 2, 3 and 4: F_22, alpha_2 and F_11 at Q = 0.
    @Test(arguments: [
        (1e-4, 3.57, 0.881), (0.1, 4.08, 0.692), (0.5, 4.927, 0.327), (1.0, 5.390, 0.1627), (1.5, 5.615, 0.0946),
        (2.0, 5.738, 0.0610), (3.0, 5.858, .nan), (4.0, 5.912, 0.0185),
    ])
    func responsesAtZero(c: Double, F22: Double, F11: Double) throws {
        var expectations = try makeExpectations(skip: c, samples: 16384)
        let growth = try expectations.growth(q: [0, 0])
        #expect(abs(growth.means[1] / F22 - 1) < (c < 0.2 ? 0.02 : 0.006), "\(growth)")
        if F11.isFinite { #expect(abs(growth.means[0] / F11 - 1) < 0.025, "\(growth)") }
        #expect(growth.errors[1] < 0.01 * growth.means[1])
        let alpha = [1e-4: 0.280, 0.1: 0.245, 0.5: 0.2030, 1: 0.1855, 2: 0.1743, 4: 0.1691][c]
        if let alpha { #expect(abs(1 / growth.means[1] - alpha) < (c < 0.2 ? 0.005 : 0.002)) }
        // The bounds (24).
        #expect(growth.means[1] < 6 && growth.means[0] < growth.means[1])
    }

    /// F_22 by another road: u on a grid, its density from the channel's evidence. No sampling at all.
    @Test func aGridInUGivesTheSame() throws {
        let network = Network(layers: 2, L: 2, skip: 1)
        var channel = try Channel(network, draws: 0, random: testStream(1))
        var (mass, F11, F22) = (0.0, 0.0, 0.0)
        let (K, reach) = (72, 11.0)
        let h = 2 * reach / Double(K)
        let omega = [0.0, 0, 0, 0]
        try channel.withPosterior(variance: [1, 0, 0, 1]) { posterior in
            for i in 0..<K / 2 {
                for j in 0..<K {
                    let u = [h * (Double(i) + 0.5) - reach, h * (Double(j) + 0.5) - reach]
                    guard posterior.evaluate(u: u, omega: omega, sample: 0) else { continue }
                    let weight = exp(posterior.first.logEvidence.pointee) * h * h
                    let pairs = (0..<8).map { posterior.first.pairs[$0] - ([0, 3].contains($0 % 4) ? 1 : 0) }
                    mass += weight
                    F11 += weight * pairs[..<4].reduce(0) { $0 + $1 * $1 }
                    F22 += weight * pairs[4...].reduce(0) { $0 + $1 * $1 }
                }
            }
        }
        // The density of u has a ridge where both tokens are nearly equal, which a grid of this width sees to some 1e-4.
        #expect(abs(mass - 1) < 1e-3, "\(mass)")
        #expect(abs(F22 - 5.390) < 0.02 && abs(F11 - 0.1627) < 0.003, "\(F22) \(F11)")
    }

    private static let branch: [(Double, Double, Double)] = [
        (0.3, 0.3357, .nan), (0.5, 0.4049, 0.0931), (0.7, 0.4714, .nan), (0.8, .nan, 0.219), (0.9, 0.5763, .nan),
        (0.97, .nan, 0.918), (0.1, 0.2506, .nan), (0.96, 0.6725, .nan), (0.975, .nan, 1.034), (0.99, .nan, 1.80),
    ]

    /// Landmarks 5 and 6: the branch Q11 = 0.
    @Test(arguments: atLeast(6, branch))
    func theBranchOnWhichTheLastLayerIsLearned(q: Double, alpha: Double, growth: Double) throws {
        let record = try run("branch", ["q_last": .real(q), "mc_samples": .integer(q < 0.2 ? 32768 : 8192)])
        if alpha.isFinite {
            let error = record("alpha_error")[0]
            #expect(abs(record("alpha_branch")[0] - alpha) < max(0.01 * alpha, 3 * error) && error < 0.01 * alpha)
        }
        if growth.isFinite { #expect(abs(record("growth")[0] / growth - 1) < 0.045, "\(record("growth"))") }
        #expect(abs(record("growth")[1] - 1) < 1e-12)
    }

    private static let thresholds: [(Double, Double, Int, Double, Double)] = [
        (0.5, 0, 16384, 0.723, 0.945), (0.2, 0, 32768, 0.725, 0.892), (1, 0, 32768, 0.723, 0.974),
        (2, 0, 16384, 0.724, 0.990), (4, 0, 8192, 0.724, 0.9966), (1, 1e-3, 32768, 0.749, .nan),
    ]

    /// Landmark 7, within the page's 0.01 and 3.5 errors of ours. The error of one run is 0.003 to 0.006, but from eight groups, so
    /// itself uncertain by a fourth and now and then half as large: here it is that of four runs, which have
    /// 0.7205(9), 0.7184(9) and with reg 0.7385(9) for c = 0.2, 1 and 1: the shift by reg is 15 errors.
    @Test(.enabled(if: runsLongTests), arguments: thresholds)
    func theThresholdOfTheFirstLayer(c: Double, reg: Double, samples: Int, alpha: Double, q: Double) throws {
        let records = try (1...4).map {
            try run(
                "weak-recovery", ["skip": .real(c), "reg": .real(reg), "mc_samples": .integer(samples)], seed: $0)
        }
        let record = records[0]
        let found = records.reduce(0) { $0 + $1("alpha_k")[0] } / Double(records.count)
        let squares = records.reduce(0) { $0 + $1("alpha_error")[0] * $1("alpha_error")[0] }
        let error = squares.squareRoot() / Double(records.count)
        #expect(abs(found - alpha) < 3.5 * error + 0.01 && error > 5e-4 && error < 0.0075, "\(found) +- \(error)")
        if q.isFinite { #expect(abs(record("q_critical")[0] - q) < 0.004) }
        #expect(record("alpha_k")[1] == record("alpha_c")[0] && record("alpha_c")[0] > record("alpha_bound")[0])
    }

    /// At overlaps of the last layer that are critical for skips 1 and 2 a grid of 128 or 224 nodes is fine enough: the Nishimori
    /// identity holds within its noise.
    @Test(arguments: atLeast(1, [(1.0, 0.974), (2.0, 0.99)]))
    func nishimoriWhereTheFirstLayerBecomesUnstable(c: Double, q: Double) throws {
        var expectations = try makeExpectations(skip: c, samples: 8192)
        let (squares, products) = try expectations.nishimori(q: [0, q])
        #expect(abs(products[1] / squares[1] - 1) < 0.01, "\(squares) \(products)")
    }

    /// Landmark 16, 4096 sequences and 2 x 2048 draws: importance sampling, so the bias of short draws is in the tolerance.
    @Test func threeLayers() throws {
        var expectations = try makeExpectations(layers: 3, samples: 4096, draws: 4096)
        let growth = try expectations.growth(q: [0, 0, 0])
        for (k, (F, error)) in [(0.195, 0.013), (0.123, 0.007), (5.2, 0.3)].enumerated() {
            #expect(abs(growth.means[k] - F) < 3 * error, "\(k): \(growth.means[k])")
        }
    }

    /// Squares are products of independent halves of the draws: at Q = 0 nothing is known of the sign of z, whatever few draws say.
    @Test func fewDrawsDoNotAddTheirSquare() throws {
        var expectations = try makeExpectations(L: 3, samples: 1024, draws: 32)
        let responses = try expectations.responses(q: [0, 0])
        #expect(abs(responses.means[0]) < 3 * responses.errors[0] && responses.errors[0] < 0.02, "\(responses)")
        // The sign of the last layer is summed over.
        #expect(abs(responses.means[1]) < 1e-20)
    }

    /// Landmark 17.
    @Test(arguments: [(3, 1.0, 10.3, 0.1), (4, 1, 17.4, 0.1), (3, 2, 11.32, 0.04)])
    func moreTokens(L: Int, c: Double, F: Double, error: Double) throws {
        var expectations = try makeExpectations(L: L, skip: c, samples: 2048, draws: 4096)
        let growth = try expectations.growth(q: [0, 0])
        #expect(abs(growth.means[1] - F) < 3 * (error + growth.errors[1]) + 0.01 * F, "\(growth)")
        #expect(growth.means[1] < Double(L * (L + 1)))
    }

    /// The Nishimori identity of every kind of channel: quadrature, draws, closed form.
    @Test(arguments: atLeast(3, [(2, 2, [0.3, 0.6]), (2, 3, [0.3, 0.6]), (1, 3, [0.5]), (3, 2, [0.2, 0.3, 0.6])]))
    func nishimori(layers: Int, L: Int, q: [Double]) throws {
        var expectations = try makeExpectations(layers: layers, L: L, samples: 4096, draws: 8192)
        let (squares, products) = try expectations.nishimori(q: q)
        for k in 0..<layers where squares[k] > 0.3 {
            #expect(abs(products[k] / squares[k] - 1) < 0.04, "\(squares) \(products)")
        }
    }
}
