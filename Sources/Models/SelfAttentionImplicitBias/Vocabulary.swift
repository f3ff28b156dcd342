import Foundation

/// The data families of the sheet, section "Data and target", and data given in the job.
package enum SAIBFamily: String, Sendable, CaseIterable { case gaussian, orthogonal, sphere, sin, explicit }

/// Where the query q_i comes from: the first token, which is not the optimal one (`noise`) or is (`opt`), or whichever it
/// is (`first`); a vector of its own (`external`); or q_i = 1 in one dimension (`prompt`).
package enum SAIBQuery: String, Sendable, CaseIterable { case noise, opt, first, external, prompt }

/// The two signals: mu_+ = U e_0, mu_- = U e_1, or mu_- = -mu_+.
package enum SAIBGeometry: String, Sendable, CaseIterable { case orthogonal, antipodal }

package enum SAIBOptimizer: String, Sendable, CaseIterable { case gd, ngd, polyak }

/// The start W_0: zero, a Gaussian direction of norm omega, -+ omega W_mm/|W_mm|, entries uniform on
/// (-1/sqrt(d), 1/sqrt(d)), or given.
package enum SAIBStart: String, Sendable, CaseIterable { case zero, random, adversarial, mm, uniform, explicit }

/// log(1 + e^x) without overflow.
@inline(__always)
func softplus(_ x: Double) -> Double { x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)) }

/// log of a sum of exponentials; -infinity for none.
func logSumExp(_ x: some Sequence<Double>) -> Double {
    let top = x.max() ?? -.infinity
    guard top.isFinite else { return top }
    return top + logarithm(x.reduce(0) { $0 + exp($1 - top) })
}

/// The loss l(m) of a margin m, with what late training needs of it in the log domain.
package enum SAIBLoss: String, Sendable, CaseIterable {
    case logistic, exponential, linear

    /// l(m).
    package func value(_ m: Double) -> Double {
        switch self {
        case .logistic: softplus(-m)
        case .exponential: exp(-m)
        case .linear: -m
        }
    }

    /// ln(-l'(m)).
    @inline(__always)
    package func logWeight(_ m: Double) -> Double {
        switch self {
        case .logistic: -softplus(m)
        case .exponential: -m
        case .linear: 0
        }
    }

    /// ln l(m), not-a-number where l(m) < 0.
    package func logValue(_ m: Double) -> Double {
        switch self {
        case .logistic: m > 40 ? -m : logarithm(softplus(-m))
        case .exponential: -m
        case .linear: logarithm(-m)
        }
    }

    /// ln(l(gamma - delta) - l(gamma)) for delta >= 0; `logDelta` = ln delta stands in where delta underflows.
    package func logExcess(_ gamma: Double, delta: Double, logDelta: Double) -> Double {
        guard delta > 1e-290 else { return logWeight(gamma) + logDelta }
        switch self {
        case .logistic:
            if delta > 30 { return logarithm(softplus(delta - gamma) - softplus(-gamma)) }
            return logarithm(log1p(expm1(delta) / (1 + exp(gamma))))
        case .exponential:
            return -gamma + (delta > 30 ? delta + log1p(-exp(-delta)) : logarithm(expm1(delta)))
        case .linear: return logDelta
        }
    }
}
