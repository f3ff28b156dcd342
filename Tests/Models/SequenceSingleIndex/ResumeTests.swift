import ModelTesting
import Modeling
import SequenceSingleIndex
import Testing

@Suite("Runs go on from a saved state as if they had never stopped")
struct ResumeTests {
    /// How often a state was saved.
    private func check(
        _ method: String, _ values: Given, times: [Double], unit: TimeUnit = .scaled,
        observables: Set<String>? = nil, rounds: Int = 6, _ comment: String = ""
    ) throws -> Int {
        let saves = try harness.savesWithSameBits(
            method, values, times: times, unit: unit, observables: observables, rounds: rounds)
        return try #require(saves, "\(method) \(comment)")
    }

    @Test(arguments: ["sgd", "overlap-chain"], cases.indices)
    func simulations(method: String, index: Int) throws {
        let (name, base) = cases[index]
        let values = base.with(["d": .integer(70), "test_size": .integer(50)])
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
        let values: Given = [
            "d": .integer(4999), "L": .integer(2), "student": .text("untied"), "step_size": .real(0.5),
            "init": .text("random"),
        ]
        #expect(try check("sgd", values, times: [0, 3, 40, 200], unit: .steps) > 10)
    }

    @Test(arguments: cases.indices) func ode(index: Int) throws {
        let (name, base) = cases[index]
        // Stable steps are of the order 1/gamma: the long times pass several fresh starts of the integrator.
        let isNetwork = base["student"] != .text("attention")
        let times = isNetwork ? [0, 1e-3, 0.2, 1, 7, 2000, 30000] : [0, 1e-3, 0.2, 1, 7, 30]
        let values = base.with(["d": .integer(70), "quadrature_points": .integer(256)])
        #expect(try check("ode", values, times: times, rounds: isNetwork ? 4 : 2, name) > 10)
    }

    @Test(arguments: ["closed-form", "closed-form-trajectory"]) func closedForms(method: String) throws {
        let values: Given = ["d": .integer(70), "L": .integer(3), "step_size": .real(0.4)]
        #expect(try check(method, values, times: [0, 0.5, 2, 50]) > 5)
        if method == "closed-form" {
            let attention = cases[3].values.with(["d": .integer(70)])
            #expect(try check(method, attention, times: [0, 0.5, 2, 50]) > 1)
        }
    }
}
