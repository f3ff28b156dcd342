import Foundation
import Modeling

/// Softmax over tokens, margins and the coefficients of the gradient, from logits a and scores gamma, in the log domain.
///
/// Everything is measured from the token r with the largest logit ("gap form", (9)): with
/// Delta = sum_tau s_tau (gamma_r - gamma_tau) nothing cancels however close s_r is to 1, and
///
///     -dL/dW = -e^sigma sum_{i,tau} beta_{i,tau} x_{i,tau} q_i^T,
///     e^sigma beta_{i,tau} = (w_i/n) s_tau (m_i - gamma_{i,tau}) for tau != r,  sum_tau beta_{i,tau} = 0,
///
/// where sigma is the logarithm of the largest w_i s_tau, so that beta never underflows. Relative to the optimal token the
/// beta are the c_k of (8).
package struct Pass: Sendable {
    package let n: Int
    package let T: Int
    package let loss: Loss
    /// beta_{i,tau}, n x T.
    package private(set) var beta: [Double]
    /// ln of the factor of all beta; -infinity when the gradient is exactly zero.
    package private(set) var sigma = -Double.infinity
    /// m_i.
    package private(set) var margins: [Double]
    /// s_{i,tau}, n x T.
    package private(set) var attention: [Double]
    /// ln w_i.
    package private(set) var logWeights: [Double]
    /// The token r of each sample.
    package private(set) var selected: [Int]
    /// ln Delta_i, relative to r.
    private var logDeltas: [Double]
    private var exponents: [Double]

    package init(n: Int, T: Int, loss: Loss) {
        self.n = n
        self.T = T
        self.loss = loss
        beta = Array(repeating: 0, count: n * T)
        attention = beta
        exponents = beta
        margins = Array(repeating: 0, count: n)
        logWeights = margins
        logDeltas = margins
        selected = Array(repeating: 0, count: n)
    }

    /// Computes all of the above.
    ///
    /// - Throws: ``ModelError/diverged(step:_:)`` at `step` when something is not finite.
    mutating func evaluate(logits: [Double], scores: [Double], step: Int) throws {
        var sigma = -Double.infinity
        var check = 0.0
        for i in 0..<n {
            let at = i * T
            var r = 0
            for tau in 1..<T where logits[at + tau] > logits[at + r] { r = tau }
            let (top, score) = (logits[at + r], scores[at + r])
            var sum = 0.0
            for tau in 0..<T where tau != r {
                let e = logits[at + tau] - top
                check += e
                exponents[at + tau] = e
                let s = exp(e)
                attention[at + tau] = s
                sum += s
            }
            let inverse = 1 / (1 + sum)
            let logZ = log1p(sum)
            var delta = 0.0
            for tau in 0..<T where tau != r {
                attention[at + tau] *= inverse
                delta += attention[at + tau] * (score - scores[at + tau])
            }
            attention[at + r] = inverse
            let m = score - delta
            let logWeight = loss.logWeight(m)
            for tau in 0..<T where tau != r {
                exponents[at + tau] -= logZ
                // Holds m - gamma until sigma is known.
                let factor = (score - scores[at + tau]) - delta
                beta[at + tau] = factor
                if factor != 0 { sigma = max(sigma, exponents[at + tau] + logWeight) }
            }
            check += m + top
            margins[i] = m
            logWeights[i] = logWeight
            selected[i] = r
            // Negative only where r is not the optimal token, and then not asked for.
            logDeltas[i] = delta > 1e-290 ? logarithm(delta) : delta < 0 ? .nan : Self.underflown
        }
        self.sigma = sigma
        let inverseN = 1 / Double(n)
        for i in 0..<n {
            let (at, r) = (i * T, selected[i])
            let shift = logWeights[i] - sigma
            var sum = 0.0
            for tau in 0..<T where tau != r {
                let factor = beta[at + tau]
                let value = factor == 0 ? 0 : exp(exponents[at + tau] + shift) * factor * inverseN
                beta[at + tau] = value
                sum += value
            }
            beta[at + r] = -sum
            if logDeltas[i] == Self.underflown { logDeltas[i] = slowLogDelta(i, scores) }
        }
        guard check.isFinite else {
            throw ModelError.diverged(step: step, "a logit or margin is not finite; the step size may be too large")
        }
    }

    /// Marks a Delta that is too small for a double.
    private static let underflown = Double.greatestFiniteMagnitude

    private func slowLogDelta(_ i: Int, _ scores: [Double]) -> Double {
        let (at, r) = (i * T, selected[i])
        let others = (0..<T).filter { $0 != r }
        let top = others.map { exponents[at + $0] }.max() ?? 0
        let sum = others.reduce(0) { $0 + exp(exponents[at + $1] - top) * (scores[at + r] - scores[at + $1]) }
        return top + logarithm(sum)
    }

    /// gamma_opt - m_i and its logarithm.
    private func excess(_ i: Int, _ scores: [Double], _ opt: [Int]) -> (delta: Double, log: Double) {
        if opt[i] == selected[i] { return (exp(logDeltas[i]), logDeltas[i]) }
        let delta = scores[i * T + opt[i]] - margins[i]
        return (delta, logarithm(delta))
    }

    /// ln(L - L*), L* being the loss when attention is all on `opt`; for a trained decoder (`isJoint`) L* = 0.
    package func logExcess(scores: [Double], opt: [Int], isJoint: Bool) -> Double {
        let terms = (0..<n).map { i in
            if isJoint { return loss.logValue(margins[i]) }
            let (delta, log) = excess(i, scores, opt)
            return loss.logExcess(scores[i * T + opt[i]], delta: delta, logDelta: log)
        }
        return logSumExp(terms) - logarithm(Double(n))
    }

    /// L.
    package var lossValue: Double { margins.reduce(0) { $0 + loss.value($1) } / Double(n) }

    /// ln(1 - s_{i,opt}).
    package func logSparsity(_ i: Int, opt: Int) -> Double {
        let at = i * T
        let r = selected[i]
        let others = (0..<T).filter { $0 != opt }.map { tau in
            tau == r ? logarithm(attention[at + r]) : exponents[at + tau]
        }
        return logSumExp(others)
    }
}
