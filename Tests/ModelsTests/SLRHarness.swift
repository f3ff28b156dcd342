import Modeling
import Models
import Numerics

/// The setting of most landmarks: d = 400, L = 10, gamma^2 = 1/2, lambda = 0.1, a = 4e-3.
let slrBase: [String: ParameterValue] = [
    "d": .integer(400), "L": .integer(10), "lambda0": .real(0.1), "step_size": .real(4e-3),
]

/// Prescribed overlaps (kappa, nu, theta, eta, rho), and more on top of `slrBase`.
func slrValues(_ q: [Double] = [], _ more: [String: ParameterValue] = [:]) -> [String: ParameterValue] {
    var values = slrBase
    for (name, value) in zip(["kappa0", "nu0", "theta0", "eta0", "rho0"], q) { values[name] = .real(value) }
    return values.merging(more) { $1 }
}

/// The request of one task of single-location regression, and the sink for what it records (all, without `observables`).
func slrTask(
    _ method: String, _ values: [String: ParameterValue], times: [Double], unit: TimeUnit = .steps, seed: Int = 1,
    observables: Set<String>? = nil
) throws -> (RunRequest, ObservationSink) {
    let model = SingleLocationRegression()
    var point = ParameterPoint()
    for spec in model.parameters {
        if case .value(let value) = spec.defaultValue { point[spec.name] = value }
    }
    for (name, value) in values { point[name] = value }
    guard let spec = model.methods.first(where: { $0.name == method }) else {
        throw ModelError.inconsistent("no method \(method)")
    }
    let wanted = spec.observables.filter { $0.aggregate == nil && (observables?.contains($0.name) ?? true) }
    let sink = ObservationSink(
        slots: wanted.map {
            ObservationSink.Slot(name: $0.name, isRecordedInTime: $0.isRecordedInTime, shape: [])
        }, timeCount: times.count)
    let request = RunRequest(
        method: method, point: point, times: RecordingTimes(unit: unit, values: times),
        observables: Set(wanted.map(\.name)),
        random: RandomStream(identity: TaskIdentity(high: 0x534C_5200, low: UInt64(seed) &* 0x9E37_79B9_7F4A_7C15)))
    return (request, sink)
}

/// Runs one task as the engine does.
func runSLR(
    _ method: String, _ values: [String: ParameterValue], times: [Double] = [.infinity], unit: TimeUnit = .steps,
    seed: Int = 1, quantum: Int = 1 << 20, observables: Set<String>? = nil
) throws -> SSIRecord {
    var (request, sink) = try slrTask(method, values, times: times, unit: unit, seed: seed, observables: observables)
    var run = try SingleLocationRegression().makeRun(request)
    for (index, time) in times.enumerated() {
        while try !run.advance(toward: time, quantum: quantum) {}
        sink.timeIndex = index
        if method != "closed-form" { try run.observe(into: &sink) }
    }
    try run.finish(into: &sink)
    return SSIRecord(sink: sink)
}

/// A number of method closed-form.
func closedForm(_ name: String, _ values: [String: ParameterValue]) throws -> Double {
    try runSLR("closed-form", values, observables: [name])(name).first ?? .nan
}

let overlapNames = ["kappa", "nu", "theta", "eta", "rho"]

extension SSIRecord {
    /// (kappa, nu, theta, eta, rho) at recording time `index`.
    func overlaps(_ index: Int) -> [Double] { overlapNames.map { self($0)[index] } }
}

/// The largest distance between two vectors' entries.
func largestDifference(_ x: [Double], _ y: [Double]) -> Double {
    x.count == y.count ? zip(x, y).map { abs($0 - $1) }.max() ?? 0 : .infinity
}
