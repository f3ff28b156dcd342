import Foundation
import Numerics

/// Thresholds, rates and gains of network students, (32) to (39). Numbers that do not exist for a target or student are
/// not-a-number.
package struct NetworkThresholds: Sendable {
    private let theory: NetworkTheory
    private let polynomial: TiedPolynomial
    let origin: OriginTheory

    package init(_ theory: NetworkTheory) {
        self.theory = theory
        origin = theory.origin
        polynomial = TiedPolynomial(theory)
    }

    private var parameters: Parameters { theory.parameters }
    private var L: Double { Double(parameters.L) }
    package var informationExponent: Int? { theory.target.informationExponent }

    /// S_k = sum of the entries of C_k(g), and lam_k = the largest of s <C_k, u^k>, |u| = 1, where s is the sign that makes
    /// overlaps grow, at k = SIE.
    private var tensor: (k: Int, S: Double, lam: Double)? {
        guard let k = informationExponent else { return nil }
        let moment = theory.moments.value[k]
        let sign = k % 2 == 0 && moment < 0 ? -1.0 : 1
        return (k, theory.target.tensorSum(k) * sign, theory.target.tensorNorm(k, L: parameters.L, sign: sign))
    }

    /// The largest step at which the student learns, (38). SIE 2: below it the overlap grows from 0. SIE 1 with a target
    /// the student fits at m = 1: below it m = 1 is stable.
    package var criticalStep: Double {
        guard let k = informationExponent else { return .nan }
        if k == 2 { return origin.criticalStep(origin.Rmm) }
        guard k == 1, equalRowsFollowTied else { return .nan }
        // F = gamma U(m) - gamma^2 V(m): m = 1 is a zero of V if E[D^2] = 0 there, and U has the factor 1 - m^2.
        let (U, V) = (polynomial.flow, polynomial.inhibition)
        guard abs(TiedPolynomial.value(V, 1)) < 1e-12 * max(1, abs(TiedPolynomial.value(V, 0.5))) else { return .nan }
        let (slopeU, slopeV) = (TiedPolynomial.slopeAtOne(U), TiedPolynomial.slopeAtOne(V))
        return slopeU < 0 && slopeV < 0 ? slopeU / slopeV : .nan
    }

    /// Whether a student whose rows all start equal follows the tied polynomial (at t/L when untied).
    private var equalRowsFollowTied: Bool {
        parameters.student == .tied || theory.target.isSymmetric(L: parameters.L)
    }

    /// Growth rate of a small overlap, per unit t (SIE >= 2), (40).
    package var growthRate: Double {
        guard let k = informationExponent, k >= 2 else { return .nan }
        return origin.lambdaM
    }

    /// (tied critical step)/(untied critical step) = S/(L lam); SIE 2, else not-a-number.
    package var criticalStepRatio: Double {
        guard let tensor, tensor.k == 2 else { return .nan }
        return tensor.S / (L * tensor.lam)
    }

    /// Untied over tied time to a small overlap at equal gamma: S/lam, or sqrt(L) S/lam for SIE 1.
    package var gainAtEqualStep: Double {
        guard let tensor else { return .nan }
        return (tensor.k == 1 ? L.squareRoot() : 1) * tensor.S / tensor.lam
    }

    /// The gain with each network at its own best step, half its critical one: S^2/(L lam^2); SIE 2.
    package var gainAtBestSteps: Double {
        guard let tensor, tensor.k == 2 else { return .nan }
        return tensor.S * tensor.S / (L * tensor.lam * tensor.lam)
    }

    /// The drift of the recorded overlap: m itself when tied; the norm |m| when untied, whose rows may be negative.
    private func drift(_ m: Double, sign: Double) -> Double { sign * polynomial(sign * m) }

    /// The recorded overlap's start and the sign that turns it into m; nil when rows do not stay equal.
    private var recordedStart: (m: Double, sign: Double)? {
        guard parameters.student == .tied || theory.rowsStayEqual else { return nil }
        let start = theory.start()[0]
        return parameters.student == .untied && start < 0 ? (-start, -1) : (start, 1)
    }

    /// Where the overlap ends, lim m(t): the first zero of the tied drift from the start in the direction of motion
    /// (the start itself when it does not move).
    package var plateau: Double {
        guard let (start, sign) = recordedStart else { return .nan }
        let speed = drift(start, sign: sign)
        guard speed != 0 else { return start }
        // The drift at |m| = 1 does not point outwards, so a zero lies on the way; at |m| = 1 itself rounding may
        // decide the sign.
        let end = speed > 0 ? 1.0 : -1.0
        let grid = (0...2000).map { start + (end - start) * Double($0) / 2000 }
        for (low, high) in zip(grid, grid.dropFirst()) where drift(high, sign: sign) * speed <= 0 {
            return abs((try? rootBrent(from: low, to: high) { drift($0, sign: sign) }) ?? .nan)
                * (parameters.student == .tied ? (low + high < 0 ? -1 : 1) : 1)
        }
        return parameters.student == .tied ? end : abs(end)
    }

    /// The time at which the overlap reaches eta: the integral of dm/F(m), infinite if it never does, 0 if it starts
    /// there.
    package var hittingTime: Double {
        guard let (begin, sign) = recordedStart else { return .nan }
        let eta = parameters.eta
        if begin >= eta { return 0 }
        guard drift(begin, sign: sign) > 0, plateau > eta else { return .infinity }
        let slowdown = parameters.student == .tied ? 1 : L
        if begin > 0 {
            // In u = ln m the integrand m/F is smooth down to tiny starts.
            return slowdown * integrate(from: log(begin), to: log(eta)) { exp($0) / drift(exp($0), sign: sign) }
        }
        return slowdown * integrate(from: begin, to: eta) { 1 / drift($0, sign: sign) }
    }

    /// Composite Gauss-Legendre, refined until two refinements agree to 1e-11.
    private func integrate(from lower: Double, to upper: Double, _ f: (Double) -> Double) -> Double {
        var previous = Double.nan
        var pieces = 4
        while pieces <= 4096 {
            var sum = 0.0
            let width = (upper - lower) / Double(pieces)
            for piece in 0..<pieces {
                let from = lower + Double(piece) * width
                let rule = GaussLegendre(count: 16, from: from, to: from + width)
                for (x, w) in zip(rule.nodes, rule.weights) { sum += w * f(x) }
            }
            if abs(sum - previous) <= 1e-11 * abs(sum) { return sum }
            previous = sum
            pieces *= 2
        }
        return previous
    }
}
