import Foundation
import ModelKit
import Modeling
import Numerics

/// The Bayes-optimal error of bilinear regression (10).
package typealias Bayes = MatrixEstimation<RectangularPrior>

extension Parameters {
    package var theory: Bayes { Bayes(alpha: alpha, noise: noise, prior) }

    func putBayes(into sink: inout ObservationSink) throws {
        let (E, _) = try theory.putBayes(Observable.errors, into: &sink)
        sink.put(.strongRecovery, prior.initialSlope)
        sink.put(.ridgeError, RidgeTheory(alpha: alpha, ridge: noise, noise: noise).error)
        guard sink.wants(.freeEntropy) else { return }
        let error = overlap.map { 1 - $0 } ?? E
        // Without noise phi grows beyond all bounds as the target is found.
        sink.put(.freeEntropy, noise + error > 0 ? try freeEntropy(hat: alpha / (noise + error)) : .infinity)
    }

    /// phi = (1/2) int [alpha/h - Delta - mmse(1/h)] dh from alpha/(1 + Delta) to `hat`, to 1e-9 (14).
    private func freeEntropy(hat: Double) throws -> Double {
        let (start, end, theory) = (log(alpha / (1 + noise)), log(hat), theory)
        var previous = Double.nan
        // In u = log h; the integrand is smooth but for weak singularities where bulks merge.
        for count in [24, 48, 96, 192, 384] {
            let rule = GaussLegendre(count: count, from: start, to: end)
            var sum = 0.0
            for (u, weight) in zip(rule.nodes, rule.weights) {
                let h = exp(u)
                sum += weight * (alpha - noise * h - h * (try theory.mmse(1 / h)))
            }
            if abs(0.5 * sum - previous) < 1e-9 { return 0.5 * sum }
            previous = 0.5 * sum
        }
        throw ModelError.notConverged("the integral of the free entropy is \(previous), not settled to 1e-9")
    }

    func putThresholds(into sink: inout ObservationSink) throws {
        let strong = prior.initialSlope
        sink.put(.strongRecovery, strong)
        sink.put(.strongRecoveryBar, strong * beta / (rho * (1 + beta)))
        sink.put(.weakRecovery, Limits.weakRecovery(beta: beta, noise: noise))
        sink.put(.nuclearNorm, try Limits.nuclearNorm(rho: rho, beta: beta))
    }

    func putLimits(into sink: inout ObservationSink) throws {
        sink.put(.lowRank, try Limits.lowRank(alphaBar: alphaBar, beta: beta, noise: noise))
        sink.put(.longSequences, try Limits.longSequences(alpha: alpha, rho: rho, noise: noise))
        sink.put(.highRank, RidgeTheory(alpha: alpha, ridge: noise, noise: noise).error)
        sink.put(.fewSamples, 1 - alpha / (1 + noise))
    }

    func putRidge(into sink: inout ObservationSink) {
        let theory = RidgeTheory(alpha: alpha, ridge: ridge, noise: noise)
        sink.put(.errors.error, theory.error)
        sink.put(.errors.trainError, theory.trainError)
    }
}
