import Foundation
import Modeling
import Models
import Numerics
import Testing

/// Carries one task to its end and returns the bits it recorded. With `choices` the quanta are random, and at random
/// places between two calls the state is saved; then either the run goes on, or a new one from the restored state.
func recordedBits(
    _ request: RunRequest, _ emptySink: ObservationSink, choices: RandomStream? = nil,
    makeRun: (RunRequest) throws -> any Run
) throws -> (bits: [[UInt64]], saves: Int) {
    var choices = choices
    var sink = emptySink
    var run = try makeRun(request)
    var saves = 0
    func maybeStop() throws {
        guard let choice = choices?.uniform(), choice < 0.4 else { return }
        let bytes = try StateArchive.save(&run)
        saves += 1
        if choice < 0.2 {
            run = try makeRun(request)
            try StateArchive.restore(&run, from: bytes)
            // A run that was just restored is the one that was saved.
            #expect(try StateArchive.save(&run) == bytes)
        }
    }
    let isTimed = request.times.values.first.map { $0 < .infinity } ?? false
    for (index, time) in request.times.values.enumerated() {
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

@Suite("Runs go on from a saved state as if they had never stopped")
struct ResumeTests {
    /// Compares an uninterrupted run with several interrupted ones; returns how often a state was saved.
    private func check(
        _ method: String, _ values: [String: ParameterValue], times: [Double], unit: TimeUnit = .scaled,
        observables: Set<String>? = nil, rounds: Int = 6, _ comment: String = ""
    ) throws -> Int {
        let (request, sink) = try ssiTask(method, values, times: times, unit: unit, observables: observables)
        let model = SequenceSingleIndex()
        let expected = try recordedBits(request, sink, makeRun: model.makeRun).bits
        #expect(expected.joined().contains { $0 != Double.nan.bitPattern })
        var saves = 0
        for round in 0..<rounds {
            let choices = RandomStream(identity: TaskIdentity(high: 0x57A7E, low: UInt64(round)))
            let interrupted = try recordedBits(request, sink, choices: choices, makeRun: model.makeRun)
            #expect(interrupted.bits == expected, "\(method) \(comment) round \(round)")
            saves += interrupted.saves
        }
        return saves
    }

    @Test(arguments: ["sgd", "overlap-chain"], ssiCases.indices)
    func simulations(method: String, index: Int) throws {
        let (name, base) = ssiCases[index]
        let values = base.merging(["d": .integer(70), "test_size": .integer(50)]) { $1 }
        let observables: Set<String> = [
            "overlap", "overlap_vec", "positional_overlap_vec", "risk_half", "student_norm", "semantic",
            "weak_recovery_time", "normalized_component",
        ]
        var saves = try check(
            method, values, times: [0, 1, 2, 10, 700, 3000, 9000], unit: .steps, observables: observables, name)
        saves += try check(method, values, times: [0.01, 0.5, 25], observables: observables, name)
        #expect(saves > 50)
    }

    @Test func aSimulationWhoseVectorsAreNotAMultipleOfAPiece() throws {
        let values: [String: ParameterValue] = [
            "d": .integer(4999), "L": .integer(2), "student": .text("untied"), "step_size": .real(0.5),
            "init": .text("random"),
        ]
        #expect(try check("sgd", values, times: [0, 3, 40, 200], unit: .steps) > 10)
    }

    @Test(arguments: ssiCases.indices) func ode(index: Int) throws {
        let (name, base) = ssiCases[index]
        // Stable steps are of the order 1/gamma: the long times pass several fresh starts of the integrator.
        let isNetwork = base["student"] != .text("attention")
        let times = isNetwork ? [0, 1e-3, 0.2, 1, 7, 2000, 30000] : [0, 1e-3, 0.2, 1, 7, 30]
        let values = base.merging(["d": .integer(70), "quadrature_points": .integer(256)]) { $1 }
        let saves = try check(
            "ode", values, times: times, rounds: isNetwork ? 4 : 2, name)
        #expect(saves > 10)
    }

    @Test(arguments: ["closed-form", "closed-form-trajectory"]) func closedForms(method: String) throws {
        let values: [String: ParameterValue] = ["d": .integer(70), "L": .integer(3), "step_size": .real(0.4)]
        let times = method == "closed-form" ? [Double.infinity] : [0, 0.5, 2, 50]
        #expect(try check(method, values, times: times) > 5)
        if method == "closed-form" {
            let attention = ssiCases[3].values.merging(["d": .integer(70)]) { $1 }
            #expect(try check(method, attention, times: times, rounds: 2) > 1)
        }
    }

    /// A walk that can forget parts of its state.
    private struct Walk: Run {
        var random: RandomStream
        var step = 0
        var position = 0.0
        var largest = 0.0
        let forgets: String

        mutating func advance(toward time: Double, quantum: Int) -> Bool {
            for _ in 0..<quantum where step < Int(time) {
                step += 1
                position += random.normal()
                largest = max(largest, position)
            }
            return step == Int(time)
        }
        mutating func observe(into sink: inout ObservationSink) { sink.put("x", position) }
        mutating func finish(into sink: inout ObservationSink) { sink.put("largest", largest) }
        mutating func exchange(with archive: inout StateArchive) throws {
            if forgets != "random" { try archive.exchange(&random) }
            if forgets != "step" { try archive.exchange(&step) }
            if forgets != "position" { try archive.exchange(&position) }
            if forgets != "largest" { try archive.exchange(&largest) }
        }
    }

    @Test(arguments: ["", "random", "step", "position", "largest"])
    func whatARunForgetsIsNoticed(forgets: String) throws {
        let request = RunRequest(
            method: "walk", point: ParameterPoint(), times: RecordingTimes(unit: .steps, values: [0, 300, 20000]),
            observables: [], random: RandomStream(identity: TaskIdentity(high: 1, low: 2)))
        let sink = ObservationSink(
            slots: [
                .init(name: "x", isRecordedInTime: true, shape: []),
                .init(name: "largest", isRecordedInTime: false, shape: []),
            ], timeCount: 3)
        func bits(_ choices: RandomStream?) throws -> [[UInt64]] {
            try recordedBits(request, sink, choices: choices) { Walk(random: $0.random, forgets: forgets) }.bits
        }
        let expected = try bits(nil)
        let same = try (0..<5).map { round in
            try bits(RandomStream(identity: TaskIdentity(high: 3, low: round))) == expected
        }
        #expect(same.allSatisfy { $0 } == forgets.isEmpty)
    }
}
