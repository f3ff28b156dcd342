import Foundation
import Modeling
import Numerics

/// Thresholds and limits in closed form.
package enum Limits {
    /// Of low rank, as n/(r (d + L)) (15).
    package static func weakRecovery(beta: Double, noise: Double) -> Double {
        (1 + noise) * beta.squareRoot() / (1 + beta)
    }

    /// The best error at rho -> 0 with alphaBar = n/(r (d + L)): with x = (1 + beta) alphaBar/(Delta + E),
    /// E = 1 - (x^2 - beta)^2/(x^2 (x+1)(x+beta)) where x^2 > beta, else 1 (15).
    package static func lowRank(alphaBar: Double, beta: Double, noise: Double) throws -> Double {
        guard alphaBar > weakRecovery(beta: beta, noise: noise) else { return 1 }
        if noise == 0, alphaBar >= 1 { return 0 }
        // E(x), its numerator multiplied out so that large x keep their digits.
        func error(_ x: Double) -> Double {
            ((1 + beta) * x * x * x + 3 * beta * x * x - beta * beta) / (x * x * (x + 1) * (x + beta))
        }
        func excess(_ x: Double) -> Double { (1 + beta) * alphaBar - noise * x - x * error(x) }
        let least = beta.squareRoot()
        var most = 2 * least
        while excess(most) > 0, most < 1e100 { most *= 2 }
        return error(try rootBrent(from: least, to: most, excess))
    }

    /// The best error at beta -> infinity with alpha and rho fixed: mmse(t) = t - t^2 w (16).
    package static func longSequences(alpha: Double, rho: Double, noise: Double) throws -> Double {
        switch try DenoisingTable(LongPrior(rho: rho)).crossing(slope: alpha, offset: noise) {
        case .zero: return 0
        case .at(_, let mmse): return mmse
        }
    }

    private struct LongPrior: DenoisingPrior {
        let rho: Double

        func mmse(_ t: Double) -> Double {
            t > Self.smallestNoise ? t * (1 - t * RectangularPrior.transform(rho: rho, at: t)) : initialSlope * t
        }

        var initialSlope: Double { min(rho, 1) }
    }

    /// The sample ratio from which the interpolator of least nuclear norm is the target (no noise): for rho < 1, the
    /// statistical dimension of the descent cone of the norm (18).
    package static func nuclearNorm(rho: Double, beta: Double) throws -> Double {
        guard rho < 1 else { return 1 }
        let c = 1 / beta
        let gamma = c * (1 - rho) / (1 - rho * c)
        let (low, high) = (pow(1 - gamma.squareRoot(), 2), pow(1 + gamma.squareRoot(), 2))
        // The integral over x >= l^2 of (sqrt x - l)^power of the Marchenko-Pastur law; x = from + (high - from) sin^2 u.
        let rule = GaussLegendre(count: 400, from: 0, to: .pi / 2)
        func tail(_ l: Double, _ power: Int) -> Double {
            let from = max(l * l, low)
            let width = high - from
            var sum = 0.0
            for (u, weight) in zip(rule.nodes, rule.weights) {
                let (sine, cosine) = (sin(u), cos(u))
                let x = from + width * sine * sine
                let density = (max(width * cosine * cosine * (x - low), 0)).squareRoot() / (2 * .pi * gamma * x)
                let above = x.squareRoot() - l
                sum += weight * 2 * width * sine * cosine * density * (power == 1 ? above : above * above)
            }
            return sum
        }
        let l = try rootBrent(from: 0, to: high.squareRoot()) { tail($0, 1) - $0 * rho / (1 - rho) }
        return rho + c * rho - c * rho * rho + (1 - rho * c) * (rho * l * l + (1 - rho) * tail(l, 2))
    }
}

/// Ridge regression on the flattened sequence at infinite size (19), without regard to rank or shape.
///
/// With B = lambda + alpha - 1, D = sqrt(B^2 + 4 lambda) and sigma = (D - B)/2, in a form without cancellation at small lambda.
package struct RidgeTheory: Sendable {
    package let error: Double
    package let trainError: Double

    package init(alpha: Double, ridge lambda: Double, noise: Double) {
        let B = lambda + alpha - 1
        let D = (B * B + 4 * lambda).squareRoot()
        let sigma = B > 0 ? 2 * lambda / (D + B) : 0.5 * (D - B)
        // At alpha = 1 without ridge the error diverges with any noise.
        guard D > 0 else {
            error = noise > 0 ? .infinity : 0
            trainError = 0
            return
        }
        error = (noise * (1 - sigma) + sigma * sigma + lambda * sigma) / D
        // (lambda^2/n) tr (K + lambda)^-2 (K + Delta), K = X X^T/p.
        let square = 1 - alpha - (sigma * sigma + lambda * sigma) / D
        trainError = (lambda * (sigma - 1 + alpha) - (noise - lambda) * square) / alpha
    }
}
