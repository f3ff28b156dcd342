import Modeling
import Sweep
import Testing

@Suite("Parameters and axes")
struct AxisTests {
    private func values(_ parameter: String, _ text: String) throws -> [ParameterValue] {
        var parameters = ["d": "10", "step_size": "0.1"]
        parameters[parameter] = text
        let lines = parameters.map { "  \($0.key): \($0.value)" }.joined(separator: "\n")
        let grid = try job(BadJob.having(lines)).grids[0]
        return grid.axes.first?.coordinates[0].values ?? grid.fixed[parameter].map { [$0] } ?? []
    }

    private func reals(_ text: String) throws -> [Double] {
        try values("bias", text).map { value in
            guard case .real(let number) = value else { return .nan }
            return number
        }
    }

    private func integers(_ text: String) throws -> [Int] {
        try values("L", text).map { value in
            guard case .integer(let number) = value else { return -1 }
            return number
        }
    }

    @Test func `scalars and lists`() throws {
        #expect(try reals("3") == [3])
        #expect(try reals("[-1, 2.5, 1e-3, 1_000]") == [-1, 2.5, 1e-3, 1000])
        #expect(
            try values("d", "[1e5, 20.0, 9007199254740993]") == [
                .integer(100_000), .integer(20), .integer(9_007_199_254_740_993),
            ])
        #expect(try values("student", "[untied, 'tied']") == [.text("untied"), .text("tied")])
        #expect(try values("random_sign", "[on, False]") == [.flag(true), .flag(false)])
    }

    @Test func `linspace has exact ends and the decimals one would write`() throws {
        #expect(try reals("{linspace: [0, 1, 11]}") == [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1])
        #expect(try reals("{linspace: [0.1, 0.9, 9]}") == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
        #expect(try reals("{linspace: [0, 1, 4]}")[1] == 1.0 / 3)
        #expect(try reals("{linspace: [2, -2, 3]}") == [2, 0, -2])
        #expect(try reals("{linspace: [7, 9, 1]}") == [7])
    }

    @Test func `logspace has exact ends and equal ratios`() throws {
        #expect(try reals("{logspace: [0.001, 1000, 7]}") == [0.001, 0.01, 0.1, 1, 10, 100, 1000])
        let values = try reals("{logspace: [0.03, 7, 50]}")
        #expect(values.first == 0.03 && values.last == 7)
        for (one, next) in zip(values, values.dropFirst()) {
            #expect(abs(next / one / values[1] * values[0] - 1) < 1e-11)
        }
        // An axis made longer by the same ratio keeps its values, to the bit.
        #expect(try reals("{logspace: [0.01, 10, 13]}").prefix(9) == reals("{logspace: [0.01, 1, 9]}")[...])
    }

    @Test func `logspace and linspace of integers round and merge`() throws {
        #expect(try integers("{logspace: [1, 8, 7]}") == [1, 2, 3, 4, 6, 8])
        #expect(try integers("{linspace: [1, 4, 7]}") == [1, 2, 3, 4])
    }

    @Test func `range meets its end within rounding`() throws {
        #expect(try reals("{range: [0, 0.3, 0.1]}") == [0, 0.1, 0.2, 0.3])
        #expect(try reals("{range: [0, 1, 0.4]}") == [0, 0.4, 0.8])
        #expect(try reals("{range: [1, 0, -0.5]}") == [1, 0.5, 0])
        #expect(try integers("{range: [2, 8, 3]}") == [2, 5, 8])
    }

    @Test func `arrays`() throws {
        let one = ParameterValue.array(ArrayValue(shape: [2, 2], elements: [0.3, -0.1, 0, 0.2]))
        #expect(try values("M0", "{value: [[0.3, -0.1], [0, 0.2]]}") == [one])
        #expect(
            try values("M0", "[{value: [1, -0.0]}, {value: [[1]]}]")
                == [
                    .array(ArrayValue(shape: [2], elements: [1, 0])), .array(ArrayValue(shape: [1, 1], elements: [1])),
                ])
    }

    @Test func `symbols and aliases stand for the parameter`() throws {
        for name in ["step_size", "gamma", "lr"] {
            #expect(try job(BadJob.having("  d: 10\n  \(name): [0.1, 0.2]")).axes.map(\.name) == ["step_size"])
        }
        let coordinate = try job(BadJob.having("  d: 10\n  lr: [0.1, 0.2]")).axes[0].coordinates[0]
        #expect(coordinate.symbol == "gamma")
    }

    @Test func `zipped axes are one axis`() throws {
        let job = try job(BadJob.adding("  L: [2, 4, 2]\n  noise: [0, 1, 2]\n  bias: [5, 6]\nzip: [[noise, L]]"))
        let grid = job.grids[0]
        #expect(grid.axes.map(\.name) == ["noise", "bias"])
        #expect(grid.axes.map(\.count) == [3, 2])
        let point = grid.point(at: grid.point(at: [2, 1]))
        #expect(try point.integer("L") == 2)
        #expect(try point.real("noise") == 2)
        #expect(try point.real("bias") == 6)
    }

    @Test func `per_method overrides values, and makes or removes axes`() throws {
        let job = try job(
            BadJob.adding(
                "  L: [2, 4]\nper_method:\n  ode: {d: [50, 60], L: 3}", methods: "[sgd, ode]"))
        #expect(job.axes.map(\.name) == ["L"])
        #expect(job.grids[0].axes.map(\.name) == ["L"])
        #expect(job.grids[1].axes.map(\.name) == ["d"])
        #expect(try job.grids[1].point(at: 1).integer("d") == 60)
        #expect(try job.grids[1].point(at: 1).integer("L") == 3)
    }

    @Test func `axes that a method does not see are left out`() throws {
        let text = BadJob.adding(
            "  L: [2, 2, 4]\n  noise: [0, 1, 2]\n  bias: [1, 2, 3]\n  mixing: {expr: \"1 / L\"}\n  d_: 1\nzip: [[L, noise]]",
            methods: "[sgd, closed-form, ode]", record: "record: {times: [1, 2], time_unit: t}\n"
        ).replacingOccurrences(of: "  d_: 1\n", with: "")
        let job = try job(text)
        #expect(job.grids[0].axes.map(\.count) == [3, 3])
        // The closed form sees L alone: the zip loses its other coordinate, and equal values merge.
        #expect(job.grids[1].axes.map(\.name) == ["L"])
        #expect(job.grids[1].axes[0].coordinates.map(\.values) == [[.integer(2), .integer(4)]])
        #expect(job.grids[1].times.values.isEmpty)
        #expect(job.grids[2].axes.map { $0.coordinates.map(\.name) } == [["L", "noise"]])
        #expect(job.grids[2].fixed["d"] == nil)
    }

    @Test func `an axis stays for an expression that the method uses`() throws {
        // `bias` itself is not seen by the ODE; the mixing made of it is.
        let job = try job(
            BadJob.adding("  bias: [1, 2, 4]\n  mixing: {expr: \"1 / bias\"}", methods: "[ode, closed-form]"))
        let grid = job.grids[0]
        #expect(grid.axes.map(\.name) == ["bias"])
        #expect(grid.derived.map(\.name) == ["mixing"])
        #expect(grid.derived[0].values == [.real(1), .real(0.5), .real(0.25)])
        #expect(!grid.usedParameters.contains("bias"))
        #expect(job.grids[1].axes.isEmpty)
    }

    @Test func `what no method uses is remarked`() throws {
        let job = try job("model: toy\nmethods: [closed-form]\nparameters: {L: 2, bias: [1, 2]}\n")
        #expect(
            job.notes.map(\.description) == [
                "job.yaml:3:20: note: parameter 'bias' is used by none of the job's methods"
            ])
    }

    /// The closed form reads no `d`.
    @Test func `a required parameter that no method uses need not be given`() throws {
        let job = try job("model: toy\nmethods: [closed-form]\nparameters: {L: 2}\n")
        #expect(job.grids[0].fixed["d"] == nil)
        #expect(job.grids[0].point(at: 0)["d"] == nil)
        #expect(job.notes.isEmpty)
    }
}
