import DMFTGradientDynamics
import Dynamics
import Foundation
import Modeling
import ModelTesting
import Numerics
import Testing

@Suite("DMFT: its kernels are the averages of the process that they drive") struct CopyProcessTests {
    private static let cases: [(String, Given)] = [
        (
            "logistic, persistent",
            [
                "alpha": .real(2), "loss": .text("logistic"), "init_scale": .real(0.5), "init_overlap": .real(0.1),
                "step_size": .real(1), "ridge": .real(0.05), "batch_fraction": .real(0.5),
                "mask": .text("persistent"), "p_off": .real(0.3),
            ]
        ),
        (
            "attention with positions, k = 2",
            [
                "alpha": .real(2), "L": .integer(2), "width": .integer(2), "loss": .text("tied-attention"),
                "teachers": .integer(3),
                "teacher_gram": matrix([[1, 0.3, -0.2], [0.3, 0.5, 0.1], [-0.2, 0.1, 0.4]]),
                "init_scale": .real(0.6), "M0": matrix([[0.3, 0.2, -0.1], [0, 0.1, 0.2]]),
                "positions": vector([1, 2]), "step_size": .real(0.8), "ridge": .real(0.02),
            ]
        ),
    ]

    /// The identity below (6): C_{t+1,s} = (1 - eta lambda) C_ts - eta alpha E[sum_l g_lt Z_ls^T]; the kernel Cg; (4); and the
    /// training loss, all from copies in the Langevin form, which the integrator does not use.
    @Test(arguments: cases.indices) func consistency(index: Int) throws {
        let (T, groups, copies) = (5, 12, 1500)
        let values = Self.cases[index].1
        let p = try harness.parameters(.dmft, values)
        let (k, a) = (p.students, p.teachers)
        let records = try (1...12).map {
            try harness.run(
                "dmft", values.with(["mc_samples": .integer(8192)]), times: (0...T).map(Double.init), unit: .steps,
                seed: $0)
        }
        let theory = Dictionary(
            uniqueKeysWithValues: ["C", "Gamma", "Cg", "overlap", "train_loss"].map { ($0, SeedMean(records, $0)) })
        func mean(_ name: String, _ at: Int) -> (Double, Double) {
            (theory[name]?.mean[at] ?? .nan, theory[name]?.error[at] ?? .nan)
        }
        func entry(_ t: Int, _ s: Int, _ ij: Int) -> Int { (t * (T + 1) + s) * k * k + ij }
        func blocks(_ name: String) -> [[[Double]]] {
            (0..<T).map { t in (0..<T).map { s in (0..<k * k).map { mean(name, entry(t, s, $0)).0 } } }
        }
        let process = CopyProcess(
            p, Gamma: blocks("Gamma"), Cg: blocks("Cg"),
            overlap: (0..<T).map { t in (0..<k * a).map { mean("overlap", t * k * a + $0).0 } })
        let means = (0..<groups).map { group in
            let random = RandomStream(identity: TaskIdentity(high: 0x434F_5059, low: UInt64(group)))
            var masks = BatchMasks(p.batches, count: copies, random: random.substream(1))
            let weights = (0..<T).map { _ in
                var row = Array(repeating: 0.0, count: copies)
                masks.next(into: &row)
                return row
            }
            return process.means(copies: copies, weights: weights, random: random.substream(2))
        }
        /// Compares `expected` +- with what the groups say.
        func check(
            _ name: String, _ expected: (Double, Double), _ value: (CopyProcess.Means) -> Double
        ) {
            let numbers = means.map(value)
            let mean = numbers.reduce(0, +) / Double(groups)
            let square = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            let error = (square / Double((groups - 1) * groups) + expected.1 * expected.1).squareRoot()
            #expect(abs(mean - expected.0) < 4 * error + 1e-4, "\(name): \(mean) +- \(error), not \(expected.0)")
            #expect(4 * error < 0.06 * max(abs(expected.0), 0.8), "\(name)")
        }
        let (eta, decay) = (p.stepSize, 1 - p.stepSize * p.ridge)
        for t in 0..<T {
            check("train \(t)", mean("train_loss", t)) { $0.loss[t] }
            for ia in 0..<k * a {
                let next = mean("overlap", (t + 1) * k * a + ia)
                check("M \(t + 1) [\(ia)]", next) {
                    decay * mean("overlap", t * k * a + ia).0 - eta * $0.mu[t][ia]
                }
            }
            for s in 0...t {
                for ij in 0..<k * k {
                    check("Cg \(t) \(s) [\(ij)]", mean("Cg", entry(t, s, ij))) { $0.gg[t][s][ij] }
                    check("C \(t + 1) \(s) [\(ij)]", mean("C", entry(t + 1, s, ij))) {
                        decay * mean("C", entry(t, s, ij)).0 - eta * $0.gZ[t][s][ij]
                    }
                }
            }
        }
    }
}
