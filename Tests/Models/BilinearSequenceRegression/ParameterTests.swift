import BilinearSequenceRegression
import Foundation
import ModelKit
import ModelTesting
import Modeling
import Numerics
import Testing

@Suite("Bilinear sequence regression: parameters") struct ParameterTests {
    private static let ratios = atRatios(alpha: 0.3, beta: 2, rho: 0.5)

    static let refused = [
        Refusal("amp", ratios, "d", "is needed"),
        Refusal("bayes", ratios.with(["rank": .integer(3)]), "rank", "stands in place of rho"),
        Refusal("bayes", ratios.with(["L": .integer(3)]), "beta", "stands in place of L"),
        Refusal("bayes", ratios.with(["n": .integer(3)]), "n", "stands in place of alpha"),
        Refusal("bayes", ratios.with(["alpha_bar": .real(0.2)]), "alpha_bar", "stands in place of alpha"),
        Refusal("bayes", ["alpha": .real(0.3), "rho": .real(0.5), "L": .integer(4)], "L", "needs d"),
        Refusal("bayes", ["rho": .real(0.5)], "alpha", "is needed"),
        Refusal("bayes", ["alpha": .real(0.5)], "rho", "is needed"),
        Refusal("langevin", atSizes(d: 10, L: 10, rank: 2, alpha: 0.3), "noise", "must be positive for langevin"),
        Refusal(
            "gd", ["d": .integer(100_000), "beta": .real(1e9), "rho": .real(0.5), "alpha": .real(1e9)], "n",
            "smaller sizes"),
    ]

    @Test(arguments: refused) func whatDoesNotFitIsRefusedWithAdvice(_ point: Refusal) {
        #expect(harness.wrongAnswer(to: point) == nil)
    }

    @Test func whatIsNotReadNeedNotBeGiven() throws {
        _ = try harness.run(.thresholds, ["rho": .real(0.5)])
        _ = try harness.run(.ridgeTheory, ["alpha": .real(0.5)])
    }

    @Test func iterationsHaveNoOtherTime() {
        #expect(throws: ModelError.self) {
            try harness.run(.amp, atSizes(d: 6, L: 6, rank: 2, alpha: 0.5), times: [1], unit: .scaled)
        }
        #expect(throws: ModelError.self) {
            try harness.run(.stateEvolution, atRatios(alpha: 0.3, beta: 1, rho: 1), times: [1], unit: .scaled)
        }
    }

    /// The smallest sizes run, and t = step_size steps.
    @Test func smallestSizes() throws {
        for method: Method in [.amp, .ridge, .gd, .langevin] {
            let values = atSizes(d: 1, L: 1, rank: 1, alpha: 3, noise: 0.5)
            let record = try harness.run(method, values, times: [0, 5])
            let errors = record("E")
            #expect(errors.allSatisfy { $0.isFinite }, "\(method)")
        }
        let values = atSizes(d: 6, L: 8, rank: 2, alpha: 0.5, ["step_size": .real(0.25)])
        let steps = try harness.run(.gd, values, times: [0, 8, 40])
        #expect(try harness.run(.gd, values, times: [0, 2, 10], unit: .scaled)("E") == steps("E"))
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
        #expect(harness.methodsWithoutCost(at: small.with(["noise": .real(0.5)]), times: [10]) == [])
    }

    // MARK: What is read

    /// Each method reads what its numbers depend on; with one way to give a thing, not the others.
    @Test func whatIsRead() throws {
        let ratios = atRatios(alpha: 0.3, beta: 2, rho: 0.5, noise: 0.1)
        let sizes = atSizes(d: 10, L: 12, rank: 2, alpha: 0.3, noise: 0.1)
        let ratioNames: Set = ["d", "alpha", "beta", "rho", "noise"]
        let sizeNames: Set = ["d", "L", "rank", "n", "alpha", "noise"]
        let descent = sizeNames.union(["runs", "step_size", "init_scale", "student_rank"])
        #expect(try harness.touched("bayes", ratios) == ratioNames.union(["q"]))
        #expect(try harness.touched("state-evolution", ratios) == ratioNames)
        #expect(try harness.touched("sampling", ratios) == ratioNames.union(["runs"]))
        #expect(try harness.touched("limits", ratios) == ratioNames)
        #expect(try harness.touched("thresholds", ratios) == ["d", "beta", "rho", "noise"])
        #expect(try harness.touched("thresholds", sizes) == ["d", "L", "rank", "noise"])
        #expect(try harness.touched("limits", sizes) == sizeNames)
        // The shape enters ridge regression through the rounding of n and through alpha_bar alone.
        #expect(try harness.touched("ridge-theory", ratios) == ["d", "alpha", "noise", "ridge"])
        #expect(try harness.touched("ridge-theory", sizes) == ["d", "L", "alpha", "n", "noise", "ridge"])
        let bar: Given = ["alpha_bar": .real(0.3), "beta": .real(2), "rho": .real(0.5)]
        #expect(
            try harness.touched("ridge-theory", bar) == ["d", "alpha", "alpha_bar", "beta", "rho", "noise", "ridge"])
        #expect(try harness.touched("amp", sizes) == sizeNames.union(["damping", "precision", "tolerance"]))
        #expect(try harness.touched("ridge", sizes) == sizeNames.union(["ridge"]))
        #expect(try harness.touched("gd", sizes) == descent.union(["optimizer", "weight_decay", "stop_error"]))
        #expect(try harness.touched("langevin", sizes) == descent.union(["burn_in"]))
        #expect(try harness.touched("langevin", sizes, unit: .scaled) == descent.union(["burn_in"]))
    }

    /// A task is called by its sizes, however they are given, and a default written down changes nothing.
    @Test func defaultsWrittenDown() throws {
        let short: Given = ["d": .integer(10), "rho": .real(0.2), "alpha": .real(0.3), "noise": .real(0.25)]
        let sizes: Given = [
            "d": .integer(10), "L": .integer(10), "rank": .integer(2), "n": .integer(30), "noise_std": .real(0.5),
        ]
        let usual: [Method: Given] = [
            .sampling: ["runs": .integer(1)], .ridge: ["ridge": .real(0.25)], .ridgeTheory: ["ridge": .real(0.25)],
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
            let written = sizes.with(usual[method] ?? [:])
            #expect(harness.differences(method.rawValue, short, written) == [], "\(method)")
        }
        for optimizer in ["adam", "adamw"] {
            let values = short.with(["optimizer": .text(optimizer)])
            #expect(harness.differences("gd", values, values.with(["step_size": .real(0.001)])) == [])
        }
        let ratios: Given = ["rho": .real(0.2), "alpha": .real(0.3)]
        #expect(
            harness.differences("bayes", ratios, ratios.with(["beta": .real(1), "noise": .real(0)])) == [])
    }

    @Test(arguments: Method.allCases) func everyObservableIsPut(method: Method) throws {
        let values = atSizes(d: 6, L: 8, rank: 2, alpha: 0.6, noise: 0.3)
        #expect(harness.observablesNotPut(by: method.rawValue, at: [values], times: [0, 2], asNumbers: true) == [])
    }
}
