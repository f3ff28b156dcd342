import ModelTesting
import Modeling
import SelfAttentionImplicitBias
import Testing

@Suite("Self-attention: what each method reads, and puts")
struct ParameterTests {
    private let gaussian: Given = ["n": .integer(4), "L": .integer(3), "d": .integer(20)]
    private let explicit: Given = [
        "tokens": tensor([[[1, 0], [0, 1]], [[0, 1], [1, 0]]]), "u": vector([1, 0.5]),
    ]
    private let tokens: Set = ["data", "query", "L", "n", "d", "geometry", "signal", "sigma", "project", "joint"]
    private let steps: Set = ["loss", "optimizer", "step_size", "step_decay", "init"]

    @Test func aMethodReadsWhatItNeeds() throws {
        for method in ["gd", "gap-recursion", "late-time"] {
            #expect(try harness.read(method, gaussian) == tokens.union(steps))
        }
        #expect(try harness.read("svm", gaussian) == tokens)
        let symmetric = steps.union(["data", "query", "L", "n", "geometry", "signal", "sigma", "joint"])
        #expect(try harness.read("symmetric", gaussian) == symmetric)
        let limit: Given = ["n": .integer(4), "L": .integer(3), "d": .integer(20), "query": .text("external")]
        #expect(
            try harness.read("closed-form", limit) == ["data", "query", "L", "geometry", "signal", "sigma", "n", "d"])
        let ratio = limit.filter { $0.key == "L" || $0.key == "query" }.with(["alpha": .real(0.2)])
        #expect(
            try harness.read("closed-form", ratio) == ["data", "query", "L", "geometry", "signal", "sigma", "alpha"])
    }

    @Test func sizesAreReadAsFarAsTheyMatter() throws {
        let ratio: Given = ["alpha": .real(0.5), "L": .integer(3), "d": .integer(20), "query": .text("external")]
        #expect(try harness.touched("svm", ratio).isSuperset(of: ["alpha", "n", "d"]))
        #expect(try harness.touched("closed-form", ratio).isDisjoint(with: ["n", "d"]))
        #expect(try harness.touched("symmetric", gaussian).isDisjoint(with: ["alpha", "d"]))
        // Two of the three give the sizes, and name the task.
        #expect(try harness.read("svm", ratio).intersection(["alpha", "n", "d"]) == ["alpha", "d"])
        #expect(try harness.read("symmetric", ratio).intersection(["alpha", "n", "d"]) == ["alpha", "d"])
        let byCount = ratio.filter { $0.key != "d" }.with(["n": .integer(10)])
        #expect(try harness.read("svm", byCount).intersection(["alpha", "n", "d"]) == ["alpha", "n"])
        #expect(try harness.parameters(.svm, byCount).d == 20 && harness.parameters(.svm, ratio).n == 10)
    }

    @Test func choicesSayWhatElseIsRead() throws {
        func adds(_ method: String, _ values: Given, over base: Given) throws -> Set<String> {
            try harness.read(method, base.with(values)).subtracting(harness.read(method, base))
        }
        func drops(_ method: String, _ values: Given, over base: Given) throws -> Set<String> {
            try harness.read(method, base).subtracting(harness.read(method, base.with(values)))
        }
        for method in ["gd", "gap-recursion", "late-time", "symmetric"] {
            let polyak: Given = ["optimizer": .text("polyak"), "polyak_c": .real(2), "step_size": .real(3)]
            #expect(try adds(method, polyak, over: gaussian) == ["polyak_c"])
            #expect(try drops(method, polyak, over: gaussian) == ["step_size", "step_decay"])
            let random: Given = ["init_scale": .real(2)]
            #expect(try adds(method, random, over: gaussian) == ["init_scale"])
        }
        for method in ["gd", "symmetric"] {
            let joint: Given = ["joint": .flag(true)]
            #expect(try adds(method, joint, over: gaussian) == ["step_size_u", "step_decay_u"])
            let polyak = gaussian.with(["optimizer": .text("polyak")])
            #expect(try adds(method, joint, over: polyak).isEmpty)
        }
        #expect(try adds("gd", ["u": vector(Array(repeating: 1, count: 20))], over: gaussian) == ["u"])
        #expect(
            try drops("gd", ["data": .text("sphere")], over: gaussian) == ["geometry", "signal", "sigma", "project"])
        #expect(try drops("gd", ["data": .text("orthogonal")], over: gaussian) == ["project"])
        #expect(try adds("gd", ["data": .text("sin")], over: gaussian) == ["sin_w"])
        #expect(
            try harness.read("svm", explicit) == [
                "data", "query", "tokens", "labels", "opt", "u", "joint", "n", "L", "d",
            ])
        // A decoder beside scores, or its start beside hard-margin problems alone, changes nothing.
        let scores: Given = ["scores": matrix([[1, 0], [1, 0]])]
        #expect(try drops("svm", scores, over: explicit) == ["u"])
        let trained: Given = ["joint": .flag(true), "opt": vector([0, 0])]
        #expect(try !harness.read("svm", explicit.with(trained)).contains("u"))
        #expect(try harness.read("gd", explicit.with(trained)).contains("u"))
    }

    @Test("a data seed is read where something is drawn") func dataSeed() throws {
        let seed: Given = ["data_seed": .integer(3)]
        for method in ["gd", "gap-recursion", "late-time", "svm"] {
            #expect(try harness.read(method, gaussian.with(seed)).contains("data_seed"))
            #expect(try !harness.read(method, sinData.with(seed)).contains("data_seed"))
            #expect(try !harness.read(method, explicit.with(seed)).contains("data_seed"))
            let start = explicit.with(["init_scale": .real(1)]).with(seed)
            #expect(try harness.read(method, start).contains("data_seed") == (method != "svm"))
            let zero = explicit.with(["init_scale": .real(0)]).with(seed)
            #expect(try !harness.read(method, zero).contains("data_seed"))
        }
        #expect(try !harness.read("symmetric", gaussian.with(seed)).contains("data_seed"))
    }

    @Test("a task's name does not know the time unit", arguments: ["gd", "gap-recursion", "late-time", "symmetric"])
    func timeUnit(method: String) throws {
        for optimizer in ["gd", "ngd", "polyak"] {
            let values = gaussian.with(["optimizer": .text(optimizer), "step_size": .real(0.5)])
            let (steps, scaled) = (
                try harness.prepare(method, values, times: [2, 20]),
                try harness.prepare(method, values, times: [1, 10], unit: .scaled)
            )
            #expect(steps.readings == scaled.readings && steps.targets == scaled.targets)
            #expect(scaled.clockReadings.map(\.name) == ["step_size"] && steps.clockReadings.isEmpty)
            #expect(steps.touched.contains("step_size") == (optimizer != "polyak"))
        }
    }

    @Test func defaultsWrittenDownChangeNothing() throws {
        let points: [Given] = [
            gaussian, sinData, explicit, gaussian.with(["joint": .flag(true), "optimizer": .text("gd")]),
            gaussian.with(["data": .text("orthogonal"), "query": .text("opt"), "optimizer": .text("polyak")]),
            gaussian.with(["data": .text("sphere"), "init_scale": .real(2)]),
            explicit.with(["W0": matrix([[1, 2], [3, 4]])]),
            ["alpha": .real(0.5), "L": .integer(3), "d": .integer(20), "query": .text("external")],
            ["alpha": .real(0.5), "L": .integer(3), "n": .integer(10), "query": .text("external")],
        ]
        var checked = 0
        for method in Method.allCases.map(\.rawValue) {
            for values in points {
                guard let read = try? harness.read(method, values) else { continue }
                #expect(harness.changedByWritingDown(method, values) == [], "\(method) \(values)")
                checked += read.count
            }
        }
        #expect(checked > 400)
    }

    @Test("every observable is put by some run, and no other", arguments: Method.allCases)
    func observables(method: Method) throws {
        let limit: Given = ["alpha": .real(0.5), "L": .integer(3), "query": .text("external")]
        let values = method == .closedForm ? limit : method == .symmetric ? gaussian : sinData
        let points = ["gd", "ngd"].map { values.with(["optimizer": .text($0), "step_size": .real(1)]) }
        #expect(harness.observablesNotPut(by: method.rawValue, at: points, times: [0, 20_000]) == [])
    }
}
