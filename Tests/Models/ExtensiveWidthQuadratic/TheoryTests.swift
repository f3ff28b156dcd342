import ExtensiveWidthQuadratic
import Foundation
import ModelKit
import ModelTesting
import Modeling
import Numerics
import Testing

/// Whether `value` is within `tolerance` of `expected`.
/// Landmarks 1 to 3 and 8, of the spectrum and its denoiser, are in the tests of SymmetricSpectrum.
@Suite("Extensive-width quadratic network: theory") struct TheoryTests {
    private func R(_ kappa: Double, _ alpha: Double, _ noise: Double = 0) throws -> Double {
        try harness.number(.bayes, "R", atRatios(kappa: kappa, alpha: alpha, noise: noise))
    }

    /// Landmark 4.
    @Test func landmarkErrors() throws {
        for (kappa, alpha, noise, expected) in [
            (0.5, 0.05, 0.0, 0.879171), (0.5, 0.1, 0, 0.723677), (0.5, 0.2, 0, 0.392196), (0.5, 0.3, 0, 0.128131),
            (1, 0.2, 0, 0.499922), (2, 0.3, 0, 0.329529), (0.1, 0.05, 0, 0.717946), (0.5, 0.2, 0.25, 0.689747),
            (1, 0.3, 1, 0.850846), (0.1, 0.2, 0.25, 0.368112),
            // The limits of published AMP runs with noise of standard deviation 0.25.
            (0.5, 0.2, 0.0625, 0.5205), (0.5, 0.3, 0.0625, 0.3393),
        ] {
            let tolerance = noise == 0.0625 ? 1e-4 : 2e-6
            #expect(close(try R(kappa, alpha, noise), expected, tolerance), "\(kappa) \(alpha) \(noise)")
        }
        let deviation = try harness.number(
            .bayes, "R", ["kappa": .real(0.5), "alpha": .real(0.2), "noise_std": .real(0.5)])
        #expect(deviation == (try R(0.5, 0.2, 0.25)))
    }

    /// What the solution solves, and the published form of it.
    @Test(arguments: [(0.5, 0.2, 0.25), (1.0, 0.3, 1.0), (0.1, 0.05, 0.0), (2.0, 0.45, 0.0)])
    func fixedPointEquations(kappa: Double, alpha: Double, noise: Double) throws {
        let record = try harness.run(.bayes, atRatios(kappa: kappa, alpha: alpha, noise: noise))
        let (E, t, qhat) = (record("R")[0] / kappa, record("t_star")[0], record("qhat")[0])
        let Delta = 2 * noise * (2 + noise) / kappa
        #expect(close(qhat, 4 * alpha / (Delta + 2 * E), 1e-9 * qhat))
        #expect(close(qhat * t, 1, 1e-12))
        #expect(close(E, try WishartPrior(kappa: kappa).mmse(t), 1e-9))
        let J = try SymmetricSpectrum(WishartPrior(kappa: kappa), noise: t).cubeIntegral()
        #expect(close(4 * .pi * .pi / 3 * J / qhat - Delta * qhat / 2, 1 - 2 * alpha, 1e-7))
        #expect(close(record("q_star")[0], 1 - record("R")[0], 1e-14))
    }

    /// Landmark 5: alpha_PR in closed form, by the slope of E(t) at small t, and by iteration.
    @Test func perfectRecovery() throws {
        for (kappa, expected) in [(0.5, 0.375), (1, 0.5), (0.1, 0.095), (3, 0.5)] {
            let values = atRatios(kappa: kappa, alpha: 1)
            #expect(close(try harness.number(.thresholds, "alpha_PR", values), expected, 1e-14))
            #expect(close(try harness.number(.thresholds, "alphabar_PR", values), expected / kappa, 1e-14))
            #expect(close(0.5 * (try WishartPrior(kappa: kappa).mmse(1e-6)) / 1e-6, expected, 1e-3 * expected))
            #expect(try R(kappa, expected * 1.0001) == 0)
            #expect(try R(kappa, expected * 1.0001, 1e-3) > 0)
            let below = try R(kappa, expected * 0.99)
            #expect(below > 0 && below < 0.03)
            func last(_ alpha: Double) throws -> Double {
                try harness.run(.stateEvolution, atRatios(kappa: kappa, alpha: alpha), times: [0, 400])("R")[1]
            }
            #expect(try last(expected * 1.1) < 1e-6)
            #expect(close(try last(expected * 0.9), try R(kappa, expected * 0.9), 1e-6))
        }
        #expect(try harness.number(.bayes, "qhat", atRatios(kappa: 0.5, alpha: 0.4)) == .infinity)
        for kappa in [0.5, 0.1, 1, 2] {
            let c0 = kappa < 1 ? 2 * kappa - kappa * kappa : 1
            #expect(close(try WishartPrior(kappa: kappa).mmse(1e-6) / 1e-6, c0, 2e-3))
        }
    }

    /// Landmark 6.
    @Test func orderOfErrors() throws {
        for kappa in [0.1, 0.5, 1, 3] {
            for noise in [0.0, 0.1, 1] {
                var last = 1.0
                for alpha in [0.02, 0.05, 0.09, 0.2, 0.6] {
                    let error = try R(kappa, alpha, noise)
                    #expect(error < last || error == 0)
                    last = error
                    #expect(try R(kappa, alpha, noise + 0.1) > error)
                    if noise == 0, error > 0 { #expect(try R(kappa * 1.2, alpha) > error) }
                }
            }
        }
        for alpha in [0.1, 0.3, 0.45] { #expect(close(try R(1e4, alpha), 1 - 2 * alpha, 1e-3)) }
    }

    /// Many units, few units and few samples.
    @Test func limits() throws {
        func limit(_ name: String, _ values: Given) throws -> Double { try harness.number(.limits, name, values) }
        for (alpha, noise) in [(0.2, 0.0), (0.2, 0.3), (0.8, 0.3), (0.8, 0.01)] {
            let values = atRatios(kappa: 1e6, alpha: alpha, noise: noise)
            let R = try limit("R_wide", values)
            #expect(R > 0 && R < 1)
            #expect(close(R, try harness.number(.bayes, "R", values), 1e-4))
        }
        #expect(close(try limit("R_wide", atRatios(kappa: 1, alpha: 0.2)), 0.6, 1e-14))
        #expect(try limit("R_wide", atRatios(kappa: 1, alpha: 0.7)) == 0)
        func narrow(_ bar: Double, kappa: Double = 1, _ noise: Double = 0) -> Given {
            ["kappa": .real(kappa), "alpha_bar": .real(bar), "noise": .real(noise)]
        }
        for (bar, expected) in [(0.3, 1), (0.5, 1), (0.75, 0.75), (0.9, 0.36), (1, 0), (1.3, 0)] {
            #expect(close(try limit("R_narrow", narrow(bar)), expected, 1e-12))
        }
        // Slow convergence: seen elsewhere at kappa = 0.005.
        #expect(close(try harness.number(.bayes, "R", narrow(0.75, kappa: 0.005)), 0.728, 1e-3))
        #expect(close(try harness.number(.bayes, "R", narrow(0.9, kappa: 0.005)), 0.347, 1e-3))
        #expect(close(try harness.number(.bayes, "R", narrow(0.9, kappa: 2e-4)), 0.36, 3e-3))
        for noise in [0.2, 1.0] {
            let weak = try harness.number(.thresholds, "alphabar_weak", narrow(1, noise))
            #expect(close(weak, 0.5 * (1 + noise) * (1 + noise), 1e-14))
            #expect(try limit("R_narrow", narrow(0.99 * weak, noise)) == 1)
            #expect(try limit("R_narrow", narrow(1.01 * weak, noise)) < 1)
            let R = try limit("R_narrow", narrow(1.5 * weak, noise))
            #expect(close(R, try harness.number(.bayes, "R", narrow(1.5 * weak, kappa: 2e-4, noise)), 5e-3))
        }
        for (kappa, noise) in [(0.2, 0.0), (1, 0.5), (5, 2)] {
            for alpha in [1e-4, 1e-3] {
                let values = atRatios(kappa: kappa, alpha: alpha, noise: noise)
                #expect(
                    close(
                        try harness.number(.bayes, "R", values), try limit("R_few_samples", values),
                        3 * alpha * alpha / (kappa * kappa)))
            }
        }
    }

    /// The iteration's fixed point is the solution by bracketing, and it comes to it from above.
    @Test(arguments: [(0.5, 0.2, 0.25), (1.0, 0.3, 0.0), (0.1, 0.05, 0.0), (3.0, 0.8, 0.5)])
    func iterationAndFixedPoint(kappa: Double, alpha: Double, noise: Double) throws {
        let values = atRatios(kappa: kappa, alpha: alpha, noise: noise)
        let iteration = try harness.run(.stateEvolution, values, times: [0, 1, 2, 5, 20, 600])
        let errors = iteration("R")
        #expect(errors[0] == 1 && iteration("A")[0].isNaN)
        #expect(zip(errors, errors.dropFirst()).allSatisfy { $0 >= $1 })
        let solution = try harness.run(.bayes, values)
        #expect(close(errors[5], solution("R")[0], 1e-8))
        // The first step: t = (Delta + 2/kappa)/(4 alpha), A = 1/(2 t).
        let t = (2 * noise * (2 + noise) + 2) / (4 * alpha * kappa)
        #expect(close(errors[1], kappa * (try WishartPrior(kappa: kappa).mmse(t)), 1e-12))
        #expect(close(iteration("A")[1], 0.5 / t, 1e-12))
        #expect(iteration("iterations")[0] < 600 && iteration("residual")[0] < 1e-11)
    }

    /// A sample of the posterior is as far from another as from the target.
    @Test func sampling() throws {
        for B in [1, 4, 64] {
            let record = try harness.run(.sampling, atRatios(kappa: 0.5, alpha: 0.2, ["runs": .integer(B)]))
            let best = try R(0.5, 0.2)
            #expect(close(record("R_single")[0], 2 * best, 1e-12))
            #expect(close(record("R")[0], best * (1 + 1 / Double(B)), 1e-12))
            #expect(close(record("R")[0] + record("spread")[0], record("R_single")[0], 1e-12))
        }
    }

    /// Theory takes the ratios of the sizes when sizes are given.
    @Test func realisedRatios() throws {
        let record = try harness.run(
            .bayes, ["d": .integer(30), "kappa": .real(0.33), "alpha": .real(0.4003), "noise": .real(0.1)])
        // m = 10, n = 360.
        #expect(record("alpha_realised")[0] == 0.4 && record("kappa_realised")[0] == 10.0 / 30)
        #expect(close(record("R")[0], try R(1.0 / 3, 0.4, 0.1), 1e-12))
        let bar: Given = ["kappa": .real(1.0 / 3), "alpha_bar": .real(1.2), "noise": .real(0.1)]
        #expect(close(try harness.run(.bayes, bar)("R")[0], record("R")[0], 1e-12))
    }

    /// What is solved for one alpha does not depend on what was solved before it.
    @Test func sharedTablesDoNotMatter() throws {
        let prior = WishartPrior(kappa: 0.37)
        let alphas = (1...40).map { 0.01 * Double($0) }
        let forward = try alphas.map { try Bayes(alpha: $0, noise: 2 * 0.1 * 2.1 / 0.37, prior).solve().E }
        let backward = try alphas.reversed().map { alpha -> Double in
            let Delta = 2 * 0.1 * 2.1 / 0.37
            switch try DenoisingTable(prior).crossing(slope: 2 * alpha, offset: 0.5 * Delta) {
            case .zero: return 0
            case .at(_, let mmse): return mmse
            }
        }
        #expect(forward == backward.reversed())
    }
}
