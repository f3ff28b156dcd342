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

    // MARK: What is read

    /// Each method reads what its numbers depend on; with one way to give a thing, not the others.
    @Test func whatIsRead() throws {
        func touched(_ method: Method, _ values: Given, unit: TimeUnit = .steps) throws -> Set<String> {
            Set(try harness.prepare(method.rawValue, values, times: method.spec.isTimed ? [1] : [], unit: unit).touched)
        }
        let ratios = atRatios(alpha: 0.3, beta: 2, rho: 0.5, noise: 0.1)
        let sizes = atSizes(d: 10, L: 12, rank: 2, alpha: 0.3, noise: 0.1)
        let ratioNames: Set = ["d", "alpha", "beta", "rho", "noise"]
        let sizeNames: Set = ["d", "L", "rank", "n", "alpha", "noise"]
        let descent = sizeNames.union(["runs", "step_size", "init_scale", "student_rank"])
        #expect(try touched(.bayes, ratios) == ratioNames.union(["q"]))
        #expect(try touched(.stateEvolution, ratios) == ratioNames)
        #expect(try touched(.sampling, ratios) == ratioNames.union(["runs"]))
        #expect(try touched(.limits, ratios) == ratioNames)
        #expect(try touched(.thresholds, ratios) == ["d", "beta", "rho", "noise"])
        #expect(try touched(.thresholds, sizes) == ["d", "L", "rank", "noise"])
        #expect(try touched(.limits, sizes) == sizeNames)
        // The shape enters ridge regression through the rounding of n and through alpha_bar alone.
        #expect(try touched(.ridgeTheory, ratios) == ["d", "alpha", "noise", "ridge"])
        #expect(try touched(.ridgeTheory, sizes) == ["d", "L", "alpha", "n", "noise", "ridge"])
        let bar: Given = ["alpha_bar": .real(0.3), "beta": .real(2), "rho": .real(0.5)]
        #expect(
            try touched(.ridgeTheory, bar) == ["d", "alpha", "alpha_bar", "beta", "rho", "noise", "ridge"])
        #expect(try touched(.amp, sizes) == sizeNames.union(["damping", "precision", "tolerance"]))
        #expect(try touched(.ridge, sizes) == sizeNames.union(["ridge"]))
        #expect(try touched(.gd, sizes) == descent.union(["optimizer", "weight_decay", "stop_error"]))
        #expect(try touched(.langevin, sizes) == descent.union(["burn_in"]))
        #expect(try touched(.langevin, sizes, unit: .scaled) == descent.union(["burn_in"]))
    }

    /// A task is called by its sizes, however they are given, and a default written down changes nothing.
    @Test func defaultsWrittenDown() throws {
        func readings(_ method: Method, _ values: Given) throws -> [Reader.Reading] {
            try harness.prepare(method.rawValue, values, times: method.spec.isTimed ? [1] : []).readings
        }
        let short: Given = ["d": .integer(10), "rho": .real(0.2), "alpha": .real(0.3), "noise": .real(0.1)]
        let sizes: Given = ["d": .integer(10), "L": .integer(10), "rank": .integer(2), "n": .integer(30)]
        let usual: [Method: Given] = [
            .sampling: ["runs": .integer(1)], .ridge: ["ridge": .real(0.1)], .ridgeTheory: ["ridge": .real(0.1)],
            .amp: ["damping": .real(0), "precision": .text("residual"), "tolerance": .real(1e-7)],
            .gd: [
                "runs": .integer(1), "optimizer": .text("gd"), "step_size": .real(0.1), "init_scale": .real(1),
                "weight_decay": .real(0), "stop_error": .real(1e-9), "student_rank": .integer(2),
            ],
            .langevin: [
                "runs": .integer(1), "step_size": .real(0.01), "init_scale": .real(1), "burn_in": .integer(500),
                "student_rank": .integer(2),
            ],
        ]
        for method in Method.allCases {
            let written = sizes.merging(usual[method] ?? [:]) { $1 }.merging(["noise_std": .real(0.1.squareRoot())]) {
                $1
            }
            let (names, given) = (try readings(method, short), try readings(method, written))
            #expect(names.map(\.name) == given.map(\.name))
            for (one, other) in zip(names, given) where one.name != "noise" { #expect(one == other, "\(method)") }
        }
        for (optimizer, step) in [("adam", 0.001), ("adamw", 0.001)] {
            let values = short.merging(["optimizer": .text(optimizer)]) { $1 }
            #expect(
                try readings(.gd, values) == readings(.gd, values.merging(["step_size": .real(step)]) { $1 }))
        }
        let ratios: Given = ["rho": .real(0.2), "alpha": .real(0.3)]
        #expect(
            try readings(.bayes, ratios)
                == readings(.bayes, ratios.merging(["beta": .real(1), "noise": .real(0)]) { $1 }))
    }

    @Test(arguments: Method.allCases) func everyObservableIsPut(method: Method) throws {
        let values = atSizes(d: 6, L: 8, rank: 2, alpha: 0.6, noise: 0.3)
        let names = Set(method.spec.observables.map(\.name))
        let record = try runTask(method, values, times: [0, 2], observables: names)
        #expect(record.sink.audit?.put == names)
        for name in names { #expect(record(name).contains { !$0.isNaN }, "\(name)") }
    }
}
