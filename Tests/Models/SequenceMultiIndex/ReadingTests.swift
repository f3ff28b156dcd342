import ModelTesting
import Modeling
import SequenceMultiIndex
import Testing

/// What each method reads of a point, and puts of its observables.
@Suite struct ReadingTests {
    private func read(_ method: String, _ values: Given, unit: TimeUnit = .steps) throws -> Set<String> {
        try harness.read(method, given(values), unit: unit)
    }
    private func touched(_ method: String, _ values: Given, unit: TimeUnit = .steps) throws -> Set<String> {
        try harness.touched(method, given(values), unit: unit)
    }

    private static let bayesian: Set<String> = [
        "L", "layers", "skip", "alpha", "reg", "init", "init_scale", "damping", "test_size",
    ]
    private static let descent: Set<String> = [
        "L", "layers", "skip", "step_size", "weight_decay", "test_size",
    ]

    private static let names: [(method: String, names: Set<String>)] = [
        ("amp", bayesian.union(["d", "jacobian", "tolerance"])),
        ("state-evolution", bayesian.union(["mc_samples"])),
        ("fixed-point", bayesian.union(["mc_samples", "tolerance", "max_iterations"])),
        ("weak-recovery", ["L", "layers", "skip", "reg", "mc_samples"]),
        ("branch", ["L", "layers", "skip", "reg", "mc_samples", "test_size", "q_last"]),
        ("sgd", descent.union(["d", "data", "batch_size", "repeats", "init_scale"])),
        ("overlap-ode", descent.union(["M0", "Q0", "mc_samples", "dt"])),
    ]

    @Test(arguments: names)
    func aTaskIsNamedByWhatItReads(method: String, names: Set<String>) throws {
        #expect(try read(method, [:]) == names)
    }

    /// One layer has neither a skip connection nor draws, two layers with two tokens have no draws; all alike in any grid.
    @Test(arguments: ["amp", "state-evolution", "fixed-point", "weak-recovery", "branch"])
    func theChannelReadsDrawsWhereItHasAny(method: String) throws {
        let three: Given = ["layers": .integer(3)]
        let some: Given = ["draws": .integer(64), "skip": .real(0.5)]
        for (values, reads) in [
            (["layers": .integer(1), "L": .integer(3)] as Given, [false, false]), ([:], [true, false]),
            (["L": .integer(3)], [true, true]), (three, [true, true]),
        ] {
            let names = try touched(method, values.with(some))
            #expect(names.contains("skip") == reads[0] && names.contains("draws") == reads[1], "\(values)")
        }
    }

    @Test func oneLayerHasAClosedFormWithoutReg() throws {
        let one: Given = ["layers": .integer(1), "mc_samples": .integer(64)]
        #expect(try !touched("weak-recovery", one).contains("mc_samples"))
        #expect(try touched("weak-recovery", one.with(["reg": .real(0.1)])).contains("mc_samples"))
    }

    @Test(arguments: ["amp", "state-evolution", "fixed-point"]) func startsReadWhatTheyAreMadeOf(method: String) throws
    {
        let Q0: Given = ["Q0": vector([0.1, 0.2])]
        #expect(try read(method, Q0).isSuperset(of: ["Q0", "init"]) && !read(method, Q0).contains("init_scale"))
        let informed: Given = ["init": .text("informed"), "init_scale": .real(0.2)]
        #expect(try touched(method, informed).isDisjoint(with: ["init_scale", "Q0", "M0"]))
    }

    @Test func freshSequencesAreNotCounted() throws {
        #expect(try !touched("sgd", [:]).contains("alpha"))
        #expect(try touched("sgd", ["data": .text("reuse")]).contains("alpha"))
    }

    /// The size of vectors enters the theory through defaults, other units and the job's time alone.
    @Test func theODEReadsTheDimensionWhereItMustKnowIt() throws {
        let whole: Given = ["M0": vector([0.1, 0.2]), "Q0": vector([0.5, 0.5])]
        func names(_ values: Given, _ unit: TimeUnit = .scaled) throws -> Set<String> {
            try touched("overlap-ode", whole.with(values), unit: unit).intersection(["d", "batch_size"])
        }
        #expect(try names([:]) == [] && names(["step_size": .real(0.1)]) == [])
        #expect(try names(["learning_rate": .real(15)]) == ["d"] && names(["l2": .real(0.1)]) == ["d", "batch_size"])
        #expect(try names([:], .steps) == ["d", "batch_size"])
        #expect(try touched("overlap-ode", [:], unit: .scaled).contains("d"))
        #expect(try !touched("overlap-ode", whole, unit: .scaled).contains("init_scale"))
        // Nothing of this is in the name.
        #expect(try !read("overlap-ode", ["learning_rate": .real(15), "l2": .real(0.1)]).contains("d"))
    }

    /// Writing a default down, or the same in other units, leaves the task the same.
    @Test(arguments: [
        ("amp", [:] as Given, ["init": .text("cold"), "init_scale": .real(0.1), "tolerance": .real(0)] as Given),
        ("amp", ["Q0": vector([0.1, 0.2])], ["init": .text("warm"), "damping": .real(0), "jacobian": .flag(true)]),
        (
            "amp", ["layers": .integer(1)],
            ["skip": .real(7), "draws": .integer(99), "M0": vector([0.1]), "q_last": .real(0.1)]
        ),
        (
            "state-evolution", [:],
            [
                "init_scale": .real(0.05.squareRoot()), "mc_samples": .integer(8192), "draws": .integer(16),
                "d": .integer(9),
            ]
        ),
        (
            "fixed-point", [:],
            ["tolerance": .real(1e-4), "max_iterations": .integer(500), "reg": .real(0), "test_size": .integer(32768)]
        ),
        ("weak-recovery", [:], ["mc_samples": .integer(32768), "alpha": .real(3), "test_size": .integer(64)]),
        ("branch", [:], ["mc_samples": .integer(8192), "skip": .real(1), "init_scale": .real(1)]),
        (
            "sgd", [:],
            [
                "init_scale": .real(0.9), "step_size": .real(0.03), "weight_decay": .real(0), "repeats": .integer(1),
                "data": .text("fresh"), "alpha": .real(9), "reg": .real(1),
            ]
        ),
        (
            "sgd", ["step_size": .real(0.25), "weight_decay": .real(0.5), "batch_size": .integer(4)],
            ["step_size": .real(0.25), "l2": .real(0.5 * 4 / 0.25 / 1000), "batch_size": .integer(4)]
        ),
        ("sgd", ["step_size": .real(0.25)], ["learning_rate": .real(250)]),
        ("sgd", ["M0": vector([0.1, 0.2])], ["Q0": vector([0.81, 0.81])]),
        (
            "overlap-ode", ["d": .integer(100)],
            [
                "M0": vector([0.09, 0.09]), "Q0": vector([0.81, 0.81]), "mc_samples": .integer(32768),
                "dt": .real(0.05),
            ]
        ),
    ])
    func writingDefaultsDownChangesNothing(method: String, values: Given, more: Given) throws {
        var all = values.with(more)
        if more["l2"] != nil { all["weight_decay"] = nil }
        if more["learning_rate"] != nil { all["step_size"] = nil }
        #expect(harness.differences(method, given(values), given(all)) == [])
    }

    @Test(arguments: SequenceMultiIndex().methods.map(\.name)) func whatIsDeclaredIsPut(method: String) throws {
        let small: Given = [
            "d": .integer(20), "test_size": .integer(64), "mc_samples": .integer(64), "tolerance": .real(0.3),
            "Q0": vector([0.1, 0.2]), "data": .text("reuse"), "alpha": .real(2),
        ]
        let values = given(method == "weak-recovery" ? ["mc_samples": .integer(512)] : small)
        #expect(harness.observablesNotPut(by: method, at: [values], times: [0, 1]) == [])
    }

    @Test func overlapsCannotBeImposedInTooFewDimensions() throws {
        let values: Given = ["M0": vector([0.1, 0.1]), "d": .integer(3)]
        #expect(harness.wrongAnswer(to: Refusal("sgd", given(values), "d")) == nil)
        _ = try harness.prepare("sgd", given(values.with(["d": .integer(4)])))
    }
}
