import Foundation
import Modeling
import Models
import Numerics
import Testing

/// Message passing against state evolution: landmarks 10, 11, 15, and the committee.
@Suite struct MIWMessagePassingTests {
    private func warm(
        _ link: String, _ alpha: Double, _ M0: [Double], d: Int, seeds: Int, times: [Double], _ more: Given = [:],
        _ observable: String = "M"
    ) throws -> (mean: [Double], error: [Double]) {
        let values = miwValues(link, alpha, miwDiagonal(M0).merging(more) { $1 }.merging(["d": .integer(d)]) { $1 })
        let runs = try (1...seeds).map {
            try runMIW("amp", values, times: times, seed: $0, observables: [observable])(observable)
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
        let theory = try runMIW("state-evolution", miwValues("sign_product2", 3, ["m0": .real(0.3)]), times: times)
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
        let theory = try runMIW("state-evolution", miwValues("sign_product2", 5, flips), times: times)("overlap")
        let (mean, error) = try warm(
            "sign_product2", 5, [0.5, 0.5], d: 2000, seeds: 6, times: times, ["flip": .real(0.1)], "overlap")
        for t in times.indices {
            #expect(error[t] < 0.015)
            #expect(abs(mean[t] - theory[t]) < 4 * error[t] + 0.005, "iteration \(t + 1): \(mean[t]) \(theory[t])")
        }
    }

    /// M = Q = I - C on a warm run, and errors on those of theory.
    @Test func bayesConsistency() throws {
        let values = miwValues(
            "sign_product2", 5, ["m0": .real(0.6), "d": .integer(3000), "test_size": .integer(100_000)])
        let times = [0.0, 1, 4, 10]
        let run = try runMIW("amp", values, times: times)
        let theory = try runMIW("state-evolution", values, times: times)
        for t in times.indices {
            #expect(run("m_minus_q")[t] < 0.06 && run("q_minus_c")[t] < 0.06, "\(t)")
            #expect(abs(run("test_error")[t] - theory("test_error")[t]) < 0.04)
            #expect(abs(run("overlap")[t] - theory("overlap")[t]) < 0.04)
        }
        // The estimate has seen its samples.
        #expect(run("train_error")[3] < run("test_error")[3] - 0.05)
    }

    // Landmark 11.
    @Test(arguments: [("gg", 0.0), ("jacobian", 0.3)]) func signProductCold(precision: String, damping: Double) throws {
        let values = miwValues(
            "sign_product2", 4,
            [
                "d": .integer(1000), "precision": .text(precision), "damping": .real(damping),
                "max_iter": .integer(120),
            ])
        var ends: [Double] = []
        for seed in 1...4 {
            let run = try runMIW(
                "amp", values, times: [120], seed: seed, observables: ["overlap", "converged", "residual"])
            ends.append(run("overlap")[0])
            #expect(run("residual")[0] < 0.05)
        }
        let mean = ends.reduce(0, +) / 4
        #expect(abs(mean - 0.64384) < 0.05, "\(ends)")
    }

    /// The Jacobian form without damping oscillates and is reported as diverged, not as a number (sheet, section 3).
    @Test func theJacobianFormUndampedDiverges() throws {
        let values = miwValues("sign_product2", 4, ["d": .integer(1000), "precision": .text("jacobian")])
        #expect(throws: ModelError.self) { try runMIW("amp", values, times: [200], observables: ["overlap"]) }
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
        let values = miwValues("phase_parity", 4, miwDiagonal([0.3, 0.3, 0.3]).merging(["d": .integer(1500)]) { $1 })
        let run = try runMIW("amp", values, times: [80], observables: ["first_overlap", "second_overlap", "C"])
        #expect(abs(run("first_overlap")[0] - 1) < 0.08)
        #expect(run("C")[0] < 3e-6 && run("C")[0] >= 1e-6)
        #expect(abs(run("second_overlap")[0] - 0.644) < 0.1)
        #expect(throws: ModelError.self) {
            try runMIW("amp", values.merging(["reg": .real(0)]) { $1 }, times: [150], observables: ["C"])
        }
    }

    /// The committee, which the sheet's author has not run: per iteration on state evolution, specialised and not.
    @Test(arguments: [(3.0, [0.3, 0.3, 0.3]), (7.0, [0.5, 0.4, 0.3])]) func committeeWarm(
        alpha: Double, M0: [Double]
    ) throws {
        let times = [1.0, 2, 3, 5]
        let theory = try runMIW("state-evolution", miwValues("committee3", alpha, miwDiagonal(M0)), times: times)("M")
        for precision in ["gg", "jacobian"] {
            let (mean, error) = try warm(
                "committee3", alpha, M0, d: 1500, seeds: 5, times: times, ["precision": .text(precision)])
            for i in mean.indices {
                #expect(error[i] < 0.02)
                #expect(abs(mean[i] - theory[i]) < 4.5 * error[i] + 0.006, "\(precision) \(i): \(mean[i]) \(theory[i])")
            }
        }
    }

    @Test func committeeColdLearnsTheMeanAtOnce() throws {
        let values = miwValues("committee3", 3, ["d": .integer(1500), "max_iter": .integer(60)])
        let run = try runMIW("amp", values, times: [1, 60], observables: ["first_overlap", "second_overlap"])
        #expect(run("first_overlap")[0] > 0.4)
        #expect(abs(run("first_overlap")[1] - 0.79934) < 0.03)
        #expect(run("second_overlap")[1] < 0.1)
    }

    @Test func theStopRuleAndTheIterationLimitHold() throws {
        let values = miwValues("sign_product2", 6, ["d": .integer(2000), "m0": .real(0.7)])
        let run = try runMIW("amp", values, times: [1000], observables: ["iterations", "residual", "converged", "M"])
        #expect(run("converged") == [1] && run("residual")[0] <= 1e-4 && run("iterations")[0] < 200)
        let short = try runMIW(
            "amp", values.merging(["max_iter": .integer(3)]) { $1 }, times: [1000],
            observables: ["iterations", "converged"])
        #expect(short("iterations") == [3] && short("converged") == [0])
    }

    @Test(arguments: ["sign_product2", "phase_parity", "committee3"]) func runsGoOnFromASavedState(link: String) throws
    {
        let values = miwValues(
            link, 3, ["d": .integer(61), "test_size": .integer(50), "damping": .real(0.1), "m0": .real(0.4)])
        for (method, times) in [
            ("amp", [0.0, 1, 2, 7, 12]), ("state-evolution", [0, 1, 4]), ("weak-recovery", [.infinity]),
        ] {
            let (request, sink) = try miw.task(
                method, values.filter { method != "weak-recovery" || ["link", "alpha"].contains($0.key) }, times: times,
                unit: .steps,
                observables: method == "weak-recovery" ? ["alpha_c", "difficulty"] : nil)
            let expected = try recordedBits(request, sink, makeRun: miw.model.makeRun).bits
            for round in 0..<3 {
                let choices = RandomStream(identity: TaskIdentity(high: 0x57A8, low: UInt64(round)))
                let bits = try recordedBits(request, sink, choices: choices, makeRun: miw.model.makeRun).bits
                #expect(bits == expected, "\(method)")
            }
        }
    }
}

@Suite struct MIWParameterTests {
    private func refused(_ method: String, _ values: Given) -> String? {
        do {
            _ = try runMIW(
                method, values, times: method == "fixed-point" || method == "weak-recovery" ? [.infinity] : [1])
            return nil
        } catch ModelError.parameter(let name, _) {
            return name
        } catch {
            return "\(error)"
        }
    }

    @Test func whatDoesNotFitIsRefused() {
        #expect(refused("amp", miwValues("product", 3)) == "link")
        #expect(refused("fixed-point", miwValues("committee3", 3, ["flip": .real(0.1)])) == "flip")
        #expect(refused("weak-recovery", miwValues("ratio", 3, ["p": .integer(3)])) == "p")
        #expect(refused("fixed-point", miwValues("sign_product2", 3, ["init": .text("warm")])) == "init")
        #expect(
            refused("fixed-point", miwValues("sign_product2", 3, ["init": .text("cold"), "m0": .real(0.1)])) == "init")
        #expect(
            refused("state-evolution", miwValues("sign_product2", 3, ["init": .text("planted"), "m0": .real(0.1)]))
                == "init")
        #expect(refused("fixed-point", miwValues("sign_product2", 3, miwDiagonal([0.1, 0.1, 0.1]))) == "M0")
        #expect(refused("fixed-point", miwValues("sign_product2", 3, miwDiagonal([0.1, 1]))) == "M0")
        let off = ArrayValue(shape: [3, 3], elements: [0.3, 0, 0, 0, 0.2, 0.1, 0, 0.1, 0.2])
        #expect(refused("fixed-point", miwValues("phase_parity", 3, ["M0": .array(off)])) == "M0")
        #expect(refused("amp", miwValues("phase_parity", 3, ["M0": .array(off), "d": .integer(50)])) == nil)
        #expect(refused("amp", miwValues("sign_product2", 1e-3, ["d": .integer(100)])) == "alpha")
        #expect(refused("amp", miwValues("sign_product2", 1e5, ["d": .integer(10_000_000)])) == "d")
    }

    /// Dimensions and sample counts below a block of eight rows and sixteen columns.
    @Test(arguments: [(2, 1.0), (3, 0.4), (17, 0.5), (16, 1.0)]) func smallSizes(d: Int, alpha: Double) throws {
        for link in ["sign_product2", "phase_parity", "committee3"] {
            let run = try runMIW(
                "amp", miwValues(link, alpha, ["d": .integer(d), "m0": .real(0.2), "test_size": .integer(10)]),
                times: [0, 1, 2], observables: ["M", "train_error", "test_error"])
            #expect(run("train_error").filter(\.isFinite).count == 3)
        }
    }

    /// The sensing operator with its padding against sums in double precision.
    @Test(arguments: [(5, 7), (8, 16), (21, 33)]) func sensing(n: Int, d: Int) {
        var random = RandomStream(identity: TaskIdentity(high: 0x3152, low: 1))
        var copy = random
        var sensing = MIWSensing(n: n, d: d, width: 3, &random)
        var x = Array(repeating: Float(0), count: n * d)
        for row in 0..<n {
            x.withUnsafeMutableBufferPointer {
                copy.fillNormal(UnsafeMutableBufferPointer(rebasing: $0[row * d..<(row + 1) * d]))
            }
        }
        let estimate = (0..<d * 3).map { _ in random.normal() }
        let g = (0..<n * 3).map { _ in random.normal() }
        var fields = Array(repeating: 0.0, count: n * 3)
        var back = Array(repeating: 0.0, count: d * 3)
        sensing.fields(of: estimate, into: &fields)
        sensing.adjoint(of: g, into: &back)
        for a in 0..<3 {
            for i in 0..<n {
                let sum = (0..<d).reduce(0) { $0 + Double(x[i * d + $1]) * estimate[3 * $1 + a] }
                #expect(abs(fields[3 * i + a] - sum / Double(d).squareRoot()) < 2e-6)
            }
            for j in 0..<d {
                let sum = (0..<n).reduce(0) { $0 + Double(x[$1 * d + j]) * g[3 * $1 + a] }
                #expect(abs(back[3 * j + a] - sum / Double(d).squareRoot()) < 2e-6)
            }
        }
    }
}
