import ModelTesting
import Modeling
import SequenceSingleIndex

let harness = TaskHarness(SequenceSingleIndex(), salt: 0x5351_0000, leftOut: ["risk_half"])

/// A grid point as `method` reads it.
func parameters(_ values: Given, for method: SequenceSingleIndex.Method = .sgd) throws -> Parameters {
    try harness.parameters(method, values)
}

/// Runs one task, with times in t. Without `observables` all are recorded but the half risk.
func run(
    _ method: String, _ values: Given, times: [Double], unit: TimeUnit = .scaled, seed: Int = 1,
    quantum: Int = 4096, observables: Set<String>? = nil
) throws -> Recording {
    try harness.run(
        method, values, times: times, unit: unit, seed: seed, quantum: quantum, observables: observables)
}

/// The observables at one time (their own dimensions in a row) over consecutive seeds.
func ends(
    _ method: String, _ values: Given, time: Double, seeds: Int, observables: Set<String> = ["overlap"],
    firstSeed: Int = 1
) throws -> [Recording] {
    try (0..<seeds).map {
        try run(method, values, times: [time], seed: firstSeed + $0, quantum: 1 << 20, observables: observables)
    }
}

// Values of a job as tests look at them.
extension Given {
    func text(_ name: String, default standard: String) -> String {
        if case .text(let text)? = self[name] { text } else { standard }
    }

    func real(_ name: String, default standard: Double = .nan) -> Double { self[name]?.number ?? standard }

    func integer(_ name: String) -> Int {
        if case .integer(let value)? = self[name] { value } else { 0 }
    }

    func elements(_ name: String) -> [Double]? {
        if case .array(let array)? = self[name] { array.elements } else { nil }
    }
}
