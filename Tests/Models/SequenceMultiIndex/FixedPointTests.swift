import ModelTesting
import Modeling
import Numerics
import SequenceMultiIndex
import Testing

/// What `fixed-point` says of its own accuracy.
@Suite struct FixedPointTests {
    private func solve(_ values: Given, tolerance: Double, seed: Int) throws -> (q: [Double], error: [Double]) {
        let record = try run(
            "fixed-point", values.with(["tolerance": .real(tolerance)]), seed: seed,
            observables: ["q_star", "q_error"])
        return (record("q_star"), record("q_error"))
    }

    private static let cases: [(Given, Int)] = [
        (["alpha": .real(0.1), "layers": .integer(1), "L": .integer(3), "Q0": vector([0.5])], 1 << 13),
        (["alpha": .real(0.5), "Q0": vector([0, 0.7])], 1024),
    ]

    /// Fixed points of independent sequences scatter by q_error: with twelve of them the ratio is in 0.49 to 1.56 in 99 of 100
    /// cases. One iteration has a third of it, or less.
    @Test(arguments: atLeast(1, cases))
    func independentSequencesScatterByTheError(values: Given, samples: Int) throws {
        let runs = try (1...12).map {
            try solve(values.with(["mc_samples": .integer(samples)]), tolerance: 1e-5, seed: $0)
        }
        for k in runs[0].q.indices where runs[0].q[k] > 1e-3 {
            let spread = Moments(runs.map { $0.q[k] }).std
            let stated = (runs.reduce(0) { $0 + $1.error[k] * $1.error[k] } / 12).squareRoot()
            #expect(spread / stated > 0.49 && spread / stated < 1.56, "layer \(k): \(spread) \(stated)")
        }
    }

    /// An iteration that is broken off is off by more than its last step; q_error counts that.
    @Test func whatIsLeftOfTheIterationCounts() throws {
        let values: Given = ["alpha": .real(0.5), "Q0": vector([0, 0.6]), "mc_samples": .integer(1024)]
        let whole = try solve(values, tolerance: 1e-7, seed: 1)
        let broken = try solve(values, tolerance: 0.01, seed: 1)
        let distance = abs(whole.q[1] - broken.q[1])
        let left = (broken.error[1] * broken.error[1] - whole.error[1] * whole.error[1]).squareRoot()
        #expect(distance > 0.01 && abs(left / distance - 1) < 0.25, "\(distance) \(left)")
    }

    /// A layer that signs keep at 0 has no error; with no sample noise (one layer known for sure) neither has the other.
    @Test func aLayerAtZeroHasNoError() throws {
        let found = try solve(
            ["alpha": .real(0.5), "Q0": vector([0, 0.7]), "mc_samples": .integer(256)], tolerance: 1e-3, seed: 1)
        #expect(found.q[0] < 1e-12 && found.error[0] < 1e-9 && found.error[1] > 1e-3)
    }
}
