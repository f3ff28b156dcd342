import Modeling
import Models
import Numerics

typealias Given = [String: ParameterValue]

/// What one task recorded: rows of numbers a time for each observable.
struct Recording {
    let sink: ObservationSink

    /// The observable `name`, all times (and its own dimensions) in a row.
    func callAsFunction(_ name: String) -> [Double] {
        sink.slots.firstIndex { $0.name == name }.map { sink.buffers[$0] } ?? []
    }
}

/// As in the program: tests run side by side, and a BLAS with threads of its own would make them wait for each other.
private let isBLASSingleThreaded: Void = BLAS.setSingleThreaded()

/// Makes and runs single tasks of one model as the engine does.
struct TaskHarness {
    let model: any Model
    /// Half of every task's identity, so that no two models' tests share random numbers.
    let salt: UInt64
    /// Observables that are recorded only when a test names them.
    var leftOut: Set<String> = []

    /// A grid point: `values` on top of the model's own defaults.
    func point(_ values: Given) -> ParameterPoint {
        var point = ParameterPoint()
        for spec in model.parameters {
            if case .value(let value) = spec.defaultValue { point[spec.name] = value }
        }
        for (name, value) in values { point[name] = value }
        return point
    }

    private func spec(_ method: String) throws -> MethodSpec {
        guard let spec = model.methods.first(where: { $0.name == method }) else {
            throw ModelError.inconsistent("no method \(method)")
        }
        return spec
    }

    /// The request of one task, and the sink for what it records: `observables`, or all but aggregates and ``leftOut``.
    func task(
        _ method: String, _ values: Given, times: [Double], unit: TimeUnit, seed: Int = 1,
        observables: Set<String>? = nil
    ) throws -> (RunRequest, ObservationSink) {
        let spec = try spec(method)
        let point = point(values)
        let wanted = spec.observables.filter {
            $0.aggregate == nil && (observables?.contains($0.name) ?? !leftOut.contains($0.name))
        }
        let sink = ObservationSink(
            slots: wanted.map { .init($0, at: point, timeCount: spec.isTimed ? times.count : 0) },
            timeCount: times.count)
        let identity = TaskIdentity(high: salt, low: UInt64(seed) &* 0x9E37_79B9_7F4A_7C15)
        let request = RunRequest(
            method: method, point: point, times: RecordingTimes(unit: unit, values: times),
            observables: Set(wanted.map(\.name)), random: RandomStream(identity: identity))
        return (request, sink)
    }

    /// Runs one task: advance in quanta, observe at each time, finish. A method without time has `times` [infinity].
    func run(
        _ method: String, _ values: Given, times: [Double], unit: TimeUnit, seed: Int = 1, quantum: Int = 1 << 20,
        observables: Set<String>? = nil
    ) throws -> Recording {
        _ = isBLASSingleThreaded
        var (request, sink) = try task(
            method, values, times: times, unit: unit, seed: seed, observables: observables)
        let isTimed = try spec(method).isTimed
        var run = try model.makeRun(request)
        for (index, time) in times.enumerated() {
            while try !run.advance(toward: time, quantum: quantum) {}
            sink.timeIndex = index
            if isTimed { try run.observe(into: &sink) }
        }
        try run.finish(into: &sink)
        return Recording(sink: sink)
    }
}
