import Foundation

/// The linear theory at zero overlap, (40) to (42): curvatures of the risk, the strength of SGD noise and
/// the growth rates that follow.
package struct OriginTheory: Sendable {
    /// R_mm(0,0). Untied: along the direction of steepest growth.
    package let Rmm: Double
    /// R_ee(0,0) along each encoding direction; for attention.
    package let Ree: [Double]
    /// E_0|D|^2.
    package let squaredSignal: Double
    /// V_m and V_j for each encoding direction, (41). For untied, the first row's E_0[(D z*_1)^2]/L.
    package let Vm: Double
    package let Ve: [Double]
    private let gamma: Double
    /// The untied inhibition is smaller by L.
    private let inhibitionScale: Double

    package init(_ theory: NetworkTheory) {
        let parameters = theory.parameters
        let L = Double(parameters.L)
        let c = parameters.loss.c
        let isTied = parameters.student == .tied
        gamma = parameters.gamma
        inhibitionScale = isTied ? 1 : 1 / L
        let zero = [Double](repeating: 0, count: isTied ? 1 : parameters.L)
        squaredSignal = theory.squaredSignal(zero)
        // Near 0 the second-degree part of G(a) is E[sigma He_2]/2 <C_2, a a>.
        let sigma2 = theory.moments.value.count > 2 ? theory.moments.value[2] : 0
        let tensor =
            isTied
            ? theory.target.tensorSum(2)
            : theory.target.tensorNorm(2, L: parameters.L, sign: sigma2 < 0 ? -1 : 1) * (sigma2 < 0 ? -1 : 1)
        Rmm = -2 * c * sigma2 * tensor / L
        Ree = []
        Ve = []
        // h is independent of z* here; the noise along u = hs (tied) or z*_1 (untied) needs E[y u^2], E[y^2 u^2].
        let direction = (0..<parameters.L).map { isTied ? 1 / L.squareRoot() : ($0 == 0 ? 1 : 0) }
        let P = theory.firstMoment(direction)
        let Q = theory.secondMoment(direction)
        let first = P[0] + (P.count > 2 ? 2 * P[2] : 0)
        let second = Q[0] + (Q.count > 2 ? 2 * Q[2] : 0)
        let moments = theory.moments
        let mean = moments.signalPower - 2 * first * moments.signal[0] + second * moments.slopePower[0]
        Vm = 4 * c * c * mean * (isTied ? 1 : 1 / L)
    }

    package init(_ theory: AttentionTheory) {
        let parameters = theory.parameters
        gamma = parameters.gamma
        inhibitionScale = 1
        let patterns = (0..<parameters.k).map { j in
            (0..<parameters.L).map { parameters.pi[$0 * parameters.k + j] }
        }
        (Rmm, Ree) = theory.averages.curvaturesAtOrigin(along: patterns)
        (squaredSignal, Vm, Ve) = theory.averages.noiseAtOrigin(along: patterns)
    }

    /// The inhibition rate (gamma^2/2) E_0|D|^2 (untied: over L).
    var inhibition: Double { 0.5 * gamma * gamma * squaredSignal * inhibitionScale }
    /// lambda_m, (40).
    package var lambdaM: Double { -gamma * Rmm - inhibition }
    /// lambda_e of every encoding direction.
    package var lambdaE: [Double] { Ree.map { -gamma * $0 - inhibition } }

    /// The largest step at which a direction of curvature R grows, (38); not-a-number when there is no positive one.
    func criticalStep(_ R: Double) -> Double {
        let step = -2 * R / (squaredSignal * inhibitionScale)
        return step > 0 ? step : .nan
    }

    /// The standard deviation at time t of an overlap that starts at exactly 0, in the linear regime, (41).
    package func standardDeviation(V: Double, lambda: Double, t: Double, d: Int) -> Double {
        let x = 2 * lambda * t
        let growth = abs(x) < 1e-12 ? t : (exp(x) - 1) / (2 * lambda)
        return gamma * (V * growth / Double(d)).squareRoot()
    }

    /// Where a deterministic trajectory must start so that it grows like the typical noise-driven one: for lambda > 0
    /// the standard deviation tends to this number times exp(lambda t), for lambda < 0 it is the stationary level. The
    /// rate is held above the inhibition, which bounds the result by about 1/sqrt(d), the overlap of random vectors.
    package func noiseAmplitude(V: Double, lambda: Double, d: Int) -> Double {
        let rate = max(abs(lambda), inhibition)
        guard rate > 0 else { return 0 }
        return gamma * (V / (2 * rate * Double(d))).squareRoot()
    }
}
