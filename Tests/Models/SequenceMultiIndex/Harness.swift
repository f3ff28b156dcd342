import Foundation
import Modeling
import Models
import Numerics

/// Two layers, two tokens, skip 1, with a place for the required parameters.
private let smiBase: Given = ["alpha": .real(0.5), "q_last": .real(0.5)]

let smi = TaskHarness(model: SequenceMultiIndex(), salt: 0x534D_4900)

/// Runs one task of the sequence multi-index model.
func runSMI(
    _ method: String, _ values: Given = [:], times: [Double] = [.infinity], unit: TimeUnit = .steps, seed: Int = 1,
    observables: Set<String>? = nil
) throws -> Recording {
    try smi.run(
        method, smiBase.merging(values) { $1 }, times: times, unit: unit, seed: seed, observables: observables)
}

/// The request of one task, and its sink.
func smiTask(
    _ method: String, _ values: Given, times: [Double], unit: TimeUnit = .steps
) throws -> (RunRequest, ObservationSink) {
    try smi.task(method, smiBase.merging(values) { $1 }, times: times, unit: unit)
}

func smiStream(_ number: UInt64) -> RandomStream {
    RandomStream(identity: TaskIdentity(high: 0x534D_4901, low: number))
}

func smiExpectations(
    layers: Int = 2, L: Int = 2, skip: Double = 1, reg: Double = 0, samples: Int = 8192, draws: Int = 4096,
    stream: UInt64 = 1
) throws -> SMIExpectations {
    try SMIExpectations(
        SMINetwork(layers: layers, L: L, skip: skip), reg: reg, samples: samples, draws: draws,
        random: smiStream(stream))
}
