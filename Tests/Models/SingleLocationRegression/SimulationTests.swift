import Foundation
import ModelTesting
import Modeling
import Numerics
import SingleLocationRegression
import Testing

@Suite("Single-location regression: SGD and its exact chain")
struct SimulationTests {
    private static let small: Given = [
        "d": .integer(20), "L": .integer(4), "batch_size": .integer(2), "gamma": .real(0.8), "noise_std": .real(0.3),
        "lambda0": .real(0.4), "step_size": .real(0.01),
    ]
    private static let start = [0.3, 0.2, -0.1, 0.15, 0.1]

    private func overlaps(
        _ method: String, _ values: Given, steps: Double, seeds: Int, firstSeed: Int = 1
    ) throws -> [[Double]] {
        let records = try (0..<seeds).map {
            try harness.run(method, values, times: [steps], seed: firstSeed + $0, observables: Set(overlapNames))
        }
        return overlapNames.map { name in records.map { $0(name)[0] } }
    }

    /// Landmark 14: means and spreads of 20,000 chains, printed to four and three digits; 8,000 here (3,000 in R^d).
    @Test(
        arguments: [
            ("erf", [0.4284, 0.6937, 0.0259, 0.0694, -0.0097], [0.149, 0.171, 0.109, 0.189, 0.124]),
            ("softmax", [0.5801, 0.7832, -0.0101, 0.0961, 0.1033], [0.043, 0.043, 0.053, 0.040, 0.075]),
        ], ["overlap-chain", "sgd"])
    func meansAndSpreads(_ law: (attention: String, means: [Double], spreads: [Double]), method: String) throws {
        let values = given(Self.start, Self.small.with(["attention": .text(law.attention)]))
        let draws = try overlaps(method, values, steps: 200, seeds: method == "sgd" ? 3000 : 8000)
        for (index, name) in overlapNames.enumerated() {
            let moments = Moments(draws[index])
            let error = (moments.error * moments.error + pow(law.spreads[index], 2) / 20000).squareRoot()
            #expect(abs(moments.mean - law.means[index]) < 4 * error + 1e-4, "\(name) \(moments.mean)")
            let spread = 4 * (1 + (Double(draws[index].count) / 20000).squareRoot()) * moments.stdError + 6e-4
            #expect(abs(moments.std - law.spreads[index]) < spread, "\(name) \(moments.std)")
        }
    }

    /// One step from a random start, at the smallest dimension, where the chain's off-frame part has 2 and 1 degrees of
    /// freedom, and with a large step: all means and second moments agree.
    @Test(arguments: AttentionKind.allCases, [(6, 1, 3, 1.0), (6, 3, 1, 1.0), (35, 2, 2, 0.3)])
    func chainAndSimulationHaveOneLaw(attention: AttentionKind, _ size: (d: Int, L: Int, batch: Int, step: Double))
        throws
    {
        let values = given(
            [],
            [
                "d": .integer(size.d), "L": .integer(size.L), "batch_size": .integer(size.batch), "noise": .real(0.5),
                "lambda0": .real(0.6), "step_size": .real(size.step), "attention": .text(attention.rawValue),
                "gamma": .real(1.3),
            ])
        let sgd = try overlaps("sgd", values, steps: 3, seeds: 6000)
        let chain = try overlaps("overlap-chain", values, steps: 3, seeds: 6000)
        for i in 0..<5 {
            for j in i..<5 {
                let products = [sgd, chain].map { draws in Moments(zip(draws[i], draws[j]).map { $0 * $1 }) }
                let error = (pow(products[0].error, 2) + pow(products[1].error, 2)).squareRoot()
                #expect(abs(products[0].mean - products[1].mean) < 4.5 * error, "\(i) \(j) \(products.map(\.mean))")
            }
            let means = [sgd, chain].map { Moments($0[i]) }
            let error = (pow(means[0].error, 2) + pow(means[1].error, 2)).squareRoot()
            #expect(abs(means[0].mean - means[1].mean) < 4.5 * error, "\(i)")
        }
    }

    /// The mean of one small step is the gradient of the population risk: the chain's coefficients against the closed
    /// forms, for both attentions.
    @Test(arguments: AttentionKind.allCases, ["overlap-chain", "sgd"])
    func oneStepIsTheGradient(attention: AttentionKind, method: String) throws {
        let step = 1e-5
        let values = given(
            Self.start,
            Self.small.with([
                "attention": .text(attention.rawValue), "batch_size": .integer(2000), "step_size": .real(step),
            ]))
        let population = Population(d: 20, L: 4, gamma: 0.8, attention: attention)
        let q = Overlaps(0.3, 0.2, -0.1, 0.15, 0.1)
        let velocity = q.gradientFlow(try population.risk(at: q, lambda: 0.4).gradient).array
        let draws = try overlaps(method, values, steps: 1, seeds: method == "sgd" ? 60 : 200)
        for i in 0..<5 {
            let moments = Moments(draws[i].map { ($0 - q.array[i]) / step })
            #expect(abs(moments.mean - velocity[i]) < 4 * moments.error + 1e-3, "\(i) \(moments.mean) \(velocity[i])")
            #expect(moments.error < 0.03)
        }
    }

    /// Landmark 13: configuration (e), all of it on the chain; the dimension-80 simulation has a shorter test.
    @Test func configurationE() throws {
        let values = given(
            [],
            [
                "d": .integer(80), "noise_std": .real(0.1), "lambda0": .real(2), "lambda_increment": .real(1e-4),
                "step_size": .real(1e-3),
            ])
        let times: [Double] = [10_000, 50_000, 100_000, 150_000, 200_000]
        let records = try (1...10).map { try harness.run("overlap-chain", values, times: times, seed: $0) }
        func mean(_ name: String, _ index: Int) -> Double { records.reduce(0) { $0 + $1(name)[index] } / 10 }
        for (index, risk) in [4.73, 1.10, 0.376, 0.215].enumerated() {
            #expect(abs(mean("excess_risk", index) / risk - 1) < 0.05, "\(times[index]) \(mean("excess_risk", index))")
        }
        #expect(abs(mean("excess_risk", 4) - 0.184) < 0.003)
        #expect(abs(mean("lambda", 4) - 2.0 / 20.9999) < 1e-9)
        #expect(abs(mean("kappa_abs", 4) - 0.998) < 0.001)
        #expect(abs(mean("nu_abs", 4) - 0.9985) < 0.001)
        #expect(abs(mean("dist_manifold", 4) - 0.011) < 0.004)
        #expect(records.allSatisfy { $0("is_oracle") == [1] })
        #expect(abs(mean("alpha", 4) - 12500) < 1e-9)
        // Shorter, in all 80 dimensions.
        let full = Moments(
            try (1...3).map { try harness.run("sgd", values, times: [10_000], seed: $0)("excess_risk")[0] })
        #expect(abs(full.mean / mean("excess_risk", 0) - 1) < 0.05)
    }

    /// Landmark 17: at fixed a steps, SGD tends to PGD as a -> 0.
    @Test func smallStepsFollowDescent() throws {
        let start = [0.2, 0.3, 0.05, -0.1, 0.05]
        var spreads: [Double] = []
        for (step, method, seeds) in [
            (0.04 / 400, "overlap-chain", 24), (0.01 / 400, "overlap-chain", 24), (0.01 / 400, "sgd", 2),
        ] {
            let values = given(start, ["step_size": .real(step)])
            let time = method == "sgd" ? 0.1 : 0.5
            let records = try (1...seeds).map {
                try harness.run(method, values, times: [time], unit: .scaled, seed: $0, observables: Set(overlapNames))
            }
            let descent = try harness.run("reduced-pgd", values, times: [time], unit: .scaled)
            let moments = Moments(records.map { $0("kappa")[0] })
            #expect(abs(moments.mean - descent("kappa")[0]) < 4 * moments.error + 3e-3, "\(method) \(step)")
            #expect(moments.std < (step > 5e-5 ? 0.02 : 0.01), "\(moments.std)")
            spreads.append(moments.std)
        }
        // The noise of a run is proportional to sqrt(a).
        #expect(spreads[1] < 0.75 * spreads[0])
    }

    /// A run's vectors stay unit vectors and its numbers do not depend on how it is cut or observed.
    @Test(arguments: ["sgd", "overlap-chain", "pgd", "reduced-pgd", "gradient-flow"])
    func trajectoriesDoNotDependOnHowTheyAreCut(method: String) throws {
        let values = given([], ["d": .integer(43)])
        let whole = try harness.run(method, values, times: [0, 300])
        let cut = try harness.run(method, values, times: [0, 1, 7, 50, 51, 120, 300], quantum: 7)
        #expect(whole.overlaps(1).map(\.bitPattern) == cut.overlaps(6).map(\.bitPattern))
        #expect(whole("excess_risk")[1] == cut("excess_risk")[6])
        #expect(whole.overlaps(1) != whole.overlaps(0))
        #expect(try harness.run(method, values, times: [300], seed: 2).overlaps(0) != whole.overlaps(1))
    }

    @Test func theCostOfTheChainDoesNotDependOnD() throws {
        func cost(_ method: String, d: Int) throws -> Cost {
            try harness.prepare(method, given([], ["d": .integer(d)]), times: [1000]).cost()
        }
        #expect(try cost("overlap-chain", d: 10) == cost("overlap-chain", d: 1_000_000))
        #expect(try cost("sgd", d: 100_000).seconds > 50 * cost("sgd", d: 1000).seconds)
        let huge = try harness.run(
            "overlap-chain", given([], ["d": .integer(1_000_000_000), "step_size": .real(1e-10)]), times: [100])
        #expect(huge.overlaps(0).allSatisfy { $0.isFinite })
    }
}
