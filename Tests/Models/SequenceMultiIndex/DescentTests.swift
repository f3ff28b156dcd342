import ModelTesting
import Modeling
import Numerics
import SequenceMultiIndex
import Testing

/// Landmarks 19 to 22, and how SGD and its ODE agree.
@Suite struct DescentTests {
    /// Landmarks 19 and 20 with d = 1000: ODE and SGD at the end and half way.
    @Test(arguments: [
        (
            0.2, 0.1, [0.2, 0.4], [0.8, 0.9], 6.0, [0.113, 0.512], [0.235, 0.312], [0.147, 0.413], [0.418, 0.372], 0.02
        ),
        (0.5, 0, [0.3, 0.3], [1, 1], 4, [0.293, 0.624], [0.925, 0.770], [], [], 0.03),
    ])
    func onePassSGDFollowsItsODE(
        gamma: Double, kappa: Double, M0: [Double], Q0: [Double], T: Double, M: [Double], Q: [Double], halfM: [Double],
        halfQ: [Double], tolerance: Double
    ) throws {
        let values: Given = [
            "M0": vector(M0), "Q0": vector(Q0), "step_size": .real(gamma), "weight_decay": .real(kappa),
        ]
        let names: Set<String> = ["M", "Q", "loss", "e_gen"]
        let ode = try run("overlap-ode", values, times: [T / 2, T], unit: .scaled, observables: names)
        func diagonal(_ values: [Double], _ time: Int) -> [Double] { [values[4 * time], values[4 * time + 3]] }
        #expect(largestDifference(diagonal(ode("M"), 1), M) < tolerance, "\(ode("M"))")
        #expect(largestDifference(diagonal(ode("Q"), 1), Q) < tolerance, "\(ode("Q"))")
        if !halfM.isEmpty {
            #expect(largestDifference(diagonal(ode("M"), 0), halfM) < tolerance)
            #expect(largestDifference(diagonal(ode("Q"), 0), halfQ) < tolerance)
        }
        #expect(ode("loss") == ode("e_gen"))
        var (meanM, meanQ) = ([0.0, 0.0], [0.0, 0.0])
        for seed in 1...6 {
            let sgd = try run("sgd", values, times: [0, T], unit: .scaled, seed: seed, observables: names)
            // The start is imposed exactly.
            #expect(largestDifference(diagonal(sgd("M"), 0), M0) < 1e-12)
            #expect(largestDifference(diagonal(sgd("Q"), 0), Q0) < 1e-12)
            for k in 0..<2 {
                meanM[k] += diagonal(sgd("M"), 1)[k] / 6
                meanQ[k] += diagonal(sgd("Q"), 1)[k] / 6
            }
        }
        #expect(largestDifference(meanM, diagonal(ode("M"), 1)) < 0.02, "\(meanM)")
        #expect(largestDifference(meanQ, diagonal(ode("Q"), 1)) < 0.02, "\(meanQ)")
    }

    /// Landmarks 21 and 22: the official multi-pass SGD, at full size, from a start whose overlaps are given. When the first layer
    /// comes depends on its overlap at the start: from random starts, with cosines of 0.002 to 0.05, six data sets took 42, 75, 84,
    /// 86, 115 and more than 160 epochs (the landmark's two 20 to 80). The last layer has 0.985 to 0.994 after three epochs and
    /// above 0.996 after six.
    @Test func reusedDataTeachTheLastLayerFirst() throws {
        let epoch = 114.0
        let record = try run(
            "sgd",
            [
                "alpha": .real(15), "d": .integer(500), "data": .text("reuse"), "batch_size": .integer(200),
                "repeats": .integer(3), "learning_rate": .real(15), "l2": .real(0.07), "M0": vector([0.09, 0.02]),
                "Q0": vector([0.81, 0.81]),
            ], times: [0, 3 * epoch, 6 * epoch, 160 * epoch],
            observables: ["cosine", "epoch", "train_loss", "Q", "steps_half", "cosine_published"])
        let cosine = record("cosine")
        #expect(abs(cosine[0] - 0.1) < 1e-9 && abs(cosine[1] - 0.02 / 0.9) < 1e-9)
        #expect(cosine[3] > 0.97 && cosine[5] > 0.99 && cosine[4] < 0.5, "\(cosine)")
        // Data sets spread by some 0.02 about the plateau.
        #expect(abs(cosine[6] - 0.868) < 0.07 && cosine[7] > 0.99, "\(cosine)")
        #expect(record("epoch") == [0, 3, 6, 160])
        #expect(record("train_loss")[3] < record("train_loss")[0])
        #expect(abs(record("Q")[12] - 0.13) < 0.05 && record("Q")[15] > 0.6 && record("Q")[15] < 0.85, "\(record("Q"))")
        let first = record("steps_half")[0] / epoch
        #expect(10 < first && first < 100, "\(first)")
        #expect(record("steps_half")[1] < 4 * epoch)
        // The teacher's norm, sqrt(500) to 3 %, is not divided out.
        #expect(abs(record("cosine_published")[6] / cosine[6] - 1) < 0.15)
    }

    /// A batch of B samples is B samples with the weights held: close to one by one for small steps.
    @Test func stepSizeAndLearningRateAreOneThing() throws {
        let base: Given = ["d": .integer(100), "data": .text("reuse"), "alpha": .real(2), "batch_size": .integer(20)]
        let one = try run(
            "sgd", base.with(["step_size": .real(0.05), "weight_decay": .real(0.03)]), times: [50])
        let other = try run(
            "sgd", base.with(["learning_rate": .real(5), "l2": .real(0.12)]), times: [50])
        // kappa = gamma l2 d/B = 0.05 0.12 100/20.
        #expect(largestDifference(one("M"), other("M")) < 1e-12 && largestDifference(one("Q"), other("Q")) < 1e-12)
    }

    /// Overlaps of every layer with every other, M0 not symmetric: SGD follows the ODE in all of them.
    @Test func mixedOverlapsFollowTheODE() throws {
        let values: Given = [
            "M0": matrix([[0.4, 0.3], [-0.2, 0.3]]), "Q0": matrix([[1, 0.3], [0.3, 0.9]]), "step_size": .real(0.3),
            "weight_decay": .real(0.1),
        ]
        let ode = try run("overlap-ode", values, times: [2], unit: .scaled, observables: ["M", "Q"])
        let runs = try (1...6).map {
            try run("sgd", values, times: [2], unit: .scaled, seed: $0, observables: ["M", "Q"])
        }
        for name in ["M", "Q"] {
            let mean = (0..<4).map { i in runs.reduce(0) { $0 + $1(name)[i] } / 6 }
            #expect(largestDifference(mean, ode(name)) < 0.025, "\(name): \(mean) \(ode(name))")
        }
        #expect(abs(ode("M")[1] - ode("M")[2]) > 0.2)
    }

    /// The loss over 6000 reused sequences is e_gen at the same overlaps, and does not depend on how they come in batches.
    @Test func theTrainLossAtTheStart() throws {
        let values: Given = [
            "M0": matrix([[0.4, 0.3], [-0.2, 0.3]]), "Q0": matrix([[1, 0.3], [0.3, 0.9]]), "d": .integer(200),
            "alpha": .real(30), "data": .text("reuse"),
        ]
        let runs = try [8, 30, 6000].map {
            try run(
                "sgd", values.with(["batch_size": .integer($0)]), times: [0],
                observables: ["train_loss", "e_gen", "M", "Q"])
        }
        #expect(largestDifference(runs[0]("M"), [0.4, 0.3, -0.2, 0.3]) < 1e-12)
        #expect(largestDifference(runs[0]("Q"), [1, 0.3, 0.3, 0.9]) < 1e-12)
        for run in runs { #expect(abs(run("train_loss")[0] - runs[0]("train_loss")[0]) < 1e-6) }
        #expect(
            abs(runs[0]("train_loss")[0] / runs[0]("e_gen")[0] - 1) < 0.06,
            "\(runs[0]("train_loss")) \(runs[0]("e_gen"))")
    }

    /// Three steps on a batch before the next one: until then as if there were no other.
    @Test func repeatsStayOnABatch() throws {
        func M(_ alpha: Double, _ repeats: Int, _ step: Double) throws -> [Double] {
            try run(
                "sgd",
                [
                    "d": .integer(100), "alpha": .real(alpha), "data": .text("reuse"), "batch_size": .integer(16),
                    "repeats": .integer(repeats), "step_size": .real(0.1),
                ], times: [step], observables: ["M"])("M")
        }
        #expect(largestDifference(try M(0.32, 3, 3), try M(0.16, 1, 3)) < 1e-5)
        #expect(largestDifference(try M(0.32, 3, 4), try M(0.16, 1, 4)) > 1e-4)
    }

    @Test func threeLayersOfThreeTokensDescend() throws {
        let record = try run(
            "overlap-ode",
            [
                "layers": .integer(3), "L": .integer(3), "M0": vector([0.3, 0.3, 0.3]), "step_size": .real(0.2),
                "mc_samples": .integer(4096),
            ], times: [0, 3], unit: .scaled, observables: ["loss", "overlap"])
        #expect(record("loss")[1] < record("loss")[0] && record("overlap")[5] > 0.3)
    }

    @Test func divergenceIsAnError() throws {
        let values = given(["d": .integer(60), "step_size": .real(1e9)])
        #expect(try harness.divergence("sgd", values, times: [200]) != nil)
    }

    @Test(arguments: [
        ("amp", ["d": .integer(60)] as Given, [0, 1, 3, 6] as [Double], TimeUnit.steps),
        ("state-evolution", ["mc_samples": .integer(64)], [0, 1, 2], .steps),
        ("fixed-point", ["mc_samples": .integer(64), "tolerance": .real(0.3)], [], .steps),
        ("weak-recovery", ["mc_samples": .integer(256)], [], .steps),
        (
            "weak-recovery", ["mc_samples": .integer(256), "layers": .integer(3), "draws": .integer(512)], [],
            .steps
        ),
        ("sgd", ["d": .integer(50), "batch_size": .integer(9)], [0, 3, 40], .steps),
        (
            "sgd", ["d": .integer(50), "alpha": .real(2), "data": .text("reuse"), "batch_size": .integer(30)],
            [0, 0.5, 40], .scaled
        ),
        ("overlap-ode", ["mc_samples": .integer(64), "d": .integer(90)], [0, 0.12, 3.3], .scaled),
    ])
    func runsGoOnFromASavedState(method: String, values: Given, times: [Double], unit: TimeUnit) throws {
        let saves = try harness.savesWithSameBits(
            method, given(values.with(["test_size": .integer(64)])), times: times, unit: unit, rounds: 5)
        #expect(try #require(saves) > 0)
    }

    static let refused = [
        Refusal("amp", given(["Q0": vector([0.1])]), "Q0"), Refusal("amp", given(["Q0": vector([0.1, 1])]), "Q0"),
        Refusal("amp", given(["init": .text("warm")]), "init"),
        Refusal("amp", given(["init": .text("cold"), "Q0": vector([0.1, 0.1])]), "init"),
        Refusal("sgd", given(["M0": vector([0.9, 0.1]), "Q0": vector([0.5, 0.5])]), "M0"),
        Refusal("sgd", given(["Q0": vector([-1, 0.5])]), "Q0"),
        Refusal("sgd", given(["step_size": .real(1), "learning_rate": .real(1)]), "learning_rate"),
        Refusal("sgd", given(["repeats": .integer(2)]), "repeats"),
        Refusal("sgd", given(["weight_decay": .real(1), "l2": .real(1)]), "l2"),
    ]

    @Test(arguments: refused) func whatDoesNotFitIsRefused(_ point: Refusal) {
        #expect(harness.wrongAnswer(to: point) == nil)
    }
}
