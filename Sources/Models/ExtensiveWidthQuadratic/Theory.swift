import ModelKit
import Modeling
import Numerics

/// The Bayes-optimal error of the quadratic network (11): of the matrix in units of R/kappa.
package typealias Bayes = MatrixEstimation<WishartPrior>

extension Parameters {
    package var theory: Bayes { Bayes(alpha: alpha, noise: labelNoise, prior) }

    /// Delta = 2 Delta_0 (2 + Delta_0)/kappa, the variance of the noise on Tr[Phi S*] (3).
    package var labelNoise: Double { 2 * noise * (2 + noise) / kappa }

    func putBayes(into sink: inout ObservationSink) throws {
        let (_, t) = try theory.putBayes(Observable.errors, into: &sink)
        sink.put(.inverseNoise, 1 / t)
        sink.put(.realisedWidth, kappa)
        sink.put(.perfectRecovery, Limits.perfectRecovery(prior))
    }

    func putThresholds(into sink: inout ObservationSink) {
        let recovery = Limits.perfectRecovery(prior)
        sink.put(.perfectRecovery, recovery)
        sink.put(.perfectRecoveryBar, recovery / kappa)
        sink.put(.weakRecovery, Limits.weakRecovery(noise: noise))
    }

    func putLimits(into sink: inout ObservationSink) {
        sink.put(.wide, Limits.wide(alpha: alpha, noise: noise))
        sink.put(.narrow, Limits.narrow(alphaBar: alphaBar, noise: noise))
        sink.put(.fewSamples, Limits.fewSamples(alpha: alpha, noise: noise))
    }
}

/// Thresholds and limits in closed form.
package enum Limits {
    /// alpha_PR = kappa - kappa^2/2, from kappa = 1 on 1/2: degrees of freedom over d^2 (13).
    package static func perfectRecovery(_ prior: WishartPrior) -> Double { 0.5 * prior.initialSlope }

    /// Of few units, as n/(m d) (15).
    package static func weakRecovery(noise: Double) -> Double { 0.5 * (1 + noise) * (1 + noise) }

    /// R at kappa -> infinity, alpha fixed: R = tau/(1 + tau) and 2 alpha tau = R + Delta_0 (2 + Delta_0) (14).
    package static func wide(alpha: Double, noise: Double) -> Double {
        let c = noise * (2 + noise)
        let B = 2 * alpha - 1 - c
        let root = (B * B + 8 * alpha * c).squareRoot()
        let tau = B > 0 ? 2 * c / (B + root) : (root - B) / (4 * alpha)
        return tau / (1 + tau)
    }

    /// R at kappa -> 0, alphaBar = alpha/kappa fixed: R = 1 - (1 - tau)^2 for tau < 1, else 1, and
    /// 2 alphaBar tau = R + Delta_0 (2 + Delta_0) (15).
    package static func narrow(alphaBar: Double, noise: Double) -> Double {
        guard alphaBar > weakRecovery(noise: noise) else { return 1 }
        let c = noise * (2 + noise)
        let B = alphaBar - 1
        let root = (B * B + c).squareRoot()
        let tau = B > 0 ? c / (B + root) : root - B
        return tau * (2 - tau)
    }

    /// R at alpha -> 0, to first order (16).
    package static func fewSamples(alpha: Double, noise: Double) -> Double {
        1 - 2 * alpha / ((1 + noise) * (1 + noise))
    }
}
