import Foundation
import Modeling
import Models
import Numerics

/// A grid point of the sequence single-index model: `values` on top of the model's own defaults.
func ssiPoint(_ values: [String: ParameterValue]) -> ParameterPoint {
    var point = ParameterPoint()
    for spec in SequenceSingleIndex().parameters {
        if case .value(let value) = spec.defaultValue { point[spec.name] = value }
    }
    for (name, value) in values { point[name] = value }
    return point
}

func vector(_ elements: [Double]) -> ParameterValue { .array(ArrayValue(shape: [elements.count], elements: elements)) }

func matrix(_ rows: [[Double]]) -> ParameterValue {
    .array(ArrayValue(shape: [rows.count, rows.first?.count ?? 0], elements: rows.flatMap { $0 }))
}

/// What one task recorded: rows of numbers a time for each observable.
struct SSIRecord {
    let sink: ObservationSink

    /// The observable `name`, all times (and its own dimensions) in a row.
    func callAsFunction(_ name: String) -> [Double] {
        sink.slots.firstIndex { $0.name == name }.map { sink.buffers[$0] } ?? []
    }
}

/// The request of one task, and the sink for what it records. Without `observables` all are recorded but the risk.
func ssiTask(
    _ method: String, _ values: [String: ParameterValue], times: [Double], unit: TimeUnit = .scaled, seed: Int = 1,
    observables: Set<String>? = nil
) throws -> (RunRequest, ObservationSink) {
    let model = SequenceSingleIndex()
    let point = ssiPoint(values)
    guard let spec = model.methods.first(where: { $0.name == method }) else {
        throw ModelError.inconsistent("no method \(method)")
    }
    let wanted = spec.observables.filter {
        $0.aggregate == nil && (observables?.contains($0.name) ?? ($0.name != "risk_half"))
    }
    let sink = ObservationSink(
        slots: wanted.map { observable in
            ObservationSink.Slot(
                name: observable.name, isRecordedInTime: observable.isRecordedInTime,
                shape: observable.dimensions.map { $0.length(at: point) })
        }, timeCount: times.count)
    let identity = TaskIdentity(high: 0x5351_0000, low: UInt64(seed) &* 0x9E37_79B9_7F4A_7C15)
    let request = RunRequest(
        method: method, point: point, times: RecordingTimes(unit: unit, values: times),
        observables: Set(wanted.map(\.name)), random: RandomStream(identity: identity))
    return (request, sink)
}

/// Runs one task as the engine does: advance in quanta, observe at each time, finish. Without `observables` all are
/// recorded but the risk.
func runSSI(
    _ method: String, _ values: [String: ParameterValue], times: [Double], unit: TimeUnit = .scaled, seed: Int = 1,
    quantum: Int = 4096, observables: Set<String>? = nil
) throws -> SSIRecord {
    var (request, sink) = try ssiTask(
        method, values, times: times, unit: unit, seed: seed, observables: observables)
    var run = try SequenceSingleIndex().makeRun(request)
    for (index, time) in times.enumerated() {
        while try !run.advance(toward: time, quantum: quantum) {}
        sink.timeIndex = index
        try run.observe(into: &sink)
    }
    try run.finish(into: &sink)
    return SSIRecord(sink: sink)
}

/// Mean, standard deviation and standard error of the mean.
struct Moments {
    let count: Int
    let mean: Double
    let std: Double
    var error: Double { std / Double(count).squareRoot() }
    /// Standard error of `std`, from the fourth moment.
    let stdError: Double

    init(_ x: [Double]) {
        count = x.count
        let n = Double(x.count)
        let mean = x.reduce(0, +) / n
        let second = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n
        let fourth = x.reduce(0) { $0 + pow($1 - mean, 4) } / n
        self.mean = mean
        std = (second * n / (n - 1)).squareRoot()
        stdError = (max(fourth - second * second, 0) / n).squareRoot() / (2 * max(second, 1e-300).squareRoot())
    }
}

/// The observable at the last time (its own dimensions in a row) over seeds 1...count.
func ensembleSSI(
    _ method: String, _ values: [String: ParameterValue], time: Double, seeds: Int,
    observables: Set<String> = ["overlap"], firstSeed: Int = 1
) throws -> [SSIRecord] {
    try (0..<seeds).map {
        try runSSI(method, values, times: [time], seed: firstSeed + $0, quantum: 1 << 20, observables: observables)
    }
}
