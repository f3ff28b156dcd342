import Foundation

/// log(1 + e^x) without overflow.
@inline(__always)
func softplus(_ x: Double) -> Double { x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)) }

/// ln x.
func logarithm(_ x: Double) -> Double { Foundation.log(x) }

/// log of a sum of exponentials; -infinity for none.
func logSumExp(_ x: some Sequence<Double>) -> Double {
    let top = x.max() ?? -.infinity
    guard top.isFinite else { return top }
    return top + logarithm(x.reduce(0) { $0 + exp($1 - top) })
}

/// The loss l(m) of a margin m, with what late training needs of it in the log domain.
package enum Loss: String, Sendable, CaseIterable {
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

    /// ln(l(gamma - delta) - l(gamma)), (11), for delta >= 0; `logDelta` = ln delta stands in where delta underflows.
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
