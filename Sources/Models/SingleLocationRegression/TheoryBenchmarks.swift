import Foundation
import Modeling
import Numerics

/// Closed-form numbers: benchmarks (41) to (45), fixed points and rates (34) to (37).
package struct Theory: Sendable {
    package let population: Population

    package init(_ population: Population) { self.population = population }

    private var g2: Double { population.gamma * population.gamma }
    private var others: Double { Double(population.L - 1) }

    // MARK: Predictors

    /// Y = 0 (41).
    package var nullExcess: Double { g2 }

    /// The best linear predictor: weights gamma^2/(gamma^2 + L - 1) v* on each token (41).
    package var linearExcess: Double { g2 * others / (g2 + others) }

    /// k = k*, v = v* (42).
    package func oracleExcess(lambda: Double) throws -> Double {
        try population.risk(at: Overlaps(1, 1, 0, 0, 0), lambda: lambda).excess
    }

    /// The Bayes predictor E[Y|X] at gamma = 1, where it is softmax attention at (k*, v*) with lambda = D: its excess is
    /// 1 - E pi_J0 (44). Nil without a quadrature.
    package var bayesExcess: Double? {
        guard hasBayesQuadrature, let quadrature = try? SoftmaxQuadrature(bayesAttention, lambda: population.D) else {
            return nil
        }
        return max(0, 1 - quadrature.informativeWeight(kappa: 1))
    }

    /// False where gamma is not 1, and where d makes the quadrature long.
    var hasBayesQuadrature: Bool {
        population.gamma == 1 && SoftmaxQuadrature.isFeasible(bayesAttention, lambda: population.D)
    }

    private var bayesAttention: Population {
        Population(d: population.d, L: population.L, gamma: 1, attention: .softmax)
    }

    /// The mean of the posterior variance of X_J0.v* over `samples` sequences (45), with its standard error. Of a token
    /// only its components on k* and v* and the square of the rest matter.
    package func sampledBayesExcess(samples: Int, _ random: inout RandomStream) -> (mean: Double, error: Double) {
        let D = population.D
        let gamma = population.gamma
        let rest = Double(population.d - 2)
        let curvature = 0.5 * (1 / g2 - 1)
        var logs = Array(repeating: 0.0, count: population.L)
        var values = logs
        var (sum, squares) = (0.0, 0.0)
        for _ in 0..<samples {
            for l in 0..<population.L {
                let (mean, spread) = l == 0 ? (D, gamma) : (0, 1)
                let first = mean + spread * random.normal()
                let second = spread * random.normal()
                let square = first * first + second * second + spread * spread * random.chiSquare(rest)
                logs[l] = D * first / g2 - curvature * square
                values[l] = second
            }
            let largest = logs.reduce(-.infinity, max)
            var (Z, one, two) = (0.0, 0.0, 0.0)
            for l in 0..<population.L {
                let p = exp(logs[l] - largest)
                Z += p
                one += p * values[l]
            }
            let mean = one / Z
            for l in 0..<population.L {
                two += exp(logs[l] - largest) * (values[l] - mean) * (values[l] - mean)
            }
            let variance = two / Z
            sum += variance
            squares += variance * variance
        }
        let n = Double(samples)
        let mean = sum / n
        return (mean, (max(0, squares / n - mean * mean) / n).squareRoot())
    }

    // MARK: Attractors (erf attention)

    private func s(_ lambda: Double) -> Double { (1 + 2 * lambda * lambda * g2).squareRoot() }

    /// The attractor with k along v*: eta = +-1, theta = eta theta_s, and its excess risk (36).
    package func swapped(lambda: Double) -> (theta: Double, excess: Double) {
        let D = population.D
        let zeta = ErfMoments.zetaAtZero(lambda * population.gamma)
        let A1 = 1.128379167095512573896 / s(lambda)
        let theta = min(1, g2 * lambda * A1 / (D * zeta))
        let excess =
            g2 - 2 * g2 * lambda * D * theta * A1 + (D * D * theta * theta + g2) * zeta
            + others * ErfMoments.zetaAtZero(lambda)
        return (theta, excess)
    }

    /// Growth rate of gradient flow at the saddle kappa = nu = 0 per unit t, and the ratio nu/kappa it grows along
    /// (34).
    package func saddle(lambda: Double) -> (rate: Double, slope: Double) {
        let A = 1.128379167095512573896 * lambda * population.D / s(lambda)
        let c = lambda * population.gamma
        let sigma = 1 / (1 + 4 * c * c).squareRoot()
        // -A sigma + sqrt(A^2 sigma^2 + 4) without its cancellation.
        let As = A * sigma
        let rate = g2 * A * 4 / (As + (As * As + 4).squareRoot())
        return (rate, 2 * g2 * A / rate)
    }

    /// Final rates of 1 - |kappa| and 1 - |nu| at the oracle, per unit t (35).
    package func oracleRates(lambda: Double) -> (kappa: Double, nu: Double) {
        let c = lambda * population.gamma
        let t = lambda * population.D
        let m = ErfMoments(t: t, c: c, derivatives: false)
        let x = t / s(lambda)
        return (4 * g2 * t * m.A1 * erfc(x / (1 + 4 * c * c).squareRoot()), 4 * g2 * m.A0)
    }

    /// The largest step at which population descent is stable at the oracle: 2 over the largest rate (37).
    ///
    /// Near k = k*, v = v* the coordinates off the manifold are theta and eta, with rho = theta + eta, and the risk is
    /// quadratic in the three. The rates are the eigenvalues of that form in (theta, eta) less the radial parts, R_nu on
    /// theta and R_kappa on eta.
    package func stepLimit(lambda: Double) throws -> Double {
        func gradient(_ theta: Double, _ eta: Double) throws -> Overlaps {
            try population.risk(at: Overlaps(1, 1, theta, eta, theta + eta), lambda: lambda).gradient
        }
        let here = try gradient(0, 0)
        let (byTheta, byEta) = (try gradient(1, 0), try gradient(0, 1))
        let first = byTheta.theta + byTheta.rho - here.nu
        let second = byEta.eta + byEta.rho - here.kappa
        let coupling = byTheta.eta + byTheta.rho
        let half = 0.5 * (first - second)
        return 2 / (0.5 * (first + second) + (half * half + coupling * coupling).squareRoot())
    }

    /// About how many evaluations of the risk flow from a random start takes (for erf with the integrator's own work). Its
    /// steps are those of a stiff system: of the oracle's fastest rate for erf; for softmax of d p_1^2, where p_1 = 1/L until
    /// it leaves the saddle.
    func flowEvaluations(until time: Double, lambda: Double) -> Double {
        if population.attention == .erf, let limit = try? stepLimit(lambda: lambda) { return 1500 + 16 * time / limit }
        let (d, L, D) = (Double(population.d), Double(population.L), population.D)
        let escape = min(time, 0.5 * log(d) * L * L / (2 * g2 * lambda * D * others))
        let weight = 1 / (1 + others * exp(-lambda * D))
        return 60 + d * (8 * escape / (L * L) + 1.5 * (time - escape) * weight * weight)
    }

    // MARK: The best sharpness

    /// The lambda > 0 at which `excess` is least, and the least value; nil when that is at an end of the range 1e-4/D to
    /// 30 (1 + D), where no trade-off exists. Brackets on a logarithmic grid, then golden sections.
    package func best(_ excess: (Double) throws -> Double) rethrows -> (lambda: Double, excess: Double)? {
        let D = population.D
        let points = 120
        let (low, high) = (log(1e-4 / D), log(population.attention == .erf ? 30 * (1 + D) : 2 * D / min(1, g2)))
        func at(_ i: Int) -> Double { low + (high - low) * Double(i) / Double(points) }
        var (least, index) = (Double.infinity, 0)
        for i in 0...points {
            let value = try excess(exp(at(i)))
            if value < least { (least, index) = (value, i) }
        }
        guard index > 0, index < points else { return nil }
        let ratio = 0.618033988749894848205
        var (a, b) = (at(index - 1), at(index + 1))
        var (x, y) = (b - ratio * (b - a), a + ratio * (b - a))
        var (fx, fy) = (try excess(exp(x)), try excess(exp(y)))
        while b - a > 1e-9 {
            if fx < fy {
                (b, y, fy) = (y, x, fx)
                x = b - ratio * (b - a)
                fx = try excess(exp(x))
            } else {
                (a, x, fx) = (x, y, fy)
                y = a + ratio * (b - a)
                fy = try excess(exp(y))
            }
        }
        let lambda = exp(0.5 * (a + b))
        return (lambda, try excess(lambda))
    }
}
