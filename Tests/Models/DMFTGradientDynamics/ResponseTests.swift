import DMFTGradientDynamics
import Dynamics
import Foundation
import Modeling
import ModelTesting
import Numerics
import Testing

/// (S)GD in double precision whose gradients can be taken at shifted fields in one step, and whose weights can be kicked.
private struct PerturbedDescent {
    let p: Parameters
    let data: DataSet
    let reference: ReferenceLoss
    let targets: [[[Double]]]
    let weights: [[Double]]
    let starts: [Double]
    /// A, row l stride + mu.
    let A: [Double]

    init(_ p: Parameters, steps: Int, random: RandomStream) {
        self.p = p
        let data = DataSet(p, noiseCount: 0, random)
        self.data = data
        let reference = ReferenceLoss(p)
        self.reference = reference
        let d = p.d
        let teacher = (0..<p.teachers).map { Array(data.teacher[($0 * d)..<(($0 + 1) * d)]) }
        targets = (0..<data.samples).map { reference.target(NaiveDescent.fields(data, $0, teacher)) }
        var masks = BatchMasks(p.batches, count: data.samples, random: random.substream(Streams.masks(run: 0)))
        weights = (0..<steps).map { _ in
            var row = Array(repeating: 0.0, count: data.samples)
            masks.next(into: &row)
            return row
        }
        starts = data.starts(p, random)
        let scale = 1 / Double(d).squareRoot()
        A = data.inputs.map { Double($0) * scale }
    }

    /// w_t g of all samples at `W` (k x d) with `shift` added to the fields; row l stride + mu of k numbers.
    func gradients(_ W: [Double], step t: Int, shift: [Double]? = nil) -> [Double] {
        let (L, k, d, rows) = (p.tokens, p.students, p.d, data.tokens * data.stride)
        var Z = shift ?? Array(repeating: 0, count: rows * k)
        BLAS.gemm(.none, .transposed, m: rows, n: k, k: d, A, leadingA: d, W, leadingB: d, beta: 1, &Z, leadingC: k)
        var g = Array(repeating: 0.0, count: rows * k)
        for sample in 0..<data.samples where weights[t][sample] > 0 {
            let z = (0..<L).map { l in (0..<k).map { Z[(l * data.stride + sample) * k + $0] } }
            let own = reference.gradient(z, targets[sample])
            for l in 0..<L {
                for i in 0..<k { g[(l * data.stride + sample) * k + i] = weights[t][sample] * own[l][i] }
            }
        }
        return g
    }

    func step(_ W: [Double], _ g: [Double]) -> [Double] {
        let (k, d, rows) = (p.students, p.d, data.tokens * data.stride)
        var next = W.map { $0 * (1 - p.stepSize * p.ridge) }
        BLAS.gemm(
            .transposed, .none, m: k, n: d, k: rows, alpha: -p.stepSize, g, leadingA: k, A, leadingB: d, beta: 1, &next,
            leadingC: d)
        return next
    }
}

private let logistic: Given = [
    "alpha": .real(2), "loss": .text("logistic"), "init_scale": .real(0.5), "init_overlap": .real(0.1),
    "step_size": .real(1), "ridge": .real(0.05),
]
private let attention: Given = [
    "alpha": .real(2), "L": .integer(2), "loss": .text("tied-attention"), "init_scale": .real(0.8),
    "init_overlap": .real(0.3), "step_size": .real(0.8), "ridge": .real(0.02),
]

@Suite("DMFT: response functions of descent by finite differences") struct ResponseTests {
    /// Fields eps r_mu with random signs r_mu are added at step s, or eps v to the weights after it; what the gradients
    /// (the weights) at t become, times the same signs, is d Gamma_ts (d R_ts) on average.
    @Test(
        "Gamma and R",
        arguments: [
            (logistic, 24), (logistic.with(["batch_fraction": .real(0.5)]), 24), (attention, 16),
            (attention.with(["width": .integer(2)]), 16),
        ])
    func responses(_ values: Given, seeds: Int) throws {
        let (d, T, eps) = (240, 4, 1e-3)
        let p = try harness.parameters(.sgd, values.with(["d": .integer(d)]))
        let k = p.students
        // Sums and sums of squares over the seeds, of Gamma and of R, [t][s] -> k x k.
        var (Gamma, R) = (Entries(T, k), Entries(T, k))
        for seed in 0..<seeds {
            let random = RandomStream(identity: TaskIdentity(high: 0x5245_5350, low: UInt64(seed)))
            let descent = PerturbedDescent(p, steps: T + 1, random: random)
            var signs = random.substream(0x77)
            var W = [descent.starts]
            for t in 0..<T { W.append(descent.step(W[t], descent.gradients(W[t], step: t))) }
            for s in 0..<T {
                for j in 0..<k {
                    let r = (0..<p.tokens * descent.data.stride).map { _ in signs.uniform() < 0.5 ? -1.0 : 1 }
                    let v = (0..<d).map { _ in signs.uniform() < 0.5 ? -1.0 : 1 }
                    // Of either sign of eps: gradients from s on, weights from s + 1 on.
                    func perturbed(_ eps: Double, weights: Bool) -> (g: [[Double]], W: [[Double]]) {
                        var shift = Array(repeating: 0.0, count: r.count * k)
                        if !weights { for x in r.indices { shift[x * k + j] = eps * r[x] } }
                        var g = [descent.gradients(W[s], step: s, shift: shift)]
                        var changed = [descent.step(W[s], g[0])]
                        if weights { for x in 0..<d { changed[0][j * d + x] += eps * v[x] } }
                        for t in s + 1...T {
                            g.append(descent.gradients(changed[t - s - 1], step: t))
                            changed.append(descent.step(changed[t - s - 1], g[t - s]))
                        }
                        return (g, changed)
                    }
                    let (up, down) = (perturbed(eps, weights: false), perturbed(-eps, weights: false))
                    let (kicked, back) = (perturbed(eps, weights: true), perturbed(-eps, weights: true))
                    for t in s...T {
                        for i in 0..<k {
                            var sum = 0.0
                            for x in r.indices {
                                sum += r[x] * (up.g[t - s][x * k + i] - down.g[t - s][x * k + i])
                            }
                            Gamma.add(sum / (2 * eps * Double(d)), t, s, i, j)
                            guard t > s else { continue }
                            var kick = 0.0
                            for x in 0..<d {
                                kick += v[x] * (kicked.W[t - s - 1][i * d + x] - back.W[t - s - 1][i * d + x])
                            }
                            R.add(kick / (2 * eps * Double(d)), t, s, i, j)
                        }
                    }
                }
            }
        }
        let theory = try (1...8).map {
            try harness.run(
                "dmft", values.with(["mc_samples": .integer(8192)]), times: (0...T).map(Double.init), unit: .steps,
                seed: $0, observables: ["Gamma", "R"])
        }
        for (name, entries) in [("Gamma", Gamma), ("R", R)] {
            let expected = SeedMean(theory, name)
            for t in 0...T {
                for s in 0..<min(t + 1, T) where name == "Gamma" || s < t {
                    for ij in 0..<k * k {
                        let at = (t * (T + 1) + s) * k * k + ij
                        let (mean, error) = entries.mean(t, s, ij, seeds)
                        let combined = (error * error + expected.error[at] * expected.error[at]).squareRoot()
                        #expect(
                            abs(mean - expected.mean[at]) < 4 * combined + 2 / Double(d) * abs(expected.mean[at])
                                + 1e-6,
                            "\(name)_\(t)\(s)[\(ij)]: \(mean) +- \(error), theory \(expected.mean[at])")
                    }
                }
            }
        }
    }

    @Test("C of the simulation at two times", arguments: [logistic, attention.with(["width": .integer(2)])])
    func correlation(_ values: Given) throws {
        let (d, T) = (250, 6)
        let times = (0...T).map(Double.init)
        let simulated = try (1...96).map {
            try harness.run(
                "gd", values.with(["d": .integer(d), "runs": .integer(2)]), times: times, unit: .steps, seed: $0,
                observables: ["C"])
        }
        let theory = try (1...32).map {
            try harness.run(
                "dmft", values.with(["mc_samples": .integer(4096)]), times: times, unit: .steps, seed: $0,
                observables: ["C"])
        }
        let (a, b) = (SeedMean(simulated, "C"), SeedMean(theory, "C"))
        for at in a.mean.indices {
            let error = (a.error[at] * a.error[at] + b.error[at] * b.error[at]).squareRoot()
            #expect(
                abs(a.mean[at] - b.mean[at]) < 4 * error + 1.5 / Double(d) * max(abs(b.mean[at]), 0.2),
                "C[\(at)]: \(a.mean[at]) +- \(a.error[at]), theory \(b.mean[at]) +- \(b.error[at])")
            #expect(4 * error < 0.06 * max(abs(b.mean[at]), 0.4), "C[\(at)]")
        }
    }

    /// Sums over seeds of two-time entries.
    private struct Entries {
        let width: Int
        let k: Int
        var sum: [Double]
        var square: [Double]

        init(_ T: Int, _ k: Int) {
            width = T + 1
            self.k = k
            sum = Array(repeating: 0, count: width * width * k * k)
            square = sum
        }

        mutating func add(_ x: Double, _ t: Int, _ s: Int, _ i: Int, _ j: Int) {
            sum[((t * width + s) * k + i) * k + j] += x
            square[((t * width + s) * k + i) * k + j] += x * x
        }

        func mean(_ t: Int, _ s: Int, _ ij: Int, _ count: Int) -> (mean: Double, error: Double) {
            let at = (t * width + s) * k * k + ij
            let mean = sum[at] / Double(count)
            return (mean, (max(square[at] / Double(count) - mean * mean, 0) / Double(count - 1)).squareRoot())
        }
    }
}
