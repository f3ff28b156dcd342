import Foundation
import Modeling

/// A state restored from its own bytes gives other bytes.
public struct RestoredStateDiffers: Error {}

/// Carries one task to its end and returns the bits it recorded. With `choices` the quanta are random, and at random
/// places between two calls the state is saved; then either the run goes on, or a new one from the restored state.
public func recordedBits(
    targets: [Double], isTimed: Bool, _ emptySink: ObservationSink, choices: RandomStream? = nil,
    makeRun: () throws -> any Run
) throws -> (bits: [[UInt64]], saves: Int) {
    var choices = choices
    var sink = emptySink
    var run = try makeRun()
    var saves = 0
    func maybeStop() throws {
        guard let choice = choices?.uniform(), choice < 0.4 else { return }
        let bytes = try StateArchive.save(&run)
        saves += 1
        if choice < 0.2 {
            run = try makeRun()
            try StateArchive.restore(&run, from: bytes)
            // A run that was just restored is the one that was saved.
            guard try StateArchive.save(&run) == bytes else { throw RestoredStateDiffers() }
        }
    }
    for (index, time) in targets.enumerated() {
        sink.timeIndex = index
        var arrived = false
        while !arrived {
            try maybeStop()
            let quantum = choices.map { _ in Int(exp2(14 * (choices?.uniform() ?? 0))) } ?? 1 << 20
            arrived = try run.advance(toward: time, quantum: quantum)
        }
        try maybeStop()
        if isTimed { try run.observe(into: &sink) }
    }
    try maybeStop()
    try run.finish(into: &sink)
    return (sink.buffers.map { $0.map(\.bitPattern) }, saves)
}

/// The bits of a task, see ``recordedBits(targets:isTimed:_:choices:makeRun:)``.
public func recordedBits(
    _ task: PreparedTask, choices: RandomStream? = nil
) throws -> (bits: [[UInt64]], saves: Int) {
    try recordedBits(
        targets: task.point.targets, isTimed: task.isTimed, task.sink, choices: choices, makeRun: task.makeRun)
}

extension TaskHarness {
    /// How often the state was saved in `rounds` interrupted runs of one task, each of which gave the same bits as an
    /// uninterrupted one; nil when one did not, or when nothing was recorded.
    public func savesWithSameBits(
        _ method: String, _ values: Given, times: [Double], unit: TimeUnit = .scaled,
        observables: Set<String>? = nil, rounds: Int = 6
    ) throws -> Int? {
        let task = try task(method, values, times: times, unit: unit, observables: observables)
        let expected = try recordedBits(task).bits
        guard expected.joined().contains(where: { $0 != Double.nan.bitPattern }) else { return nil }
        var saves = 0
        for round in 0..<rounds {
            let choices = RandomStream(identity: TaskIdentity(high: 0x57A7E, low: UInt64(round)))
            let interrupted = try recordedBits(task, choices: choices)
            guard interrupted.bits == expected else { return nil }
            saves += interrupted.saves
        }
        return saves
    }
}
