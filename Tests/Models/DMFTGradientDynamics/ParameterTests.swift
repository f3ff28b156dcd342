import DMFTGradientDynamics
import Dynamics
import Foundation
import ModelTesting
import Modeling
import Testing

@Suite("Gradient dynamics: what is read at a point, and what is refused") struct ParameterTests {
    typealias Method = DMFTGradientDynamics.Method

    private static let base: Given = [
        "alpha": .real(2), "loss": .text("logistic"), "step_size": .real(0.5), "d": .integer(12),
        "mc_samples": .integer(128),
    ]
    private static let attention = base.with([
        "loss": .text("tied-attention"), "L": .integer(2), "teachers": .integer(3), "positions": vector([1, 2]),
        "teacher_gram": matrix([[1, 0.3, -0.2], [0.3, 0.5, 0.1], [-0.2, 0.1, 0.4]]), "beta": .real(1.5),
    ])
    private static let linear = base.with(["loss": .text("linear"), "noise": .real(0.09)])
    private static let persistent: Given = [
        "batch_fraction": .real(0.5), "mask": .text("persistent"), "p_off": .real(0.3), "scaled": .flag(false),
    ]
    /// Every parameter that only some choices look at.
    private static let idle: Given = [
        "mask": .text("persistent"), "p_off": .real(0.3), "scaled": .flag(false), "beta": .real(3),
        "probes": .integer(4), "runs": .integer(3), "tangents": .text("exact"),
    ]
    private static let always: Set<String> = [
        "alpha", "loss", "L", "width", "teachers", "noise", "step_size", "ridge", "spherical",
    ]

    struct Reads: Sendable, CustomTestStringConvertible {
        let method: Method
        let values: Given
        let more: Set<String>

        init(_ method: Method, _ values: Given, _ more: Set<String>) {
            self.method = method
            self.values = values
            self.more = more
        }

        var testDescription: String { "\(method.rawValue): \(more.sorted().joined(separator: ", "))" }
    }

    static let reads = [
        Reads(.gd, base.with(idle), ["d", "runs"]),
        Reads(.gd, base.with(persistent), ["d", "runs"]),
        Reads(.sgd, base, ["d", "runs", "batch_fraction"]),
        Reads(.sgd, base.with(idle), ["d", "runs", "batch_fraction"]),
        Reads(.sgd, base.with(["batch_fraction": .real(0.5)]), ["d", "runs", "batch_fraction", "mask", "scaled"]),
        Reads(.sgd, base.with(persistent), ["d", "runs", "batch_fraction", "mask", "scaled", "p_off"]),
        Reads(
            .sgd, base.with(persistent).with(["mask": .text("epoch")]),
            ["d", "runs", "batch_fraction", "mask", "scaled"]),
        Reads(.sgd, attention, ["d", "runs", "batch_fraction", "beta", "positions"]),
        Reads(.dmft, base, ["batch_fraction", "mc_samples", "tangents", "probes"]),
        Reads(.dmft, base.with(idle), ["batch_fraction", "mc_samples", "tangents"]),
        Reads(
            .dmft, base.with(persistent),
            ["batch_fraction", "mask", "scaled", "p_off", "mc_samples", "tangents", "probes"]),
        Reads(.dmft, attention, ["batch_fraction", "mc_samples", "tangents", "probes", "beta", "positions"]),
        Reads(.onePass, base.with(idle), ["batch_fraction"]),
        Reads(.onePass, base.with(persistent), ["batch_fraction", "scaled"]),
        Reads(.onePass, attention, ["batch_fraction", "beta", "positions"]),
        Reads(.closedForm, linear.with(idle), ["batch_fraction"]),
        Reads(
            .closedForm, linear.with(persistent).with(["mask": .text("bernoulli")]),
            ["batch_fraction", "mask", "scaled"]),
    ]

    private func prepare(_ method: Method, _ values: Given) throws -> PreparedPoint {
        try harness.prepare(method.rawValue, values)
    }

    @Test(arguments: reads) func nothingElseIsRead(_ item: Reads) throws {
        let point = try prepare(item.method, item.values)
        var expected = Self.always.union(item.more).union(["init_scale", "init_overlap"])
        expected.insert(item.values["teacher_gram"] == nil ? "teacher_norm" : "teacher_gram")
        #expect(Set(point.readings.map(\.name)) == expected)
        // Whether these are given is looked at.
        #expect(Set(point.touched) == expected.union(["init_gram", "M0", "teacher_gram", "positions"]))
    }

    /// All plain defaults, and all values that the model works out itself.
    @Test(arguments: reads) func writingDefaultsDownChangesNoName(_ item: Reads) throws {
        let method = item.method.rawValue
        let plain: Given = harness.model.parameters.reduce(into: [:]) { plain, spec in
            if case .value(let value) = spec.defaultValue { plain[spec.name] = value }
        }
        #expect(harness.differences(method, item.values, plain.with(item.values)) == [])
        #expect(harness.changedByWritingDown(method, item.values) == [])
    }

    @Test func aDeviationIsANoise() throws {
        let values = Self.linear.filter { $0.key != "noise" }
        let (variance, deviation): (Given, Given) = (["noise": .real(0.09)], ["noise_std": .real(0.3)])
        #expect(harness.differences("dmft", values.with(variance), values.with(deviation)) == [])
    }

    /// A matrix with the number on its diagonal is the same start, of the same bits.
    @Test func matricesStandForNumbers() throws {
        let numbers: Given = ["init_scale": .real(0.5), "init_overlap": .real(0.2), "teacher_norm": .real(1.5)]
        let arrays: Given = ["init_gram": matrix([[0.5]]), "M0": matrix([[0.2]]), "teacher_gram": matrix([[1.5]])]
        let runs = try [numbers, arrays].map {
            try harness.run("gd", Self.base.with($0), times: [0, 3], unit: .steps)("overlap")
        }
        #expect(runs[0] == runs[1] && runs[0][0] != runs[0][1])
    }

    /// sgd at batch_fraction 1 is one task, alone or in a grid with other fractions, for which mask and scaled matter.
    @Test(arguments: [Method.sgd, .dmft]) func fullBatchesHaveNoMask(method: Method) throws {
        let alone = try prepare(method, Self.base.with(["batch_fraction": .real(1)]))
        let inGrid = try prepare(method, Self.base.with(Self.idle).with(["batch_fraction": .real(1)]))
        let names = Set(alone.readings.map(\.name)).subtracting(["runs", "tangents", "probes"])
        #expect(alone.readings.filter { names.contains($0.name) } == inGrid.readings.filter { names.contains($0.name) })
        #expect(names.isDisjoint(with: ["mask", "p_off", "scaled"]))
    }

    @Test(arguments: Method.allCases) func everyObservableIsPut(method: Method) throws {
        let values = (method == .closedForm ? Self.linear : Self.attention).with(["mc_samples": .integer(4096)])
        #expect(harness.observablesNotPut(by: method.rawValue, at: [values], times: [0, 2]) == [])
        let record = try harness.run(method, values, times: [0, 2])
        #expect(record.sink.buffers.joined().allSatisfy { !$0.isNaN })
    }

    @Test func timesInTAreSteps() throws {
        let values = Self.base.with(["step_size": .real(0.3)])
        for method in [Method.gd, .dmft, .onePass] {
            let steps = try harness.run(method.rawValue, values, times: [0, 1, 5], unit: .steps)
            let scaled = try harness.run(method.rawValue, values, times: [0, 0.3, 1.6], unit: .scaled)
            #expect(scaled("steps") == [0, 1, 5] && scaled("t") == [0, 0.3, 1.5])
            #expect(scaled("overlap") == steps("overlap"))
        }
        let still = Self.base.with(["step_size": .real(0)])
        #expect(throws: ModelError.self) { try harness.prepare("gd", still, times: [1], unit: .scaled) }
    }

    private static let pair = base.with(["loss": .text("token-average"), "width": .integer(2)])
    private static let sequences: Given = [
        "alpha": .real(2), "loss": .text("tied-attention"), "step_size": .real(0.1),
    ]

    /// Points over ``base`` that a method refuses.
    private static func refusal(_ method: Method, _ values: Given, _ parameter: String, _ words: String) -> Refusal {
        Refusal(method.rawValue, base.with(values), parameter, words)
    }

    static let refused = [
        refusal(.gd, ["noise": .real(0.1)], "noise", "label noise is part of the linear loss only"),
        refusal(.gd, ["noise_std": .real(0.1)], "noise", "label noise is part of the linear loss only"),
        refusal(.gd, ["width": .integer(2)], "loss", "logistic has one token and one student column"),
        refusal(.gd, pair.with(["spherical": .flag(true)]), "spherical", "is for one student column"),
        refusal(.gd, pair.with(["init_gram": matrix([[1]])]), "init_gram", "must have 2 rows of 2, not 1 x 1"),
        refusal(.gd, pair.with(["teachers": .integer(2)]), "teachers", "token-average has one teacher column"),
        refusal(
            .gd, ["init_gram": matrix([[1]]), "init_scale": .real(1)], "init_gram", "stands in place of init_scale"),
        refusal(.gd, ["M0": matrix([[1]]), "init_overlap": .real(1)], "M0", "stands in place of init_overlap"),
        refusal(
            .gd, ["teacher_gram": matrix([[1]]), "teacher_norm": .real(1)], "teacher_gram",
            "stands in place of teacher_norm"),
        refusal(
            .gd, ["teacher_gram": matrix([[-1]])], "init_scale", "Q* is not symmetric and positive definite"),
        refusal(.gd, ["init_overlap": .real(1.1)], "init_scale", "does not fit"),
        refusal(.gd, ["positions": vector([0])], "positions", "leave no teacher column"),
        refusal(.gd, ["positions": vector([0]), "teachers": .integer(2)], "positions", "must be the last columns"),
        refusal(
            .gd, ["positions": vector([1, 1]), "teachers": .integer(2)], "positions",
            "must be 1 teacher columns from 0 to 1"),
        refusal(
            .gd, ["d": .integer(2), "teachers": .integer(2), "positions": vector([1])], "d", "must be at least 3"),
        refusal(
            .sgd, ["mask": .text("epoch"), "batch_fraction": .real(0.3)], "mask", "1/m for a whole m, not 0.3"),
        refusal(.sgd, ["mask": .text("epoch"), "batch_fraction": .real(1e-300)], "mask", "1/m for a whole m"),
        refusal(
            .dmft, ["mask": .text("persistent"), "batch_fraction": .real(0.3)], "mask", "persistent needs p_off"),
        refusal(
            .dmft, ["mask": .text("persistent"), "batch_fraction": .real(0.9), "p_off": .real(0.5)], "mask",
            "would have p_on = 4.5"),
        Refusal("gd", sequences.with(["d": .integer(4), "width": .integer(3), "teachers": .integer(2)]), "d"),
        Refusal("gd", sequences.with(["init_overlap": .real(1.01)]), "init_scale"),
        Refusal("gd", sequences.with(["loss": .text("phase"), "L": .integer(2)]), "loss"),
    ]

    @Test(arguments: refused) func whatDoesNotFitIsRefusedWithItsReason(_ point: Refusal) {
        #expect(harness.wrongAnswer(to: point) == nil)
    }

    @Test func whatJustFitsRuns() throws {
        for values: Given in [
            ["d": .integer(5), "width": .integer(3), "teachers": .integer(2)],
            // gd has no batches, whatever their parameters say.
            ["d": .integer(9), "mask": .text("persistent"), "batch_fraction": .real(0.3)],
        ] { _ = try harness.run(.gd, Self.sequences.with(values), times: [1]) }
    }

    /// The engine compares the cost with the machine's memory before a run is made.
    @Test(arguments: Method.allCases) func costsOfWhatNobodyCanRunAreNumbers(method: Method) throws {
        let huge = (method == .closedForm ? Self.linear : Self.attention.with(["L": .integer(2)])).with([
            "alpha": .real(1000), "d": .integer(1_000_000), "mc_samples": .integer(100_000_000),
            "runs": .integer(1024), "batch_fraction": .real(0.5),
        ])
        for values in [huge, huge.with(["tangents": .text("exact")])] {
            let cost = try harness.prepare(method.rawValue, values, times: [4e18]).cost()
            #expect(cost.seconds > 1 && cost.seconds.isFinite)
            switch method {
            case .gd, .sgd: #expect(Double(cost.memory) > 8e15)
            case .dmft: #expect(Double(cost.memory) > 1e15)
            case .onePass, .closedForm: #expect(cost.memory < 1 << 30)
            }
        }
    }
}
