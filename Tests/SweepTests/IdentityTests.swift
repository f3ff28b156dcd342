import Modeling
import Numerics
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
        #expect(identity == TaskIdentity(high: 8_503_880_259_653_565_684, low: 10_004_665_310_141_344_956))
    }

    private func grid(_ parameters: String, _ rest: String = "seeds: 3\n", method: Int = 0) throws -> MethodGrid {
        try job(BadJob.having(parameters) + rest).grids[method]
    }

    /// The identity of the task with these values.
    private func identity(in grid: MethodGrid, seed: Int, where matches: (ParameterPoint) -> Bool) -> TaskIdentity? {
        (0..<grid.pointCount).first { matches(grid.point(at: $0)) }.map { grid.identity(point: $0, seed: seed) }
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
            let found = identity(in: try grid(form), seed: 2) {
                $0["d"] == .integer(100) && $0["L"] == .integer(4) && $0["step_size"] == .real(0.1)
                    && $0["bias"] == .real(0)
            }
            #expect(found == alone, "\(form)")
        }
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
        #expect(shifted.identity(point: 0, seed: 0) == (try grid(base).identity(point: 0, seed: 1)))
        let ode = try job(BadJob.having(base).replacingOccurrences("[sgd]", "[ode]")).grids[0]
        #expect(seen.insert(ode.identity(point: 0, seed: 0)).inserted)
    }

    @Test func `does not depend on parameters that the method does not use`() throws {
        let text = BadJob.adding("  bias: BIAS\n  L: [1, 2]", methods: "[ode]")
        let one = try job(text.replacingOccurrences("BIAS", "3")).grids[0]
        let other = try job(text.replacingOccurrences("BIAS", "[4, 5]")).grids[0]
        #expect((0..<2).map { one.identity(point: $0, seed: 0) } == (0..<2).map { other.identity(point: $0, seed: 0) })
    }

    @Test func `no two tasks of a large grid share one`() throws {
        let grid = try grid(
            "  d: {range: [10, 29, 1]}\n  step_size: {logspace: [0.01, 1, 20]}\n  bias: {linspace: [-1, 1, 21]}\n"
                + "  student: [tied, untied]\n  L: [2, 3]", "seeds: 2\n")
        var seen = Set<TaskIdentity>()
        for point in 0..<grid.pointCount {
            for seed in 0..<2 { seen.insert(grid.identity(point: point, seed: seed)) }
        }
        #expect(seen.count == grid.taskCount)
        #expect(grid.taskCount == 67_200)
    }
}

extension String {
    func replacingOccurrences(_ old: String, _ new: String) -> String {
        split(separator: old, omittingEmptySubsequences: false).joined(separator: new)
    }
}
