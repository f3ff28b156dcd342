import ModelTesting
import Modeling
import SequenceSingleIndex
import Testing

@Suite("What a method reads")
struct ReadingTests {
    private static let base: Given = ["d": .integer(100), "L": .integer(3), "step_size": .real(0.1)]
    private static let matrix: Given = [
        "d": .integer(100), "L": .integer(2), "step_size": .real(0.1), "student": .text("attention"),
        "target": .text("positional_semantic"), "omega": .real(0.3),
    ]
    private static let theories = ["ode", "closed-form", "closed-form-trajectory"]

    private func touched(_ method: String, _ values: Given, unit: TimeUnit = .scaled) throws -> Set<String> {
        try harness.touched(method, values, unit: unit)
    }

    private func read(_ method: String, _ values: Given, unit: TimeUnit = .scaled) throws -> Set<String> {
        try harness.read(method, values, unit: unit)
    }

    @Test func studentsReadWhatIsTheirs() throws {
        let untied = Self.base.with(["student": .text("untied")])
        let attention = Self.base.with(["student": .text("attention")])
        for method in ["sgd", "overlap-chain", "ode"] {
            let tied = try touched(method, Self.base)
            #expect(tied.isSuperset(of: ["d", "L", "step_size", "activation", "target", "eta", "init_scale"]))
            #expect(tied.isDisjoint(with: ["norm_mode", "omega", "a", "U", "reduction", "hermite_terms", "m0", "e0"]))
            #expect(try touched(method, untied) == tied.union(["norm_mode"]))
            let other = try touched(method, attention)
            #expect(other.isSuperset(of: ["reduction", "encoding"]))
            #expect(other.isDisjoint(with: ["activation", "norm_mode", "U", "projection_left", "omega", "a"]))
        }
    }

    /// The same task by another student beside it: its name must not change.
    @Test func aTiedStudentIsTheSameWithAndWithoutANormMode() throws {
        for mode in ["global", "per_token"] {
            let given = Self.base.with(["norm_mode": .text(mode), "student": .text("tied")])
            for method in ["sgd", "overlap-chain", "ode", "closed-form", "closed-form-trajectory"] {
                #expect(harness.differences(method, Self.base, given, unit: .scaled) == [])
            }
        }
    }

    @Test func theNormModeIsReadWhereRowsMayDiffer() throws {
        func reads(_ method: String, _ target: String, _ more: Given = [:]) throws -> Bool {
            let values = Self.base.with(["student": .text("untied"), "target": .text(target)])
            return try read(method, values.with(more)).contains("norm_mode")
        }
        #expect(try reads("ode", "H2sum") && !reads("closed-form", "sqrtz1"))
        #expect(try !reads("closed-form-trajectory", "H2sum"))
        #expect(try reads("closed-form-trajectory", "H2sum", ["m0_vec": vector([0.1, 0.2, 0.3])]))
        #expect(try reads("closed-form-trajectory", "sqrtz1"))
    }

    @Test func theMatrixTargetReadsItsShares() throws {
        for method in ["sgd", "overlap-chain", "ode"] {
            let used = try read(method, Self.matrix)
            #expect(used.isSuperset(of: ["omega", "a", "encoding", "reduction", "loss"]))
            // Without a positional part its strength is nothing.
            #expect(try !read(method, Self.matrix.with(["omega": .real(0)])).contains("a"))
            #expect(try read(method, Self.matrix.with(["omega": .real(1)])).contains("a"))
        }
        // The thresholds in omega depend on a at any omega.
        #expect(try read("closed-form", Self.matrix.with(["omega": .real(0)])).contains("a"))
    }

    @Test func startsReadWhatTheyAreMadeOf() throws {
        func start(_ method: String, _ more: Given) throws -> Set<String> {
            let all: Set<String> = ["init_scale", "random_sign", "m0", "m0_vec", "e0", "e0_vec"]
            return try touched(method, Self.base.with(more)).intersection(all)
        }
        #expect(try start("sgd", [:]) == ["init_scale", "random_sign"])
        #expect(try start("ode", [:]) == ["init_scale"])
        #expect(try start("sgd", ["init": .text("random")]) == [])
        #expect(try start("sgd", ["m0": .real(0.2)]) == ["m0"])
        let untied: Given = ["student": .text("untied"), "init": .text("prescribed")]
        #expect(try start("sgd", untied) == ["m0", "m0_vec"])
        #expect(try start("sgd", untied.with(["m0_vec": vector([0.1, 0, 0])])) == ["m0_vec"])
        let attention: Given = ["student": .text("attention"), "encoding": .text("orthonormal"), "m0": .real(0.1)]
        #expect(try start("sgd", attention) == ["m0", "e0", "e0_vec"])
    }

    @Test func theDimensionIsReadWhereTheoryHasNoLimit() throws {
        let start: Given = ["init_scale": .real(0.2), "eta": .real(0.3)]
        let networks = Self.base.with(start)
        for method in Self.theories {
            // With its start and level given, the limit does not see d; in steps the clock does.
            #expect(try !touched(method, networks).contains("d"))
            let steps = try harness.prepare(method, networks, times: [1], unit: .steps)
            #expect(!steps.readings.contains { $0.name == "d" })
            #expect(steps.touched.contains("d") == (method != "closed-form"))
            #expect(steps.clockReadings.map(\.name) == (method == "closed-form" ? [] : ["d"]))
            // By a derived default it makes an axis and is not in the name.
            for name in ["init_scale", "eta"] {
                let values = networks.filter { $0.key != name }
                #expect(try touched(method, values).contains("d") && !read(method, values).contains("d"))
            }
            // Zeros that noise stands for, and random starts, depend on it.
            #expect(try read(method, networks.with(["init_scale": .real(0)])).contains("d"))
            let random = networks.filter { $0.key != "init_scale" }.with(["init": .text("random")])
            #expect(try read(method, random).contains("d"))
        }
        let attention = Self.matrix.with(start)
        #expect(try read("ode", attention).contains("d"))
        #expect(try !touched("ode", attention.with(["encoding": .text("none")])).contains("d"))
        let prescribed: Given = ["m0": .real(0), "e0": .real(0)]
        let fixed = attention.filter { $0.key != "init_scale" }.with(prescribed)
        #expect(try !touched("ode", fixed).contains("d"))
        // The linear theory of attention at the origin and its phase diagram look at no start.
        #expect(
            try touched("closed-form", Self.matrix).isDisjoint(with: ["d", "eta", "init", "init_scale", "m0", "e0"]))
    }

    @Test func pointsAndTestSetsAreReadWhereTheyAre() throws {
        let attention = Self.base.with(["student": .text("attention")])
        for method in ["ode", "closed-form"] {
            #expect(try !touched(method, Self.base).contains("quadrature_points"))
            #expect(try !touched(method, Self.matrix).contains("quadrature_points"))
            #expect(try !touched(method, attention).contains("quadrature_points"))
            #expect(try touched(method, attention.with(["L": .integer(4)])).contains("quadrature_points"))
            let rough = Self.matrix.with(["loss": .text("frobenius")])
            #expect(try touched(method, rough).contains("quadrature_points"))
            #expect(try !touched(method, Self.base).contains("test_size"))
        }
        for method in ["sgd", "overlap-chain"] {
            let used = try touched(method, Self.matrix.with(["loss": .text("frobenius")]))
            #expect(used.contains("test_size") && !used.contains("quadrature_points"))
        }
    }

    /// Writing any default down, as the reader noted it, changes neither the name nor what is noted.
    @Test(arguments: ["sgd", "overlap-chain", "ode", "closed-form", "closed-form-trajectory"])
    func defaultsMayBeWrittenDown(method: String) throws {
        for (name, values) in cases + [("overlapped attention", Self.matrix)] {
            let values = values.with(["d": .integer(77)])
            guard (try? read(method, values)) != nil else {
                // Not every case has an explicit trajectory.
                #expect(method == "closed-form-trajectory")
                continue
            }
            #expect(harness.changedByWritingDown(method, values, unit: .scaled) == [], "\(name)")
        }
    }

    @Test(arguments: SequenceSingleIndex().methods.map(\.name))
    func everyObservableIsPutAndNoOther(method: String) throws {
        let small: Given = ["d": .integer(50), "quadrature_points": .integer(64), "test_size": .integer(20)]
        let points = cases.map { $0.values.with(small) }.filter { (try? harness.prepare(method, $0)) != nil }
        #expect(harness.observablesNotPut(by: method, at: points, times: [0, 2]) == [])
    }
}
