import ModelTesting
import Modeling
import SingleLocationRegression
import Testing

@Suite("Single-location regression: parameters, outcomes, resuming")
struct ParameterTests {
    private static let descents = ["pgd", "reduced-pgd", "gradient-flow"]
    private static let timed = descents + ["sgd", "overlap-chain"]
    private static let methods = timed + ["closed-form"]

    static let bad: [(values: Given, name: String, words: String)] = [
        (["noise": .real(0.1), "noise_std": .real(0.3)], "noise_std", "give one of the two"),
        (["init": .text("sphere"), "kappa0": .real(0.1)], "kappa0", "init: overlaps only"),
        (["init": .text("manifold"), "rho0": .real(0)], "rho0", "init: overlaps only"),
        (["init": .text("manifold"), "init_scale": .real(0.1)], "init_scale", "give kappa0"),
        (["init_scale": .real(0.1)], "init_scale", "give kappa0"),
        (["kappa0": .real(0.9), "eta0": .real(0.9)], "kappa0", "kappa^2 + eta^2"),
        (["nu0": .real(0.9), "theta0": .real(0.9)], "kappa0", "theta^2 + nu^2"),
        (["kappa0": .real(1), "nu0": .real(1), "rho0": .real(0.1)], "kappa0", "no unit vectors"),
        (["kappa0": .real(0.5), "init_scale": .real(3)], "kappa0", "kappa^2 + eta^2"),
    ]

    static let refused = bad.flatMap { values, name, words in
        // Descent of the population risk knows no noise.
        methods.filter { values["noise"] == nil || !descents.contains($0) }
            .map { Refusal($0, given([], values), name, words) }
    }

    @Test(arguments: refused) func whatDoesNotFitIsRefused(_ point: Refusal) {
        #expect(harness.wrongAnswer(to: point) == nil)
    }

    /// What memory does not hold is left to the engine, by its cost; a quadrature that takes too long is refused.
    @Test func sizesThatDoNotFit() throws {
        for (method, values) in [
            ("pgd", ["d": ParameterValue.integer(1_000_000_000_000)]), ("sgd", ["d": .integer(1_000_000_000)]),
            ("overlap-chain", ["L": .integer(1_000_000), "batch_size": .integer(1_000_000)]),
        ] as [(String, Given)] {
            #expect(
                try harness.prepare(method, given([], values), times: [1]).cost().memory > 30_000_000_000, "\(method)")
        }
        #expect(throws: ModelError.self) {
            try harness.run(
                "reduced-pgd", given([], ["attention": .text("softmax"), "lambda0": .real(1e5)]), times: [1])
        }
    }

    @Test func prescribedStartsAndScales() throws {
        let q = [0.3, -0.2, 0.1, 0.15, 0.25]
        for method in Self.timed {
            let start = try harness.run(method, given(q), times: [0]).overlaps(0)
            #expect(largestDifference(start, q) < 1e-14, "\(method)")
            let scaled = try harness.run(method, given(q, ["init_scale": .real(0.5)]), times: [0]).overlaps(0)
            #expect(largestDifference(scaled, q.map { 0.5 * $0 }) < 1e-14, "\(method)")
        }
        // Ends of the range: no frame vector is left to divide by.
        for q in [[1, 1, 0, 0, 0], [0, 0, 1, 1, 0], [1, 0, 1, 0, 1], [-1, 0.5, 0, 0, 0]] as [[Double]] {
            for method in ["pgd", "overlap-chain", "sgd"] {
                let record = try harness.run(method, given(q), times: [0, 3])
                #expect(largestDifference(record.overlaps(0), q) < 1e-14)
                #expect(record.overlaps(1).allSatisfy { abs($0) <= 1 + 1e-12 })
            }
        }
    }

    @Test func outcomes() throws {
        for (q, oracle, swapped) in [
            ([0.9, 0.95, 0, 0, 0], 1.0, 0.0), ([-0.6, -0.95, 0, 0, 0], 1, 0), ([0.4, 0.95, 0, 0, 0], 0, 0),
            ([0.1, 0.1, 0.6, -0.95, 0], 0, 1),
        ] as [([Double], Double, Double)] {
            let record = try harness.run("reduced-pgd", given(q), times: [0])
            #expect(record("is_oracle") == [oracle] && record("is_swapped") == [swapped])
        }
        for method in SingleLocationRegression().methods where method.isTimed {
            for end in ["oracle", "swapped"] {
                #expect(
                    method.observables.contains {
                        $0.name == "frac_" + end && $0.aggregate == .seedMean(of: "is_" + end)
                    })
            }
        }
    }

    @Test(arguments: methods, AttentionKind.allCases)
    func runsGoOnFromASavedState(method: String, attention: AttentionKind) throws {
        let isSlow = Self.descents.contains(method) && attention == .softmax
        let values = given(
            [],
            [
                "d": .integer(37), "L": .integer(3), "lambda_increment": .real(1e-3), "bayes_samples": .integer(100),
                "attention": .text(attention.rawValue),
            ])
        let times: [Double] = isSlow ? [0, 1, 6, 40] : [0, 1, 2, 700, 3000]
        let saves = try harness.savesWithSameBits(method, values, times: times, unit: .steps, rounds: 4)
        #expect(try #require(saves) > (method == "closed-form" ? 1 : 8))
    }

    // MARK: What is read

    /// A value of every parameter that may go together with others.
    private static let everything = given(
        [],
        [
            "gamma": .real(0.8), "noise": .real(0.1), "attention": .text("erf"), "lambda_increment": .real(1e-3),
            "batch_size": .integer(3), "init": .text("manifold"), "bayes_samples": .integer(100),
        ])

    /// The parameters that `method` looks at, when times are in its own unit.
    private func touched(_ method: String, _ more: Given = [:], unit: TimeUnit? = nil) throws -> Set<String> {
        let own: TimeUnit = method == "gradient-flow" ? .scaled : .steps
        return try harness.touched(method, Self.everything.with(more), unit: unit ?? own)
    }

    @Test func everyMethodReadsWhatItDependsOn() throws {
        let always: Set = ["d", "L", "gamma", "attention", "lambda0", "init"]
        let descent = always.union(["lambda_increment", "step_size"])
        for method in Self.descents { #expect(try touched(method) == descent, "\(method)") }
        for method in ["sgd", "overlap-chain"] {
            #expect(try touched(method) == descent.union(["noise", "batch_size"]), "\(method)")
        }
        #expect(try touched("closed-form") == always.union(["noise", "bayes_samples"]))
    }

    @Test func flowReadsItsStepForStepsAndSchedulesOnly() throws {
        let fixed: Given = ["lambda_increment": .real(0)]
        #expect(try !touched("gradient-flow", fixed).contains("step_size"))
        #expect(try touched("gradient-flow", fixed, unit: .steps).contains("step_size"))
        #expect(try touched("reduced-pgd", fixed).contains("step_size"))
        // A flow in t has the same name as one in steps, and steps only where something says what a step is.
        let points = try [TimeUnit.scaled, .steps].map {
            try harness.prepare("gradient-flow", Self.everything.with(fixed), times: [1], unit: $0)
        }
        #expect(points[0].readings == points[1].readings && points[1].clockReadings.map(\.name) == ["step_size"])
        let inTime = try harness.run("gradient-flow", given([0.1]), times: [1], unit: .scaled)
        #expect(inTime("steps")[0].isNaN && inTime("t") == [1])
        let scheduled = given([0.1], ["lambda_increment": .real(1e-4)])
        #expect(abs(try harness.run("gradient-flow", scheduled, times: [1], unit: .scaled)("steps")[0] - 250) < 1e-9)
    }

    @Test func bayesSamplesAreReadWithoutAQuadrature() throws {
        #expect(try !touched("closed-form", ["gamma": .real(1)]).contains("bayes_samples"))
        #expect(try touched("closed-form", ["gamma": .real(1), "d": .integer(1_000_000)]).contains("bayes_samples"))
    }

    @Test func prescribedOverlapsAreReadTogether() throws {
        let overlaps = Set(overlapNames.map { $0 + "0" } + ["init_scale"])
        for method in Self.methods {
            #expect(try touched(method, ["init": .text("overlaps")]).isSuperset(of: overlaps))
            #expect(try touched(method).isDisjoint(with: overlaps))
            #expect(try touched(method, ["init": .text("sphere")]).isDisjoint(with: overlaps))
        }
    }

    /// A task keeps its name when defaults are written down, plain ones and those that follow from others.
    @Test(arguments: methods) func defaultsMayBeWrittenDown(method: String) throws {
        let plain: Given = [
            "gamma": .real(0.5.squareRoot()), "noise": .real(0), "attention": .text("erf"),
            "lambda_increment": .real(0), "batch_size": .integer(5), "bayes_samples": .integer(20000),
        ]
        let more: Given = [
            "init": .text("overlaps"), "init_scale": .real(1), "nu0": .real(0), "theta0": .real(0), "eta0": .real(0),
            "rho0": .real(0),
        ]
        for (values, defaults) in [
            (given(), plain.with(["init": .text("sphere")])), (given([0.1]), plain.with(more)),
            (given([], ["noise": .real(0.25)]), ["noise_std": .real(0.5)]),
        ] {
            for (name, value) in defaults {
                let others = name == "noise_std" ? values.filter { $0.key != "noise" } : values
                #expect(harness.differences(method, values, others.with([name: value])) == [], "\(name)")
            }
        }
        // What is not given is the same draw as what is.
        let implied = try harness.run(method, given([0.1]), times: [20])
        let written = try harness.run(method, given([0.1], plain.with(more)), times: [20])
        #expect(implied.sink.buffers.map { $0.map(\.bitPattern) } == written.sink.buffers.map { $0.map(\.bitPattern) })
    }

    @Test(arguments: methods) func everyObservableIsPut(method: String) throws {
        let values = given([], ["bayes_samples": .integer(100)])
        #expect(harness.observablesNotPut(by: method, at: [values], times: [0, 3]) == [])
    }
}
