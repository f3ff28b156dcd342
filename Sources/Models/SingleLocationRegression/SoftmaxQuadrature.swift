import Foundation
import Modeling

/// The population risk of softmax attention, on and off the manifold, by one-dimensional integrals.
///
/// With a_1 = D kappa + gamma S_1 and a_l = S_l the arguments of p = softmax(lambda a), and the values X_l.v split into
/// their regression on a and an independent rest (X_1.v = D theta + rho gamma S_1 + ..., X_l.v = rho S_l + ...), Stein's
/// lemma for Y leaves averages of the weights alone:
///
/// R - noise = gamma^2 - 2 gamma^2 [nu E p_1 + lambda eta (D theta U + rho V)] + D^2 theta^2 E p_1^2
///             + 2 D theta rho Q_1 + rho^2 W_2 + (1 - rho^2) N,
///
/// U = E p_1 (1 - p_1), V = E p_1 (gamma S_1 - M), Q_1 = E p_1 M, W_2 = E M^2, N = E[gamma^2 p_1^2 + sum_{l>1} p_l^2] where
/// M = gamma p_1 S_1 + sum_{l>1} p_l S_l. At rho = theta = eta = 0 this is the sheet's formula on the manifold.
/// As 1/Z^r = int e^{r tau} exp(-e^tau Z) dtau/(r-1)!, each average is an integral over tau of products of
/// f_rj(tau) = E[S^j exp(r W - e^W)], W = tau + lambda (D kappa + gamma S), for the informative token, and g_rj, with
/// W = tau + lambda S, for the others. kappa enters through f only: d f_rj/d kappa = lambda D (r f_rj - f_{r+1,j}).
///
/// Trapezoidal sums on analytic, decaying integrands: steps of 0.2 in tau and 0.3/slope (at most 0.25) in S, checked
/// stable to 1e-12 under refinement.
package struct SoftmaxQuadrature: Sendable {
    /// The largest number of nodes in tau times nodes in S: about a second.
    private static let largestWork = 2e8

    private let population: SLRPopulation
    private let lambda: Double
    private let others: TokenNodes
    private let informative: TokenNodes
    private let step: Double

    /// `refinement` divides all steps.
    ///
    /// - Throws: ``ModelError/parameter(_:_:)`` when lambda is so large that the sums would take long.
    package init(_ population: SLRPopulation, lambda: Double, refinement: Double = 1) throws {
        let work =
            (2 * lambda * (population.D + 10 + 10 * population.gamma) / 0.2 + 150)
            * (80 + 60 * lambda * max(1, population.gamma)) * refinement * refinement
        guard work < Self.largestWork, work.isFinite else {
            throw ModelError.parameter(
                "lambda0",
                "is too large for the softmax quadrature at this d; ask for excess_risk at smaller lambda or d")
        }
        self.population = population
        self.lambda = lambda
        step = 0.2 / refinement
        others = TokenNodes(slope: lambda, refinement)
        informative = TokenNodes(slope: lambda * population.gamma, refinement)
    }

    /// The averages over the weights, and for each its derivative in kappa.
    private struct Averages {
        var p1 = Pair()
        var p1p1 = Pair()
        var p2p2 = Pair()
        var p1S1 = Pair()
        var p1p1S1 = Pair()
        var p1p2S2 = Pair()
        var p1p1S1S1 = Pair()
        var p1p2S1S2 = Pair()
        var p2p2S2S2 = Pair()
        var p2p3S2S3 = Pair()
    }

    private struct Pair {
        var value = 0.0
        var slope = 0.0

        @inline(__always)
        mutating func add(_ f: TokenMeans, _ r: Int, _ j: Int, _ weight: Double) {
            let here = f[r, j]
            value += weight * here
            slope += weight * (Double(r) * here - f[r + 1, j])
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
            sums.p1.add(f, 1, 0, all)
            sums.p1p1.add(f, 2, 0, all)
            sums.p1S1.add(f, 1, 1, all)
            sums.p1p1S1.add(f, 2, 1, all)
            sums.p1p1S1S1.add(f, 2, 2, all)
            guard L > 1 else { continue }
            sums.p2p2.add(f, 0, 0, g[2, 0] * butOne)
            sums.p1p2S2.add(f, 1, 0, g[1, 1] * butOne)
            sums.p1p2S1S2.add(f, 1, 1, g[1, 1] * butOne)
            sums.p2p2S2S2.add(f, 0, 0, g[2, 2] * butOne)
            if L > 2 { sums.p2p3S2S3.add(f, 0, 0, g[1, 1] * g[1, 1] * butTwo) }
        }
        return sums
    }

    /// The excess risk and its partial derivatives.
    package func risk(at q: SLROverlaps) -> SLRRisk {
        let e = averages(kappa: q.kappa)
        let value = combine(q) { e[keyPath: $0].value * step }
        // Everything but gamma^2 is linear in the averages.
        let g2 = population.gamma * population.gamma
        let slope = combine(q) { e[keyPath: $0].slope * step * lambda * population.D }
        return SLRRisk(
            excess: value.excess,
            gradient: SLROverlaps(
                slope.excess - g2, value.gradient.nu, value.gradient.theta, value.gradient.eta, value.gradient.rho))
    }

    /// E p_1 and E p_1^2 on the manifold: what Bayes' rule at gamma = 1 needs.
    package func informativeWeight(kappa: Double) -> Double { averages(kappa: kappa).p1.value * step }

    private func combine(_ q: SLROverlaps, _ mean: (KeyPath<Averages, Pair>) -> Double) -> SLRRisk {
        let gamma = population.gamma
        let g2 = gamma * gamma
        let D = population.D
        let others = Double(population.L - 1)
        let pairs = others * Double(population.L - 2)
        let (nu, theta, eta, rho) = (q.nu, q.theta, q.eta, q.rho)
        let p1 = mean(\.p1)
        let p1p1 = mean(\.p1p1)
        let U = p1 - p1p1
        let Q1 = gamma * mean(\.p1p1S1) + others * mean(\.p1p2S2)
        let V = gamma * mean(\.p1S1) - Q1
        let W2 =
            g2 * mean(\.p1p1S1S1) + 2 * gamma * others * mean(\.p1p2S1S2) + others * mean(\.p2p2S2S2)
            + pairs * mean(\.p2p3S2S3)
        let N = g2 * p1p1 + others * mean(\.p2p2)
        let excess =
            g2 - 2 * g2 * (nu * p1 + lambda * eta * (D * theta * U + rho * V)) + D * D * theta * theta * p1p1
            + 2 * D * theta * rho * Q1 + rho * rho * W2 + (1 - rho * rho) * N
        return SLRRisk(
            excess: excess,
            gradient: SLROverlaps(
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
