import Foundation
import Modeling
import Numerics

/// The Bayes-optimal error of bilinear sequence regression (sheet, section 4).
package struct BSRBayes: Sendable {
    package let alpha: Double
    package let noise: Double
    private let table: DenoisingTable<RectangularPrior>

    package init(alpha: Double, noise: Double, prior: RectangularPrior) {
        self.alpha = alpha
        self.noise = noise
        table = RectangularPrior.tables.table(prior)
    }

    init(_ p: BSRParameters) { self.init(alpha: p.alpha, noise: p.noise, prior: p.prior) }

    /// The solution of alpha t - Delta = mmse(t), t = (Delta + E)/alpha; t = 0 where the target is found exactly.
    package func solve() throws -> (E: Double, t: Double) {
        switch try table.crossing(slope: alpha, offset: noise) {
        case .zero: return (0, 0)
        case .at(let t, let mmse): return (mmse, t)
        }
    }

    /// E_{k+1} = mmse((Delta + E_k)/alpha): one iteration of message passing at infinite size.
    package func next(_ E: Double) throws -> Double { try table.prior.mmse((noise + E) / alpha) }

    /// phi = (1/2) int [alpha/h - Delta - mmse(1/h)] dh from alpha/(1 + Delta) to `hat`, to 1e-9.
    package func freeEntropy(hat: Double) throws -> Double {
        let start = log(alpha / (1 + noise))
        let end = log(hat)
        var previous = Double.nan
        // In u = log h; the integrand is smooth but for weak singularities where bulks merge.
        for count in [24, 48, 96, 192, 384] {
            let rule = GaussLegendre(count: count, from: start, to: end)
            var sum = 0.0
            for (u, weight) in zip(rule.nodes, rule.weights) {
                let h = exp(u)
                sum += weight * (alpha - noise * h - h * (try table.prior.mmse(1 / h)))
            }
            if abs(0.5 * sum - previous) < 1e-9 { return 0.5 * sum }
            previous = 0.5 * sum
        }
        throw ModelError.notConverged("the integral of the free entropy is \(previous), not settled to 1e-9")
    }
}
