import ExtensiveWidthQuadratic
import Foundation
import ModelKit
import ModelTesting
import Modeling
import Numerics
import Testing

@Suite("Extensive-width quadratic network: simulations") struct SimulationTests {
    private func data(_ values: Given, seed: UInt64 = 5) throws -> (DataSet, Parameters, RandomStream) {
        let p = try harness.parameters(.gd, values)
        let random = RandomStream(identity: TaskIdentity(high: 0xE5, low: seed))
        return (DataSet(p, random), p, random)
    }

    // MARK: Data

    /// Section 1: moments of the target, and labels that are Tr[Phi S*] + noise of variance Delta after rescaling.
    @Test(arguments: [0.0, 0.4]) func data(noise: Double) throws {
        let (data, p, _) = try data(atSizes(d: 60, width: 30, alpha: 2, noise: noise))
        let (d, n) = (60, 7200)
        #expect(data.inputs.count == n * d && data.labels.count == n)
        let S = data.target
        #expect(close((0..<d).reduce(0) { $0 + S[$1 * d + $1] } / 60, 1, 0.06))
        #expect(close(S.reduce(0) { $0 + $1 * $1 } / 60, 3, 0.3))
        let eigenvalues = try LAPACK.symmetricEigen(d, S).values
        #expect(eigenvalues[29] < 1e-12 && eigenvalues[30] > 1e-3)
        var (sum, squares) = (0.0, 0.0)
        for i in 0..<n {
            var field = 0.0
            for j in 0..<d {
                for k in 0..<d { field += data.inputs[i * d + j] * S[j * d + k] * data.inputs[i * d + k] }
            }
            let rest = 60.0.squareRoot() * (data.labels[i] - noise - field / 60)
            sum += rest
            squares += rest * rest
        }
        let Delta = 2 * noise * (2 + noise) / p.kappa
        #expect(p.labelNoise == Delta)
        #expect(close(sum / Double(n), 0, 4 * (Delta / Double(n)).squareRoot() + 1e-12))
        // The sum of n squares, and the instance's trace, which the cross term follows.
        #expect(close(squares / Double(n), Delta, 0.08 * Delta + 1e-20), "\(squares / Double(n)) \(Delta)")
    }

    // MARK: Message passing

    /// Landmark 9: at convergence the best error, in mean over instances, to three standard errors and the finite-size excess.
    @Test(arguments: [(0.5, 0.2, 0.0), (0.5, 0.2, 0.25), (1.0, 0.3, 0.0)])
    func messagePassingReachesTheBestError(kappa: Double, alpha: Double, noise: Double) throws {
        let d = 80
        let values = atSizes(d: d, width: Int(kappa * Double(d)), alpha: alpha, noise: noise)
        let best = try harness.number(.bayes, "R", values)
        let runs = try (1...6).map { try harness.run(.amp, values, times: [0, 150], seed: $0) }
        for run in runs {
            #expect(run("converged")[0] == 1 && run("change")[1] <= 1e-6)
            #expect(close(run("V")[0], 1, 1e-12))
        }
        for name in ["R", "V"] {
            let (mean, error) = meanAndError(runs.map { $0(name)[1] })
            let expectation = "\(name): \(mean) +- \(error), theory \(best)"
            #expect(mean - best < 3.5 * error + 0.03 && best - mean < 3.5 * error + 0.015, "\(expectation)")
            #expect(error < 0.03)
        }
    }

    /// Landmark 9 at the published size d = 200, where message passing has R = 0.748 (spread 0.020): above the best error by a
    /// finite-size excess that falls with d (0.080, 0.027, 0.011 at d = 50, 100, 200; 12 instances each).
    @Test func finiteSizeExcess() throws {
        func excess(_ d: Int, seeds: Int) throws -> (mean: Double, error: Double) {
            let values = atSizes(d: d, width: d / 2, alpha: 0.1)
            let best = try harness.number(.bayes, "R", values)
            return meanAndError(
                try (1...seeds).map {
                    try harness.run(.amp, values, times: [100], seed: $0, observables: ["R"])("R")[0] - best
                })
        }
        let (small, large) = (try excess(50, seeds: 12), try excess(200, seeds: 4))
        #expect(small.error < 0.03 && large.error < 0.015)
        #expect(abs(large.mean + 0.7237 - 0.748) < 3 * (large.error + 0.01), "\(large)")
        #expect(large.mean < 3.5 * large.error + 0.012 && large.mean > -3.5 * large.error, "\(large)")
        // Between 1/d and 1/d^2, within errors.
        #expect(abs(small.mean - 0.08) < 3.5 * small.error + 0.02, "\(small)")
    }

    /// The first undamped iterations follow state evolution, before the cycle that damping is needed against sets in. R exceeds
    /// it by a finite-size part that halves as d doubles: 0.125(8), 0.058(6), 0.028(4) after one iteration at d = 45, 90, 180 (60,
    /// 40, 10 instances). So it is 2 R(90) - R(45) that theory is compared with, the rest being of second order. V and A
    /// have hardly such a part until the cycle begins in the third iteration.
    @Test func firstIterationsFollowStateEvolution() throws {
        func values(_ d: Int) -> Given {
            atSizes(d: d, width: d / 2, alpha: 0.2, noise: 0.25, ["tolerance": .real(0), "damping": .real(0)])
        }
        let times = [0.0, 1, 2]
        let theory = try harness.run(.stateEvolution, values(90), times: times)
        let small = try (1...40).map { try harness.run(.amp, values(44), times: times, seed: $0) }
        let large = try (1...24).map { try harness.run(.amp, values(88), times: times, seed: $0) }
        for (index, time) in times.enumerated() {
            let (half, whole) = (meanAndError(small.map { $0("R")[index] }), meanAndError(large.map { $0("R")[index] }))
            let expected = theory("R")[index]
            let (mean, error) = (2 * whole.mean - half.mean, hypot(2 * whole.error, half.error))
            #expect(
                abs(mean - expected) < 3.5 * error + 0.01 && error < 0.035,
                "R at \(time): \(mean) +- \(error), theory \(expected)")
            if time > 0 {
                let (excess, error) = (half.mean - whole.mean, hypot(half.error, whole.error))
                #expect(excess > 0.06 - 3.5 * error && whole.mean - expected < 0.09, "\(half) \(whole) \(expected)")
            }
            for name in time > 0 ? ["V", "A"] : ["V"] {
                let (mean, error) = meanAndError(large.map { $0(name)[index] })
                let expected = theory(name)[index]
                #expect(
                    abs(mean - expected) < 3.5 * error + 0.03 * expected && error < 0.02 * expected,
                    "\(name) at \(time): \(mean) +- \(error), theory \(expected)")
            }
        }
    }

    /// With few samples a dimension single samples make outliers of the noisy matrix: denoised as such they grow, at the edge of
    /// the spectrum they do not.
    @Test func outliersOfFewSamples() throws {
        let values = atSizes(d: 70, width: 35, alpha: 0.08)
        let best = try harness.number(.bayes, "R", values)
        let runs = try (1...4).map { try harness.run(.amp, values, times: [150], seed: $0) }
        let (mean, error) = meanAndError(runs.map { $0("R")[0] })
        #expect(abs(mean - best) < 3.5 * error + 0.02, "\(mean) +- \(error), theory \(best)")
        #expect(runs.allSatisfy { $0("R")[0] < 1.1 })
        let branch = try? harness.run(.amp, values.with(["outliers": .text("branch")]), times: [150])
        #expect(branch.map { $0("R")[0] > 1 } ?? true)
    }

    /// Above alpha_PR the target is found.
    @Test func messagePassingRecovers() throws {
        for seed in 1...2 {
            let values = atSizes(d: 60, width: 30, alpha: 0.6, ["tolerance": .real(1e-9)])
            let record = try harness.run(.amp, values, times: [0, 20, 600], seed: seed)
            #expect(record("R")[2] < 3e-3, "\(record("R")) \(record("iterations"))")
            #expect(record("converged")[0] == 1)
            // The error of the output on new inputs goes with it.
            #expect(record("test_error")[2] < 2.2 * record("R")[2] + 1e-3)
        }
    }

    /// Damping and the rule for A change the way and not the end.
    @Test func variantsOfMessagePassingAgree() throws {
        let values = atSizes(d: 60, width: 30, alpha: 0.3, noise: 0.25, ["tolerance": .real(1e-12)])
        let reference = try harness.run(.amp, values, times: [600])
        #expect(reference("converged")[0] == 1)
        for more: Given in [
            ["damping": .real(0.5)], ["precision": .text("variance")], ["precision": .text("empirical")],
        ] {
            let other = try harness.run(.amp, values.with(more), times: [600])
            #expect(other("converged")[0] == 1)
            #expect(
                close(other("R")[0], reference("R")[0], more["damping"] == nil ? 0.03 : 1e-5),
                "\(more): \(other("R")[0]) \(reference("R")[0])")
        }
    }

    // MARK: Descent

    /// Landmark 7: gradients against central differences of the loss (1/4) sum_i (yhat_i - y_i)^2.
    @Test(arguments: [(4, 0.0), (6, 0.3)]) func gradients(student: Int, noise: Double) throws {
        let (data, p, random) = try data(
            atSizes(
                d: 7, width: 4, alpha: 0.8, noise: noise, ["runs": .integer(3), "student_width": .integer(student)]))
        var descent = FactorDescent(p, data, random)
        let W = descent.weights
        let (d, n, count) = (7, data.sizes.samples, student * 7)
        func loss(_ W: [Double], _ run: Int) -> Double {
            (0..<n).reduce(0.0) { sum, i in
                var square = 0.0
                for k in 0..<student {
                    var field = 0.0
                    for j in 0..<d { field += W[run * count + k * d + j] * data.inputs[i * d + j] }
                    square += field * field
                }
                let e = 4.0.squareRoot() * (square / Double(student * d) - data.labels[i])
                return sum + 0.25 * e * e
            }
        }
        let gradient = (0..<3).flatMap { descent.gradient(of: $0) }
        var pass = Gradient(data, width: student, runs: 3, noiseMean: 0)
        pass.evaluate(W)
        for run in 0..<3 {
            let expected = 4 * loss(W, run) / Double(n)
            #expect(close(pass.trainErrors[run], expected, 1e-10 * expected))
        }
        let largest = gradient.map(abs).max() ?? 0
        let h = 1e-4
        for i in gradient.indices {
            // Fourth order: the loss is a quartic, so central differences of two widths are exact.
            func difference(_ h: Double) -> Double {
                var (plus, minus) = (W, W)
                plus[i] += h
                minus[i] -= h
                return (loss(plus, i / count) - loss(minus, i / count)) / (2 * h)
            }
            let expected = (4 * difference(h) - difference(2 * h)) / 3
            #expect(close(gradient[i], expected, 1e-8 * largest), "\(gradient[i]) \(expected)")
        }
    }

    /// One step of each rule, by its formula; weight decay is part of the gradient, but for AdamW.
    @Test func stepsOfEachOptimizer() throws {
        for optimizer in FactorOptimizer.allCases {
            let (data, p, random) = try data(
                atSizes(
                    d: 6, width: 3, alpha: 0.5,
                    ["optimizer": .text(optimizer.rawValue), "step_size": .real(0.02), "weight_decay": .real(0.3)]))
            var descent = FactorDescent(p, data, random)
            let (W, gradient) = (descent.weights, descent.gradient(of: 0))
            _ = try descent.advance(toward: 1, quantum: 1)
            for i in W.indices {
                let slope = gradient[i] + 0.3 * W[i]
                // After one step Adam's means are the gradient and its square.
                let move =
                    switch optimizer {
                    case .gd: slope
                    case .adam: slope / (abs(slope) + 1e-8)
                    case .adamw: gradient[i] / (abs(gradient[i]) + 1e-8) + 0.3 * W[i]
                    }
                #expect(close(descent.weights[i], W[i] - 0.02 * move, 1e-9))
            }
        }
    }

    /// A Langevin step is that of (21): -eta times its drift from ytilde, and sqrt(2 eta) times the numbers of the run's stream.
    @Test func langevinStep() throws {
        let values = atSizes(
            d: 20, width: 10, alpha: 0.3, noise: 0.5, ["runs": .integer(4), "step_size": .real(0.1)])
        let p = try harness.parameters(.langevin, values)
        let random = RandomStream(identity: TaskIdentity(high: 0xE5, low: 8))
        let data = DataSet(p, random)
        var descent = FactorDescent(p, data, random)
        let W = descent.weights
        let (d, m) = (20, 10)
        let Delta = 2 * 0.5 * 2.5 / 0.5
        var drift = W
        for run in 0..<4 {
            for i in 0..<p.sizes.samples {
                let h = (0..<m).map { k in
                    (0..<d).reduce(0.0) { $0 + W[(run * m + k) * d + $1] * data.inputs[i * d + $1] }
                }
                let root = 20.0.squareRoot()
                let e = (h.reduce(0) { $0 + $1 * $1 } / 10 - 20) / root - root * (data.labels[i] - 1.5)
                for k in 0..<m {
                    for j in 0..<d {
                        drift[(run * m + k) * d + j] += 2 / (Delta * 10 * root) * e * h[k] * data.inputs[i * d + j]
                    }
                }
            }
        }
        _ = try descent.advance(toward: 1, quantum: 1)
        for run in 0..<4 {
            var kicks = random.substream(FactorDescent<NetworkLoss>.kicks(run: run))
            for i in run * 200..<(run + 1) * 200 {
                let expected = W[i] - 0.1 * drift[i] + 0.2.squareRoot() * kicks.normal()
                #expect(close(descent.weights[i], expected, 1e-9 * max(abs(drift[i]), 1)))
            }
        }
    }

    /// With nothing burned in the average over chains and steps is, after one step, that over chains.
    @Test func averageOverChains() throws {
        let values = atSizes(
            d: 12, width: 6, alpha: 0.4, noise: 0.3, ["runs": .integer(3), "burn_in": .integer(0)])
        let record = try harness.run(.langevin, values, times: [1])
        #expect(record("spread")[0] > 0.1)
        #expect(close(record("R_single")[0], record("R")[0] + record("spread")[0], 1e-12))
    }

    /// Both directions of the map against the tensor of all Phi_i = (x_i x_i^T - I)/sqrt(d): in one panel, and in three of
    /// which the last is narrower.
    @Test(arguments: [(7, 0.9), (70, 0.1)]) func sensing(d: Int, alpha: Double) throws {
        let (data, _, random) = try data(atSizes(d: d, width: 3, alpha: alpha))
        var (sensing, stream) = (Sensing(data), random.substream(99))
        let n = data.sizes.samples
        let S = (0..<d * d).map { _ in stream.normal() }
        var symmetric = S
        for j in 0..<d { for k in 0..<d { symmetric[j * d + k] += S[k * d + j] } }
        let g = (0..<n).map { _ in stream.normal() }
        var (fields, back) = (Array(repeating: 0.0, count: n), Array(repeating: 0.0, count: d * d))
        sensing.fields(of: symmetric, into: &fields)
        sensing.adjoint(of: g, into: &back)
        func phi(_ i: Int, _ at: Int) -> Double {
            let product = data.inputs[i * d + at / d] * data.inputs[i * d + at % d]
            let identity = at % (d + 1) == 0 ? 1.0 : 0
            return (product - identity) / Double(d).squareRoot()
        }
        for i in 0..<n {
            #expect(close(fields[i], (0..<d * d).reduce(0) { $0 + phi(i, $1) * symmetric[$1] }, 1e-10))
        }
        for at in 0..<d * d {
            #expect(close(back[at], (0..<n).reduce(0) { $0 + g[$1] * phi($1, at) } / Double(d), 1e-11))
        }
    }

    /// The error of the output on new inputs, by its formula and by sampling.
    @Test func testError() throws {
        // With a start of another scale, so that the trace is another: its part is then a third.
        let values = atSizes(d: 12, width: 6, alpha: 0.5, ["init_scale": .real(1.5)])
        let record = try harness.run(.gd, values, times: [0])
        #expect(record("test_error")[0] > 2.5 * record("R")[0])
        let random = try harness.task("gd", values, times: [0], unit: .steps).random
        let p = try harness.parameters(.gd, values)
        let data = DataSet(p, random)
        let S = DataSet.square(FactorDescent(p, data, random).weights, d: 12, width: 6)
        var inputs = RandomStream(identity: TaskIdentity(high: 0xE5, low: 77))
        let draws = (0..<20_000).map { _ -> Double in
            let x = (0..<12).map { _ in inputs.normal() }
            var output = 0.0
            for j in 0..<12 { for k in 0..<12 { output += x[j] * (S[j * 12 + k] - data.target[j * 12 + k]) * x[k] } }
            return 6 * output * output / 144
        }
        let (mean, error) = meanAndError(draws)
        #expect(abs(mean - record("test_error")[0]) < 4 * error, "\(mean) +- \(error), \(record("test_error"))")
        #expect(error < 0.05 * mean)
    }

    /// At the start an independent draw of the prior, R = 2; zero weights would have kappa + 1.
    @Test func starts() throws {
        let values = atSizes(d: 60, width: 30, alpha: 0.1, ["runs": .integer(6)])
        let record = try harness.run(.gd, values, times: [0])
        #expect(close(record("R_single")[0], 2, 0.1))
        #expect(close(record("trace")[0], 1, 0.03))
        let zero = try harness.run(.gd, values.with(["init_scale": .real(1e-6)]), times: [0])
        #expect(close(zero("R_single")[0], 1.5, 0.1))
    }

    /// Landmark 10: descent from the prior is near a sample of the posterior, whose runs' average has 9/16 of the error of one of
    /// eight (it does, to a percent), and an error 2 R_bayes, which it exceeds: ours of 24 instances are 1.589(32) and 0.947(22)
    /// at alpha = 0.1 and 0.2, 10 and 21 % above, with spreads of 0.158 and 0.109. It is not the size: at d = 80 and alpha = 0.2
    /// it is 0.928(22), 18 %. The landmark's 1.44 and 0.790 are of few instances.
    @Test(arguments: [(0.5, 0.1, 1.589, 0.032, 0.158), (0.5, 0.2, 0.947, 0.022, 0.109)])
    func descentFromThePrior(kappa: Double, alpha: Double, seen: Double, seenError: Double, instances: Double) throws {
        let values = atSizes(
            d: 40, width: Int(40 * kappa), alpha: alpha, ["runs": .integer(8), "step_size": .real(0.03)])
        let best = try harness.number(.bayes, "R", values)
        let runs = try (1...6).map { try harness.run(.gd, values, times: [0, 10, 1500], seed: $0) }
        for run in runs {
            for k in 0..<3 { #expect(close(run("R_single")[k], run("R")[k] + run("spread")[k], 1e-12)) }
            #expect(run("train_error")[2] < 1e-2 * run("train_error")[0])
        }
        let single = meanAndError(runs.map { $0("R_single")[2] })
        let average = meanAndError(runs.map { $0("R")[2] })
        let tolerance = 4 * (instances * instances / 6 + seenError * seenError).squareRoot()
        #expect(close(single.mean, seen, tolerance), "\(single) \(seen)")
        #expect(single.error < 2 * instances / 6.0.squareRoot(), "\(single)")
        #expect(single.mean > 2 * best - 4 * single.error && single.mean < 1.5 * 2 * best, "\(single) \(2 * best)")
        #expect(close(single.mean / average.mean, 16.0 / 9, 0.08), "\(single) \(average)")
    }

    /// Landmark 10 at other widths, where descent is farther from a sample of the posterior: against numbers seen elsewhere, which
    /// have a spread of 0.05 an instance.
    @Test(arguments: [(40, 40, 0.2, 1.154, 0.679), (50, 10, 0.12, 1.064, 0.550)])
    func descentAtOtherWidths(d: Int, width: Int, alpha: Double, single: Double, average: Double) throws {
        let values = atSizes(d: d, width: width, alpha: alpha, ["runs": .integer(8), "step_size": .real(0.02)])
        let runs = try (1...4).map { try harness.run(.gd, values, times: [1500], seed: $0) }
        for (name, expected) in [("R_single", single), ("R", average)] {
            let (mean, error) = meanAndError(runs.map { $0(name)[0] })
            #expect(abs(mean - expected) < 3 * (error * error + 0.05 * 0.05).squareRoot(), "\(name) \(mean) \(error)")
            #expect(error < 0.1)
        }
    }

    /// Landmark 11: above alpha_PR descent comes to the target.
    @Test func descentAbovePerfectRecovery() throws {
        let values = atSizes(d: 40, width: 20, alpha: 0.48, ["step_size": .real(0.03), "runs": .integer(2)])
        let record = try harness.run(.gd, values, times: [500, 1000, 1500, 3000])
        #expect(record("R")[2] < 0.06, "\(record("R"))")
        #expect(zip(record("R"), record("R").dropFirst()).allSatisfy { $0 > $1 })
    }

    /// Landmark 12: a sample of the posterior has twice the best error, the average of samples the best error.
    @Test(arguments: [0.5, 1.0]) func langevin(kappa: Double) throws {
        let values = atSizes(
            d: 40, width: Int(40 * kappa), alpha: 0.2, noise: 0.25,
            ["runs": .integer(4), "step_size": .real(0.01), "burn_in": .integer(400)])
        let best = try harness.number(.bayes, "R", values)
        let runs = try [1, 2].map { try harness.run(.langevin, values, times: [500, 800, 1200], seed: $0) }
        let single = runs.flatMap { $0("R_single") }.reduce(0, +) / 6
        let average = runs.map { $0("R")[2] }.reduce(0, +) / 2
        #expect(close(single, 2 * best, 0.15 * 2 * best), "\(single) \(2 * best)")
        #expect(close(average, best, 0.15 * best), "\(average) \(best)")
    }

    /// Without signal in the data, as with much noise, weight decay shrinks the student. Free it comes to the data in 6000 steps
    /// (1e-9, where it stops, in 16 of 16 data sets; after 2000 steps the slowest is at 3e-6), decayed it stays at 0.01 to 0.02.
    @Test func weightDecay() throws {
        let values = atSizes(d: 20, width: 10, alpha: 0.1, ["step_size": .real(0.02)])
        let free = try harness.run(.gd, values, times: [6000])
        let decayed = try harness.run(.gd, values.with(["weight_decay": .real(0.1)]), times: [2000])
        #expect(free("train_error")[0] < 1e-6)
        #expect(decayed("train_error")[0] > 1e-3)
        // 0.36 to 0.50 less, in 16 data sets.
        #expect(decayed("trace")[0] < free("trace")[0] - 0.2)
    }

    @Test func adamComesToTheData() throws {
        let values = atSizes(d: 20, width: 10, alpha: 0.2, ["optimizer": .text("adam"), "step_size": .real(0.01)])
        let record = try harness.run(.gd, values, times: [0, 1500])
        #expect(record("train_error")[1] < 1e-4 * record("train_error")[0])
    }

    @Test func failures() throws {
        // Adam has no bound, and a huge step leaves the numbers.
        let values = atSizes(
            d: 20, width: 10, alpha: 0.5, ["step_size": .real(1e7), "optimizer": .text("adam")])
        let step = try #require(try harness.divergence("gd", values, times: [500])).step
        #expect(step > 0 && step < 500)
        // What no machine holds is seen before it is begun.
        #expect(try harness.prepare("amp", atSizes(d: 90_000, width: 10, alpha: 2), times: [1]).cost().memory > 1 << 40)
    }

    /// Once all runs interpolate, nothing changes any more.
    @Test func stopsWhenTrained() throws {
        let values = atSizes(d: 20, width: 10, alpha: 0.1, ["step_size": .real(0.05), "stop_error": .real(1e-4)])
        let record = try harness.run(.gd, values, times: [0, 3000, 1e9])
        #expect(record("train_error")[1] < 1e-4 && record("train_error")[1] > 1e-7)
        #expect(record("R")[1] == record("R")[2])
    }

    // MARK: Resuming

    @Test(arguments: ["amp", "gd", "adam", "langevin", "state-evolution", "bayes"])
    func goesOnAsIfItHadNeverStopped(name: String) throws {
        var values = atSizes(d: 14, width: 6, alpha: 0.6, noise: 0.2, ["runs": .integer(3)])
        if name == "adam" { values["optimizer"] = .text("adam") }
        values["burn_in"] = .integer(15)
        values["tolerance"] = .real(0)
        let method = try #require(Method(rawValue: name == "adam" ? "gd" : name))
        let times = [0, 3, 10, 60.0]
        let saves = try harness.savesWithSameBits(method.rawValue, values, times: times, unit: .steps)
        #expect(try #require(saves) > 0)
        // Recording times do not matter either.
        #expect(harness.observablesMovedByRecording(method.rawValue, values, times: times) == [])
    }
}
