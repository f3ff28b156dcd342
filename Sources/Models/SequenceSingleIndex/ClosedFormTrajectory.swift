import Foundation
import ModelKit
import Modeling

/// Overlaps of network students as explicit functions of t, (32) to (36).
///
/// The tied drift is a polynomial F(m), whose coefficients follow from the target's Hermite coefficients and the
/// activation's moments. Where it is quadratic (targets of degree 1 with relu or identity) dm/dt = F(m) is a Riccati
/// equation, where it is A m - B m^3 (degree 2 with relu, identity, square or H2) a Bernoulli equation. An untied student
/// follows the tied one at time t/L where (36) says so, and a linear one is a Riccati equation along the target with a
/// common decay across it.
struct ClosedFormTrajectory: Sendable {
    private enum Form: Sendable {
        /// Every row equal, F at time t (tied) or t/L.
        case equal(ScalarFlow, start: Double, slowdown: Double)
        /// Only the norm is known: of the rows' overlaps, which keep their ratios unknown.
        case norm(ScalarFlow, start: Double, slowdown: Double)
        /// m = u direction + decay * across.
        case linear(ScalarFlow, start: Double, direction: [Double], across: [Double])
    }

    private let form: Form
    private let L: Int
    private let isTied: Bool

    /// - Throws: ``ModelError/parameter(_:_:)`` where no closed form exists.
    init(_ parameters: Parameters) throws {
        L = parameters.L
        isTied = parameters.student == .tied
        guard let form = Self.form(parameters) else {
            throw ModelError.parameter(
                Keys.target,
                "has no explicit overlap(t) for this student; there is one where the tied drift is quadratic in m or "
                    + "A m - B m^3 (degree 1 with relu or identity, degree 2 also with square or H2), for tied students, "
                    + "untied ones with a symmetric target and equal rows, or with norm_mode global and a target of "
                    + "degree 1 or H2sum. Use method ode")
        }
        self.form = form
    }

    private static func form(_ parameters: Parameters) -> Form? {
        guard parameters.student != .attention else { return nil }
        let theory = NetworkTheory(parameters)
        let L = Double(parameters.L)
        let start = theory.start()
        let flow = ScalarFlow(TiedPolynomial(theory).coefficients)
        if parameters.student == .tied || theory.rowsStayEqual {
            return flow.map { .equal($0, start: start[0], slowdown: parameters.student == .tied ? 1 : L) }
        }
        guard parameters.normMode == .global else { return nil }
        switch parameters.target {
        case .H2sum, .inverseSqrtH2sum:
            let norm = (start.reduce(0) { $0 + $1 * $1 } / L).squareRoot()
            return flow.map { .norm($0, start: norm, slowdown: L) }
        default: return linearForm(theory, start: start)
        }
    }

    /// y = beta.z: along b = beta/|beta|, u' = p - k_0 u - k_1 u^2, and across it m' = -(k_0 + k_1 u) m.
    private static func linearForm(_ theory: NetworkTheory, start: [Double]) -> Form? {
        let parameters = theory.parameters
        var beta = [Double](repeating: 0, count: parameters.L)
        for term in theory.target.terms {
            guard term.degree == 1 else { return nil }
            beta[term.factors[0].token] += term.coefficient
        }
        let size = beta.reduce(0) { $0 + $1 * $1 }.squareRoot()
        guard size > 0 else { return nil }
        let direction = beta.map { $0 / size }
        // The drift along b at m = u b is quadratic in u; three values give its coefficients, a fourth checks them.
        func drift(_ u: Double) -> Double {
            zip(theory.drift(direction.map { u * $0 }), direction).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let (f0, plus, minus) = (drift(0), drift(1), drift(-1))
        let coefficients = [f0, 0.5 * (plus - minus), 0.5 * (plus + minus) - f0]
        let expected = coefficients[0] + 0.5 * coefficients[1] + 0.25 * coefficients[2]
        let scale = coefficients.reduce(0) { $0 + abs($1) }
        guard abs(drift(0.5) - expected) <= 1e-11 * scale, let flow = ScalarFlow(coefficients) else { return nil }
        let u = zip(start, direction).reduce(0) { $0 + $1.0 * $1.1 }
        let across = zip(start, direction).map { $0 - u * $1 }
        return .linear(flow, start: u, direction: direction, across: across)
    }

    /// The rows' overlaps at t (equal entries when tied), or nil where only their norm has a closed form.
    func rows(at t: Double) -> [Double]? {
        switch form {
        case .equal(let flow, let start, let slowdown):
            return Array(repeating: flow.value(at: t / slowdown, from: start), count: L)
        case .norm: return nil
        case .linear(let flow, let start, let direction, let across):
            let u = flow.value(at: t, from: start)
            let decay = flow.decay(at: t, from: start)
            return zip(direction, across).map { u * $0 + decay * $1 }
        }
    }

    /// Observable `overlap`: m (tied, signed) or ||m||/sqrt(L).
    func overlap(at t: Double) -> Double {
        if case .norm(let flow, let start, let slowdown) = form { return flow.value(at: t / slowdown, from: start) }
        guard let rows = rows(at: t) else { return .nan }
        return isTied ? rows[0] : (rows.reduce(0) { $0 + $1 * $1 } / Double(L)).squareRoot()
    }
}

/// dm/dt of a tied student as a polynomial in m, gamma U - gamma^2 V (also for an untied theory: the tied student of the
/// same parameters).
struct TiedPolynomial: Sendable {
    let coefficients: [Double]
    /// U = -(1 - m^2) R'(m) and V = (m/2) E[D^2].
    let flow: [Double]
    let inhibition: [Double]

    init(_ theory: NetworkTheory) {
        let parameters = theory.parameters
        let (c, gamma) = (parameters.loss.c, parameters.gamma)
        let unit = [Double](repeating: 1 / Double(parameters.L).squareRoot(), count: parameters.L)
        // P_k and Q_k are proportional to m^k.
        let P = theory.firstMoment(unit)
        let Q = theory.secondMoment(unit)
        let moments = theory.moments
        var U = [Double](repeating: 0, count: Q.count + 2)
        var V = U
        // R' = -2c sum_k k P_k E[sigma He_k] m^{k-1}.
        for k in 1..<max(P.count, 1) {
            let slope = 2 * c * Double(k) * P[k] * moments.value[k]
            U[k - 1] += slope
            U[k + 1] -= slope
        }
        V[1] = moments.signalPower
        for k in P.indices { V[k + 1] -= 2 * P[k] * moments.signal[k] }
        for k in Q.indices { V[k + 1] += Q[k] * moments.slopePower[k] }
        flow = U
        inhibition = V.map { 2 * c * c * $0 }
        let F = zip(U, inhibition).map { gamma * $0 - gamma * gamma * $1 }
        let scale = F.reduce(0) { max($0, abs($1)) }
        coefficients = F.map { abs($0) < 1e-13 * scale ? 0 : $0 }
    }

    func callAsFunction(_ m: Double) -> Double { Self.value(coefficients, m) }

    static func value(_ coefficients: [Double], _ m: Double) -> Double {
        coefficients.reversed().reduce(0) { $0 * m + $1 }
    }

    /// The derivative of a polynomial at 1.
    static func slopeAtOne(_ coefficients: [Double]) -> Double {
        coefficients.enumerated().reduce(0) { $0 + Double($1.offset) * $1.element }
    }
}

/// The explicit solution of dm/dt = f_0 + f_1 m + f_2 m^2, or of dm/dt = A m - B m^3.
struct ScalarFlow: Sendable {
    private enum Form: Sendable {
        case riccati(f0: Double, f1: Double, f2: Double)
        case bernoulli(A: Double, B: Double)
    }

    private let form: Form

    /// Nil for any other polynomial.
    init?(_ coefficients: [Double]) {
        func f(_ k: Int) -> Double { k < coefficients.count ? coefficients[k] : 0 }
        let degree = coefficients.lastIndex { $0 != 0 } ?? 0
        if degree <= 2 {
            form = .riccati(f0: f(0), f1: f(1), f2: f(2))
        } else if degree == 3, f(0) == 0, f(2) == 0 {
            form = .bernoulli(A: f(1), B: -f(3))
        } else {
            return nil
        }
    }

    /// m(t) from m(0) = `start`.
    func value(at t: Double, from start: Double) -> Double {
        switch form {
        case .riccati(let f0, let f1, let f2):
            // m = x/y with x' = f_1 x + f_0 y, y' = -f_2 x; the exponential of that 2 x 2 matrix.
            let tau = Self.tau(f0, f1, f2, t)
            return (start + tau * (0.5 * f1 * start + f0)) / (1 - tau * (f2 * start + 0.5 * f1))
        case .bernoulli(let A, let B):
            // m^2 = m_0^2 / (exp(-2At) + B m_0^2 (1 - exp(-2At))/A).
            let growth = A == 0 ? 2 * t : -expm1(-2 * A * t) / A
            return start / (exp(-2 * A * t) + B * start * start * growth).squareRoot()
        }
    }

    /// exp of the integral of f_1 + f_2 m(t) from 0 to t, which is y(0)/y(t) times exp(f_1 t) in the notation above.
    func decay(at t: Double, from start: Double) -> Double {
        guard case .riccati(let f0, let f1, let f2) = form else { return .nan }
        let tau = Self.tau(f0, f1, f2, t)
        let discriminant = 0.25 * f1 * f1 - f0 * f2
        let root = abs(discriminant).squareRoot()
        // log cosh(x) = x + log1p(exp(-2x)) - log 2.
        let logCosh =
            discriminant > 0 ? root * t + log1p(exp(-2 * root * t)) - log(2) : log(abs(cos(root * t)))
        return exp(0.5 * f1 * t - logCosh) / (1 - tau * (f2 * start + 0.5 * f1))
    }

    /// tanh(delta t)/delta with delta^2 = f_1^2/4 - f_0 f_2 (tan when that is negative).
    private static func tau(_ f0: Double, _ f1: Double, _ f2: Double, _ t: Double) -> Double {
        let discriminant = 0.25 * f1 * f1 - f0 * f2
        let root = abs(discriminant).squareRoot()
        if root * t < 1e-8 { return t }
        return (discriminant > 0 ? tanh(root * t) : tan(root * t)) / root
    }
}

extension ClosedFormTrajectory {
    /// Method `closed-form-trajectory`.
    func run(_ request: RunRequest, eta: Double) -> ClosedFormCurve {
        ClosedFormCurve { sink in
            sink.put(.weakRecoveryTime, request.times.first { overlap(at: $0) > eta } ?? .infinity)
        } _: { t, sink in
            if let stepsPerTime = request.stepsPerTime { sink.put(.steps, t * stepsPerTime) }
            sink.put(.t, t)
            sink.put(.overlap, overlap(at: t))
            if let rows = rows(at: t) { try sink.put(.rowOverlaps, rows) }
        }
    }
}
