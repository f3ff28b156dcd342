import BilinearSequenceRegression
import Foundation
import ModelKit
import ModelTesting
import Modeling
import Numerics
import Testing

@Suite("Bilinear sequence regression: parameters") struct ParameterTests {
    private func message(_ method: Method, _ values: Given) -> String? {
        do {
            _ = try runTask(method, values, times: method.spec.isTimed ? [1] : [])
            return nil
        } catch { return "\(error)" }
    }

    @Test func whatDoesNotFitIsRefusedWithAdvice() {
        let ratios = atRatios(alpha: 0.3, beta: 2, rho: 0.5)
        for (method, values, words) in [
            (.amp, ratios, "'d' is needed"),
            (.bayes, ratios.merging(["rank": .integer(3)]) { $1 }, "stands in place of rho"),
            (.bayes, ratios.merging(["L": .integer(3)]) { $1 }, "stands in place of L"),
            (.bayes, ratios.merging(["n": .integer(3)]) { $1 }, "stands in place of alpha"),
            (.bayes, ratios.merging(["alpha_bar": .real(0.2)]) { $1 }, "stands in place of alpha"),
            (.bayes, ["alpha": .real(0.3), "rho": .real(0.5), "L": .integer(4)], "needs d"),
            (.bayes, ["rho": .real(0.5)], "alpha"), (.bayes, ["alpha": .real(0.5)], "rho"),
            (.langevin, atSizes(d: 10, L: 10, rank: 2, alpha: 0.3), "must be positive for langevin"),
            (
                .gd, ["d": .integer(100_000), "beta": .real(1e9), "rho": .real(0.5), "alpha": .real(1e9)],
                "smaller sizes"
            ),
        ] as [(Method, Given, String)] {
            let text = message(method, values)
            #expect(text?.contains(words) == true, "\(method): \(text ?? "no error") should say '\(words)'")
        }
        #expect(message(.thresholds, ["rho": .real(0.5)]) == nil)
        #expect(message(.ridgeTheory, ["alpha": .real(0.5)]) == nil)
    }

    @Test func iterationsHaveNoOtherTime() {
        #expect(throws: ModelError.self) {
            try runTask(.amp, atSizes(d: 6, L: 6, rank: 2, alpha: 0.5), times: [1], unit: .scaled)
        }
        #expect(throws: ModelError.self) {
            try runTask(.stateEvolution, atRatios(alpha: 0.3, beta: 1, rho: 1), times: [1], unit: .scaled)
        }
    }

    /// The smallest sizes run, and t = step_size steps.
    @Test func smallestSizes() throws {
        for method: Method in [.amp, .ridge, .gd, .langevin] {
            let values = atSizes(d: 1, L: 1, rank: 1, alpha: 3, noise: 0.5)
            let record = try runTask(method, values, times: [0, 5])
            let errors = record("E")
            #expect(errors.allSatisfy { $0.isFinite }, "\(method)")
        }
        let values = atSizes(d: 6, L: 8, rank: 2, alpha: 0.5, ["step_size": .real(0.25)])
        let steps = try runTask(.gd, values, times: [0, 8, 40])
        #expect(try runTask(.gd, values, times: [0, 2, 10], unit: .scaled)("E") == steps("E"))
    }

    @Test func costsGrowWithTheWork() throws {
        func seconds(_ method: String, _ values: Given) throws -> Double {
            try harness.prepare(method, values, times: [100]).cost().seconds
        }
        let small = atSizes(d: 50, L: 50, rank: 10, alpha: 0.2)
        let large = atSizes(d: 100, L: 100, rank: 20, alpha: 0.2)
        // The inputs grow by 16, the decomposition in amp by 8.
        for (method, factor) in [("amp", 5.0), ("gd", 8), ("ridge", 8)] {
            #expect(try seconds(method, large) > factor * seconds(method, small))
        }
        for method in harness.model.methods {
            let cost = try harness.prepare(
                method.name, small.merging(["noise": .real(0.5)]) { $1 }, times: [10]
            ).cost()
            #expect(cost.seconds > 0 && cost.memory > 0)
        }
    }
}
