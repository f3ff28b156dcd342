import Modeling
import Sweep
import Testing

@Suite("A grid can grow")
struct GridMapTests {
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }
    }

    /// Random jobs, and random extensions: values put in anywhere, scalars become axes, axes change places.
    @Test(arguments: 0..<40) func `every old task is found by its identity`(number: Int) throws {
        var random = Generator(state: UInt64(number))
        let pool: [(name: String, values: [String])] = [
            ("L", ["1", "2", "3", "4", "5", "6"]), ("bias", ["-1", "0", "0.5", "1e-3", "7"]),
            ("noise", ["0", "0.1", "0.2", "3"]), ("student", ["tied", "untied"]), ("random_sign", ["yes", "no"]),
        ]
        var (old, new) = ([String](), [String]())
        for (name, values) in pool {
            let all = values.shuffled(using: &random)
            let before = Int.random(in: 1...all.count, using: &random)
            let kept = all.prefix(before)
            let added = all.dropFirst(before).prefix(Int.random(in: 0...2, using: &random))
            func line(_ values: [String]) -> String {
                let isList = values.count > 1 || Bool.random(using: &random)
                return "  \(name): " + (isList ? "[\(values.joined(separator: ", "))]" : values[0])
            }
            old.append(line(Array(kept)))
            new.append(line((kept + added).shuffled(using: &random)))
        }
        let fixed = "  d: 100\n  step_size: {expr: \"0.1 * L\"}\n"
        let (first, last) = (Int.random(in: 0...2, using: &random), Int.random(in: 3...5, using: &random))
        let before = try job(
            BadJob.having(fixed + old.joined(separator: "\n")) + "seeds: {count: \(last - 2), base: 2}\n")
        let after = try job(
            BadJob.having(new.shuffled(using: &random).joined(separator: "\n") + "\n" + fixed)
                + "seeds: {count: \(last - first + 1), base: \(first)}\n")
        #expect(after.incompatibilities(with: before) == [])
        let (one, other) = (before.grids[0], after.grids[0])
        let map = GridMap(from: one, to: other)
        for point in 0..<one.pointCount {
            let place = try #require(map.points(point).first)
            #expect(other.point(at: place) == one.point(at: point))
            for seed in 0..<one.seedCount {
                let its = try #require(map.seed(seed))
                #expect(try other.identity(point: place, seed: its) == one.identity(point: point, seed: seed))
            }
        }
        // Back again, exactly the old points are found.
        let back = GridMap(from: other, to: one)
        #expect(Set((0..<other.pointCount).flatMap(back.points)).count == one.pointCount)
        #expect((0..<other.seedCount).compactMap(back.seed).count == one.seedCount)
        if other.pointCount > one.pointCount { #expect(!before.incompatibilities(with: after).isEmpty) }
    }

    @Test func `a default that becomes an axis, an axis that becomes an expression`() throws {
        let old = try job(BadJob.adding("  L: [1, 2]\n  bias: [2, 4]\nzip: [[L, bias]]"))
        let new = try job(BadJob.adding("  noise: [1, 0]\n  L: [1, 2, 3]\n  bias: {expr: \"2 * L\"}"))
        #expect(new.incompatibilities(with: old) == [])
        let map = GridMap(from: old.grids[0], to: new.grids[0])
        #expect((0..<2).map(map.points) == [[3], [4]])
        let other = try job(BadJob.adding("  L: [1, 2, 3]\n  bias: {expr: \"L ^ 2 + 1\"}"))
        #expect(
            other.incompatibilities(with: old) == [
                "grid of method 'sgd': 1 point of the file is not in the job (the expression of bias or the axes give "
                    + "other values)"
            ])
    }

    /// Only an untied student reads `norm_mode`.
    @Test func `a point has a place beside each value of an axis that does not matter there`() throws {
        let old = try job(BadJob.adding("  L: [1, 2]"))
        let new = try job(
            BadJob.adding("  norm_mode: [token, global]\n  student: [untied, tied]\n  L: [2, 1]"))
        #expect(new.incompatibilities(with: old) == [])
        let map = GridMap(from: old.grids[0], to: new.grids[0])
        #expect((0..<2).map(map.points) == [[3, 7], [2, 6]])
        let back = GridMap(from: new.grids[0], to: old.grids[0])
        #expect((0..<8).map(back.points) == [[], [], [1], [0], [], [], [1], [0]])
    }

    /// Large grids are mapped by value where all points read all axes, and by name where not.
    @Test(arguments: [false, true]) func `large grids`(isTied: Bool) throws {
        func parameters(_ bias: String, _ norms: String) -> String {
            "  step_size: {logspace: [0.01, 1, 20]}\n  d: {range: [10, 29, 1]}\n  bias: \(bias)\n"
                + "  norm_mode: \(norms)\n  student: [\(isTied ? "tied, " : "")untied]\n"
        }
        let old = try job(BadJob.having(parameters("{linspace: [-1, 1, 21]}", "[global]"))).grids[0]
        let new = try job(
            BadJob.having(
                parameters("[7, {values}]", "[token, global]").replacingOccurrences(
                    "{values}", (0...20).map { "\(-1 + 0.1 * Double($0))" }.joined(separator: ", ")))
        ).grids[0]
        #expect(old.pointCount > 4096)
        let map = GridMap(from: old, to: new)
        for point in stride(from: 0, to: old.pointCount, by: 97) {
            let found = map.points(point)
            let tied = old.point(at: point)["student"] == .text("tied")
            // A bias of linspace need not be the same number as the one written here.
            if found.isEmpty { continue }
            #expect(found.count == (tied ? 2 : 1))
            for place in found {
                #expect(try new.identity(point: place, seed: 0) == old.identity(point: point, seed: 0))
            }
        }
        #expect((0..<old.pointCount).count { !map.points($0).isEmpty } > old.pointCount / 3)
    }

    static let base = """
        model: toy
        methods: [sgd, ode]
        parameters:
          d: 100
          L: [2, 4, 8]
          step_size: 0.1
          noise: [0, 1]
        seeds: 4
        record: {times: [1, 10, 100], observables: [overlap]}
        """

    /// A text that is replaced in the job, and what then forbids to go on.
    struct Change: Sendable, CustomTestStringConvertible {
        let old: String
        let new: String
        let expected: [String]

        init(_ old: String, _ new: String, _ expected: [String]) {
            self.old = old
            self.new = new
            self.expected = expected
        }

        var testDescription: String { "\(old) -> \(new)" }
    }

    static let changes: [Change] = [
        Change("[2, 4, 8]", "[2, 4, 6]", ["axis 'L': the file has 8, the job does not"]),
        Change("[2, 4, 8]", "2", ["axis 'L': the file has 4, 8, the job does not"]),
        Change("step_size: 0.1", "step_size: 0.2", ["parameter 'step_size': the file has 0.1, the job has 0.2"]),
        Change(
            "step_size: 0.1", "step_size: [0.2, 0.3]", ["parameter 'step_size': the file has 0.1, the job has 0.2, 0.3"]
        ),
        Change("step_size: 0.1", "step_size: [0.2, 0.1]", []),
        Change(
            "step_size: 0.1", "step_size: 0.1\n  mixing: 0.2", ["parameter 'mixing': the file has 0.5, the job has 0.2"]
        ),
        Change("step_size: 0.1", "step_size: 0.1\n  mixing: 0.5\n  bias: [0, 9]", []),
        Change(
            "d: 100", "d: 100\n  init_scale: 1", ["parameter 'init_scale': the job has 1, the file does not have it"]),
        Change("seeds: 4", "seeds: 3", ["seeds: the file has 4 from 0, the job has 3 from 0"]),
        Change("seeds: 4", "seeds: {count: 4, base: 1}", ["seeds: the file starts at 0, the job at 1"]),
        Change("seeds: 4", "seeds: 9", []),
        Change("seeds: 4", "seeds: {sem: {overlap: 0.1}, max: 20}", []),
        Change("1, 10, 100]", "1, 10]", ["record.times: the file has 3 from 1 to 100, the job has 2 from 1 to 10"]),
        Change(
            "1, 10, 100]", "1, 11, 100]",
            ["record.times: the file has 3 from 1 to 100, the job has as many with other values between"]),
        Change(
            "100], obs", "100], time_unit: t, obs",
            ["record.time_unit: the file has steps, the job has t"]),
        Change(
            "[overlap]", "[test_loss]",
            [
                "observable 'overlap' of method 'sgd': the file has it, the job does not",
                "observable 'test_loss' of method 'sgd': the job asks for it, the file does not have it",
                "observable 'overlap' of method 'ode': the file has it, the job does not",
                "observable 'test_loss' of method 'ode': the job asks for it, the file does not have it",
            ]),
        Change("[sgd, ode]", "[sgd]", ["method 'ode': the file has it, the job does not"]),
        Change("[sgd, ode]", "[ode, sgd]", []),
        Change("seeds", "name: x\noutput: b.h5\nlimits: {tasks: 1000}\nfigure: {x: L}\nseeds", []),
        Change(
            "seeds", "where: \"L * noise < 8\"\nseeds",
            [
                "where: the job leaves out 1 point of method 'sgd' that the file has",
                "where: the job leaves out 1 point of method 'ode' that the file has",
            ]),
        Change("seeds", "where: \"L > 0\"\nseeds", []),
    ]

    @Test(arguments: changes)
    func `what forbids to go on is said`(change: Change) throws {
        let before = try job(Self.base)
        let after = try job(Self.base.replacingOccurrences(change.old, change.new))
        #expect(after.incompatibilities(with: before) == change.expected)
    }

    @Test func `zipping what was a full grid loses points`() throws {
        let before = try job(Self.base.replacingOccurrences("[0, 1]", "[0, 1, 2]"))
        let after = try job(Self.base.replacingOccurrences("[0, 1]", "[0, 1, 2]\nzip: [[L, noise]]"))
        #expect(
            after.incompatibilities(with: before).first
                == "grid of method 'sgd': 6 points of the file are not in the job (axes are combined differently)")
        #expect(before.incompatibilities(with: after) == [])
    }

    @Test func `only points with results must stay`() throws {
        let before = try job(Self.base)
        let after = try job(Self.base.replacingOccurrences("seeds", "where: \"L * noise < 8\"\nseeds"))
        let found = after.incompatibilities(with: before) { method, point in
            let its = before.grids[method].point(at: point)
            return !(its["L"] == .integer(8) && its["noise"] == .real(1))
        }
        #expect(found == [])
    }

    @Test func `another model`() throws {
        struct Other: Model {
            typealias Method = ToyModel.Method
            typealias Parameters = ToyModel.Parameters
            let toy = ToyModel()
            let name = "other"
            var summary: String { toy.summary }
            let references: [String] = []
            let revision = 1
            var keys: [any ParameterKey] { toy.keys }
            func stepsPerTime(of method: Method, at point: Reader) throws -> Double { 1 }
            func cost(of method: Method, _ p: Parameters, times: [Double]) throws -> Cost {
                throw ModelError.parameter(ToyModel.Keys.noise, "is too loud")
            }
            func makeRun(_ method: Method, _ p: Parameters, _ request: RunRequest) throws -> any Run {
                throw ModelError.inconsistent("")
            }
        }
        let text = Self.base.replacingOccurrences("model: toy", "model: other")
        let other = try Job.parse(text: text, path: "job.yaml", models: [Other()], checksOutput: false)
        #expect(try job(Self.base).incompatibilities(with: other) == ["model: the file has 'other', the job has 'toy'"])
        // A model that cannot estimate a point is an error with the parameter's place.
        do {
            _ = try Plan(other)
            Issue.record("planned")
        } catch {
            #expect(error.description == "job.yaml:7:3: error: method 'sgd': parameter 'noise' is too loud")
        }
    }
}
