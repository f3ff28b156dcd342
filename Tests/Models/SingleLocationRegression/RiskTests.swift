import Foundation
import ModelTesting
import Modeling
import Numerics
import SingleLocationRegression
import Testing

@Suite("Single-location regression: risk, gradient and benchmarks")
struct RiskTests {
    private static let generic = Overlaps(0.23, -0.4, 0.11, 0.2, -0.17)
    private static let erf = Population(d: 30, L: 7, gamma: 0.8, attention: .erf)

    /// Landmark 1.
    @Test func zetaAndItsDerivatives() {
        #expect(abs(ErfMoments(t: 0, c: 0.1).zeta - 0.012483540641) < 1e-12)
        #expect(abs(ErfMoments(t: 0, c: 1).zeta - 0.464559054398) < 1e-12)
        #expect(abs(ErfMoments(t: -1.5, c: 0.5).zeta - 0.857081235414) < 1e-12)
        let m = ErfMoments(t: 0.7, c: 0.3)
        #expect(abs(m.zeta - 0.451918397072) < 1e-12)
        #expect(abs(m.zeta1 - 0.775543343446) < 1e-12)
        #expect(abs(m.zeta2 - -0.0199317139) < 1e-10)
        #expect(abs(m.zeta3 - -3.1441945628) < 1e-10)
        #expect(
            ErfMoments.zetaAtZero(0.1) == ErfMoments(t: 0, c: 0.1).zeta || abs(ErfMoments.zetaAtZero(0.1) / m.zeta) < 1)
    }

    /// All moments against a quadrature over S, and small ones without loss of digits.
    @Test(arguments: [(0.7, 0.3), (-1.5, 0.5), (0, 2), (3, 1.5), (12, 0.4)]) func momentsAgreeWithQuadrature(
        t: Double, c: Double
    ) {
        let m = ErfMoments(t: t, c: c)
        let rule = GaussianRule(kinks: stride(from: -11.5, through: 11.5, by: 0.5).map { $0 })
        let e1 = { (x: Double) in 2 / Double.pi.squareRoot() * exp(-x * x) }
        let mean = rule.mean { Foundation.erf(t + c * $0) }
        #expect(abs(m.A0 - mean) < 1e-13)
        #expect(abs(m.A1 - rule.mean { e1(t + c * $0) }) < 1e-13)
        #expect(abs(m.A2 - rule.mean { -2 * (t + c * $0) * e1(t + c * $0) }) < 1e-13)
        #expect(abs(m.A3 - rule.mean { (4 * pow(t + c * $0, 2) - 2) * e1(t + c * $0) }) < 1e-13)
        #expect(abs(m.zeta - rule.mean { pow(Foundation.erf(t + c * $0), 2) }) < 1e-13)
        #expect(abs(m.variance - rule.mean { pow(Foundation.erf(t + c * $0) - mean, 2) }) < 1e-13)
    }

    @Test func smallVariancesKeepTheirDigits() {
        // Var erf(t + c S) -> (c erf'(t))^2 for c -> 0.
        for t in [0.0, 0.5, 2] {
            let c = 1e-6
            let e1 = 2 / Double.pi.squareRoot() * exp(-t * t)
            #expect(abs(ErfMoments(t: t, c: c).variance / (c * c * e1 * e1) - 1) < 1e-9)
        }
    }

    /// Landmark 2.
    @Test func theRiskAtAGenericPoint() throws {
        let risk = try Self.erf.risk(at: Self.generic, lambda: 0.3)
        #expect(abs(risk.excess + 0.04 - 1.53195335834) < 1e-10)
        let expected = [0.71163964646, -0.35784237901, -0.66428714424, -0.16997996881, -1.05943488898]
        #expect(largestDifference(risk.gradient.array, expected) < 1e-10)
        // The same from a job's parameters.
        let values = given(
            Self.generic.array,
            ["d": .integer(30), "L": .integer(7), "gamma": .real(0.8), "lambda0": .real(0.3), "noise_std": .real(0.2)])
        #expect(abs(try closedForm("risk", values) - 1.53195335834) < 1e-10)
        #expect(abs(try closedForm("risk_theta", values) - -0.66428714424) < 1e-10)
    }

    @Test(
        arguments: AttentionKind.allCases,
        [(30, 7, 0.8, 0.3), (12, 2, 1.3, 0.7), (400, 10, 0.7, 0.1), (8, 1, 1, 1.5), (10, 3, 0.5, 0.9)])
    func gradientsAreDerivatives(attention: AttentionKind, _ setting: (d: Int, L: Int, gamma: Double, lambda: Double))
        throws
    {
        let population = Population(d: setting.d, L: setting.L, gamma: setting.gamma, attention: attention)
        for q in [
            Self.generic, Overlaps(0, 0, 0, 0, 0), Overlaps(0.7, 0.5, -0.3, 0.1, 0.2),
            Overlaps(-0.2, 0.9, 0, 0, 0),
        ] {
            let exact = try population.risk(at: q, lambda: setting.lambda).gradient.array
            let keys: [WritableKeyPath<Overlaps, Double>] = [\.kappa, \.nu, \.theta, \.eta, \.rho]
            for (index, key) in keys.enumerated() {
                func risk(_ h: Double) throws -> Double {
                    var moved = q
                    moved[keyPath: key] += h
                    return try population.risk(at: moved, lambda: setting.lambda).excess
                }
                let h = 2e-3 / (1 + setting.lambda * population.D)
                let difference = (8 * (try risk(h) - risk(-h)) - (try risk(2 * h) - risk(-2 * h))) / (12 * h)
                let size = 1 + abs(exact[index])
                #expect(abs(difference - exact[index]) < 1e-7 * size, "\(attention) \(setting) \(q) \(index)")
            }
        }
    }

    /// Landmark 2, second half, and 17: the closed forms against samples in the token space.
    @Test(arguments: AttentionKind.allCases) func theRiskAgreesWithSamples(attention: AttentionKind) throws {
        for (population, q, lambda) in [
            (Population(d: 30, L: 7, gamma: 0.8, attention: attention), Self.generic, 0.3),
            (Population(d: 10, L: 2, gamma: 1.4, attention: attention), Overlaps(0.6, 0.5, -0.3, -0.2, 0.3), 0.9),
            (Population(d: 8, L: 4, gamma: 0.5, attention: attention), Overlaps(0.1, 0.3, 0.5, 0.7, -0.2), 1.2),
            // Where the products of two uninformative tokens weigh most.
            (Population(d: 8, L: 6, gamma: 1, attention: attention), Overlaps(-0.3, 0.3, 0.1, 0.1, 0.85), 1.5),
        ] {
            let frame = Frame(q)
            #expect(largestDifference(frame.overlaps.array, q.array) < 1e-15)
            var random = RandomStream(identity: TaskIdentity(high: 5, low: 7))
            var errors: [Double] = []
            for _ in 0..<100_000 {
                var (a, b) = ([Double](), [Double]())
                var y = 0.0
                for l in 0..<population.L {
                    var X = SIMD4(random.normal(), random.normal(), random.normal(), random.normal())
                    if l == 0 {
                        X = population.gamma * X + SIMD4(population.D, 0, 0, 0)
                        y = X[1]
                    }
                    a.append((X * frame.k).sum())
                    b.append((X * frame.v).sum())
                }
                let weights = a.map { attention == .erf ? Foundation.erf(lambda * $0) : exp(lambda * $0) }
                let Z = attention == .erf ? 1 : weights.reduce(0, +)
                let T = zip(weights, b).reduce(0) { $0 + $1.0 * $1.1 } / Z
                errors.append((y - T) * (y - T))
            }
            let moments = Moments(errors)
            let exact = try population.risk(at: q, lambda: lambda).excess
            #expect(abs(moments.mean - exact) < 4 * moments.error, "\(attention) \(moments.mean) \(exact)")
            #expect(moments.error < 0.01 * exact)
        }
    }

    /// Landmark 3.
    @Test func specialPoints() throws {
        #expect(abs(try closedForm("origin_excess", given()) - 0.615503500295) < 1e-11)
        #expect(abs(try closedForm("oracle_excess", given()) - 0.113498082965) < 1e-11)
        #expect(abs(try closedForm("excess_risk", given([1, -1])) - 2.020332597919) < 1e-11)
        #expect(abs(try closedForm("swapped_theta", given()) - 0.629772269869) < 1e-11)
        #expect(abs(try closedForm("swapped_excess", given()) - 0.115511669656) < 1e-11)
        let sharp = given([], ["lambda0": .real(0.9)])
        #expect(abs(try closedForm("oracle_excess", sharp) - 3.81936000178) < 1e-10)
        #expect(abs(9 * ErfMoments.zetaAtZero(0.9) - 3.81936000178) < 1e-10)
        // The swapped attractor is a stationary point of the risk on the sphere.
        let theta = try closedForm("swapped_theta", given())
        let q = Overlaps(0, 0, theta, 1, 0)
        let population = Population(d: 400, L: 10, gamma: 0.5.squareRoot(), attention: .erf)
        let risk = try population.risk(at: q, lambda: 0.1)
        #expect(abs(risk.excess - 0.115511669656) < 1e-11)
        #expect(q.gradientFlow(risk.gradient).array.allSatisfy { abs($0) < 1e-12 })
    }

    /// Landmark 4; softmax has the first symmetry but not the second.
    @Test func symmetries() throws {
        let q = Self.generic
        let mirrored = Overlaps(q.kappa, q.nu, -q.theta, -q.eta, -q.rho)
        let flipped = Overlaps(-q.kappa, -q.nu, -q.theta, -q.eta, q.rho)
        for attention in AttentionKind.allCases {
            let population = Population(d: 30, L: 7, gamma: 0.8, attention: attention)
            let risk = try population.risk(at: q, lambda: 0.3).excess
            #expect(abs(try population.risk(at: mirrored, lambda: 0.3).excess - risk) < 1e-12)
            let other = try population.risk(at: flipped, lambda: 0.3).excess
            #expect((abs(other - risk) < 1e-12) == (attention == .erf))
        }
    }

    @Test func softmaxQuadratureIsConverged() throws {
        for (d, L, lambda) in [(30, 7, 0.3), (400, 10, 1.5), (20, 4, 5), (50, 40, 2)] {
            let population = Population(d: d, L: L, gamma: 0.8, attention: .softmax)
            let coarse = try SoftmaxQuadrature(population, lambda: lambda).risk(at: Self.generic)
            let fine = try SoftmaxQuadrature(population, lambda: lambda, refinement: 2).risk(at: Self.generic)
            #expect(abs(coarse.excess - fine.excess) < 1e-11 * fine.excess, "d \(d)")
            #expect(
                largestDifference(coarse.gradient.array, fine.gradient.array) < 1e-10
                    * (1 + fine.gradient.array.map(abs).reduce(0, max)))
        }
    }

    /// Landmark 15.
    @Test(arguments: [
        (400, 0.5, 0.0637675, 0.067101978), (1000, 1, 0.0529101, 0.041188151), (10000, 1, 0.0215431, 0.006298383),
    ]) func theBestSharpness(d: Int, g2: Double, lambda: Double, excess: Double) throws {
        let values = given([], ["d": .integer(d), "gamma": .real(g2.squareRoot())])
        #expect(abs(try closedForm("oracle_best_lambda", values) - lambda) < 1e-7)
        #expect(abs(try closedForm("oracle_best_excess", values) - excess) < 3e-9)
        guard d == 400 else { return }
        #expect(abs(try closedForm("swapped_best_lambda", values) - 0.057485) < 1e-6)
        #expect(abs(try closedForm("swapped_best_excess", values) - 0.042211) < 1e-6)
    }

    /// Landmark 16.
    @Test func linearAndBayes() throws {
        #expect(abs(try closedForm("linear_excess", given()) - 0.473684) < 1e-6)
        #expect(abs(try closedForm("linear_excess", given([], ["d": .integer(7)])) - 0.473684) < 1e-6)
        #expect(abs(try closedForm("null_excess", given()) - 0.5) < 1e-12)
        for (d, L, bayes) in [(8, 4, 0.25323), (20, 10, 0.11213), (50, 10, 0.002547)] {
            let values = given([], ["d": .integer(d), "L": .integer(L), "gamma": .real(1)])
            #expect(abs(try closedForm("bayes_excess", values) - bayes) < (d == 50 ? 1e-6 : 1e-5))
            #expect(try closedForm("bayes_excess_error", values) == 0)
            // Softmax attention at (k*, v*) and lambda = D is the Bayes predictor, and its sharpness the best.
            let softmax = values.with([
                "attention": .text("softmax"), "lambda0": .real((Double(d) / 2).squareRoot()),
            ])
            #expect(abs(try closedForm("oracle_excess", softmax) - bayes) < (d == 50 ? 1e-6 : 1e-5))
            if d == 8 { #expect(abs(try closedForm("oracle_best_lambda", softmax) - 2) < 1e-6) }
            // The sampled mean is that of the quadrature, and for other gamma of a continuous family.
            var random = RandomStream(identity: TaskIdentity(high: 1, low: 1))
            let theory = Theory(Population(d: d, L: L, gamma: 1, attention: .erf))
            let sampled = theory.sampledBayesExcess(samples: 200_000, &random)
            #expect(abs(sampled.mean - (theory.bayesExcess ?? .nan)) < 4 * sampled.error)
            // At d = 50 one sequence's posterior variance spreads by 20 times its mean: 5 % of it with this many.
            #expect(sampled.error < 0.07 * bayes)
        }
    }

    /// The sampled posterior variance is the squared error of E[Y|X], worked out in R^d from the densities.
    @Test(arguments: [0.6, 1.5]) func theBayesExcessIsAnError(gamma: Double) {
        let (d, L) = (8, 3)
        let D = 2.0
        var random = RandomStream(identity: TaskIdentity(high: 9, low: 9))
        let errors = (0..<40000).map { _ in
            var (logs, values) = ([Double](), [Double]())
            for l in 0..<L {
                let x = (0..<d).map { i in (l == 0 && i == 0 ? D : 0) + (l == 0 ? gamma : 1) * random.normal() }
                // log N(x; D k*, gamma^2) - log N(x; 0, 1), up to what all tokens share.
                logs.append(
                    x.enumerated().reduce(0) { sum, next in
                        let centred = next.element - (next.offset == 0 ? D : 0)
                        return sum - 0.5 * centred * centred / (gamma * gamma) + 0.5 * next.element * next.element
                    })
                values.append(x[1])
            }
            let weights = logs.map { exp($0 - (logs.max() ?? 0)) }
            let mean = zip(weights, values).reduce(0) { $0 + $1.0 * $1.1 } / weights.reduce(0, +)
            return (values[0] - mean) * (values[0] - mean)
        }
        let direct = Moments(errors)
        let theory = Theory(Population(d: d, L: L, gamma: gamma, attention: .erf))
        let sampled = theory.sampledBayesExcess(samples: 40000, &random)
        #expect(abs(direct.mean - sampled.mean) < 4 * (pow(direct.error, 2) + pow(sampled.error, 2)).squareRoot())
        #expect(direct.error < 0.05 * direct.mean)
    }

    /// At gamma other than 1 the norms help as well: the Bayes risk lies below the best softmax oracle.
    @Test func bayesIsBelowEveryOracle() throws {
        let values = given([], ["d": .integer(20), "gamma": .real(0.7), "bayes_samples": .integer(100_000)])
        let bayes = try closedForm("bayes_excess", values)
        let error = try closedForm("bayes_excess_error", values)
        let softmax = try closedForm("oracle_best_excess", values.with(["attention": .text("softmax")]))
        let erf = try closedForm("oracle_best_excess", values)
        #expect(error < 0.03 * bayes)
        #expect(bayes + 4 * error < softmax)
        #expect(softmax < erf && erf < 0.49)
    }

    @Test func oneToken() throws {
        // Softmax of one token is 1: T = X.v.
        let q = Overlaps(0.3, 0.6, 0.2, 0.1, -0.1)
        let population = Population(d: 8, L: 1, gamma: 0.9, attention: .softmax)
        let risk = try population.risk(at: q, lambda: 0.7).excess
        let exact = 0.81 * (2 - 2 * q.nu) + 4 * q.theta * q.theta
        #expect(abs(risk - exact) < 1e-11)
        #expect(try closedForm("linear_excess", given([], ["L": .integer(1)])) == 0)
    }
}
