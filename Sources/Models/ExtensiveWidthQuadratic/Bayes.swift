import Foundation
import Modeling
import Numerics

/// The Bayes-optimal error of the extensive-width quadratic network (sheet, section 4).
package struct EWQBayes: Sendable {
    package let alpha: Double
    /// Delta.
    package let labelNoise: Double
    private let table: DenoisingTable<WishartPrior>

    package init(alpha: Double, noise: Double, prior: WishartPrior) {
        self.alpha = alpha
        labelNoise = Self.labelNoise(noise, kappa: prior.kappa)
        table = WishartPrior.tables.table(prior)
    }

    init(_ p: EWQParameters) { self.init(alpha: p.alpha, noise: p.noise, prior: p.prior) }

    /// Delta = 2 Delta_0 (2 + Delta_0)/kappa, the variance of the noise on Tr[Phi S*].
    package static func labelNoise(_ noise: Double, kappa: Double) -> Double { 2 * noise * (2 + noise) / kappa }

    /// alpha_PR = kappa - kappa^2/2, from kappa = 1 on 1/2: degrees of freedom over d^2.
    package static func perfectRecovery(_ prior: WishartPrior) -> Double { 0.5 * prior.initialSlope }

    /// The solution of 2 alpha t - Delta/2 = E(t); t = 0 where the target is found exactly.
    package func solve() throws -> (E: Double, t: Double) {
        switch try table.crossing(slope: 2 * alpha, offset: 0.5 * labelNoise) {
        case .zero: return (0, 0)
        case .at(let t, let mmse): return (mmse, t)
        }
    }

    /// The noise on the matrix when the error is E.
    package func noise(at E: Double) -> Double { (labelNoise + 2 * E) / (4 * alpha) }

    /// One iteration of message passing at infinite size.
    package func next(_ E: Double) throws -> Double { try table.prior.mmse(noise(at: E)) }
}

/// Limits in closed form (sheet, section 4).
package enum EWQLimits {
    /// Of few units, as n/(m d).
    package static func weakRecovery(noise: Double) -> Double { 0.5 * (1 + noise) * (1 + noise) }

    /// R at kappa -> infinity, alpha fixed: R = tau/(1 + tau) and 2 alpha tau = R + Delta_0 (2 + Delta_0).
    package static func wide(alpha: Double, noise: Double) -> Double {
        let c = noise * (2 + noise)
        let B = 2 * alpha - 1 - c
        let root = (B * B + 8 * alpha * c).squareRoot()
        let tau = B > 0 ? 2 * c / (B + root) : (root - B) / (4 * alpha)
        return tau / (1 + tau)
    }

    /// R at kappa -> 0, alphaBar = alpha/kappa fixed: R = 1 - (1 - tau)^2 for tau < 1, else 1, and
    /// 2 alphaBar tau = R + Delta_0 (2 + Delta_0).
    package static func narrow(alphaBar: Double, noise: Double) -> Double {
        guard alphaBar > weakRecovery(noise: noise) else { return 1 }
        let c = noise * (2 + noise)
        let B = alphaBar - 1
        let root = (B * B + c).squareRoot()
        let tau = B > 0 ? c / (B + root) : root - B
        return tau * (2 - tau)
    }

    /// R at alpha -> 0, to first order.
    package static func fewSamples(alpha: Double, noise: Double) -> Double {
        1 - 2 * alpha / ((1 + noise) * (1 + noise))
    }
}
