import Modeling
import Sweep
import Testing

@Suite("Kernels: observables over two recording times")
struct KernelTests {
    private func names(_ record: String, method: Int = 0) throws -> [String] {
        try kernelJob("methods: [gd, dmft, flow]\nrecord: {times: [0, 1, 2], \(record)}\n").grids[method]
            .observables.map(\.name)
    }

    @Test func `are recorded when the job asks for them`() throws {
        #expect(try names("kernels: false") == ["loss"])
        #expect(try names("kernels: true") == ["loss", "C"])
        #expect(try names("kernels: true", method: 1) == ["loss", "C", "R"])
        #expect(try names("kernels: true", method: 2) == ["loss"])
        #expect(try names("observables: [loss, R]") == ["loss"])
        #expect(try names("observables: [loss, R]", method: 1) == ["loss", "R"])
        // Beside the ones that are named; a method with kernels needs no other.
        #expect(try names("kernels: true, observables: [loss, norm]") == ["loss", "norm", "C"])
        let job = try kernelJob("methods: [gd, dmft]\nrecord: {times: [0, 1], kernels: true, observables: [norm]}\n")
        #expect(job.grids.map { $0.observables.map(\.name) } == [["norm", "C"], ["C", "R"]])
    }

    @Test func `have the recording times as a dimension`() throws {
        let job = try kernelJob(
            "methods: [dmft]\nparameters: {width: [1, 3]}\nrecord: {times: [0, 1, 2, 5], kernels: true}\nseeds: 2\n")
        let grid = job.grids[0]
        #expect(grid.slots(at: 1).map(\.shape) == [[], [4, 3], [4]])
        #expect(grid.slots(at: 0).map(\.shape) == [[], [4, 1], [4]])
        #expect(grid.largestRecord == 8 * (4 + 4 * 4 * 3 + 4 * 4))
        #expect(try Plan(job).recordedBytes == 4 * grid.largestRecord)
        // The model's own memory, and what is recorded, twice.
        #expect(try grid.cost(at: 0).memory == 8 * 100 * 4 + 16 * (4 + 16 + 16))
        #expect(try grid.cost(at: 1).memory == 8 * 100 * 4 + 16 * (4 + 48 + 16))
        #expect(try Plan(job).memory == grid.cost(at: 1).memory)
    }

    @Test func `a job that switches them on does not go on with results without them`() throws {
        let without = try kernelJob("methods: [gd]\nrecord: {times: [0, 1]}\n")
        let with = try kernelJob("methods: [gd]\nrecord: {times: [0, 1], kernels: true}\n")
        #expect(
            with.incompatibilities(with: without)
                == ["observable 'C' of method 'gd': the job asks for it, the file does not have it"])
        #expect(
            without.incompatibilities(with: with)
                == ["observable 'C' of method 'gd': the file has it, the job does not"])
        #expect(with.incompatibilities(with: with) == [])
    }

    @Test(arguments: [
        (
            "methods: [gd]\nrecord: {times: [0, 1], kernels: 1}\n",
            "job.yaml:3:34: error: 'kernels' must be true or false, not '1'"
        ),
        (
            "methods: [gd]\nrecord:\n  times: [0, 1]\n  kernels: [C]\n",
            "job.yaml:5:12: error: 'kernels' must be true or false, not a list"
        ),
        (
            "methods: [gd]\nrecord: {times: [0, 1], kernels: \"true\"}\n",
            "job.yaml:3:34: error: 'kernels' must be true or false, not 'true'"
        ),
        (
            "methods: [flow]\nrecord: {times: [0, 1], kernels: true}\n",
            """
            job.yaml:3:25: error: 'kernels' is true, and none of the job's methods has kernels
              hint: methods with kernels: gd, dmft
            """
        ),
        (
            "methods: [gd]\nrecord: {times: [0, 1], kernel: true}\n",
            """
            job.yaml:3:25: error: unknown key 'kernel' of 'record'; did you mean 'kernels'?
              hint: known: times, time_unit, observables, kernels
            """
        ),
        (
            "methods: [gd, flow]\nrecord: {times: [0, 1], kernels: true, observables: [C]}\n",
            """
            job.yaml:3:40: error: method 'flow' has none of the listed observables
              hint: it has: loss
            """
        ),
        (
            "methods: [gd]\nparameters: {width: 64}\nrecord: {times: {range: [1, 2000, 1]}, kernels: true}\n",
            """
            job.yaml:4:1: error: a task of method 'gd' records 2048 MB, more than the limit of 1000 MB
              hint: record fewer times or observables
            """
        ),
    ])
    func `mistakes are answered with their place`(text: String, expected: String) {
        #expect(answer(text) == expected)
    }

    @Test func `a model without kernels says so`() {
        do {
            _ = try Job.parse(
                text: BadJob.base.replacingOccurrences("[1, 10]}", "[1, 10], kernels: true}"), path: "job.yaml",
                models: [ToyModel()], checksOutput: false)
            Issue.record("the job was accepted")
        } catch {
            #expect(
                error.description == """
                    job.yaml:4:26: error: 'kernels' is true, and model 'toy' has no kernels
                      hint: leave 'kernels' out
                    """)
        }
        #expect(
            answer("methods: [flow]\nrecord: {times: [0, 1]}\n", set: ["record.kernels=true"])
                == """
                --set record.kernels=true: error: 'kernels' is true, and none of the job's methods has kernels
                  hint: methods with kernels: gd, dmft
                """)
    }
}

@Suite("Values of other recording times")
struct ObservationSinkTests {
    private var sink: ObservationSink {
        ObservationSink(
            slots: [
                .init(KernelModel.C, at: ParameterPoint(["width": .integer(2)]), timeCount: 3),
                .init(KernelModel.loss, at: ParameterPoint(), timeCount: 3),
                .init(name: "once", isRecordedInTime: false, shape: [2]),
            ], timeCount: 3)
    }

    @Test func `can be put whole or in part`() throws {
        var sink = sink
        sink.timeIndex = 2
        try sink.put(KernelModel.C, [1, 2], atTime: 0, index: [2])
        try sink.put(KernelModel.C, [3], atTime: 1, index: [0, 1])
        try sink.put(KernelModel.C, [4, 5, 6, 7, 8, 9], atTime: 2)
        try sink.put(KernelModel.loss, [10], atTime: 1)
        try sink.put(KernelModel.norm, [1, 2, 3], atTime: 7, index: [9])
        let expected: [Double] = [.nan, .nan, .nan, .nan, 1, 2, .nan, 3, .nan, .nan, .nan, .nan, 4, 5, 6, 7, 8, 9]
        #expect(sink.buffers[0].map(\.description) == expected.map(\.description))
        #expect(sink.buffers[1].map(\.description) == ["nan", "10.0", "nan"])
        #expect(sink.timeIndex == 2)
    }

    @Test func `must fit`() {
        let (C, loss) = (KernelModel.C, KernelModel.loss)
        let once = Observable("once", symbol: "o", "once", inTime: false)
        for (observable, values, time, index) in [
            (C, [1.0, 2], 3, [0]), (C, [1, 2], -1, [0]), (C, [1, 2], 0, [3]), (C, [1, 2], 0, [-1]),
            (C, [1], 0, [0]), (C, [1, 2], 0, []), (C, [1], 0, [0, 2]), (C, [1], 0, [0, 0, 0]),
            (loss, [1], 0, [0]), (loss, [1, 2], 0, []), (once, [1, 2], 0, []),
        ] as [(Observable, [Double], Int, [Int])] {
            var sink = sink
            #expect(throws: ModelError.self, "\(observable.name) \(values) \(time) \(index)") {
                try sink.put(observable, values, atTime: time, index: index)
            }
            #expect(!sink.buffers.joined().contains { !$0.isNaN })
        }
    }
}
