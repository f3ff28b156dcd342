import ModelTesting
import Modeling
import SequenceSingleIndex
import Testing

/// Every student, with a target it can be run on.
let cases: [(name: String, values: Given)] = [
    ("tied", ["student": .text("tied"), "L": .integer(3), "step_size": .real(0.4)]),
    ("untied global", ["student": .text("untied"), "L": .integer(3), "step_size": .real(0.6)]),
    (
        "untied per_token",
        [
            "student": .text("untied"), "L": .integer(3), "step_size": .real(0.6), "norm_mode": .text("per_token"),
            "target": .text("2difference"),
        ]
    ),
    (
        "attention matrix, half_square, paired",
        [
            "student": .text("attention"), "L": .integer(2), "step_size": .real(0.5),
            "target": .text("positional_semantic"), "omega": .real(0.6), "m0": .real(0.3), "e0": .real(0.2),
        ]
    ),
    (
        "attention matrix, frobenius, no encoding",
        [
            "student": .text("attention"), "L": .integer(2), "step_size": .real(0.3), "encoding": .text("none"),
            "target": .text("positional_semantic"), "omega": .real(0.2), "m0": .real(0.3), "loss": .text("frobenius"),
        ]
    ),
    (
        "attention explicit U, orthonormal",
        [
            "student": .text("attention"), "L": .integer(3), "step_size": .real(0.3), "m0": .real(0.2),
            "U": matrix([[0.3, 1, 0.2], [0.15, 0.5, 0.1], [-0.15, -0.5, -0.1]]), "encoding": .text("orthonormal"),
            "target": .text("hermite"), "hermite_terms": matrix([[1, 1, 0, 0], [1, 0, 1, 1]]),
            "e0_vec": vector([0.3, 0.1, -0.2]),
        ]
    ),
    (
        "attention projection",
        [
            "student": .text("attention"), "L": .integer(4), "step_size": .real(0.3), "m0": .real(0.4),
            "reduction": .text("projection"), "target": .text("inversesqrtH2sum"),
            "projection_left": vector([0.5, 0.5, 0.5, 0.5]), "projection_right": vector([0.8, 0.6, 0, 0]),
        ]
    ),
]

@Suite("simulations: what every run keeps")
struct InvariantTests {
    @Test("the trajectory's bits depend neither on the quanta nor on the recording times")
    func cuts() throws {
        for (name, values) in cases {
            for method in ["sgd", "overlap-chain"] {
                let values = values.with(["d": .integer(50)])
                let coarse = try run(method, values, times: [0, 300], unit: .steps, quantum: 1000)
                let fine = try run(
                    method, values, times: [0, 1, 2, 7, 7.4, 150, 299, 300], unit: .steps, quantum: 1)
                #expect(coarse("overlap").first == fine("overlap").first, "\(name) \(method)")
                #expect(coarse("overlap").last == fine("overlap").last, "\(name) \(method)")
                if values["student"] == .text("attention") {
                    #expect(coarse("positional_overlap").last == fine("positional_overlap").last, "\(name) \(method)")
                }
                #expect(fine("steps") == [0, 1, 2, 7, 7, 150, 299, 300])
            }
        }
    }

    @Test("|w| stays on its sphere to 1e-6 (float32 components)")
    func norm() throws {
        for (name, values) in cases {
            let values = values.with(["d": .integer(301)])
            let norms = try run("sgd", values, times: [0, 1, 1000, 20_000], unit: .steps)("student_norm")
            for norm in norms { #expect(abs(norm - 1) < 1e-6, "\(name): \(norms)") }
        }
    }

    @Test("m_0 = o/sqrt((1-o)^2 + o^2) exactly, and |m_0| with random signs")
    func overlappedStart() throws {
        for method in ["sgd", "overlap-chain"] {
            for (o, d) in [(0.2, 100), (0.0, 40), (0.7, 1000)] {
                let m0 = o / ((1 - o) * (1 - o) + o * o).squareRoot()
                let start = try run(
                    method,
                    [
                        "d": .integer(d), "L": .integer(40), "student": .text("untied"), "step_size": .real(1),
                        "init_scale": .real(o), "random_sign": .flag(true),
                    ], times: [0])
                for m in start("overlap_vec") { #expect(abs(abs(m) - m0) < 1e-14) }
                #expect(abs(start("overlap")[0] - m0) < 1e-14)
                if m0 > 0 { #expect(Set(start("overlap_vec").map { $0 < 0 }).count == 2) }
            }
            // The default is o = 1/sqrt(d), up to the normalisation.
            let start = try run(method, ["d": .integer(400), "L": .integer(2), "step_size": .real(1)], times: [0])
            #expect(abs(start("overlap")[0] - 0.05 / (0.95 * 0.95 + 0.05 * 0.05).squareRoot()) < 1e-14)
        }
    }

    @Test("a random start has overlaps of variance 1/d, with w* and with the encoding")
    func randomStart() throws {
        let d = 25
        for method in ["sgd", "overlap-chain"] {
            let records = try (1...2000).map {
                try run(
                    method,
                    [
                        "d": .integer(d), "L": .integer(2), "step_size": .real(1), "init": .text("random"),
                        "student": .text("attention"), "encoding": .text("paired"),
                    ], times: [0], seed: $0)
            }
            for name in ["overlap", "positional_overlap"] {
                let m = Moments(records.map { $0(name)[0] })
                #expect(abs(m.mean) < 4.5 * m.error, "\(method) \(name) \(m)")
                #expect(abs(m.std - 0.2) < 4.5 * m.stdError, "\(method) \(name) \(m)")
                // A coordinate on the sphere: E m^4 = 3/(d (d+2)).
                let fourth = Moments(records.map { $0(name)[0] * $0(name)[0] * $0(name)[0] * $0(name)[0] })
                #expect(abs(fourth.mean - 3 / Double(d * (d + 2))) < 4.5 * fourth.error)
            }
        }
    }

    @Test("weak recovery is the first recorded time above eta, infinite if there is none")
    func weakRecovery() throws {
        let values: Given = [
            "d": .integer(5000), "L": .integer(2), "step_size": .real(0.5), "m0": .real(0.1), "eta": .real(0.5),
        ]
        let record = try run("overlap-chain", values, times: [0, 0.5, 1, 1.5, 2, 2.5])
        let first = zip(record("t"), record("overlap")).first { $0.1 > 0.5 }?.0
        #expect(record("weak_recovery_time") == [first ?? -1])
        #expect(try run("overlap-chain", values, times: [0, 0.5])("weak_recovery_time") == [.infinity])
    }

    @Test("a student that starts on w* moves off it by the noise alone")
    func startOnTeacher() throws {
        // relu learns inversesqrtsum only up to its kink, so D is not zero at m = 1 while w has no part off the axes.
        let values: Given = [
            "d": .integer(200), "L": .integer(2), "step_size": .real(0.8), "m0": .real(1), "target": .text("H2sum"),
        ]
        let sgd = try ends("sgd", values, time: 0.05, seeds: 400).map { $0("overlap")[0] }
        let chain = try ends("overlap-chain", values, time: 0.05, seeds: 400).map { $0("overlap")[0] }
        let (a, b) = (Moments(sgd), Moments(chain))
        #expect(a.mean < 0.99)
        #expect(abs(a.mean - b.mean) < 4.5 * (a.error * a.error + b.error * b.error).squareRoot())
        // Attention with omega = 0 is at its zero-risk fixed point.
        let fixed = try run(
            "sgd",
            [
                "d": .integer(100), "L": .integer(2), "step_size": .real(1), "student": .text("attention"),
                "target": .text("positional_semantic"), "m0": .real(1),
            ], times: [5])
        #expect(fixed("overlap") == [1])
    }

    @Test("a step size that leaves the numbers is reported as divergence, with its step")
    func divergence() {
        for method in ["sgd", "overlap-chain"] {
            for target in ["H2sum", "2product"] {
                #expect(throws: ModelError.self) {
                    _ = try run(
                        method,
                        [
                            "d": .integer(100), "L": .integer(2), "step_size": .real(1e300),
                            "activation": .text("square"), "target": .text(target),
                        ], times: [10])
                }
            }
        }
    }
}
