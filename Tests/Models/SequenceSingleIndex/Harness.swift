import Foundation
import Modeling
import Models

let ssi = TaskHarness(model: SequenceSingleIndex(), salt: 0x5351_0000, leftOut: ["risk_half"])

/// A grid point of the sequence single-index model: `values` on top of the model's own defaults.
func ssiPoint(_ values: Given) -> ParameterPoint { ssi.point(values) }

func vector(_ elements: [Double]) -> ParameterValue { .array(ArrayValue(shape: [elements.count], elements: elements)) }

func matrix(_ rows: [[Double]]) -> ParameterValue {
    .array(ArrayValue(shape: [rows.count, rows.first?.count ?? 0], elements: rows.flatMap { $0 }))
}

/// The request of one task, and the sink for what it records. Without `observables` all are recorded but the risk.
func ssiTask(
    _ method: String, _ values: Given, times: [Double], unit: TimeUnit = .scaled, seed: Int = 1,
    observables: Set<String>? = nil
) throws -> (RunRequest, ObservationSink) {
    try ssi.task(method, values, times: times, unit: unit, seed: seed, observables: observables)
}

/// Runs one task. Without `observables` all are recorded but the risk.
func runSSI(
    _ method: String, _ values: Given, times: [Double], unit: TimeUnit = .scaled, seed: Int = 1,
    quantum: Int = 4096, observables: Set<String>? = nil
) throws -> Recording {
    try ssi.run(
        method, values, times: times, unit: unit, seed: seed, quantum: quantum, observables: observables)
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
) throws -> [Recording] {
    try (0..<seeds).map {
        try runSSI(method, values, times: [time], seed: firstSeed + $0, quantum: 1 << 20, observables: observables)
    }
}
