import CPlatform
import Modeling
import Numerics

/// A model whose tasks do nothing: what is left is the engine's own cost of a task.
struct NothingModel: Model {
    let name = "nothing"
    let summary = "tasks that do nothing"
    let references: [String] = []
    let parameters = [
        ParameterSpec("x", kind: .integer(0...1_000_000_000), default: .value(.integer(0)), "an index"),
        ParameterSpec("y", kind: .integer(0...1_000_000_000), default: .value(.integer(0)), "an index"),
    ]
    let methods = [
        MethodSpec(
            "nothing", kind: .simulation, isSeeded: true, isTimed: false,
            observables: [ObservableSpec("value", symbol: "x", "the index", inTime: false)], costParameters: [],
            "puts its index")
    ]

    func constraints(method: String) -> [Constraint] { [] }
    func parametersUsed(by method: String, in context: JobContext) -> Set<String> { ["x", "y"] }
    func cost(method: String, at point: ParameterPoint, times: RecordingTimes) -> Cost {
        Cost(seconds: 1e-7, memory: 0)
    }

    func makeRun(_ request: RunRequest) throws -> any Run { NothingRun(x: Double(try request.point.integer("x"))) }
}

private struct NothingRun: Run {
    let x: Double

    mutating func advance(toward time: Double, quantum: Int) -> Bool { true }
    mutating func observe(into sink: inout ObservationSink) {}
    mutating func finish(into sink: inout ObservationSink) { sink.put("value", x) }
    mutating func exchange(with archive: inout StateArchive) {}
}

/// A model whose tasks burn a given number of milliseconds of CPU time, known exactly in advance.
struct BurnModel: Model {
    let name = "burn"
    let summary = "tasks that burn CPU time"
    let references: [String] = []
    let parameters = [
        ParameterSpec("milliseconds", kind: .real(.positive), default: .required, "CPU time of a task")
    ]
    let methods = [
        MethodSpec(
            "burn", kind: .simulation, isSeeded: true, isTimed: false,
            observables: [ObservableSpec("cpu", symbol: "c", "CPU seconds burnt", units: "s", inTime: false)],
            costParameters: ["milliseconds"], "burns")
    ]

    func constraints(method: String) -> [Constraint] { [] }
    func parametersUsed(by method: String, in context: JobContext) -> Set<String> { ["milliseconds"] }
    func cost(method: String, at point: ParameterPoint, times: RecordingTimes) throws -> Cost {
        Cost(seconds: try point.real("milliseconds") * 1e-3, memory: 0)
    }

    func makeRun(_ request: RunRequest) throws -> any Run {
        let seconds = try request.point.real("milliseconds") * 1e-3
        return BurnRun(seconds: seconds, end: cplatform_cpu_seconds() + seconds)
    }
}

private struct BurnRun: Run {
    let seconds: Double
    /// In this process's CPU time.
    var end: Double

    mutating func advance(toward time: Double, quantum: Int) -> Bool {
        let sliceEnd = min(end, cplatform_cpu_seconds() + 1e-3)
        while cplatform_cpu_seconds() < sliceEnd {}
        return sliceEnd >= end
    }

    mutating func observe(into sink: inout ObservationSink) {}
    mutating func finish(into sink: inout ObservationSink) { sink.put("cpu", seconds) }

    mutating func exchange(with archive: inout StateArchive) throws {
        var remaining = end - cplatform_cpu_seconds()
        try archive.exchange(&remaining)
        if archive.isRestoring { end = cplatform_cpu_seconds() + remaining }
    }
}
