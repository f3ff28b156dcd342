import Foundation
import Numerics

/// The population risk and the drift of network students, (23) to (25) and (28) to (31).
///
/// With h ~ N(0,1) and Cov(z*, h) = a, the conditional moments E[y|h] and E[y^2|h] are polynomials in h, exactly
/// ``HermiteExpansion/conditional(on:into:)``. What is left are the numbers E[sigma He_k], E[sigma sigma'^2 He_k] and
/// E[sigma'^2 He_k], computed once a run; a right-hand side then costs O(L).
package struct NetworkTheory: OverlapTheory {
    package let parameters: Parameters
    let target: HermiteExpansion
    /// 2c the loss's factor; R = c (...), D = 2c (...).
    private let c: Double
    let moments: ActivationMoments
    private let parts: [HermiteExpansion]
    private let squares: [HermiteExpansion]
    private let degree: Int
    /// E y^2.
    private let targetPower: Double

    package init(_ parameters: Parameters) {
        self.parameters = parameters
        target = HermiteExpansion(parameters)
        c = parameters.loss.c
        degree = target.degree
        parts = target.parts()
        squares = parts.map { $0.squared() }
        moments = ActivationMoments(parameters.activation, degree: 2 * degree)
        // Independent parts: E y^2 = (sum means)^2 + sum variances.
        let mean = target.mean
        targetPower = zip(parts, squares).reduce(mean * mean) { $0 + $1.1.mean - $1.0.mean * $1.0.mean }
    }

    /// P_k of (30).
    func firstMoment(_ a: [Double]) -> [Double] {
        var P = [Double](repeating: 0, count: degree + 1)
        target.conditional(on: a, into: &P)
        return P
    }

    /// Q_k of (31). Products over disjoint tokens multiply like polynomials in a formal
    /// variable, so with parts y = sum_c y_c: Q = (sum_c P_c)^2 + sum_c (Q_c - P_c^2).
    func secondMoment(_ a: [Double]) -> [Double] {
        let P = firstMoment(a)
        var Q = [Double](repeating: 0, count: 2 * degree + 1)
        accumulateSquare(P, 1, into: &Q)
        var own = [Double](repeating: 0, count: degree + 1)
        for (part, square) in zip(parts, squares) {
            for k in own.indices { own[k] = 0 }
            part.conditional(on: a, into: &own)
            accumulateSquare(own, -1, into: &Q)
            square.conditional(on: a, into: &Q)
        }
        return Q
    }

    private func accumulateSquare(_ P: [Double], _ sign: Double, into Q: inout [Double]) {
        for (i, p) in P.enumerated() where p != 0 {
            for (j, q) in P.enumerated() where q != 0 { Q[i + j] += sign * p * q }
        }
    }

    /// a = Cov(z*, h): m/sqrt(L) in every entry when tied (one overlap), m_l/sqrt(L) when untied.
    func covariance(_ m: [Double]) -> [Double] {
        let scale = 1 / Double(parameters.L).squareRoot()
        if parameters.student == .tied { return Array(repeating: m[0] * scale, count: parameters.L) }
        return m.map { $0 * scale }
    }

    func risk(_ m: [Double]) -> Double { parameters.loss.c * meanSquaredError(m) }
    func halfRisk(_ m: [Double]) -> Double { 0.5 * meanSquaredError(m) }
    var origin: OriginTheory { OriginTheory(self) }

    /// Whether the rows of an untied student start equal and stay so, following the tied student, (36).
    var rowsStayEqual: Bool {
        guard target.isSymmetric(L: parameters.L) else { return false }
        let start = start()
        return start.allSatisfy { $0 == start[0] }
    }

    /// R/c = E (y - sigma(h))^2, (28).
    package func meanSquaredError(_ m: [Double]) -> Double {
        let P = firstMoment(covariance(m))
        var G = 0.0
        for k in P.indices { G += P[k] * moments.value[k] }
        return targetPower + moments.power - 2 * G
    }

    /// (29).
    package func squaredSignal(_ m: [Double]) -> Double {
        let a = covariance(m)
        let P = firstMoment(a)
        let Q = secondMoment(a)
        var sum = moments.signalPower
        for k in P.indices { sum -= 2 * P[k] * moments.signal[k] }
        for k in Q.indices { sum += Q[k] * moments.slopePower[k] }
        return 4 * c * c * sum
    }

    /// dR/dm_l (one entry when tied): -2c dG/dm_l.
    package func riskGradient(_ m: [Double]) -> [Double] {
        let L = parameters.L
        let a = covariance(m)
        var gradient = [Double](repeating: 0, count: L)
        for term in target.terms where !term.factors.isEmpty {
            let weight = term.coefficient * moments.value[term.degree]
            guard weight != 0 else { continue }
            for factor in term.factors {
                var v = weight * Double(factor.degree) * power(a[factor.token], factor.degree - 1)
                for other in term.factors where other.token != factor.token {
                    v *= power(a[other.token], other.degree)
                }
                gradient[factor.token] += v
            }
        }
        let scale = -2 * c / Double(L).squareRoot()
        if parameters.student == .tied { return [scale * gradient.reduce(0, +)] }
        return gradient.map { scale * $0 }
    }

    /// (23) to (25).
    package func drift(_ m: [Double]) -> [Double] {
        let gamma = parameters.gamma
        let g = riskGradient(m)
        let inhibition = 0.5 * gamma * gamma * squaredSignal(m)
        let L = Double(parameters.L)
        switch (parameters.student, parameters.normMode) {
        case (.untied, .global):
            var radial = 0.0
            for l in m.indices { radial += m[l] * g[l] }
            return m.indices.map { -gamma * (g[$0] - m[$0] / L * radial) - inhibition / L * m[$0] }
        case (.untied, .perToken):
            return m.indices.map { -gamma * (1 - m[$0] * m[$0]) * g[$0] - inhibition / L * m[$0] }
        default:
            return [-gamma * (1 - m[0] * m[0]) * g[0] - inhibition * m[0]]
        }
    }
}

/// Gaussian moments of an activation against Hermite polynomials: the 1-D integrals of (28) and (29), by Gauss-Legendre
/// nodes split at the kink of relu.
struct ActivationMoments: Sendable {
    /// E[sigma He_k], E[sigma sigma'^2 He_k] and E[sigma'^2 He_k] for k = 0, ..., degree.
    let value: [Double]
    let signal: [Double]
    let slopePower: [Double]
    /// E[sigma^2] and E[sigma^2 sigma'^2].
    let power: Double
    let signalPower: Double

    init(_ activation: Activation, degree: Int) {
        // He_k phi reaches out to about 2 sqrt(k); 12 is beyond everything for the degrees of the named targets.
        let cutoff = max(12, 2 * Double(degree).squareRoot() + 6)
        let rule = GaussianRule(kinks: [0], countPerPiece: max(120, 4 * degree + 60), cutoff: cutoff)
        var value = [Double](repeating: 0, count: degree + 1)
        var (signal, slopePower, power, signalPower) = (value, value, 0.0, 0.0)
        for (h, weight) in zip(rule.nodes, rule.weights) {
            let sigma = activation.value(h)
            let slope = activation.derivative(h)
            let slope2 = slope * slope
            power += weight * sigma * sigma
            signalPower += weight * sigma * sigma * slope2
            var (previous, He) = (0.0, 1.0)
            for k in 0...degree {
                value[k] += weight * sigma * He
                signal[k] += weight * sigma * slope2 * He
                slopePower[k] += weight * slope2 * He
                (previous, He) = (He, h * He - Double(k) * previous)
            }
        }
        self.value = value
        self.signal = signal
        self.slopePower = slopePower
        self.power = power
        self.signalPower = signalPower
    }
}
