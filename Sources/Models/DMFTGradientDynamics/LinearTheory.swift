import Foundation
import Persistence

/// Gradient descent and Bernoulli SGD of the linear loss in closed form, (32) to (36): means over the Marchenko-Pastur law
/// of A^T A. Good to 1e-12 of the larger of q0, rho and the noise.
///
/// A sample in the batch has weight w0 (1/b or 1). Mean wb = b w0 and variance v = b (1 - b) w0^2 of the weights are all
/// that counts: the mean weights follow gradient descent with P_t = (1 - eta (lambda + wb s))^t and
/// F_t = (1 - P_t)/(lambda + wb s), and each step adds noise eta^2 v times the sample's own loss, which gives
/// psi_t = 2 train_t = psi_t^GD + (eta^2 v/alpha) sum_{r<t} <s^2 P_{t-1-r}^2> psi_r.
package struct LinearTheory: Sendable, Resumable {
    package let alpha: Double
    package let stepSize: Double
    package let ridge: Double
    /// wb and v.
    package let meanWeight: Double
    package let weightVariance: Double
    package let q0: Double
    package let m0: Double
    package let rho: Double
    /// sigma^2.
    package let noise: Double
    /// psi_r, and <s P_r^2>, <s^2 P_r^2>, for the steps reached; empty without weight variance.
    var psi: [Double] = []
    var weightGains: [Double] = []
    var lossGains: [Double] = []

    package init(
        alpha: Double, stepSize: Double, ridge: Double, meanWeight: Double = 1, weightVariance: Double = 0, q0: Double,
        m0: Double, rho: Double, noise: Double
    ) {
        self.alpha = alpha
        self.stepSize = stepSize
        self.ridge = ridge
        self.meanWeight = meanWeight
        self.weightVariance = weightVariance
        self.q0 = q0
        self.m0 = m0
        self.rho = rho
        self.noise = noise
    }

    /// The most steps that can be asked for when b < 1: their times are kept.
    static let longestWithBatches = 20_000

    /// Makes all steps up to `t` known. Nothing to do when b = 1.
    package mutating func reach(_ t: Int) {
        guard weightVariance > 0 else { return }
        while psi.count <= t { extend() }
    }

    private mutating func extend() {
        let t = psi.count
        if t > 0 {
            weightGains.append(mean(t - 1) { s in s * square(kept(s, t - 1)) })
            lossGains.append(mean(t - 1) { s in square(s * kept(s, t - 1)) })
        }
        psi.append(residual(t, t, descent: true) + noiseRate / alpha * convolve(lossGains, t))
    }

    /// sum_{r<t} gains_{t-1-r} psi_r.
    private func convolve(_ gains: [Double], _ t: Int) -> Double {
        guard weightVariance > 0 else { return 0 }
        return (0..<t).reduce(0) { $0 + gains[t - 1 - $1] * psi[$1] }
    }

    /// sum_r psi_r <weight(s) P_{t-1-r} P_{u-1-r}> over r before both times.
    private func batchNoise(_ t: Int, _ u: Int, weight: (Double) -> Double) -> Double {
        guard weightVariance > 0 else { return 0 }
        return (0..<min(t, u)).reduce(0) { sum, r in
            sum + psi[r] * mean(max(t, u)) { s in weight(s) * kept(s, t - 1 - r) * kept(s, u - 1 - r) }
        }
    }

    private var noiseRate: Double { stepSize * stepSize * weightVariance }

    // MARK: One time

    /// M_t.
    package func overlap(_ t: Int) -> Double {
        mean(t) { s in kept(s, t) * m0 + learned(s, t) * rho }
    }

    /// q_t, of steps that were reached.
    package func gram(_ t: Int) -> Double { descentWeights(t, t) + noiseRate * convolve(weightGains, t) }

    /// The mean loss of all training samples, of steps that were reached.
    package func trainLoss(_ t: Int) -> Double { 0.5 * (weightVariance > 0 ? psi[t] : residual(t, t, descent: true)) }

    package func testLoss(_ t: Int) -> Double { 0.5 * (rho - 2 * overlap(t) + gram(t) + noise) }

    // MARK: Two times

    /// C_ts = W_t^T W_s/d, of steps that were reached.
    package func C(_ t: Int, _ s: Int) -> Double {
        descentWeights(t, s) + noiseRate * batchNoise(t, s) { x in x }
    }

    /// R_ts, (24): 1 for t = s + 1, 0 for t <= s.
    package func R(_ t: Int, _ s: Int) -> Double { t > s ? mean(t) { x in kept(x, t - 1 - s) } : 0 }

    /// Gamma_ts = alpha wb delta_ts - eta wb^2 <s P_{t-1-s}>, 0 for s > t.
    package func Gamma(_ t: Int, _ s: Int) -> Double {
        if t == s { return alpha * meanWeight }
        return t > s ? -stepSize * meanWeight * meanWeight * mean(t) { x in x * kept(x, t - 1 - s) } : 0
    }

    /// Cg_ts = alpha E[w_t w_s g_t g_s], of steps that were reached. At two times a sample's own weight at the earlier one has
    /// moved its later residual.
    package func Cg(_ t: Int, _ s: Int) -> Double {
        let (late, early) = (max(t, s), min(t, s))
        let product = residual(late, early, descent: false)
        if late == early { return alpha * (meanWeight * meanWeight + weightVariance) * product }
        guard weightVariance > 0 else { return alpha * meanWeight * meanWeight * product }
        let gain = mean(late) { x in x * kept(x, late - 1 - early) }
        return alpha * meanWeight * meanWeight * product
            - stepSize * weightVariance * meanWeight * gain * psi[early]
    }

    /// What start and teacher make of the products of weights, or of errors with a teacher subtracted.
    private func signal(_ s: Double, _ t: Int, _ u: Int, less one: Double = 0) -> Double {
        let (Pt, Pu) = (kept(s, t), kept(s, u))
        let (Ft, Fu) = (learned(s, t) - one, learned(s, u) - one)
        return Pt * Pu * q0 + (Pt * Fu + Pu * Ft) * m0 + Ft * Fu * rho
    }

    private func descentWeights(_ t: Int, _ u: Int) -> Double {
        mean(max(t, u)) { s in
            // F_t F_u s sigma^2, with learned = F wb s.
            signal(s, t, u) + noise * meanWeight * meanWeight * s * gain(s, t) * gain(s, u)
        }
    }

    /// E[g_t g_u] over the training samples: of gradient descent, and of what batches add.
    private func residual(_ t: Int, _ u: Int, descent: Bool) -> Double {
        let signal = mean(max(t, u)) { s in s * self.signal(s, t, u, less: 1) }
        let label = mean(max(t, u)) { s in (learned(s, t) - 1) * (learned(s, u) - 1) } + alpha - 1
        let sum = descent ? 0 : batchNoise(t, u) { x in x * x }
        return (signal + noise * label + noiseRate * sum) / alpha
    }

    // MARK: The spectrum

    /// P_t at eigenvalue s.
    private func kept(_ s: Double, _ t: Int) -> Double { pow(1 - stepSize * (ridge + meanWeight * s), Double(t)) }

    /// F_t, without loss of digits where eta (lambda + wb s) t is small.
    private func gain(_ s: Double, _ t: Int) -> Double {
        let rate = ridge + meanWeight * s
        guard rate > 0 else { return stepSize * Double(t) }
        let x = stepSize * rate
        return (x < 0.5 ? -expm1(Double(t) * log1p(-x)) : 1 - pow(1 - x, Double(t))) / rate
    }

    /// F_t wb s.
    private func learned(_ s: Double, _ t: Int) -> Double { gain(s, t) * meanWeight * s }

    private func square(_ x: Double) -> Double { x * x }

    /// Nodes for polynomials in s that steps up to `t` give (degree 2t + 2 at most): enough for all, or by Chebyshev's
    /// approximation of powers as many as the square root of t where they stay bounded.
    private func nodeCount(_ t: Int) -> Int {
        let edge = square(1 + alpha.squareRoot())
        let growth = max(abs(1 - stepSize * ridge), abs(1 - stepSize * (ridge + meanWeight * edge)))
        let exact = min(t, 1 << 16) + 4
        guard Double(t) * log(growth) < 2 else { return exact }
        return min(exact, 48 + Int(14 * Double(t).squareRoot()))
    }

    /// <f>, the mean over the spectrum of A^T A, density sqrt((s_+ - s)(s - s_-))/(2 pi s) and an atom (1 - alpha)_+ at 0.
    ///
    /// As f(0) + <f - f(0)>: then the integrand over theta in s = 1 + alpha + 2 sqrt(alpha) cos theta is a polynomial where f
    /// is one, which the midpoint rule integrates exactly, also at alpha near 1, and the atom needs no care.
    private func mean(_ t: Int, _ f: (Double) -> Double) -> Double {
        let count = nodeCount(t)
        let root = alpha.squareRoot()
        let atZero = f(0)
        var sum = 0.0
        for i in 0..<count {
            let theta = (Double(i) + 0.5) * .pi / Double(count)
            // (1 - sqrt alpha)^2 + 4 sqrt(alpha) cos^2(theta/2): no cancellation near 0.
            let s = square(1 - root) + 4 * root * square(cos(0.5 * theta))
            sum += square(sin(theta)) / s * (f(s) - atZero)
        }
        return atZero + 2 * alpha * sum / Double(count)
    }

    package mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(resizing: &psi)
        try archive.exchange(resizing: &weightGains)
        try archive.exchange(resizing: &lossGains)
        guard weightGains.count == max(psi.count - 1, 0), lossGains.count == weightGains.count else {
            throw StateArchiveError.invalid("the numbers of its steps do not agree")
        }
    }
}
