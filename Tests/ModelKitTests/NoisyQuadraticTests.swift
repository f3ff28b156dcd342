import Foundation
import ModelTesting
import Modeling
import Testing

@Suite("The example of docs/adding-a-model.md")
struct NoisyQuadraticTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private let harness = TaskHarness(NoisyQuadratic(), salt: 1)
    private let times: [Double] = [0, 1, 10, 100]

    @Test func thePageShowsTheFile() throws {
        let page = try String(contentsOf: Self.root.appendingPathComponent("docs/adding-a-model.md"), encoding: .utf8)
        let source = try String(
            contentsOf: Self.root.appendingPathComponent("Tests/ModelKitTests/NoisyQuadratic.swift"), encoding: .utf8)
        #expect(page.contains("```swift\n" + source + "```\n"))
    }

    @Test func theSimulationAgreesWithTheTheory() throws {
        let values: Given = ["step_size": .real(0.3), "curvature": .real(2), "noise": .real(0.5)]
        let runs = try (0..<200).map { seed in
            try harness.run("gd", values, times: times, unit: .steps, seed: seed)("loss")
        }
        let theory = try harness.run("closed-form", values, times: times, unit: .steps)("loss")
        for index in theory.indices {
            let moments = Moments(runs.map { $0[index] })
            #expect(abs(moments.mean - theory[index]) < 4 * moments.error + 1e-12)
            #expect(moments.error < 0.02 * theory[index])
        }
    }

    @Test(arguments: ["gd", "closed-form"]) func runsGoOnFromASavedState(method: String) throws {
        let saves = try harness.savesWithSameBits(
            method, ["step_size": .real(0.3)], times: times, unit: .steps, rounds: 5)
        #expect(try #require(saves) > 0)
    }

    @Test func timeIsStepsOrThatOfGradientFlow() throws {
        let values: Given = ["step_size": .real(0.25)]
        let steps = try harness.run("gd", values, times: [0, 4, 40], unit: .steps)("loss")
        #expect(try harness.run("gd", values, times: [0, 1, 10], unit: .scaled)("loss") == steps)
    }

    @Test func theoryDoesNotReadTheDimension() throws {
        #expect(try harness.prepare("gd", ["step_size": .real(0.3), "d": .integer(7)]).touched.contains("d"))
        #expect(try !harness.prepare("closed-form", ["step_size": .real(0.3), "d": .integer(7)]).touched.contains("d"))
    }

    @Test func stepsThatAreTooLargeAreRefused() throws {
        #expect(throws: ModelError.self) { try harness.prepare("gd", ["step_size": .real(2)]) }
        _ = try harness.prepare("gd", ["step_size": .real(1.9)])
    }
}
