import ExtensiveWidthQuadratic
import Foundation
import ModelKit
import ModelTesting
import Modeling
import Numerics
import Testing

@Suite("Extensive-width quadratic network: parameters") struct ParameterTests {
    private static let ratios = atRatios(kappa: 0.5, alpha: 0.3)
    private static let sizes = atSizes(d: 20, width: 10, alpha: 0.3)

    static let refused = [
        Refusal("amp", ratios, "d", "is needed"),
        Refusal("bayes", ratios.with(["width": .integer(3)]), "width", "stands in place of kappa"),
        Refusal("bayes", ratios.with(["n": .integer(3)]), "n", "stands in place of alpha"),
        Refusal("bayes", ratios.with(["alpha_bar": .real(0.2)]), "alpha_bar", "stands in place of alpha"),
        Refusal("bayes", ratios.with(["noise_std": .real(0.2)]), "noise_std", "stands in place of noise"),
        Refusal("bayes", ["alpha": .real(0.3), "width": .integer(4)], "width", "needs d"),
        Refusal("bayes", ["kappa": .real(0.5)], "alpha", "is needed"),
        Refusal("bayes", ["alpha": .real(0.5)], "kappa", "is needed"),
        Refusal("langevin", sizes, "noise", "must be positive for langevin"),
        Refusal("gd", atSizes(d: 100_000, width: 10, alpha: 1e9), "n", "smaller sizes"),
        // 1/(0.3 * 20) = 0.1667.
        Refusal("gd", sizes.with(["step_size": .real(0.17)]), "step_size", "1/(alpha d) = 0.1667"),
        Refusal("gd", sizes.with(["step_size": .real(0.17)]), "step_size", "half of the bound"),
        Refusal(
            "gd", sizes.with(["step_size": .real(0.12), "noise": .real(0.5)]), "step_size",
            "1/(alpha d (1 + noise)) = 0.1111"),
        Refusal(
            "gd", sizes.with(["step_size": .real(0.1), "student_width": .integer(5)]), "step_size",
            "1/(alpha d width/student_width) = 0.08333"),
        Refusal(
            "gd", sizes.with(["step_size": .real(0.13), "init_scale": .real(2)]), "step_size",
            "(init_scale^2 - 1)) = 0.1111"),
        Refusal(
            "langevin", sizes.with(["step_size": .real(0.1), "noise": .real(0.25)]), "step_size",
            "noise (2 + noise)/(alpha d) = 0.09375"),
    ]

    @Test(arguments: refused) func whatDoesNotFitIsRefusedWithAdvice(_ point: Refusal) {
        #expect(harness.wrongAnswer(to: point) == nil)
    }

    @Test func whatFitsIsNotRefused() throws {
        _ = try harness.run(.thresholds, ["kappa": .real(0.5)])
        _ = try harness.run(.gd, Self.sizes.with(["step_size": .real(0.16)]), times: [1])
        _ = try harness.run(.gd, Self.sizes.with(["step_size": .real(0.5), "optimizer": .text("adam")]), times: [1])
    }

    /// The bound is where descent stops to settle: below it the trace comes to its target, above it does not.
    @Test(arguments: [(0.0, 20), (0.5, 20), (0.0, 40)]) func stepBound(noise: Double, student: Int) throws {
        let values = atSizes(d: 40, width: 20, alpha: 0.05, noise: noise, ["student_width": .integer(student)])
        let p = try harness.parameters(.gd, values)
        let bound = StepBound(
            p.sizes, noise: noise, studentWidth: student, initScale: 1, .optimizer(.gd)
        ).value
        #expect(abs(bound - Double(student) / 20 / (0.05 * 40 * (1 + noise))) < 1e-12)
        // The default is at most half of it.
        #expect(p.descent.stepSize == min(0.1, 0.5 * bound))
    }

    @Test func iterationsHaveNoOtherTime() {
        #expect(throws: ModelError.self) {
            try harness.run(.amp, atSizes(d: 6, width: 2, alpha: 0.5), times: [1], unit: .scaled)
        }
        #expect(throws: ModelError.self) {
            try harness.run(.stateEvolution, atRatios(kappa: 0.3, alpha: 1), times: [1], unit: .scaled)
        }
    }

    /// The smallest sizes run, and t = step_size steps. The step is below the default, which is right for sums over many
    /// inputs: of d = 1 one large input in six makes an instance that it diverges in (6 of 60).
    @Test func smallestSizes() throws {
        for method: Method in [.amp, .gd, .langevin] {
            let values = atSizes(d: 1, width: 1, alpha: 3, noise: 0.5, method == .gd ? ["step_size": .real(1e-3)] : [:])
            let record = try harness.run(method, values, times: [0, 5])
            #expect(record("R").allSatisfy { $0.isFinite }, "\(method)")
        }
        let values = atSizes(d: 8, width: 4, alpha: 0.3, ["step_size": .real(0.015625)])
        let steps = try harness.run(.gd, values, times: [0, 64, 320])
        #expect(try harness.run(.gd, values, times: [0, 1, 5], unit: .scaled)("R") == steps("R"))
    }

    @Test func costsGrowWithTheWork() throws {
        func seconds(_ method: String, _ values: Given) throws -> Double {
            try harness.prepare(method, values, times: [100]).cost().seconds
        }
        let small = atSizes(d: 50, width: 25, alpha: 0.2)
        let large = atSizes(d: 100, width: 50, alpha: 0.2)
        for method in ["amp", "gd"] { #expect(try seconds(method, large) > 8 * seconds(method, small)) }
        #expect(harness.methodsWithoutCost(at: small.with(["noise": .real(0.5)]), times: [10]) == [])
    }

    // MARK: What is read

    /// Each method reads what its numbers depend on; with one way to give a thing, not the others.
    @Test func whatIsRead() throws {
        let ratios = atRatios(kappa: 0.5, alpha: 0.3, noise: 0.1)
        let sizes = atSizes(d: 10, width: 4, alpha: 0.3, noise: 0.1)
        let ratioNames: Set = ["d", "alpha", "kappa", "noise"]
        let sizeNames: Set = ["d", "width", "n", "alpha", "noise"]
        let descent = sizeNames.union(["runs", "step_size", "init_scale", "student_width"])
        for method in ["bayes", "state-evolution", "limits"] {
            #expect(try harness.touched(method, ratios) == ratioNames)
            #expect(try harness.touched(method, sizes) == sizeNames)
        }
        #expect(try harness.touched("sampling", ratios) == ratioNames.union(["runs"]))
        #expect(try harness.touched("thresholds", ratios) == ["d", "kappa", "noise"])
        #expect(try harness.touched("thresholds", sizes) == ["d", "width", "noise"])
        #expect(
            try harness.touched("amp", sizes) == sizeNames.union(["damping", "precision", "outliers", "tolerance"]))
        #expect(try harness.touched("gd", sizes) == descent.union(["optimizer", "weight_decay", "stop_error"]))
        #expect(try harness.touched("langevin", sizes) == descent.union(["burn_in"]))
        #expect(try harness.touched("langevin", sizes, unit: .scaled) == descent.union(["burn_in"]))
    }

    /// A task is called by its sizes, however they are given, and a default written down changes nothing.
    @Test func defaultsWrittenDown() throws {
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
            let written = sizes.with(usual[method] ?? [:])
            #expect(harness.differences(method.rawValue, short, written) == [], "\(method)")
        }
        for optimizer in ["adam", "adamw"] {
            let values = short.with(["optimizer": .text(optimizer)])
            #expect(harness.differences("gd", values, values.with(["step_size": .real(0.01)])) == [])
        }
        let ratios: Given = ["kappa": .real(0.2), "alpha": .real(0.3)]
        #expect(harness.differences("bayes", ratios, ratios.with(["noise": .real(0)])) == [])
    }

    @Test(arguments: Method.allCases) func everyObservableIsPut(method: Method) throws {
        let values = atSizes(d: 8, width: 4, alpha: 0.6, noise: 0.3)
        #expect(harness.observablesNotPut(by: method.rawValue, at: [values], times: [0, 2], asNumbers: true) == [])
    }
}
