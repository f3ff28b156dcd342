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

    // MARK: What is read

    /// Each method reads what its numbers depend on; with one way to give a thing, not the others.
    @Test func whatIsRead() throws {
        func touched(_ method: Method, _ values: Given, unit: TimeUnit = .steps) throws -> Set<String> {
            Set(try harness.prepare(method.rawValue, values, times: method.spec.isTimed ? [1] : [], unit: unit).touched)
        }
        let ratios = atRatios(kappa: 0.5, alpha: 0.3, noise: 0.1)
        let sizes = atSizes(d: 10, width: 4, alpha: 0.3, noise: 0.1)
        let ratioNames: Set = ["d", "alpha", "kappa", "noise"]
        let sizeNames: Set = ["d", "width", "n", "alpha", "noise"]
        let descent = sizeNames.union(["runs", "step_size", "init_scale", "student_width"])
        for method: Method in [.bayes, .stateEvolution, .limits] {
            #expect(try touched(method, ratios) == ratioNames)
            #expect(try touched(method, sizes) == sizeNames)
        }
        #expect(try touched(.sampling, ratios) == ratioNames.union(["runs"]))
        #expect(try touched(.thresholds, ratios) == ["d", "kappa", "noise"])
        #expect(try touched(.thresholds, sizes) == ["d", "width", "noise"])
        #expect(try touched(.amp, sizes) == sizeNames.union(["damping", "precision", "outliers", "tolerance"]))
        #expect(try touched(.gd, sizes) == descent.union(["optimizer", "weight_decay", "stop_error"]))
        #expect(try touched(.langevin, sizes) == descent.union(["burn_in"]))
        #expect(try touched(.langevin, sizes, unit: .scaled) == descent.union(["burn_in"]))
    }

    /// A task is called by its sizes, however they are given, and a default written down changes nothing.
    @Test func defaultsWrittenDown() throws {
        func readings(_ method: Method, _ values: Given) throws -> [Reader.Reading] {
            try harness.prepare(method.rawValue, values, times: method.spec.isTimed ? [1] : []).readings
        }
        let short: Given = ["d": .integer(10), "kappa": .real(0.4), "alpha": .real(0.3), "noise": .real(0.25)]
        let sizes: Given = ["d": .integer(10), "width": .integer(4), "n": .integer(30), "noise_std": .real(0.5)]
        let usual: [Method: Given] = [
            .sampling: ["runs": .integer(1)],
            .amp: [
                "damping": .real(0.4), "precision": .text("residual"), "outliers": .text("edge"),
                "tolerance": .real(1e-6),
            ],
            .gd: [
                "runs": .integer(1), "optimizer": .text("gd"), "step_size": .real(0.1), "init_scale": .real(1),
                "weight_decay": .real(0), "stop_error": .real(1e-9), "student_width": .integer(4),
            ],
            .langevin: [
                "runs": .integer(1), "step_size": .real(0.01), "init_scale": .real(1), "burn_in": .integer(500),
                "student_width": .integer(4),
            ],
        ]
        for method in Method.allCases {
            let written = sizes.merging(usual[method] ?? [:]) { $1 }
            #expect(try readings(method, short) == readings(method, written), "\(method)")
        }
        for optimizer in ["adam", "adamw"] {
            let values = short.merging(["optimizer": .text(optimizer)]) { $1 }
            #expect(
                try readings(.gd, values) == readings(.gd, values.merging(["step_size": .real(0.01)]) { $1 }))
        }
        let ratios: Given = ["kappa": .real(0.2), "alpha": .real(0.3)]
        #expect(try readings(.bayes, ratios) == readings(.bayes, ratios.merging(["noise": .real(0)]) { $1 }))
    }

    @Test(arguments: Method.allCases) func everyObservableIsPut(method: Method) throws {
        let values = atSizes(d: 8, width: 4, alpha: 0.6, noise: 0.3)
        let names = Set(method.spec.observables.map(\.name))
        let record = try runTask(method, values, times: [0, 2], observables: names)
        #expect(record.sink.audit?.put == names)
        for name in names { #expect(record(name).contains { !$0.isNaN }, "\(name)") }
    }
}
