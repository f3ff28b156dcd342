import Foundation
import Modeling
import Models
import Numerics

typealias Given = [String: ParameterValue]

/// A grid point of the model: `values` on top of the defaults.
func saibPoint(_ values: Given) -> ParameterPoint {
    var point = ParameterPoint()
    for spec in SelfAttentionImplicitBias().parameters {
        if case .value(let value) = spec.defaultValue { point[spec.name] = value }
    }
    for (name, value) in values { point[name] = value }
    return point
}

func tensor(_ x: [[[Double]]]) -> ParameterValue {
    .array(
        ArrayValue(
            shape: [x.count, x[0].count, x[0][0].count], elements: x.flatMap { $0.flatMap { $0 } }))
}

/// The request of one task and the sink for it; all observables of the method are recorded unless `observables` says.
func saibTask(
    _ method: String, _ values: Given, times: [Double], unit: TimeUnit = .steps, seed: Int = 1,
    observables: Set<String>? = nil
) throws -> (RunRequest, ObservationSink) {
    let point = saibPoint(values)
    guard let spec = SelfAttentionImplicitBias().methods.first(where: { $0.name == method }) else {
        throw ModelError.inconsistent("no method \(method)")
    }
    let wanted = spec.observables.filter {
        observables?.contains($0.name) ?? ($0.isRecordedByDefault || $0.name != "multipliers")
    }
    let sink = ObservationSink(
        slots: wanted.map { observable in
            ObservationSink.Slot(
                name: observable.name, isRecordedInTime: observable.isRecordedInTime,
                shape: observable.dimensions.map { $0.length(at: point) })
        }, timeCount: times.count)
    let identity = TaskIdentity(high: 0x5341_4942, low: UInt64(seed) &* 0x9E37_79B9_7F4A_7C15)
    let request = RunRequest(
        method: method, point: point, times: RecordingTimes(unit: unit, values: times),
        observables: Set(wanted.map(\.name)), random: RandomStream(identity: identity))
    return (request, sink)
}

/// Runs one task as the engine does.
func runSAIB(
    _ method: String, _ values: Given, times: [Double] = [.infinity], unit: TimeUnit = .steps, seed: Int = 1,
    quantum: Int = 1 << 20, observables: Set<String>? = nil
) throws -> SSIRecord {
    var (request, sink) = try saibTask(
        method, values, times: times, unit: unit, seed: seed, observables: observables)
    var run = try SelfAttentionImplicitBias().makeRun(request)
    for (index, time) in times.enumerated() {
        while try !run.advance(toward: time, quantum: quantum) {}
        sink.timeIndex = index
        if time < .infinity { try run.observe(into: &sink) }
    }
    try run.finish(into: &sink)
    return SSIRecord(sink: sink)
}

/// |x/y - 1|.
func relativeError(_ x: Double, _ y: Double) -> Double { abs(x / y - 1) }

/// The sheet's sin data of landmark 1.
let sinData: Given = ["data": .text("sin"), "n": .integer(4), "L": .integer(3), "d": .integer(6)]

extension Dictionary where Key == String, Value == ParameterValue {
    func with(_ others: Given) -> Given { merging(others) { $1 } }
}
