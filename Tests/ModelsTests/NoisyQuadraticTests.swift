import Foundation
import Modeling
import Numerics
import Testing

@Suite("The example of docs/adding-a-model.md")
struct NoisyQuadraticTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test func thePageShowsTheFile() throws {
        let page = try String(contentsOf: Self.root.appendingPathComponent("docs/adding-a-model.md"), encoding: .utf8)
        let source = try String(
            contentsOf: Self.root.appendingPathComponent("Tests/ModelsTests/NoisyQuadratic.swift"), encoding: .utf8)
        #expect(page.contains("```swift\n" + source + "```\n"))
    }

    private func task(_ method: String, _ values: [String: ParameterValue], seed: UInt64 = 0) throws
        -> (RunRequest, ObservationSink)
    {
        var point = ParameterPoint()
        for spec in NoisyQuadratic().parameters {
            if case .value(let value) = spec.defaultValue { point[spec.name] = value }
        }
        for (name, value) in values { point[name] = value }
        let times = RecordingTimes(unit: .steps, values: [0, 1, 10, 100])
        return (
            RunRequest(
                method: method, point: point, times: times, observables: ["loss"],
                random: RandomStream(identity: TaskIdentity(high: 1, low: seed))),
            ObservationSink(slots: [.init(name: "loss", isRecordedInTime: true, shape: [])], timeCount: 4)
        )
    }

    private func losses(_ method: String, _ values: [String: ParameterValue], seed: UInt64 = 0) throws -> [Double] {
        let (request, sink) = try task(method, values, seed: seed)
        return try recordedBits(request, sink, makeRun: NoisyQuadratic().makeRun).bits[0].map(Double.init(bitPattern:))
    }

    @Test func theSimulationAgreesWithTheTheory() throws {
        let values: [String: ParameterValue] = ["step_size": .real(0.3), "curvature": .real(2), "noise": .real(0.5)]
        let runs = try (0..<200).map { try losses("gd", values, seed: $0) }
        let theory = try losses("closed-form", values)
        for index in theory.indices {
            let moments = Moments(runs.map { $0[index] })
            #expect(abs(moments.mean - theory[index]) < 4 * moments.error + 1e-12)
            #expect(moments.error < 0.02 * theory[index])
        }
    }

    @Test(arguments: ["gd", "closed-form"]) func runsGoOnFromASavedState(method: String) throws {
        let (request, sink) = try task(method, ["step_size": .real(0.3)])
        let expected = try recordedBits(request, sink, makeRun: NoisyQuadratic().makeRun).bits
        for round in 0..<UInt64(5) {
            let choices = RandomStream(identity: TaskIdentity(high: 2, low: round))
            #expect(
                try recordedBits(request, sink, choices: choices, makeRun: NoisyQuadratic().makeRun).bits == expected)
        }
    }

    @Test func stepsThatAreTooLargeAreRefused() throws {
        let (request, _) = try task("gd", ["step_size": .real(2)])
        #expect(NoisyQuadratic().constraints(method: "gd").compactMap { $0.violation(request.point) }.count == 1)
        let (fine, _) = try task("gd", ["step_size": .real(1.9)])
        #expect(NoisyQuadratic().constraints(method: "gd").allSatisfy { $0.violation(fine.point) == nil })
    }
}
