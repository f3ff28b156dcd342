import Foundation
import ModelTesting
import Modeling
import MultiIndexWeakRecovery
import Numerics
import Testing

/// Message passing against state evolution: landmarks 10, 11, 15, and the committee.
@Suite struct MessagePassingTests {
    private func warm(
        _ link: String, _ alpha: Double, _ M0: [Double], d: Int, seeds: Int, times: [Double], _ more: Given = [:],
        _ observable: String = "M"
    ) throws -> (mean: [Double], error: [Double]) {
        let values = point(link, alpha, diagonal(M0).with(more).with(["d": .integer(d)]))
        let runs = try (1...seeds).map {
            try harness.run("amp", values, times: times, seed: $0, observables: [observable])(observable)
        }
        let mean = runs[0].indices.map { i in runs.reduce(0) { $0 + $1[i] } / Double(seeds) }
        let error = runs[0].indices.map { i in
            let squares = runs.reduce(0) { $0 + ($1[i] - mean[i]) * ($1[i] - mean[i]) }
            return (squares / Double(seeds * (seeds - 1))).squareRoot()
        }
        return (mean, error)
    }

    // Landmark 10, at 3000 dimensions; both forms of A.
    @Test(arguments: ["gg", "jacobian"]) func signProductWarm(precision: String) throws {
        let expected = [0.2918, 0.2849, 0.2791, 0.2741, 0.2698, 0.2661]
        let times = [1.0, 2, 3, 4, 5, 6]
        let theory = try harness.run("state-evolution", point("sign_product2", 3, ["m0": .real(0.3)]), times: times)
        for (t, value) in expected.enumerated() { #expect(abs(theory("M")[9 * t] - value) < 1e-4) }
        let (mean, error) = try warm(
            "sign_product2", 3, [0.3, 0.3], d: 3000, seeds: 6, times: times, ["precision": .text(precision)], "overlap")
        for t in 0..<6 {
            #expect(error[t] < 0.02)
            #expect(abs(mean[t] - expected[t]) < 4 * error[t] + 0.005, "iteration \(t + 1): \(mean[t])")
        }
    }

    /// Flipped labels, as many in the data as the channel and theory know of.
    @Test func signProductWarmWithFlips() throws {
        let (flips, times): (Given, [Double]) = (["flip": .real(0.1), "m0": .real(0.5)], [1.0, 2, 3])
        let theory = try harness.run("state-evolution", point("sign_product2", 5, flips), times: times)("overlap")
        let (mean, error) = try warm(
            "sign_product2", 5, [0.5, 0.5], d: 2000, seeds: 6, times: times, ["flip": .real(0.1)], "overlap")
        for t in times.indices {
            #expect(error[t] < 0.015)
            #expect(abs(mean[t] - theory[t]) < 4 * error[t] + 0.005, "iteration \(t + 1): \(mean[t]) \(theory[t])")
        }
    }

    /// M = Q = I - C on a warm run, and errors on those of theory.
    @Test func bayesConsistency() throws {
        let values = point(
            "sign_product2", 5, ["m0": .real(0.6), "d": .integer(3000), "test_size": .integer(100_000)])
        let times = [0.0, 1, 4, 10]
        let run = try harness.run("amp", values, times: times)
        let theory = try harness.run("state-evolution", values, times: times)
        for t in times.indices {
            #expect(run("m_minus_q")[t] < 0.06 && run("q_minus_c")[t] < 0.06, "\(t)")
            #expect(abs(run("test_error")[t] - theory("test_error")[t]) < 0.04)
            #expect(abs(run("overlap")[t] - theory("overlap")[t]) < 0.04)
        }
        // The estimate has seen its samples.
        #expect(run("train_error")[3] < run("test_error")[3] - 0.05)
    }

    /// Landmark 11: the overlap, of the runs that find both directions within 120 iterations. Not all do: of 16 data sets, gg
    /// stayed at one combination of the two in 2, at 0.15 and 0.25, and jacobian was still on its way in 1. The spread is
    /// 0.025 a data set. Residuals tell nothing of it: undamped gg goes on changing by up to 0.3 with an overlap that stands.
    @Test(arguments: [("gg", 0.0), ("jacobian", 0.3)]) func signProductCold(precision: String, damping: Double) throws {
        let values = point(
            "sign_product2", 4,
            [
                "d": .integer(1000), "precision": .text(precision), "damping": .real(damping),
                "max_iterations": .integer(120),
            ])
        let overlaps = try (1...8).map {
            try harness.run("amp", values, times: [110, 120], seed: $0, observables: ["overlap"])("overlap")
        }
        // From the limit 0.64384 it is six spreads to 0.5.
        let found = overlaps.filter { $0[1] > 0.5 }
        #expect(found.count >= 4 && overlaps.allSatisfy { $0[1] < 0.75 }, "\(overlaps)")
        let (mean, error) = meanAndError(found.map { $0[1] })
        #expect(abs(mean - 0.64384) < 4 * error + 0.005 && error < 0.02, "\(mean) +- \(error): \(overlaps)")
        let moved = found.map { abs($0[1] - $0[0]) }.sorted()
        #expect(moved[moved.count / 2] < 0.005, "\(moved)")
    }

    /// The Jacobian form without damping oscillates and is reported as diverged, not as a number.
    @Test func theJacobianFormUndampedDiverges() throws {
        let values = point("sign_product2", 4, ["d": .integer(1000), "precision": .text("jacobian")])
        #expect(throws: ModelError.self) { try harness.run("amp", values, times: [200], observables: ["overlap"]) }
    }

    // Landmark 15.
    @Test func phaseParityWarm() throws {
        let times = [1.0, 2, 3]
        let (mean, error) = try warm("phase_parity", 3, [0.3, 0.2, 0.2], d: 2000, seeds: 6, times: times)
        for (t, expected) in [(0.5609, 0.0266), (0.7538, 0.0076), (0.8696, 0.0036)].enumerated() {
            #expect(error[9 * t] < 0.025)
            #expect(abs(mean[9 * t] - expected.0) < 4 * error[9 * t] + 0.005, "\(t): \(mean[9 * t])")
            #expect(abs(0.5 * (mean[9 * t + 4] + mean[9 * t + 8]) - expected.1) < 0.02)
        }
    }

    /// Exact recovery of z1: C11 falls to reg and stays there, then the rest is learned as in sign_product2.
    @Test func phaseParityRecoversItsFirstDirectionExactly() throws {
        let values = point("phase_parity", 4, diagonal([0.3, 0.3, 0.3]).with(["d": .integer(1500)]))
        let run = try harness.run("amp", values, times: [80], observables: ["first_overlap", "second_overlap", "C"])
        #expect(abs(run("first_overlap")[0] - 1) < 0.08)
        #expect(run("C")[0] < 3e-6 && run("C")[0] >= 1e-6)
        #expect(abs(run("second_overlap")[0] - 0.644) < 0.1)
        #expect(throws: ModelError.self) {
            try harness.run("amp", values.with(["reg": .real(0)]), times: [150], observables: ["C"])
        }
    }

    /// The committee, per iteration on state evolution, specialised and not.
    @Test(arguments: [(3.0, [0.3, 0.3, 0.3]), (7.0, [0.5, 0.4, 0.3])]) func committeeWarm(
        alpha: Double, M0: [Double]
    ) throws {
        let times = [1.0, 2, 3, 5]
        let theory = try harness.run("state-evolution", point("committee3", alpha, diagonal(M0)), times: times)("M")
        for precision in ["gg", "jacobian"] {
            let (mean, error) = try warm(
                "committee3", alpha, M0, d: 1500, seeds: 5, times: times, ["precision": .text(precision)])
            for i in mean.indices {
                #expect(error[i] < 0.02)
                #expect(abs(mean[i] - theory[i]) < 4.5 * error[i] + 0.006, "\(precision) \(i): \(mean[i]) \(theory[i])")
            }
        }
    }

    /// In mean over data sets, whose spread at d = 1500 is 0.028 (24 of them: 0.7925(57); 10 of d = 4000: 0.8046(63)).
    @Test func committeeColdLearnsTheMeanAtOnce() throws {
        let values = point("committee3", 3, ["d": .integer(1500), "max_iterations": .integer(60)])
        let runs = try (1...8).map {
            try harness.run("amp", values, times: [1, 60], seed: $0, observables: ["first_overlap", "second_overlap"])
        }
        for run in runs {
            #expect(run("first_overlap")[0] > 0.4)
            #expect(run("second_overlap")[1] < 0.1)
        }
        let (mean, error) = meanAndError(runs.map { $0("first_overlap")[1] })
        #expect(abs(mean - 0.79934) < 4 * error + 0.005 && error < 0.018, "\(mean) +- \(error)")
    }

    /// Converged is to have a residual within the tolerance, and ends the run; else it goes on to the limit, as one data set in
    /// some ten does, which ends in a cycle.
    @Test func theStopRuleAndTheIterationLimitHold() throws {
        let values = point(
            "sign_product2", 6, ["d": .integer(2000), "m0": .real(0.7), "max_iterations": .integer(150)])
        let names: Set<String> = ["iterations", "residual", "converged", "M"]
        let runs = try (1...4).map { try harness.run("amp", values, times: [1000], seed: $0, observables: names) }
        for run in runs {
            let isConverged = run("residual")[0] <= 1e-4
            #expect(run("converged") == [isConverged ? 1 : 0])
            #expect(isConverged ? run("iterations")[0] < 150 : run("iterations")[0] == 150)
        }
        #expect(runs.filter { $0("converged") == [1] }.count >= 2)
        let short = try harness.run(
            "amp", values.with(["max_iterations": .integer(3)]), times: [1000],
            observables: ["iterations", "converged"])
        #expect(short("iterations") == [3] && short("converged") == [0])
    }

    @Test(arguments: ["sign_product2", "phase_parity", "committee3"]) func runsGoOnFromASavedState(link: String) throws
    {
        let values = point(
            link, 3, ["d": .integer(61), "test_size": .integer(50), "damping": .real(0.1), "m0": .real(0.4)])
        for (method, times) in [
            ("amp", [0.0, 1, 2, 7, 12]), ("state-evolution", [0, 1, 4]), ("weak-recovery", [.infinity]),
        ] {
            let saves = try harness.savesWithSameBits(
                method, values, times: times, unit: .steps,
                observables: method == "weak-recovery" ? ["alpha_c", "difficulty"] : nil, rounds: 3)
            #expect(try #require(saves, "\(method)") > 0)
        }
    }
}
