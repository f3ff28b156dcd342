import ModelTesting
import Modeling
import Testing

extension Observable {
    fileprivate static let x = Observable("x", symbol: "x", "position")
    fileprivate static let largest = Observable("largest", symbol: "x", "largest position", inTime: false)
}

@Suite("A run that forgets part of its state is noticed")
struct ResumeTests {
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
        mutating func observe(into sink: inout ObservationSink) { sink.put(.x, position) }
        mutating func finish(into sink: inout ObservationSink) { sink.put(.largest, largest) }
        mutating func exchange(with archive: inout StateArchive) throws {
            if forgets != "random" { try archive.exchange(&random) }
            if forgets != "step" { try archive.exchange(&step) }
            if forgets != "position" { try archive.exchange(&position) }
            if forgets != "largest" { try archive.exchange(&largest) }
        }
    }

    @Test(arguments: ["", "random", "step", "position", "largest"])
    func whatARunForgetsIsNoticed(forgets: String) throws {
        let sink = ObservationSink(
            slots: [
                .init(name: "x", isRecordedInTime: true, shape: []),
                .init(name: "largest", isRecordedInTime: false, shape: []),
            ], timeCount: 3)
        let random = RandomStream(identity: TaskIdentity(high: 1, low: 2))
        func bits(_ choices: RandomStream?) throws -> [[UInt64]] {
            try recordedBits(targets: [0, 300, 20000], isTimed: true, sink, choices: choices) {
                Walk(random: random, forgets: forgets)
            }.bits
        }
        let expected = try bits(nil)
        let same = try (0..<5).map { round in
            try bits(RandomStream(identity: TaskIdentity(high: 3, low: round))) == expected
        }
        #expect(same.allSatisfy { $0 } == forgets.isEmpty)
    }
}
