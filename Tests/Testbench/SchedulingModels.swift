import CPlatform
import Modeling

/// A model whose tasks do nothing: what is left is the engine's own cost of a task.
struct NothingModel: Model {
    let name = "nothing"
    let summary = "tasks that do nothing"
    let references: [String] = []
    let revision = 1
    let keys: [any ParameterKey] = [Keys.x, Keys.y]

    enum Keys {
        static let x = Key<Int>("x", in: 0...1_000_000_000, default: 0, "an index")
        static let y = Key<Int>("y", in: 0...1_000_000_000, default: 0, "an index")
    }

    enum Method: String, ModelMethod {
        case nothing

        var spec: MethodSpec {
            MethodSpec(
                self, kind: .simulation, isSeeded: true, time: .none, observables: [.value], "puts its index")
        }
    }

    struct Parameters: ModelParameters {
        let x: Int

        init(_ point: Reader, method: Method) throws {
            x = try point[Keys.x]
            _ = try point[Keys.y]
        }
    }

    func cost(of method: Method, _ p: Parameters, times: [Double]) -> Cost { Cost(seconds: 1e-7, bytes: 0) }

    func makeRun(_ method: Method, _ p: Parameters, _ request: RunRequest) -> any Run { NothingRun(x: Double(p.x)) }
}

extension Observable {
    fileprivate static let value = Observable("value", symbol: "x", "the index", inTime: false)
    fileprivate static let cpu = Observable("cpu", symbol: "c", "CPU seconds burnt", units: "s", inTime: false)
}

private struct NothingRun: Run {
    let x: Double

    mutating func advance(toward time: Double, quantum: Int) -> Bool { true }
    mutating func observe(into sink: inout ObservationSink) {}
    mutating func finish(into sink: inout ObservationSink) { sink.put(.value, x) }
    mutating func exchange(with archive: inout StateArchive) {}
}

/// A model whose tasks burn a given number of milliseconds of CPU time, known exactly in advance.
struct BurnModel: Model {
    let name = "burn"
    let summary = "tasks that burn CPU time"
    let references: [String] = []
    let revision = 1
    let keys: [any ParameterKey] = [Keys.milliseconds]

    enum Keys {
        static let milliseconds = Key<Double>("milliseconds", in: .positive, "CPU time of a task")
    }

    enum Method: String, ModelMethod {
        case burn

        var spec: MethodSpec {
            MethodSpec(self, kind: .simulation, isSeeded: true, time: .none, observables: [.cpu], "burns")
        }
    }

    struct Parameters: ModelParameters {
        let seconds: Double

        init(_ point: Reader, method: Method) throws { seconds = try point[Keys.milliseconds] * 1e-3 }
    }

    func cost(of method: Method, _ p: Parameters, times: [Double]) -> Cost { Cost(seconds: p.seconds, bytes: 0) }

    func makeRun(_ method: Method, _ p: Parameters, _ request: RunRequest) -> any Run {
        BurnRun(seconds: p.seconds, end: cplatform_cpu_seconds() + p.seconds)
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
    mutating func finish(into sink: inout ObservationSink) { sink.put(.cpu, seconds) }

    mutating func exchange(with archive: inout StateArchive) throws {
        var remaining = end - cplatform_cpu_seconds()
        try archive.exchange(&remaining)
        if archive.isRestoring { end = cplatform_cpu_seconds() + remaining }
    }
}
