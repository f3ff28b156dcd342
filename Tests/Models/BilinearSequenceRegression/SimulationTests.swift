import BilinearSequenceRegression
import Foundation
import ModelKit
import ModelTesting
import Modeling
import Numerics
import Testing

@Suite("Bilinear sequence regression: simulations") struct SimulationTests {
    private func data(_ values: Given, seed: UInt64 = 5) throws -> (DataSet, Parameters, RandomStream) {
        let p = try harness.parameters(.gd, values)
        let random = RandomStream(identity: TaskIdentity(high: 0xB5, low: seed))
        return (DataSet(p, random), p, random)
    }

    // MARK: Data

    @Test func data() throws {
        let (data, p, _) = try data(atSizes(d: 40, L: 60, rank: 8, alpha: 0.5, noise: 0.3))
        let entries = 40.0 * 60
        #expect(data.inputs.rows == 1200 && data.inputs.columns == 2400)
        let inputs = data.inputs.unpacked()
        #expect(close(data.target.reduce(0) { $0 + $1 * $1 } / entries, 1, 0.15))
        // Rank: beyond 8 the singular values vanish.
        var svd = SingularValues(rows: 40, columns: 60)
        try svd.decompose(data.target)
        #expect(svd.values[7] > 1 && svd.values[8] < 1e-10)
        // Labels: y_i = <X_i, S*>/sqrt(p) + noise.
        let labels = data.labels()
        for i in [0, 700, 1199] {
            let field = (0..<2400).reduce(0.0) { $0 + Double(inputs[i * 2400 + $1]) * data.target[$1] }
            #expect(close(labels[i], field / entries.squareRoot() + data.labelNoise[i], 1e-10))
        }
        let norm = data.labelNoise.reduce(0) { $0 + $1 * $1 } / 1200
        #expect(close(norm, p.noise, 0.05))
    }

    // MARK: Message passing

    /// AMP against state evolution iteration by iteration, in mean, within three standard errors and a finite-size part.
    @Test(arguments: [(0.3, 0.2, 0.0, 1), (0.6, 0.4, 0.2, 2)])
    func messagePassingFollowsStateEvolution(alpha: Double, rho: Double, noise: Double, shape: Int) throws {
        let d = shape == 1 ? 60 : 44
        let values = atSizes(
            d: d, L: shape * d, rank: Int(rho * Double(d)), alpha: alpha, noise: noise, ["tolerance": .real(0)])
        let times = [0.0, 1, 2, 3, 5, 8, 20]
        let theory = try harness.run(.stateEvolution, values, times: times)
        let seeds = 12
        let runs = try (1...seeds).map { try harness.run(.amp, values, times: times, seed: $0) }
        for (index, time) in times.enumerated() {
            for name in time > 0 ? ["E", "V", "A"] : ["E", "V"] {
                let (mean, error) = meanAndError(runs.map { $0(name)[index] })
                let expected = theory(name)[index]
                #expect(
                    abs(mean - expected) < 3.5 * error + 0.012 * max(1, expected),
                    "\(name) at \(time): \(mean) +- \(error), theory \(expected)")
                // The test would see a wrong factor.
                #expect(error < 0.12 * max(expected, 0.3) || time > 5)
            }
        }
    }

    /// Landmark 10: above strong recovery plus 0.05 the error falls below 2e-3, and the run says it converged. With the
    /// papers' rule for A, instances whose V comes out too small stay where they are.
    @Test func messagePassingRecovers() throws {
        for (d, L) in [(70, 70), (50, 100)] {
            let rank = 14 * min(d, L) / 70
            let p = Double(d * L)
            let strong = Double(rank * (d + L - rank)) / p
            for seed in 1...2 {
                let record = try harness.run(
                    .amp, atSizes(d: d, L: L, rank: rank, alpha: strong + 0.08, ["damping": .real(0.2)]),
                    times: [0, 10, 300], seed: seed)
                #expect(record("E")[2] < 2e-3, "\(record("E")) \(record("iterations"))")
                #expect(record("converged")[0] == 1 && record("iterations")[0] < 300)
                #expect(record("change")[2] <= 1e-7)
            }
        }
    }

    /// Damping and the rule for A change the way and not the end, on data sets where all of them come to one: of 14, the rules
    /// ended within 0.004 of each other on 13, and on one a rule did not settle. The fixed point knows its error in mean over
    /// data sets, which spread by 0.045.
    @Test func variantsOfMessagePassingAgree() throws {
        let values = atSizes(d: 50, L: 70, rank: 15, alpha: 0.5, noise: 0.3, ["tolerance": .real(1e-11)])
        let variants: [Given] = [
            [:], ["damping": .real(0.4)], ["precision": .text("variance")], ["precision": .text("empirical")],
        ]
        let best = try harness.number(.bayes, "E", values)
        var settled: [Recording] = []
        for seed in 1...8 {
            let runs = try variants.map { try harness.run(.amp, values.with($0), times: [400], seed: seed) }
            guard runs.allSatisfy({ $0("converged")[0] == 1 }) else { continue }
            settled.append(runs[0])
            for (index, tolerance) in [(1, 1e-5), (2, 0.01), (3, 0.01)] {
                let (other, reference) = (runs[index]("E")[0], runs[0]("E")[0])
                #expect(close(other, reference, tolerance), "\(seed), \(variants[index]): \(other) \(reference)")
            }
        }
        #expect(settled.count >= 5)
        let (apart, error) = meanAndError(settled.map { $0("V")[0] - $0("E")[0] })
        #expect(abs(apart) < 4 * error && error < 0.03, "\(apart) +- \(error)")
        let (mean, spread) = meanAndError(settled.map { $0("E")[0] })
        #expect(abs(mean - best) < 4 * spread + 0.01 && spread < 0.03, "\(mean) +- \(spread), theory \(best)")
    }

    /// Token dimension and length may change places.
    @Test func shortAndLongSide() throws {
        func record(_ method: Method, d: Int, L: Int, _ more: Given = [:]) throws -> [Double] {
            try harness.run(method, atSizes(d: d, L: L, rank: 6, alpha: 0.4, noise: 0.1, more), times: [3])("E")
        }
        for method: Method in [.amp, .gd, .langevin] {
            #expect(try record(method, d: 20, L: 33) == record(method, d: 33, L: 20))
        }
    }

    // MARK: Ridge

    /// The solution has no gradient left, on both sides of n = p; and the errors are those of the closed form.
    @Test(arguments: [(0.5, 0.1, 0.1), (0.5, 0.4, 0.1), (1.5, 0.2, 0.5), (0.6, 0, 0)])
    func ridgeFollowsItsClosedForm(alpha: Double, lambda: Double, noise: Double) throws {
        let values = atSizes(d: 30, L: 40, rank: 30, alpha: alpha, noise: noise, ["ridge": .real(lambda)])
        let runs = try (1...12).map { try harness.run(.ridge, values, seed: $0) }
        let theory = try harness.run(.ridgeTheory, values)
        for name in ["E", "train_error"] {
            let (mean, error) = meanAndError(runs.map { $0(name)[0] })
            #expect(
                abs(mean - theory(name)[0]) < 3.5 * error + 1e-9, "\(name): \(mean) +- \(error), \(theory(name)[0])")
            #expect(error < 0.05 * theory(name)[0] + 1e-9)
        }
    }

    // MARK: Descent

    /// Gradients against central differences of the loss, for both forms of the products, one run and several.
    @Test(arguments: [true, false], [1, 3]) func gradients(usesGram: Bool, runs: Int) throws {
        let (data, _, _) = try data(atSizes(d: 5, L: 7, rank: 2, alpha: usesGram ? 0.9 : 0.4, noise: 0.2))
        let p = 35
        var gradient = Gradient(data, runs: runs, usesGram: usesGram)
        var random = RandomStream(identity: TaskIdentity(high: 0xB5, low: 9))
        let D = (0..<runs * p).map { _ in Float(random.normal()) }
        gradient.evaluate(D)
        let n = data.sizes.samples
        let inputs = data.inputs.unpacked()
        for run in 0..<runs {
            var expected = Array(repeating: 0.0, count: p)
            var squares = 0.0
            for i in 0..<n {
                var e = -data.labelNoise[i]
                for j in 0..<p { e += Double(inputs[i * p + j]) * Double(D[run * p + j]) / Double(p).squareRoot() }
                squares += e * e
                for j in 0..<p { expected[j] += e * Double(inputs[i * p + j]) }
            }
            #expect(close(gradient.trainErrors[run], squares / Double(n), 1e-5 * squares / Double(n)))
            for j in 0..<p { #expect(close(Double(gradient.gradient[run * p + j]), expected[j], 2e-5)) }
        }
    }

    @Test(arguments: [0.3, 0.9]) func factorGradientsAgainstDifferences(alpha: Double) throws {
        let (data, p, random) = try data(
            atSizes(d: 6, L: 8, rank: 3, alpha: alpha, noise: 0.2, ["runs": .integer(2), "student_rank": .integer(4)]))
        var descent = FactorDescent(p, data, random)
        let (labels, inputs) = (data.labels(), data.inputs.unpacked())
        let weights = descent.weights
        let entries = 48
        /// (1/4) sum_i (yhat_i - y_i)^2 in double precision.
        func loss(_ weights: [Double], _ run: Int) -> Double {
            let own = Array(weights[(run * 56)..<(run * 56 + 56)])
            let S = DataSet.product(Array(own[..<24]), Array(own[24...]), rows: 6, rank: 4, columns: 8)
            return labels.indices.reduce(0) { sum, i in
                var e = -labels[i]
                for j in 0..<entries { e += Double(inputs[i * entries + j]) * S[j] / Double(entries).squareRoot() }
                return sum + 0.25 * e * e
            }
        }
        let h = 1e-5
        for run in 0..<2 {
            let gradient = descent.gradient(of: run)
            #expect(gradient.count == 56)
            for i in 0..<56 {
                var (plus, minus) = (weights, weights)
                plus[run * 56 + i] += h
                minus[run * 56 + i] -= h
                #expect(close(gradient[i], (loss(plus, run) - loss(minus, run)) / (2 * h), 3e-6))
            }
            #expect(close(descent.trainErrors()[run], 4 * loss(weights, run) / Double(labels.count), 1e-4))
        }
    }

    /// One step of each rule, by its formula.
    @Test func stepsOfEachOptimizer() throws {
        let base = atSizes(d: 5, L: 6, rank: 2, alpha: 0.5, ["step_size": .real(0.05), "weight_decay": .real(0.3)])
        for optimizer in FactorOptimizer.allCases {
            let (data, p, random) = try data(base.with(["optimizer": .text(optimizer.rawValue)]))
            var descent = FactorDescent(p, data, random)
            let (before, gradient) = (descent.weights, descent.gradient(of: 0))
            _ = try descent.advance(toward: 1, quantum: 1)
            for i in before.indices {
                let (decay, slope) = (0.3 * before[i], gradient[i] + 0.3 * before[i])
                // After one step Adam's means are the gradient and its square.
                let move =
                    switch optimizer {
                    case .gd: slope
                    case .adam: slope / (abs(slope) + 1e-8)
                    case .adamw: gradient[i] / (abs(gradient[i]) + 1e-8) + decay
                    }
                #expect(close(descent.weights[i], before[i] - 0.05 * move, 1e-9))
            }
        }
    }

    /// Landmark 11: the error is 2 at the start; the average of the runs is far better than each, by exactly the spread. Seen
    /// elsewhere: 1.45 and 0.760, in few instances; ours of 24: 1.492(20) and 0.784(14), with spreads of 0.097 and 0.068 an
    /// instance, which come from |S*|^2: the ratio of both, 1.90, moves by 0.005.
    @Test func descentFromThePrior() throws {
        let values = atSizes(
            d: 36, L: 36, rank: 18, alpha: 0.3, ["runs": .integer(8), "step_size": .real(0.1)])
        let runs = try (1...6).map { try harness.run(.gd, values, times: [0, 10, 3000], seed: $0) }
        for run in runs {
            #expect(close(run("norm2")[0], 1, 0.15))
            #expect(run("train_error")[2] < 1e-6)
            for k in 0..<3 { #expect(close(run("E_single")[k], run("E")[k] + run("spread")[k], 1e-12)) }
        }
        let start = meanAndError(runs.map { $0("E_single")[0] })
        #expect(abs(start.mean - 2) < 4 * 0.097 / 6.0.squareRoot() && start.error < 0.08, "\(start)")
        try checkDescent(runs, time: 2, single: (1.492, 0.020, 0.097), average: (0.784, 0.014, 0.068), ratio: 1.90)
    }

    /// Landmark 11 at another shape. Others of 3 instances: 1.91 and 0.963; ours of 36: 1.970(43) and 1.005(25), with spreads of
    /// 0.26 and 0.15.
    @Test func descentFromThePriorOnLongSequences() throws {
        let values = atSizes(d: 30, L: 60, rank: 6, alpha: 0.1, ["runs": .integer(8), "step_size": .real(0.1)])
        let runs = try (1...10).map { try harness.run(.gd, values, times: [2000], seed: $0) }
        #expect(runs.allSatisfy { $0("train_error")[0] < 1e-6 })
        try checkDescent(runs, time: 0, single: (1.970, 0.043, 0.26), average: (1.005, 0.025, 0.15), ratio: 1.96)
    }

    /// Errors of descent against means, with their standard errors and the spreads of single instances; their ratio to 4 %.
    private func checkDescent(
        _ runs: [Recording], time: Int, single: (Double, Double, Double), average: (Double, Double, Double),
        ratio: Double
    ) throws {
        let n = Double(runs.count)
        var means: [Double] = []
        for (name, expected) in [("E_single", single), ("E", average)] {
            let (mean, error) = meanAndError(runs.map { $0(name)[time] })
            let tolerance = 4 * (expected.2 * expected.2 / n + expected.1 * expected.1).squareRoot()
            #expect(abs(mean - expected.0) < tolerance, "\(name) \(mean) +- \(error)")
            #expect(error < 2 * expected.2 / n.squareRoot(), "\(name) \(mean) +- \(error)")
            means.append(mean)
        }
        #expect(close(means[0] / means[1], ratio, 0.04 * ratio), "\(means)")
    }

    /// Landmark 12 at d = 50, alpha = 0.44, eta = 0.1: every run from a small start recovers the target, while most from the prior
    /// stay far from it (published: 16 of 16, and 5 of 16). The slowest of eight is at 0.2 after 4000 steps.
    @Test(.enabled(if: runsLongTests)) func smallStartsRecoverWherePriorStartsDoNot() throws {
        let values = atSizes(
            d: 50, L: 50, rank: 10, alpha: 0.44, ["runs": .integer(4), "step_size": .real(0.1)])
        func errors(_ scale: Double, _ steps: Double) throws -> [Double] {
            try (1...2).flatMap { seed in
                try harness.run(
                    .gd, values.with(["init_scale": .real(scale)]), times: [steps], seed: seed,
                    observables: ["E_runs"])("E_runs")
            }
        }
        let (small, prior) = (try errors(1e-4, 12_000), try errors(1, 3000))
        #expect(small.allSatisfy { $0 < 0.01 }, "\(small)")
        #expect(prior.filter { $0 > 0.1 }.count >= 2 && prior.allSatisfy { $0 < 2.2 }, "\(prior)")
    }

    /// Landmark 12: from a small start descent recovers the target below the nuclear norm's threshold.
    @Test func descentFromASmallStart() throws {
        let values = atSizes(
            d: 40, L: 40, rank: 8, alpha: 0.45,
            ["runs": .integer(3), "step_size": .real(0.3), "init_scale": .real(1e-4), "stop_error": .real(1e-14)])
        /// |S*|^2/p of the data set, which the errors of a small start are of at first.
        func norm(_ values: Given, _ seed: Int) throws -> Double {
            let random = try harness.task("gd", values, times: [0], unit: .steps, seed: seed).random
            return DataSet(try harness.parameters(.gd, values), random).target.reduce(0) { $0 + $1 * $1 } / 1600
        }
        for seed in 1...2 {
            let record = try harness.run(
                .gd, values, times: [0, 4000], seed: seed, observables: ["E", "E_single", "E_runs"])
            #expect(close(record("E_single")[0], try norm(values, seed), 1e-3))
            // At most 2e-8 in the 36 runs of 12 data sets; after half the steps one was still at 0.014.
            #expect(record("E_runs")[3...].allSatisfy { $0 < 1e-5 }, "\(record("E_runs"))")
        }
        #expect(try harness.number(.thresholds, "alpha_mnne", values) > 0.5)
        // With fewer samples they interpolate and end at different points. In units of |S*|^2 the errors of 12 data sets are
        // 0.44 to 0.85, with mean 0.66(4) and spread 0.14.
        var shares: [Double] = []
        for seed in 1...4 {
            let fewer = values.with(["alpha": .real(0.3)])
            let record = try harness.run(.gd, fewer, times: [3000], seed: seed)
            #expect(record("train_error")[0] < 1e-5)
            #expect(record("spread")[0] > 1e-3)
            shares.append(record("E_single")[0] / (try norm(fewer, seed)))
        }
        #expect(shares.allSatisfy { $0 > 0.1 && $0 < 1.2 })
        #expect(close(meanAndError(shares).mean, 0.66, 3.5 * 0.14 / 2 + 0.04), "\(shares)")
    }

    /// A Langevin step is -eta times the gradient of minus the log posterior, sum_i e_i^2/(2 Delta) + (|U|^2 + |V|^2)/2 (by
    /// differences), and sqrt(2 eta) times the numbers of the run's stream.
    @Test(arguments: [0.4, 0.9]) func langevinStep(alpha: Double) throws {
        let values = atSizes(
            d: 5, L: 6, rank: 2, alpha: alpha, noise: 0.3, ["runs": .integer(2), "step_size": .real(0.05)])
        let p = try harness.parameters(.langevin, values)
        let random = RandomStream(identity: TaskIdentity(high: 0xB5, low: 11))
        let data = DataSet(p, random)
        var descent = FactorDescent(p, data, random)
        let (weights, labels, inputs) = (descent.weights, data.labels(), data.inputs.unpacked())
        _ = try descent.advance(toward: 1, quantum: 1)
        for run in 0..<2 {
            func energy(_ x: [Double]) -> Double {
                let S = DataSet.product(Array(x[..<10]), Array(x[10...]), rows: 5, rank: 2, columns: 6)
                let squares = labels.indices.reduce(0.0) { sum, i in
                    let e = (0..<30).reduce(-labels[i]) {
                        $0 + Double(inputs[i * 30 + $1]) * S[$1] / 30.0.squareRoot()
                    }
                    return sum + e * e
                }
                return squares / (2 * 0.3) + 0.5 * x.reduce(0) { $0 + $1 * $1 }
            }
            let before = Array(weights[run * 22..<run * 22 + 22])
            let after = Array(descent.weights[run * 22..<run * 22 + 22])
            var kicks = random.substream(FactorDescent<ProductLoss>.kicks(run: run))
            for i in before.indices {
                var (plus, minus) = (before, before)
                plus[i] += 1e-5
                minus[i] -= 1e-5
                let slope = (energy(plus) - energy(minus)) / 2e-5
                #expect(close(after[i], before[i] - 0.05 * slope + 0.1.squareRoot() * kicks.normal(), 2e-6))
            }
        }
    }

    /// With nothing burned in the average over chains and steps is, after one step, that over chains.
    @Test func averageOverChains() throws {
        let values = atSizes(
            d: 8, L: 9, rank: 3, alpha: 0.4, noise: 0.3, ["runs": .integer(3), "burn_in": .integer(0)])
        let record = try harness.run(.langevin, values, times: [1])
        #expect(record("spread")[0] > 0.1)
        #expect(close(record("E_single")[0], record("E")[0] + record("spread")[0], 1e-12))
    }

    /// Landmark 13: a sample of the posterior has twice the best error, the average of samples the best error.
    @Test(arguments: [0.5, 1.0]) func langevin(alpha: Double) throws {
        let values = atSizes(
            d: 40, L: 40, rank: 8, alpha: alpha, noise: 0.5, ["runs": .integer(4), "step_size": .real(0.01)])
        let best = try harness.number(.bayes, "E", values)
        let seeds = [1, 2]
        let runs = try seeds.map { try harness.run(.langevin, values, times: [900, 1200, 1500], seed: $0) }
        let single = runs.flatMap { $0("E_single") }.reduce(0, +) / 6
        let average = runs.map { $0("E")[2] }.reduce(0, +) / 2
        #expect(close(single, 2 * best, 0.1 * 2 * best), "\(single) \(2 * best)")
        #expect(close(average, best, 0.12 * best), "\(average) \(best)")
    }

    /// Landmark 14: with the step 0.7 a single run is where the published curve has it (1.766 and 1.258 at d = L = 100; instances spread
    /// by 0.08 and 0.04), near 2 E_bayes, and the average of runs near E_bayes.
    @Test(arguments: [(0.1, 1.766, 0.08), (0.2, 1.258, 0.04)])
    func publishedStep(alpha: Double, published: Double, spread: Double) throws {
        let values = atSizes(
            d: 100, L: 100, rank: 20, alpha: alpha, ["runs": .integer(4), "step_size": .real(0.7)])
        let runs = try (1...2).map { try harness.run(.gd, values, times: [400], seed: $0) }
        let best = try harness.number(.bayes, "E", values)
        let single = meanAndError(runs.map { $0("E_single")[0] }).mean
        let average = meanAndError(runs.map { $0("E")[0] }).mean
        #expect(close(single, published, 2 * spread), "\(single)")
        #expect(close(single, 2 * best, 0.1 * 2 * best), "\(single) \(2 * best)")
        #expect(close(average, 5.0 / 4 * best, 0.1 * best), "\(average) \(best)")
    }

    @Test func failures() throws {
        // Above the largest usable step.
        let values = atSizes(d: 20, L: 20, rank: 4, alpha: 0.5, ["step_size": .real(5)])
        let step = try #require(try harness.divergence("gd", values, times: [500])).step
        #expect(step > 0 && step < 500)
        // What no machine holds is seen before it is begun.
        let large = atSizes(d: 90_000, L: 6, rank: 4, alpha: 2)
        #expect(try harness.prepare("ridge", large).cost().memory > 1 << 40)
    }

    /// Once all runs interpolate, nothing changes any more.
    @Test func stopsWhenTrained() throws {
        let values = atSizes(
            d: 20, L: 20, rank: 4, alpha: 0.2, ["step_size": .real(0.3), "stop_error": .real(1e-4)])
        let record = try harness.run(.gd, values, times: [0, 3000, 1e9])
        #expect(record("train_error")[1] < 1e-4 && record("train_error")[1] > 1e-6)
        #expect(record("E")[1] == record("E")[2])
    }

    // MARK: Resuming

    @Test(arguments: ["amp", "gd", "adamw", "langevin", "state-evolution", "bayes"])
    func goesOnAsIfItHadNeverStopped(name: String) throws {
        var values = atSizes(d: 12, L: 18, rank: 4, alpha: 0.6, noise: 0.2, ["runs": .integer(3)])
        if name == "adamw" { values["optimizer"] = .text("adamw") }
        if name == "amp" { values["damping"] = .real(0.3) }
        values["burn_in"] = .integer(15)
        values["tolerance"] = .real(0)
        let method = try #require(Method(rawValue: name == "adamw" ? "gd" : name))
        let times = [0, 3, 10, 60.0]
        let saves = try harness.savesWithSameBits(method.rawValue, values, times: times, unit: .steps)
        #expect(try #require(saves) > 0)
        // Recording times do not matter either.
        #expect(harness.observablesMovedByRecording(method.rawValue, values, times: times) == [])
    }
}
