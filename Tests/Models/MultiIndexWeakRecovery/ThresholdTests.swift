import Foundation
import ModelTesting
import Modeling
import MultiIndexWeakRecovery
import Numerics
import Testing

/// Weak-recovery thresholds: landmarks 1 to 3, 14, 18, each by two methods.
@Suite struct ThresholdTests {
    private static let quarter = Double.pi * Double.pi / 4

    /// alpha_c by the linearised operator (landmarks 1, 2, 3 and the table of 6.4).
    @Test(arguments: [
        ("sign_product2", quarter, 1e-10), ("phase_parity", 0.57517, 2e-5), ("product", 0.593751, 2e-6),
        ("ratio", 1, 1e-10), ("square", 0.5, 1e-10), ("absolute", 0.5, 1e-10), ("sum_of_squares", 1, 1e-9),
    ]) func thresholds(link: String, expected: Double, tolerance: Double) throws {
        let run = try harness.run(
            "weak-recovery", point(link, 1),
            observables: [
                "alpha_c", "top_eigenvalue", "difficulty", "trivial_dimension", "spectrum_error", "eigenvector",
            ])
        #expect(abs(run("alpha_c")[0] - expected) < tolerance, "\(run("alpha_c"))")
        #expect(abs(run("top_eigenvalue")[0] * run("alpha_c")[0] - 1) < 1e-12)
        #expect(run("difficulty") == [1] && run("trivial_dimension") == [0])
        #expect(run("spectrum_error")[0] < 1e-9)
        let X = run("eigenvector")
        let trace = [X[0], X[4], X[8]].filter { !$0.isNaN }.reduce(0, +)
        #expect(abs(trace - 1) < 1e-9)
        if link == "phase_parity" { #expect(abs(X[0] - 1) < 1e-9 && abs(X[4]) < 1e-9) }
    }

    @Test(arguments: [1, 2, 5, 12]) func sumsOfSquares(p: Int) throws {
        let values = point("sum_of_squares", 1, ["p": .integer(p)])
        #expect(abs(try harness.number(.weakRecovery, "alpha_c", values) - Double(p) / 2) < 1e-8)
    }

    @Test func flipsRaiseTheThreshold() throws {
        let values = point("sign_product2", 1, ["flip": .real(0.1)])
        let expected = Self.quarter / (0.8 * 0.8)
        #expect(abs(try harness.number(.weakRecovery, "alpha_c", values) - expected) < 1e-9)
        #expect(abs(try harness.number(.weakRecovery, "alpha_c_growth", values) - expected) < 1e-3)
    }

    @Test func threeSignsAreHardAndACommitteeIsTrivial() throws {
        let hard = try harness.run("weak-recovery", point("sign_product3", 1))
        #expect(hard("alpha_c") == [.infinity] && hard("difficulty") == [2] && hard("trivial_dimension") == [0])
        #expect(hard("top_eigenvalue") == [0] && hard("eigenvector").filter(\.isNaN).count == 9)
        let trivial = try harness.run("weak-recovery", point("committee3", 3))
        #expect(trivial("alpha_c") == [0] && trivial("difficulty") == [0] && trivial("trivial_dimension") == [1])
        #expect(trivial("top_eigenvalue")[0].isNaN)
    }

    /// The second method: a small overlap begins to grow under state evolution, whose quadratures are others.
    @Test(arguments: [("sign_product2", quarter), ("phase_parity", 0.57517)]) func byGrowth(
        link: String, expected: Double
    ) throws {
        let alpha = try harness.number(.weakRecovery, "alpha_c_growth", point(link, 1))
        #expect(abs(alpha - expected) < 1e-4, "\(alpha)")
        #expect(abs(alpha - (try harness.number(.weakRecovery, "alpha_c", point(link, 1)))) < 1e-4)
    }

    // Landmark 18.
    @Test(arguments: zip([1, 3, 5], [0.14527, 0.53641, 0.99577])) func stabilityOfTheCommittee(
        alpha: Double, expected: Double
    ) throws {
        let run = try harness.run(
            "weak-recovery", point("committee3", alpha), observables: ["stability", "stability_growth"])
        #expect(abs(run("stability")[0] - expected) < 2e-5, "\(run("stability"))")
        #expect(abs(run("stability_growth")[0] - expected) < 1e-4, "\(run("stability_growth"))")
    }

    // Landmarks 14 and 18: where the rest begins, by the linearised operator and by growth.
    @Test(arguments: [("committee3", 5.018, 1e-3), ("phase_parity", quarter, 1e-4)]) func staircase(
        link: String, expected: Double, tolerance: Double
    ) throws {
        let run = try harness.run("weak-recovery", point(link, 2), observables: ["alpha_2", "alpha_2_growth"])
        #expect(abs(run("alpha_2")[0] - expected) < tolerance, "\(run("alpha_2"))")
        #expect(abs(run("alpha_2_growth")[0] - run("alpha_2")[0]) < 2e-4, "\(run("alpha_2_growth"))")
    }

    /// F by sampling for the links whose threshold has no state evolution here: E[(E[zz^T|y] - I)^2] from pairs of
    /// draws with equal labels is out of reach, but G itself can be sampled: E[tr G z z^T] = E|G|^2.
    @Test(arguments: ["product", "ratio"]) func theCrossFormOfTheOperator(link: String) throws {
        let modelLink = try #require(Link(rawValue: link))
        let linear = try Linearisation(link: modelLink, p: 2)
        let square = linear.terms.reduce(0) { $0 + $1.weight * $1.G.reduce(0) { $0 + $1 * $1 } }
        #expect(abs(linear.terms.reduce(0) { $0 + $1.weight } - 1) < 1e-6)
        var random = RandomStream(identity: TaskIdentity(high: 0x3151, low: 1))
        var sum = 0.0
        let draws = 400_000
        for _ in 0..<draws {
            let (a, b) = (random.normal(), random.normal())
            if link == "ratio" {
                // G = 2 q q^T - 1.
                let y = a / b
                let along = (y * a + b) * (y * a + b) / (1 + y * y)
                sum += 2 * along - a * a - b * b
            } else {
                // By the mean of a(y) - 1 and y itself: E[(a - 1)(|z|^2 - 2)] + 2 E[y z1 z2], a from its regression.
                sum += 2 * a * a * b * b
            }
        }
        let sampled = sum / Double(draws)
        if link == "ratio" {
            #expect(abs(sampled - square) < 0.03)
        } else {
            #expect(abs(square - sampled - 2 * 0.684207) < 0.05)
        }
    }
}
