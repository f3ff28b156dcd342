import ExtensiveWidthQuadratic
import Foundation
import ModelKit
import ModelTesting
import Modeling
import Numerics
import Testing

@Suite("Extensive-width quadratic network: parameters") struct ParameterTests {
    private func message(_ method: Method, _ values: Given) -> String? {
        do {
            _ = try runTask(method, values, times: method.spec.isTimed ? [1] : [])
            return nil
        } catch { return "\(error)" }
    }

    @Test func whatDoesNotFitIsRefusedWithAdvice() {
        let ratios = atRatios(kappa: 0.5, alpha: 0.3)
        let sizes = atSizes(d: 20, width: 10, alpha: 0.3)
        for (method, values, words) in [
            (.amp, ratios, "'d' is needed"),
            (.bayes, ratios.merging(["width": .integer(3)]) { $1 }, "stands in place of kappa"),
            (.bayes, ratios.merging(["n": .integer(3)]) { $1 }, "stands in place of alpha"),
            (.bayes, ratios.merging(["alpha_bar": .real(0.2)]) { $1 }, "stands in place of alpha"),
            (.bayes, ratios.merging(["noise_std": .real(0.2)]) { $1 }, "stands in place of noise"),
            (.bayes, ["alpha": .real(0.3), "width": .integer(4)], "needs d"),
            (.bayes, ["kappa": .real(0.5)], "alpha"), (.bayes, ["alpha": .real(0.5)], "kappa"),
            (.langevin, sizes, "must be positive for langevin"),
            (.gd, atSizes(d: 100_000, width: 10, alpha: 1e9), "smaller sizes"),
            // 1/(0.3 * 20) = 0.1667.
            (.gd, sizes.merging(["step_size": .real(0.17)]) { $1 }, "1/(alpha d) = 0.1667"),
            (.gd, sizes.merging(["step_size": .real(0.17)]) { $1 }, "half of the bound"),
            (
                .gd, sizes.merging(["step_size": .real(0.12), "noise": .real(0.5)]) { $1 },
                "1/(alpha d (1 + noise)) = 0.1111"
            ),
            (
                .gd, sizes.merging(["step_size": .real(0.1), "student_width": .integer(5)]) { $1 },
                "1/(alpha d width/student_width) = 0.08333"
            ),
            (
                .gd, sizes.merging(["step_size": .real(0.13), "init_scale": .real(2)]) { $1 },
                "(init_scale^2 - 1)) = 0.1111"
            ),
            (
                .langevin, sizes.merging(["step_size": .real(0.1), "noise": .real(0.25)]) { $1 },
                "noise (2 + noise)/(alpha d) = 0.09375"
            ),
        ] as [(Method, Given, String)] {
            let text = message(method, values)
            #expect(text?.contains(words) == true, "\(method): \(text ?? "no error") should say '\(words)'")
        }
        #expect(message(.thresholds, ["kappa": .real(0.5)]) == nil)
        #expect(message(.gd, sizes.merging(["step_size": .real(0.16)]) { $1 }) == nil)
        #expect(message(.gd, sizes.merging(["step_size": .real(0.5), "optimizer": .text("adam")]) { $1 }) == nil)
    }

    /// The bound is where descent stops to settle: below it the trace comes to its target, above it does not.
    @Test(arguments: [(0.0, 20), (0.5, 20), (0.0, 40)]) func stepBound(noise: Double, student: Int) throws {
        let values = atSizes(d: 40, width: 20, alpha: 0.05, noise: noise, ["student_width": .integer(student)])
        let p = try parameters(.gd, values)
        let bound = StepBound(
            p.sizes, noise: noise, studentWidth: student, initScale: 1, .optimizer(.gd)
        ).value
        #expect(abs(bound - Double(student) / 20 / (0.05 * 40 * (1 + noise))) < 1e-12)
        // The default is at most half of it.
        #expect(p.descent.stepSize == min(0.1, 0.5 * bound))
    }

    @Test func iterationsHaveNoOtherTime() {
        #expect(throws: ModelError.self) {
            try runTask(.amp, atSizes(d: 6, width: 2, alpha: 0.5), times: [1], unit: .scaled)
        }
        #expect(throws: ModelError.self) {
            try runTask(.stateEvolution, atRatios(kappa: 0.3, alpha: 1), times: [1], unit: .scaled)
        }
    }

    /// The smallest sizes run, and t = step_size steps.
    @Test func smallestSizes() throws {
        for method: Method in [.amp, .gd, .langevin] {
            let record = try runTask(method, atSizes(d: 1, width: 1, alpha: 3, noise: 0.5), times: [0, 5])
            #expect(record("R").allSatisfy { $0.isFinite }, "\(method)")
        }
        let values = atSizes(d: 8, width: 4, alpha: 0.3, ["step_size": .real(0.125)])
        let steps = try runTask(.gd, values, times: [0, 8, 40])
        #expect(try runTask(.gd, values, times: [0, 1, 5], unit: .scaled)("R") == steps("R"))
    }

    @Test func costsGrowWithTheWork() throws {
        func seconds(_ method: String, _ values: Given) throws -> Double {
            try harness.prepare(method, values, times: [100]).cost().seconds
        }
        let small = atSizes(d: 50, width: 25, alpha: 0.2)
        let large = atSizes(d: 100, width: 50, alpha: 0.2)
        for method in ["amp", "gd"] { #expect(try seconds(method, large) > 8 * seconds(method, small)) }
        for method in harness.model.methods {
            let cost = try harness.prepare(
                method.name, small.merging(["noise": .real(0.5)]) { $1 }, times: [10]
            ).cost()
            #expect(cost.seconds > 0 && cost.memory > 0)
        }
    }
}
