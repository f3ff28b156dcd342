import Foundation
import Numerics

extension Population {
    /// The excess risk R - noise and its partial derivatives at overlaps q and sharpness lambda.
    package func risk(at q: Overlaps, lambda: Double) throws -> Risk {
        switch attention {
        case .erf: erfRisk(at: q, lambda: lambda)
        case .softmax: try SoftmaxQuadrature(self, lambda: lambda).risk(at: q)
        }
    }

    /// How many steps of a simulation of about a microsecond one evaluation of the risk stands for.
    var riskWeight: Int { attention == .erf ? 1 : 500 }

    /// What an evaluation of the risk takes.
    func secondsOfRisk(lambda: Double) -> Double {
        attention == .erf ? 0.25e-6 : SoftmaxQuadrature.seconds(gamma: gamma, lambda: lambda)
    }
}

/// A value of the population risk and its partial derivatives.
package struct Risk: Sendable, Hashable {
    /// R minus the label noise.
    package var excess: Double
    /// (R_kappa, R_nu, R_theta, R_eta, R_rho)
    package var gradient: Overlaps
}

extension Population {
    /// The closed form for erf attention (21), and its partial derivatives (22).
    ///
    /// gamma^2 - 2 gamma^2 nu A_0 + gamma^2 zeta is summed as (24), gamma^2 [(1 - nu A_0)^2 + (1 - nu^2) A_0^2 + Var erf],
    /// three terms that are not negative: so small excess risks keep their digits.
    package func erfRisk(at q: Overlaps, lambda: Double) -> Risk {
        let D = D
        let others = Double(L - 1)
        let pairs = others * Double(L - 2)
        let g2 = gamma * gamma
        let c = lambda * gamma
        let m = ErfMoments(t: lambda * D * q.kappa, c: c)
        let (nu, theta, eta, rho) = (q.nu, q.theta, q.eta, q.rho)

        let l2 = lambda * lambda
        let z0 = ErfMoments.zetaAtZero(lambda)
        let Q = 8 * l2 / (.pi * (1 + 2 * l2) * (1 + 4 * l2).squareRoot())
        let C = 2 * lambda / (.pi * (1 + 2 * l2)).squareRoot()
        let m1 = D * theta * m.A0 + gamma * rho * c * m.A1
        let m2 = C * rho
        let Dt = D * theta
        let cross = Dt * gamma * rho * c

        let onManifold = g2 * ((1 - nu * m.A0) * (1 - nu * m.A0) + (1 - nu * nu) * m.A0 * m.A0 + m.variance)
        let excess =
            onManifold - 2 * g2 * (lambda * eta * Dt * m.A1 + c * c * eta * rho * m.A2)
            + Dt * Dt * m.zeta + 2 * cross * m.zeta1 + g2 * rho * rho * c * c * m.zeta2
            + others * (z0 + Q * rho * rho) + 2 * others * m1 * m2 + pairs * m2 * m2

        let byKappa =
            -2 * g2 * (nu * m.A1 + lambda * Dt * eta * m.A2 + c * c * eta * rho * m.A3)
            + (Dt * Dt + g2) * m.zeta1 + 2 * cross * m.zeta2 + g2 * rho * rho * c * c * m.zeta3
            + 2 * others * m2 * (Dt * m.A1 + gamma * rho * c * m.A2)
        let byTheta =
            -2 * g2 * lambda * D * eta * m.A1 + 2 * D * Dt * m.zeta + 2 * D * gamma * rho * c * m.zeta1
            + 2 * others * m2 * D * m.A0
        let byEta = -2 * g2 * (lambda * Dt * m.A1 + c * c * rho * m.A2)
        let byRho =
            -2 * g2 * c * c * eta * m.A2 + 2 * Dt * gamma * c * m.zeta1 + 2 * g2 * rho * c * c * m.zeta2
            + 2 * others * Q * rho + 2 * others * (C * m1 + m2 * gamma * c * m.A1) + 2 * pairs * C * C * rho
        return Risk(
            excess: excess,
            gradient: Overlaps(lambda * D * byKappa, -2 * g2 * m.A0, byTheta, byEta, byRho))
    }
}
