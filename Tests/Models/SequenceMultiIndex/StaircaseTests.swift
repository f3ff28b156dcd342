import Foundation
import ModelTesting
import Modeling
import Numerics
import SequenceMultiIndex
import Testing

/// Thresholds by a second road, and of more than two layers.
@Suite struct StaircaseTests {
    /// The growth of a small overlap itself, E sum g_k^2/q_k from means of Z, against F_kk from second moments: at Q = 0 for the
    /// last layer, on the branch where the last is known for the first.
    @Test(arguments: atLeast(1, [(1, 0.0), (0, 0.974)])) func aSmallOverlapGrowsByTheResponse(layer: Int, last: Double)
        throws
    {
        let small = 0.01
        var expectations = try makeExpectations(samples: 16384, stream: 3)
        let F = try expectations.growth(q: [0, last])
        let g = try expectations.responses(q: layer == 0 ? [small, last] : [0, small])
        let ratio = g.means[layer] / small / F.means[layer]
        let error = (pow(F.errors[layer] / F.means[layer], 2) + pow(g.errors[layer] / g.means[layer], 2)).squareRoot()
        // The rest is of second order in the small overlap.
        #expect(abs(ratio - 1) < 3 * error + 0.03 && error < 0.05, "\(ratio) +- \(error)")
    }

    /// Message passing itself decays below alpha_2 and grows above, at the pace of state evolution: c = 1, where the published
    /// threshold is 0.1436 and ours 0.1855.
    @Test(arguments: atLeast(1, [(0.155, false), (0.32, true)])) func ampDecaysBelowTheThreshold(
        alpha: Double, grows: Bool
    ) throws {
        let values: Given = ["alpha": .real(alpha), "Q0": vector([0, 0.1]), "d": .integer(2000)]
        let theory = try run(
            "state-evolution", values.with(["mc_samples": .integer(8192)]), times: [3], observables: ["M"])(
                "M")
        let found = try (1...16).map {
            try run("amp", values, times: [3], seed: $0, observables: ["M"])("M")[3]
        }
        let moments = Moments(found)
        #expect(
            abs(moments.mean - theory[3]) < 3 * moments.error + 0.005 && moments.error < 0.015, "\(moments), \(theory)")
        #expect(grows ? theory[3] > 0.12 : theory[3] < 0.085)
    }

    /// Three layers: below the last, each has its own threshold on the branch. There it neither grows nor decays, also by other
    /// sequences and other draws.
    @Test(.enabled(if: runsLongTests)) func threeLayers() throws {
        let values: Given = ["layers": .integer(3), "mc_samples": .integer(2048), "draws": .integer(8192)]
        let record = try run("weak-recovery", values)
        let (alpha, error, q) = (record("alpha_k"), record("alpha_error"), record("q_critical"))
        #expect(q[2] == 0 && record("alpha_c")[0] == alpha[2] && record("alpha_first")[0] == alpha[0])
        #expect(record("alpha_next")[0] == min(alpha[0], alpha[1]))
        for k in 0..<2 {
            let point = try run("branch", values.with(["q_last": .real(q[k])]), seed: 2)
            let relative = point("F_error")[k] / point("F_kk")[k]
            #expect(abs(point("growth")[k] - 1) < 4.5 * relative + 0.02 && relative < 0.05, "\(k): \(point("growth"))")
            let difference = abs(point("alpha_branch")[0] - alpha[k])
            #expect(difference < 3 * (error[k] + point("alpha_error")[0]) + 0.005, "\(alpha) \(point("alpha_branch"))")
            #expect(error[k] < 0.05 && alpha[k] > 2 * alpha[2] && q[k] > 0.9)
        }
        // The first layer comes before the second.
        #expect(alpha[0] < alpha[1], "\(alpha) +- \(error)")
    }

    /// One token has no attention, and y = u^2 is phase retrieval: F = 2, alpha_c = 1/2. A layer below the last is then not seen
    /// at all. Jobs start at two tokens, whose softmax tells something.
    @Test func oneToken() throws {
        // In mean over streams: of one the errors are 0.034 alone and, the draws' own noise counted, 0.05 of two layers (24
        // streams: 1.986(7) and 1.994(10)). The coefficients of the controls come from the same sequences: 0.01 of bias.
        for layers in [1, 2] {
            var (last, first, own): ([Double], [Double], [Double]) = ([], [], [])
            for stream in UInt64(1)...8 {
                var expectations = try makeExpectations(
                    layers: layers, L: 1, skip: Double(layers - 1), samples: 4096, draws: 4096, stream: stream)
                let growth = try expectations.growth(q: Array(repeating: 0, count: layers))
                last.append(growth.means[layers - 1])
                own.append(growth.errors[layers - 1])
                if layers == 2 { first.append(abs(growth.means[0])) }
            }
            let (mean, error) = meanAndError(last)
            #expect(abs(mean - 2) < 4 * error + 0.01, "\(layers): \(mean) +- \(error)")
            #expect(error < 0.03, "\(layers): \(last)")
            let reported = meanAndError(own).mean
            #expect(reported > 0.02 && reported < 0.06, "\(layers): \(own)")
            #expect(first.allSatisfy { $0 < 1e-3 }, "\(first)")
        }
        let spec = SequenceMultiIndex().parameters.first { $0.name == "L" }
        #expect(spec?.kind == .integer(2...64))
    }
}
