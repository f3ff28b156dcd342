import Foundation
import ModelTesting
import Modeling
import MultiIndexWeakRecovery
import Numerics
import Testing

/// State evolution: landmarks 4 to 9 and 12 to 19.
@Suite struct StateEvolutionTests {
    private func step(_ link: Link, _ alpha: Double, _ M: [Double]) throws -> [Double] {
        try StateEvolution(link: link, alpha: alpha).step(M)
    }

    // Landmarks 4 and 7.
    @Test func oneStepOfSignProduct() throws {
        let small = try step(.signProduct2, 1, [1e-3, 0, 0, 1e-3])
        #expect(abs(small[0] / 1e-3 - 0.4051) < 5e-5)
        let smaller = try step(.signProduct2, 1, [1e-7, 0, 0, 1e-7])
        #expect(abs(smaller[3] / 1e-7 - 4 / (.pi * .pi)) < 1e-6)
        #expect(abs(try step(.signProduct2, 3, [0.9, 0, 0, 0.9])[0] - 0.816583) < 1e-5)
        #expect(abs(try step(.signProduct2, 3, [0.99, 0, 0, 0.99])[0] - 0.950500) < 2e-5)
    }

    // Landmarks 5 and 6: from below and from above, so the transition is continuous.
    @Test(arguments: [
        [2.6, 0.05605, 0.9769], [3, 0.24271, 0.8926], [3.5, 0.47076, 0.7686], [4, 0.64384, 0.6491],
        [4.5, 0.75482, 0.5508],
    ]) func fixedPointsOfSignProduct(numbers: [Double]) throws {
        let (alpha, overlap, risk) = (numbers[0], numbers[1], numbers[2])
        for start: Given in [["cold_overlap": .real(2e-3)], ["init": .text("informed")]] {
            let end = try harness.run("fixed-point", point("sign_product2", alpha, start))
            let M = end("M")
            #expect(abs(M[0] - overlap) < 1e-4 && abs(M[4] - M[0]) < 1e-9 && abs(M[1]) < 1e-9, "\(M)")
            #expect(M[2].isNaN && M[8].isNaN)
            #expect(abs(end("bayes_error")[0] - risk) < 1.2e-3)
            #expect(abs(end("test_error")[0] - end("bayes_error")[0]) < 1e-12)
            // The quadrature for overlaps that are not diagonal goes over to the closed form.
            let tilted = [M[0], 1e-8, 1e-8, M[4]]
            #expect(abs(TestErrors(link: .signProduct2).bayes(tilted) - end("bayes_error")[0]) < 1e-6)
            #expect(abs(TestErrors(link: .signProduct2).plugIn(tilted) - end("bayes_error")[0]) < 1e-6)
            #expect(end("overlap")[0] == 0.5 * (M[0] + M[4]))
            #expect(end("converged") == [1] && end("residual")[0] <= 1e-8 && end("iterations")[0] > 10)
        }
    }

    // Landmark 8.
    @Test(arguments: [1, 2, 2.4]) func belowTheThresholdOverlapsVanish(alpha: Double) throws {
        let end = try harness.run("fixed-point", point("sign_product2", alpha, ["init": .text("informed")]))
        #expect(end("overlap")[0] < 1e-4)
        #expect(abs(end("test_error")[0] - 1) < 1e-3)
    }

    // Landmark 9: both eigenvectors are marginal, and any mixture ends at the symmetric point.
    @Test func anyStartEndsAtTheSymmetricPoint() throws {
        let M0 = [0.011, 0.009, 0.009, 0.011]
        let values = point("sign_product2", 3, ["M0": .array(ArrayValue(shape: [2, 2], elements: M0))])
        let M = try harness.run("fixed-point", values)("M")
        #expect(abs(M[0] - 0.24271) < 1e-4 && abs(M[4] - 0.24271) < 1e-4 && abs(M[1]) < 1e-4)
    }

    /// The labels' noise enters as (1 - 2 eps)^2 in the threshold, and flips of 1/4 leave nothing at alpha = 6 < pi^2.
    @Test func flips() throws {
        let clean = try harness.run("fixed-point", point("sign_product2", 6))("overlap")[0]
        let noisy = try harness.run("fixed-point", point("sign_product2", 6, ["flip": .real(0.05)]))("overlap")[0]
        let lost = try harness.run("fixed-point", point("sign_product2", 6, ["flip": .real(0.25)]))("overlap")[0]
        #expect(clean > 0.85 && noisy < clean - 0.1 && noisy > 0.3 && lost < 1e-4)
    }

    // Landmarks 12 and 13.
    @Test(
        arguments: zip(
            [0.6, 0.8, 1.0, 1.2, 1.3, 1.38, 1.40, 1.41],
            [0.0093, 0.1185, 0.2794, 0.4929, 0.6291, 0.7734, 0.844, 1]))
    func firstOverlapOfPhaseParity(alpha: Double, expected: Double) throws {
        let values = point("phase_parity", alpha, diagonal([1e-3, 0, 0]))
        let end = try harness.run("fixed-point", values, observables: ["M", "first_overlap", "second_overlap"])
        #expect(abs(end("M")[0] - expected) < (alpha > 1.39 ? 0.01 : 0.0015), "\(end("M")[0])")
        #expect(end("second_overlap") == [0] && end("first_overlap")[0] == end("M")[0])
    }

    // Landmark 13b: a hard phase, where only a start near 1 finds z1 exactly.
    @Test(arguments: [1.02, 1.1]) func perfectRecoveryIsStable(alpha: Double) throws {
        let values = point("phase_parity", alpha, diagonal([0.999, 0, 0]))
        #expect(try harness.run("fixed-point", values, observables: ["M"])("M")[0] > 1 - 1e-6)
    }

    // Landmark 14.
    @Test(arguments: zip([0.2794, 0.4929, 0.7117, 1], [24.54, 12.57, 7.06, 2.4674])) func localThreshold(
        overlap: Double, expected: Double
    ) throws {
        let values = point("phase_parity", 2, ["learned_overlap": .real(overlap)])
        let threshold = try harness.number(.weakRecovery, "local_threshold", values)
        #expect(abs(threshold / expected - 1) < (overlap == 1 ? 1e-4 : 0.02), "\(threshold)")
    }

    // Landmark 15, and the fixed point: with z1 known this is sign_product2.
    @Test func phaseParityFromAStartWithAll() throws {
        let values = point("phase_parity", 3, diagonal([0.3, 0.2, 0.2]))
        let run = try harness.run("state-evolution", values, times: [0, 1, 2, 3, 400])
        let M = run("M")
        for (i, expected) in [0.5609, 0.7538, 0.8696].enumerated() { #expect(abs(M[9 * (i + 1)] - expected) < 0.004) }
        for (i, expected) in [0.0266, 0.0076, 0.0036].enumerated() {
            #expect(abs(M[9 * (i + 1) + 4] - expected) < 0.002)
        }
        #expect(M[0] == 0.3 && M[36] > 1 - 1e-5)
        #expect(abs(M[40] - 0.24271) < 1e-3 && abs(M[44] - 0.24271) < 1e-3)
        // Independent components: closed forms of both errors.
        #expect(abs(run("test_error")[0] - 2.1228) < 1e-3)
    }

    /// Where V11 is at its floor and c rounds to 1.
    @Test func phaseParityFarAboveItsThresholds() throws {
        let values = point("phase_parity", 4, ["m0": .real(0.05)])
        let M = try harness.run("fixed-point", values, observables: ["M"])("M")
        #expect(M[0] > 1 - 1e-6 && abs(M[4] - 0.64384) < 1e-4 && abs(M[8] - 0.64384) < 1e-4, "\(M)")
    }

    /// Unequal overlaps of z2 and z3 stay on their own sides.
    @Test func phaseParityKeepsItsTwoLastComponentsApart() throws {
        let image = try step(.phaseParity, 3, [0.9, 0, 0, 0, 0.5, 0, 0, 0, 0.1])
        let swapped = try step(.phaseParity, 3, [0.9, 0, 0, 0, 0.1, 0, 0, 0, 0.5])
        #expect(abs(image[4] - swapped[8]) < 1e-12 && abs(image[8] - swapped[4]) < 1e-12)
        #expect(image[8] > 2 * image[4])
    }

    // Landmark 16: E over labels of (u.E[z|y])^2 is 2/pi.
    @Test func committeeFirstStep() throws {
        let information = try StateEvolution(link: .committee3, alpha: 1).outputInformation(
            Array(repeating: 0, count: 9))
        #expect(abs(information.reduce(0, +) / 3 - 2 / Double.pi) < 1e-10)
        let trace = information[0] + information[4] + information[8]
        #expect(abs(trace - 2 / Double.pi) < 1e-10)
    }

    // Landmark 17.
    @Test(arguments: zip([0.5, 1, 2, 3, 4, 5], [0.27920, 0.47872, 0.69907, 0.79934, 0.85216, 0.88383]))
    func committeeUnspecialised(alpha: Double, expected: Double) throws {
        let values = point("committee3", alpha)
        #expect(abs(try harness.number(.weakRecovery, "first_overlap", values) - expected) < 2e-5)
    }

    // Landmark 19.
    @Test func committeeSpecialises() throws {
        func perpendicular(_ M: [Double]) -> Double { 0.5 * (M[0] + M[4] + M[8] - M.reduce(0, +) / 3) }
        func matrix(_ along: Double, _ rest: Double) -> [Double] {
            (0..<9).map { ($0 % 4 == 0 ? rest : 0) + (along - rest) / 3 }
        }
        var M = matrix(0.87, 0.5)
        for _ in 0..<4 {
            let next = try step(.committee3, 4.5, M)
            #expect(perpendicular(next) < perpendicular(M))
            M = next
        }
        M = matrix(0.9, 0.05)
        for _ in 0..<4 {
            let next = try step(.committee3, 5.5, M)
            #expect(perpendicular(next) > perpendicular(M))
            M = next
        }
    }

    /// A coarser grid would be seen: the same overlaps in rotated eigenvectors, with one direction off.
    @Test func committeeStepFollowsPermutations() throws {
        let M = [0.5, 0.2, 0.1, 0.2, 0.4, -0.1, 0.1, -0.1, 0.3]
        let order = [2, 0, 1]
        let image = try step(.committee3, 4, M)
        let permuted = try step(.committee3, 4, (0..<9).map { M[3 * order[$0 / 3] + order[$0 % 3]] })
        for i in 0..<9 { #expect(abs(permuted[i] - image[3 * order[i / 3] + order[i % 3]]) < 1e-7) }
    }

    /// Closed forms of the errors against samples of (z, omega), with overlaps that are not diagonal where allowed.
    @Test func testErrorsAgainstSamples() throws {
        var random = RandomStream(identity: TaskIdentity(high: 0x3150, low: 1))
        let cases: [(Link, [Double])] = [
            (.signProduct2, [0.5, 0.2, 0.2, 0.3]), (.signProduct2, [0.4, 0, 0, 0.7]),
            (.phaseParity, [0.6, 0, 0, 0, 0.4, 0, 0, 0, 0.3]),
            (.committee3, [0.5, 0.2, 0.1, 0.2, 0.4, -0.1, 0.1, -0.1, 0.3]),
        ]
        for (link, M) in cases {
            let p = link == .signProduct2 ? 2 : 3
            let V = (0..<p * p).map { ($0 % (p + 1) == 0 ? 1 : 0) - M[$0] }
            let root = try #require(SmallMatrix.cholesky(M, p, tolerance: 0, allowsZero: false))
            let rest = try #require(SmallMatrix.cholesky(V, p, tolerance: 0, allowsZero: false))
            let pair = link == .signProduct2 ? SignPair(V[0], V[1], V[3]) : nil
            var (plugIn, bayes) = (0.0, 0.0)
            let draws = 400_000
            for _ in 0..<draws {
                let (w, around) = gaussianPair(root, rest, p, &random)
                let z = zip(w, around).map { $1 + $0 }
                func label(_ x: [Double]) -> Double {
                    let s = x.map { $0 > 0 ? 1.0 : -1 }
                    switch link {
                    case .phaseParity: return x[0] * x[0] + s[0] * s[1] * s[2]
                    case .committee3: return s[0] + s[1] + s[2]
                    default: return s[0] * s[1]
                    }
                }
                let y = label(z)
                let e = (0..<p).map { erf(w[$0] / (2 * V[$0 * p + $0]).squareRoot()) }
                let guess: Double
                switch link {
                case .phaseParity: guess = w[0] * w[0] + V[0] + e[0] * e[1] * e[2]
                case .committee3: guess = e[0] + e[1] + e[2]
                default:
                    let E = try #require(pair).value(Lanes(repeating: w[0]), Lanes(repeating: w[1])).E[0]
                    guess = E > 0 ? 1 : -1
                }
                plugIn += 0.5 * (y - label(w)) * (y - label(w)) / Double(draws)
                bayes += 0.5 * (y - guess) * (y - guess) / Double(draws)
            }
            let errors = TestErrors(link: link)
            #expect(abs(errors.plugIn(M) - plugIn) < 0.012, "\(link) \(errors.plugIn(M)) \(plugIn)")
            #expect(abs(errors.bayes(M) - bayes) < 0.012, "\(link) \(errors.bayes(M)) \(bayes)")
        }
    }

    @Test func aFixedPointThatIsNotReachedIsNoResult() throws {
        let values = point("sign_product2", 3, ["max_iterations": .integer(5)])
        do {
            _ = try harness.run("fixed-point", values)
            Issue.record("converged in 5 iterations")
        } catch ModelError.notConverged(let text) {
            #expect(text.contains("after 5 iterations"))
        }
        let run = try harness.run("state-evolution", values, times: [3, 20])
        #expect(run("converged") == [0] && run("iterations") == [5] && run("residual")[0] > 1e-8)
    }
}
