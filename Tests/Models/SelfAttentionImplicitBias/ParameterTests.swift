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

    private func readings(_ method: String, _ values: Given) throws -> Set<String> {
        Set(try harness.prepare(method, values, times: [1]).readings.map(\.name))
    }

    @Test func aMethodReadsWhatItNeeds() throws {
        for method in ["gd", "gap-recursion", "late-time"] {
            #expect(try readings(method, gaussian) == tokens.union(steps))
        }
        #expect(try readings("svm", gaussian) == tokens)
        let symmetric = steps.union(["data", "query", "L", "n", "geometry", "signal", "sigma", "joint"])
        #expect(try readings("symmetric", gaussian) == symmetric)
        let limit: Given = ["n": .integer(4), "L": .integer(3), "d": .integer(20), "query": .text("external")]
        #expect(
            try readings("closed-form", limit) == ["data", "query", "L", "geometry", "signal", "sigma", "n", "d"])
        let ratio = limit.filter { $0.key == "L" || $0.key == "query" }.with(["alpha": .real(0.2)])
        #expect(
            try readings("closed-form", ratio) == ["data", "query", "L", "geometry", "signal", "sigma", "alpha"])
    }

    @Test func sizesAreReadAsFarAsTheyMatter() throws {
        let ratio: Given = ["alpha": .real(0.5), "L": .integer(3), "d": .integer(20), "query": .text("external")]
        func touched(_ method: String, _ values: Given) throws -> Set<String> {
            Set(try harness.prepare(method, values, times: [1]).touched)
        }
        #expect(try touched("svm", ratio).isSuperset(of: ["alpha", "n", "d"]))
        #expect(try touched("closed-form", ratio).isDisjoint(with: ["n", "d"]))
        #expect(try touched("symmetric", gaussian).isDisjoint(with: ["alpha", "d"]))
        // Two of the three give the sizes, and name the task.
        #expect(try readings("svm", ratio).intersection(["alpha", "n", "d"]) == ["alpha", "d"])
        #expect(try readings("symmetric", ratio).intersection(["alpha", "n", "d"]) == ["alpha", "d"])
        let byCount = ratio.filter { $0.key != "d" }.with(["n": .integer(10)])
        #expect(try readings("svm", byCount).intersection(["alpha", "n", "d"]) == ["alpha", "n"])
        #expect(try parameters(byCount, .svm).d == 20 && parameters(ratio, .svm).n == 10)
    }

    @Test func choicesSayWhatElseIsRead() throws {
        func adds(_ method: String, _ values: Given, over base: Given) throws -> Set<String> {
            try readings(method, base.with(values)).subtracting(readings(method, base))
        }
        func drops(_ method: String, _ values: Given, over base: Given) throws -> Set<String> {
            try readings(method, base).subtracting(readings(method, base.with(values)))
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
            try readings("svm", explicit) == ["data", "query", "tokens", "labels", "opt", "u", "joint", "n", "L", "d"])
        // A decoder beside scores, or its start beside hard-margin problems alone, changes nothing.
        let scores: Given = ["scores": matrix([[1, 0], [1, 0]])]
        #expect(try drops("svm", scores, over: explicit) == ["u"])
        let trained: Given = ["joint": .flag(true), "opt": vector([0, 0])]
        #expect(try !readings("svm", explicit.with(trained)).contains("u"))
        #expect(try readings("gd", explicit.with(trained)).contains("u"))
    }

    @Test("a data seed is read where something is drawn") func dataSeed() throws {
        let seed: Given = ["data_seed": .integer(3)]
        for method in ["gd", "gap-recursion", "late-time", "svm"] {
            #expect(try readings(method, gaussian.with(seed)).contains("data_seed"))
            #expect(try !readings(method, sinData.with(seed)).contains("data_seed"))
            #expect(try !readings(method, explicit.with(seed)).contains("data_seed"))
            let start = explicit.with(["init_scale": .real(1)]).with(seed)
            #expect(try readings(method, start).contains("data_seed") == (method != "svm"))
            let zero = explicit.with(["init_scale": .real(0)]).with(seed)
            #expect(try !readings(method, zero).contains("data_seed"))
        }
        #expect(try !readings("symmetric", gaussian.with(seed)).contains("data_seed"))
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
                guard let point = try? harness.prepare(method, values, times: [1]) else { continue }
                for reading in point.readings {
                    let written = values.with([reading.name: reading.value])
                    #expect(try harness.prepare(method, written, times: [1]).readings == point.readings, "\(reading)")
                    checked += 1
                }
            }
        }
        #expect(checked > 400)
    }

    @Test("every observable is put by some run, and no other", arguments: Method.allCases)
    func observables(method: Method) throws {
        let limit: Given = ["alpha": .real(0.5), "L": .integer(3), "query": .text("external")]
        let names = Set(method.spec.observables.map(\.name))
        var put: Set<String> = []
        for optimizer in ["gd", "ngd"] {
            let values = method == .closedForm ? limit : method == .symmetric ? gaussian : sinData
            let choice: Given = ["optimizer": .text(optimizer), "step_size": .real(1)]
            let record = try run(
                method.rawValue, values.with(choice), times: [0, 20_000], observables: names)
            put.formUnion(try #require(record.sink.audit).put)
        }
        #expect(put == names)
    }
}
