import Foundation
import Modeling

/// The population risk of softmax attention, on and off the manifold, by one-dimensional integrals: (25) with the
/// averages (26), each an integral over tau (27) of products of f_rj for the informative token and g_rj for the others
/// (28). kappa enters through f only, see (29).
///
/// Trapezoidal sums on analytic, decaying integrands: steps of 0.2 in tau and 0.3/slope (at most 0.25) in S, checked
/// stable to 1e-12 under refinement.
package struct SoftmaxQuadrature: Sendable {
    private let population: Population
    private let lambda: Double
    private let others: TokenNodes
    private let informative: TokenNodes
    private let step: Double

    /// Whether the sums are short enough at all overlaps (at L = 1 they grow with D kappa): a bound on the number of nodes
    /// in tau times nodes in S.
    static func isFeasible(_ population: Population, lambda: Double) -> Bool {
        (2 * lambda * (population.D + 10 + 10 * population.gamma) / 0.2 + 150)
            * (80 + 60 * lambda * max(1, population.gamma)) < 2e8
    }

    /// What one evaluation takes at L > 1: 12 ns a pair of nodes.
    static func seconds(gamma: Double, lambda: Double) -> Double {
        (10 * lambda * (1 + gamma) + 47) / 0.2 * (max(77, 63 * lambda) + max(77, 63 * lambda * gamma)) * 12e-9
    }

    /// `refinement` divides all steps.
    ///
    /// - Throws: ``ModelError/parameter(_:_:)`` when lambda is so large that the sums would take long.
    package init(_ population: Population, lambda: Double, refinement: Double = 1) throws {
        guard Self.isFeasible(population, lambda: lambda) else {
            throw ModelError.parameter(
                Keys.lambda0,
                "is too large for the softmax quadrature at this d; ask for excess_risk at smaller lambda or d")
        }
        self.population = population
        self.lambda = lambda
        step = 0.2 / refinement
        others = TokenNodes(slope: lambda, refinement)
        informative = TokenNodes(slope: lambda * population.gamma, refinement)
    }

    /// What is averaged over tokens 1 (the informative one), 2 and 3.
    private enum Average: Int { case p1, p1p1, p2p2, p1S1, p1p1S1, p1p2S2, p1p1S1S1, p1p2S1S2, p2p2S2S2, p2p3S2S3 }

    /// The averages, and for each its derivative in kappa.
    private struct Averages {
        var values = InlineArray<10, Double>(repeating: 0)
        var slopes = InlineArray<10, Double>(repeating: 0)

        @inline(__always)
        mutating func add(_ average: Average, _ f: TokenMeans, _ r: Int, _ j: Int, _ weight: Double) {
            let here = f[r, j]
            values[average.rawValue] += weight * here
            slopes[average.rawValue] += weight * (Double(r) * here - f[r + 1, j])
        }
    }

    private func averages(kappa: Double) -> Averages {
        let L = population.L
        let shift = lambda * population.D * kappa
        let reach = lambda * 10
        // Below, e^tau times every token's weight is negligible; above, exp(-e^W) of one kind of token always is.
        let lower = -max(reach, shift + reach * population.gamma, 0) - 40
        let upper = min(L > 1 ? reach : .infinity, reach * population.gamma - shift) + 7
        var sums = Averages()
        let first = Int((lower / step).rounded(.down))
        let last = Int((upper / step).rounded(.up))
        for node in first...last {
            let tau = Double(node) * step
            let f = informative.means(tau + shift)
            let g = others.means(tau)
            let g00 = g[0, 0]
            // Powers of g_00 with the number of remaining tokens; terms without enough tokens have no weight below.
            let all = L > 1 ? pow(g00, Double(L - 1)) : 1
            let butOne = L > 2 ? pow(g00, Double(L - 2)) : 1
            let butTwo = L > 3 ? pow(g00, Double(L - 3)) : 1
            sums.add(.p1, f, 1, 0, all)
            sums.add(.p1p1, f, 2, 0, all)
            sums.add(.p1S1, f, 1, 1, all)
            sums.add(.p1p1S1, f, 2, 1, all)
            sums.add(.p1p1S1S1, f, 2, 2, all)
            guard L > 1 else { continue }
            sums.add(.p2p2, f, 0, 0, g[2, 0] * butOne)
            sums.add(.p1p2S2, f, 1, 0, g[1, 1] * butOne)
            sums.add(.p1p2S1S2, f, 1, 1, g[1, 1] * butOne)
            sums.add(.p2p2S2S2, f, 0, 0, g[2, 2] * butOne)
            if L > 2 { sums.add(.p2p3S2S3, f, 0, 0, g[1, 1] * g[1, 1] * butTwo) }
        }
        return sums
    }

    /// The excess risk and its partial derivatives.
    package func risk(at q: Overlaps) -> Risk {
        let e = averages(kappa: q.kappa)
        let value = combine(q) { e.values[$0.rawValue] * step }
        // Everything but gamma^2 is linear in the averages.
        let g2 = population.gamma * population.gamma
        let slope = combine(q) { e.slopes[$0.rawValue] * step * lambda * population.D }
        return Risk(
            excess: value.excess,
            gradient: Overlaps(
                slope.excess - g2, value.gradient.nu, value.gradient.theta, value.gradient.eta, value.gradient.rho))
    }

    /// E p_1 and E p_1^2 on the manifold: what Bayes' rule at gamma = 1 needs.
    package func informativeWeight(kappa: Double) -> Double {
        averages(kappa: kappa).values[Average.p1.rawValue] * step
    }

    private func combine(_ q: Overlaps, _ mean: (Average) -> Double) -> Risk {
        let gamma = population.gamma
        let g2 = gamma * gamma
        let D = population.D
        let others = Double(population.L - 1)
        let pairs = others * Double(population.L - 2)
        let (nu, theta, eta, rho) = (q.nu, q.theta, q.eta, q.rho)
        let p1 = mean(.p1)
        let p1p1 = mean(.p1p1)
        let U = p1 - p1p1
        let Q1 = gamma * mean(.p1p1S1) + others * mean(.p1p2S2)
        let V = gamma * mean(.p1S1) - Q1
        let W2 =
            g2 * mean(.p1p1S1S1) + 2 * gamma * others * mean(.p1p2S1S2) + others * mean(.p2p2S2S2)
            + pairs * mean(.p2p3S2S3)
        let N = g2 * p1p1 + others * mean(.p2p2)
        let excess =
            g2 - 2 * g2 * (nu * p1 + lambda * eta * (D * theta * U + rho * V)) + D * D * theta * theta * p1p1
            + 2 * D * theta * rho * Q1 + rho * rho * W2 + (1 - rho * rho) * N
        return Risk(
            excess: excess,
            gradient: Overlaps(
                0, -2 * g2 * p1, -2 * g2 * lambda * eta * D * U + 2 * D * D * theta * p1p1 + 2 * D * rho * Q1,
                -2 * g2 * lambda * (D * theta * U + rho * V),
                -2 * g2 * lambda * eta * V + 2 * D * theta * Q1 + 2 * rho * (W2 - N)))
    }
}

/// E[S^j exp(r W - e^W)] for r = 0...3, j = 0...2.
private struct TokenMeans {
    var values = InlineArray<12, Double>(repeating: 0)

    @inline(__always)
    subscript(r: Int, j: Int) -> Double { values[3 * r + j] }
}

/// Trapezoidal nodes of a standard normal S, for functions of W = tau + slope S.
private struct TokenNodes: Sendable {
    private let nodes: [Double]
    private let weights: [Double]
    private let slope: Double

    init(slope: Double, _ refinement: Double) {
        let h = min(0.25, 0.3 / slope) / refinement
        let count = Int((9.5 / h).rounded(.up))
        nodes = (-count...count).map { Double($0) * h }
        weights = nodes.map { h * 0.398942280401432677939946 * exp(-0.5 * $0 * $0) }
        self.slope = slope
    }

    func means(_ tau: Double) -> TokenMeans {
        var sums = TokenMeans()
        for i in nodes.indices {
            let z = nodes[i]
            let W = tau + slope * z
            // exp(-e^7) is below 1e-400.
            if W > 7 { break }
            let e = exp(W)
            var term = weights[i] * exp(-e)
            for r in 0..<4 {
                sums.values[3 * r] += term
                sums.values[3 * r + 1] += term * z
                sums.values[3 * r + 2] += term * z * z
                term *= e
            }
        }
        return sums
    }
}
