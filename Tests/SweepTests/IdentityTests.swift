import Modeling
import Sweep
import Testing

@Suite("The identity of a task")
struct IdentityTests {
    /// RFC 7693, appendix A, and the digests that Python's hashlib gives.
    @Test(arguments: [
        (
            [UInt8]("abc".utf8), 64,
            "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"
        ),
        ([UInt8]("abc".utf8), 16, "cf4ab791c62b8d2b2109c90275287816"),
        ([UInt8](), 16, "cae66941d9efbd404e4d88758ea67670"),
        ([UInt8](repeating: 0x61, count: 128), 16, "1271d28e731afb57bdfba6bdaf3501be"),
        ([UInt8](repeating: 0x61, count: 129), 16, "68b7bafbad5055c4ebe6eb170a0f8524"),
        ([UInt8](0...255) + [UInt8](0...44), 32, "e511a2a6ebda49a69f7546d0bc89e465a9e1e218012e0946af2422047cd247bc"),
    ])
    func `BLAKE2b agrees with published digests`(message: [UInt8], length: Int, expected: String) {
        let digits = Array("0123456789abcdef")
        let text = Blake2b.digest(message, length: length).map { "\(digits[Int($0 >> 4)])\(digits[Int($0 & 15)])" }
        #expect(text.joined() == expected)
    }

    @Test func `of one known task, forever`() throws {
        let identity = try job(BadJob.base).grids[0].identity(point: 0, seed: 0)
        // Results of earlier versions are keyed by these numbers; they must not change.
        #expect(identity == TaskIdentity(high: 15_828_820_445_576_399_486, low: 15_773_173_068_977_715_588))
    }

    private func grid(_ parameters: String, _ rest: String = "seeds: 3\n", method: Int = 0) throws -> MethodGrid {
        try job(BadJob.having(parameters) + rest).grids[method]
    }

    /// The identity of the task with these values.
    private func identity(in grid: MethodGrid, seed: Int, where matches: (ParameterPoint) -> Bool) throws
        -> TaskIdentity?
    {
        try (0..<grid.pointCount).first { matches(grid.point(at: $0)) }.map { try grid.identity(point: $0, seed: seed) }
    }

    @Test func `does not depend on the grid, the order of axes, or how a value is written`() throws {
        let alone = try grid("  d: 100\n  step_size: 0.1\n  L: 4").identity(point: 0, seed: 2)
        let forms = [
            "  L: [2, 4, 8]\n  d: [50, 100]\n  step_size: [0.1, 0.2]",
            "  step_size: {linspace: [0.1, 0.5, 5]}\n  L: 4.0\n  d: 1e2",
            "  d: {expr: \"25 * L\"}\n  L: {range: [1, 4, 1]}\n  gamma: 1e-1",
            "  d: 100\n  step_size: {expr: \"0.4 / L\"}\n  L: [4, 8]\n  bias: [1, -0.0]",
            "  d: 100\n  step_size: 0.1\n  L: 4\n  noise: 0\n  student: tied\n  random_sign: no",
            "  d: [100, 200]\n  L: [4, 8]\n  step_size: 0.1\nzip: [[d, L]]",
        ]
        for form in forms {
            let found = try identity(in: try grid(form), seed: 2) {
                $0["d"] == .integer(100) && $0["L"] == .integer(4) && $0["step_size"] == .real(0.1)
                    && $0["bias"] ?? .real(0) == .real(0)
            }
            #expect(found == alone, "\(form)")
        }
    }

    @Test func `is that of the value, in whatever way it is given, and an override replaces the other way`() throws {
        let noisy = try grid("  d: 100\n  step_size: 0.1\n  noise: 0.25").identity(point: 0, seed: 0)
        let text = BadJob.having("  d: 100\n  step_size: 0.1\n  noise_std: 0.5") + "seeds: 3\n"
        #expect(try job(text).grids[0].identity(point: 0, seed: 0) == noisy)
        let replaced = try job(text, set: ["noise=0.04"]).grids[0]
        #expect(replaced.point(at: 0)["noise_std"] == nil)
        let own = text + "per_method: {sgd: {noise: 0.25}}\n"
        #expect(try job(own).grids[0].identity(point: 0, seed: 0) == noisy)
    }

    @Test func `depends on every parameter, the method, and the seed's value`() throws {
        let base = "  d: 100\n  step_size: 0.1"
        var seen = Set<TaskIdentity>()
        for extra in [
            "", "\n  L: 2", "\n  noise: 1", "\n  bias: 1", "\n  mixing: 1", "\n  student: untied",
            "\n  random_sign: yes",
            "\n  M0: {value: [1, 0]}", "\n  M0: {value: [[1, 0]]}", "\n  M0: {value: [0, 1]}", "\n  init_scale: 0",
            "\n  init_scale: 5e-324",
        ] {
            #expect(seen.insert(try grid(base + extra).identity(point: 0, seed: 0)).inserted, "\(extra)")
        }
        #expect(seen.insert(try grid(base).identity(point: 0, seed: 1)).inserted)
        let shifted = try grid(base, "seeds: {count: 2, base: 1}\n")
        #expect(try shifted.identity(point: 0, seed: 0) == (try grid(base).identity(point: 0, seed: 1)))
        let ode = try job(BadJob.having(base).replacingOccurrences("[sgd]", "[ode]")).grids[0]
        #expect(try seen.insert(ode.identity(point: 0, seed: 0)).inserted)
    }

    @Test func `does not depend on parameters that the method does not use`() throws {
        let text = BadJob.adding("  bias: BIAS\n  L: [1, 2]", methods: "[ode]")
        let one = try job(text.replacingOccurrences("BIAS", "3")).grids[0]
        let other = try job(text.replacingOccurrences("BIAS", "[4, 5]")).grids[0]
        #expect(
            try (0..<2).map { try one.identity(point: $0, seed: 0) }
                == (0..<2).map { try other.identity(point: $0, seed: 0) })
    }

    @Test func `does not depend on the time unit, what is recorded, or other methods`() throws {
        let forms = ["", ", time_unit: t", ", observables: [overlap]"].flatMap { record in
            ["[sgd]", "[ode, sgd]"].map { methods in
                BadJob.adding("  L: 2", methods: methods, record: "record: {times: [1, 2]\(record)}\n")
            }
        }
        let found = try forms.map { form in
            let grids = try job(form).grids
            return try #require(grids.last).identity(point: 0, seed: 0)
        }
        #expect(Set(found).count == 1)
    }

    /// Only an untied student reads `norm_mode`.
    @Test func `is made of what is read at the point, whatever is read elsewhere`() throws {
        let tied = try grid("  d: 100\n  step_size: 0.1").identity(point: 0, seed: 0)
        let both = try grid("  d: 100\n  step_size: 0.1\n  student: [tied, untied]\n  norm_mode: [global, token]")
        #expect(both.axes.map(\.count) == [2, 2])
        let names = try (0..<4).map { try both.identity(point: $0, seed: 0) }
        #expect(names[0] == tied && names[1] == tied)
        #expect(Set(names).count == 3)
        let untied = try grid("  d: 100\n  step_size: 0.1\n  student: untied").identity(point: 0, seed: 0)
        #expect(names[2] == untied)
        // Where nothing reads it, it is no axis.
        let unread = try grid("  d: 100\n  step_size: 0.1\n  norm_mode: [global, token]")
        #expect(unread.axes.isEmpty && unread.usedParameters.contains("norm_mode") == false)
    }

    @Test func `does not depend on which of several ways gives a value`() throws {
        let one = try grid("  d: 100\n  step_size: 0.1\n  noise: 0.25").identity(point: 0, seed: 0)
        let other = try grid("  d: 100\n  step_size: 0.1\n  noise_std: [0.5, 1]")
        #expect(try other.identity(point: 0, seed: 0) == one)
        #expect(try other.identity(point: 1, seed: 0) != one)
    }

    @Test func `is another one in another revision of the model`() throws {
        let names = try [1, 1, 2].map { revision in
            try Job.parse(
                text: BadJob.base, path: "job.yaml", models: [ToyModel(revision: revision)], checksOutput: false
            ).grids[0].identity(point: 0, seed: 0)
        }
        #expect(names[0] == names[1] && names[0] != names[2])
    }

    @Test func `stays when the model gets a further parameter with a plain default`() throws {
        func later(_ extra: String) throws -> TaskIdentity {
            try Job.parse(
                text: BadJob.adding(extra), path: "job.yaml", models: [LaterToyModel()], checksOutput: false
            ).grids[0].identity(point: 0, seed: 0)
        }
        let before = try job(BadJob.adding("")).grids[0].identity(point: 0, seed: 0)
        #expect(try later("") == before)
        #expect(try later("  depth: 1") == before)
        #expect(try later("  depth: 2") != before)
    }

    /// A model that looks at `b` in a narrow interval of `a` alone, which no cell of a survey meets.
    @Test func `never takes a default for what the grid was made without`() throws {
        let text = "model: rare\nmethods: [look]\nparameters:\n  a: {linspace: [0.1, 0.9, 5001]}\n  b: [2, 3]\n"
        let job = try Job.parse(text: text, path: "job.yaml", models: [RareModel()], checksOutput: false)
        let grid = job.grids[0]
        #expect(grid.axes.map(\.count) == [5001])
        var refused = 0
        for point in 0..<grid.pointCount {
            do { _ = try grid.prepare(at: point) } catch {
                refused += 1
                #expect("\(error)".contains("parameter 'b' matters here, and the grid was made without it"))
            }
        }
        #expect(refused == 1)
        // Before anything is run all points of a grid of this size are looked at.
        let error = #expect(throws: JobErrors.self) {
            try Job.parse(text: text, path: "job.yaml", models: [RareModel()])
        }
        #expect("\(try #require(error))".contains("parameter 'b' matters here"))
    }

    @Test func `no two tasks of a large grid share one`() throws {
        let grid = try grid(
            "  d: {range: [10, 29, 1]}\n  step_size: {logspace: [0.01, 1, 20]}\n  bias: {linspace: [-1, 1, 21]}\n"
                + "  student: [tied, untied]\n  L: [2, 3]", "seeds: 2\n")
        var seen = Set<TaskIdentity>()
        for point in 0..<grid.pointCount {
            for seed in 0..<2 { try seen.insert(grid.identity(point: point, seed: seed)) }
        }
        #expect(seen.count == grid.taskCount)
        #expect(grid.taskCount == 67_200)
    }
}

/// The toy model with a parameter more, as a later version of it may be.
private struct LaterToyModel: Model {
    typealias Method = ToyModel.Method
    let toy = ToyModel()
    var name: String { toy.name }
    var summary: String { toy.summary }
    let references: [String] = []
    let revision = 1
    static let depth = Key<Int>("depth", in: 1...9, default: 1, "layers")
    var keys: [any ParameterKey] { [Self.depth] + toy.keys }

    struct Parameters: ModelParameters {
        let toy: ToyModel.Parameters

        init(_ point: Reader, method: Method) throws {
            _ = try point[LaterToyModel.depth]
            toy = try ToyModel.Parameters(point, method: method)
        }
    }

    func cost(of method: Method, _ p: Parameters, times: [Double]) -> Cost {
        toy.cost(of: method, p.toy, times: times)
    }

    func makeRun(_ method: Method, _ p: Parameters, _ request: RunRequest) throws -> any Run {
        try toy.makeRun(method, p.toy, request)
    }
}

private struct RareModel: Model {
    let name = "rare"
    let summary = "For tests."
    let references: [String] = []
    let revision = 1
    static let a = Key<Double>("a", in: .any, default: 0, "where it is")
    static let b = Key<Double>("b", in: .any, default: 1, "what it looks at somewhere")
    let keys: [any ParameterKey] = [Self.a, Self.b]

    enum Method: String, ModelMethod {
        case look

        var spec: MethodSpec {
            MethodSpec(
                self, kind: .theory, isSeeded: false, time: .none,
                observables: [Observable("seen", symbol: "s", "what it sees", inTime: false)], "looks")
        }
    }

    struct Parameters: ModelParameters {
        init(_ point: Reader, method: Method) throws {
            if (0.4332..<0.4334).contains(try point[RareModel.a]) { _ = try point[RareModel.b] }
        }
    }

    func cost(of method: Method, _ p: Parameters, times: [Double]) -> Cost { Cost(seconds: 1, bytes: 0) }

    func makeRun(_ method: Method, _ p: Parameters, _ request: RunRequest) throws -> any Run {
        throw ModelError.inconsistent("it does not run")
    }
}

extension String {
    func replacingOccurrences(_ old: String, _ new: String) -> String {
        split(separator: old, omittingEmptySubsequences: false).joined(separator: new)
    }
}
