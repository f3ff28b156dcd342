import Foundation
import Numerics

/// The first two steps of full-batch gradient descent in mean-field theory without Monte Carlo, for one token, one student
/// column and one teacher column ("Two steps" on the page): a product rule over the teacher field z, the student's
/// own normal x and the noise u. Written from the page in plain arithmetic, as a reference for everything else; good to
/// 1e-7.
struct TwoStepQuadrature: Sendable {
    /// A loss in plain numbers.
    struct Loss: Sendable {
        let target: @Sendable (_ teacher: Double) -> Double
        let loss: @Sendable (_ z: Double, _ y: Double) -> Double
        let gradient: @Sendable (_ z: Double, _ y: Double) -> Double
        let curvature: @Sendable (_ z: Double, _ y: Double) -> Double

        static let logistic = Loss(
            target: { $0 < 0 ? -1 : 1 }, loss: { log1p(exp(-$1 * $0)) }, gradient: { -$1 / (1 + exp($1 * $0)) },
            curvature: { z, _ in 1 / ((1 + exp(z)) * (1 + exp(-z))) })
        static let phase = Loss(
            target: { $0 * $0 }, loss: { ($0 * $0 - $1) * ($0 * $0 - $1) / 4 }, gradient: { ($0 * $0 - $1) * $0 },
            curvature: { 3 * $0 * $0 - $1 })
        static let linear = Loss(
            target: { $0 }, loss: { ($0 - $1) * ($0 - $1) / 2 }, gradient: { $0 - $1 }, curvature: { _, _ in 1 })
    }

    /// M_t and q_t at t = 0, 1, 2; training loss at 0, 1; test loss at 0, 1, 2.
    let M: [Double]
    let q: [Double]
    let train: [Double]
    let test: [Double]
    /// C[t][s], t <= 2; Gamma[t][s] and Cg[t][s], t <= 1; for s <= t.
    let C: [[Double]]
    let Gamma: [[Double]]
    let Cg: [[Double]]

    init(_ loss: Loss, alpha: Double, q0: Double, m0: Double, stepSize eta: Double, ridge lambda: Double) {
        let teacher = GaussianRule(kinks: [0], countPerPiece: 40, cutoff: 9)
        let normal = GaussianRule(GaussHermite(count: 48))
        let keeps = 1 - eta * lambda
        let spread = (q0 - m0 * m0).squareRoot()

        func fresh(_ M: Double, _ q: Double) -> Double {
            let spread = max(q - M * M, 0).squareRoot()
            return teacher.mean { z in
                let y = loss.target(z)
                return normal.mean { x in loss.loss(M * z + spread * x, y) }
            }
        }

        // Step 0: loss, mu/alpha, E g^2, E H.
        var sums = [0.0, 0, 0, 0]
        for (z, wz) in zip(teacher.nodes, teacher.weights) {
            let y = loss.target(z)
            for (x, wx) in zip(normal.nodes, normal.weights) {
                let Z = m0 * z + spread * x
                let g = loss.gradient(Z, y)
                let values = [loss.loss(Z, y), g * z, g * g, loss.curvature(Z, y)]
                for i in 0..<4 { sums[i] += wz * wx * values[i] }
            }
        }
        let train0 = sums[0]
        let (mu0, Cg00, Gamma00) = (alpha * sums[1], alpha * sums[2], alpha * sums[3])
        let star0 = mu0 - Gamma00 * m0
        let M1 = keeps * m0 - eta * mu0
        // Equation (6): for C_10, then q_1 = C_11 with C_01 = C_10 and R_10 = 1.
        let C10 = keeps * q0 - eta * star0 * m0 - eta * Gamma00 * q0
        let C11 = keeps * C10 - eta * star0 * M1 - eta * Gamma00 * C10 + eta * eta * Cg00

        // Step 1.
        var next = [0.0, 0, 0, 0, 0, 0]
        for (z, wz) in zip(teacher.nodes, teacher.weights) {
            let y = loss.target(z)
            for (x, wx) in zip(normal.nodes, normal.weights) {
                let Z0 = m0 * z + spread * x
                let (g0, H0) = (loss.gradient(Z0, y), loss.curvature(Z0, y))
                let centre = keeps * Z0 - eta * (Gamma00 * Z0 + star0 * z + g0)
                for (u, wu) in zip(normal.nodes, normal.weights) {
                    let Z1 = centre - eta * Cg00.squareRoot() * u
                    let (g1, H1) = (loss.gradient(Z1, y), loss.curvature(Z1, y))
                    let values = [loss.loss(Z1, y), g1 * z, g1 * g1, g1 * g0, H1, H1 * H0]
                    let weight = wz * wx * wu
                    for i in 0..<6 { next[i] += weight * values[i] }
                }
            }
        }
        let (mu1, Cg11, Cg10) = (alpha * next[1], alpha * next[2], alpha * next[3])
        let (Gamma11, Gamma10) = (alpha * next[4], -eta * alpha * next[5])
        let star1 = mu1 - Gamma10 * m0 - Gamma11 * M1
        let M2 = keeps * M1 - eta * mu1
        let R21 = 1.0
        let R20 = keeps - eta * Gamma11
        let C20 = keeps * C10 - eta * star1 * m0 - eta * (Gamma10 * q0 + Gamma11 * C10)
        let C21 = keeps * C11 - eta * star1 * M1 - eta * (Gamma10 * C10 + Gamma11 * C11) + eta * eta * Cg10
        let C22 =
            keeps * C21 - eta * star1 * M2 - eta * (Gamma10 * C20 + Gamma11 * C21)
            + eta * eta * (Cg10 * R20 + Cg11 * R21)

        M = [m0, M1, M2]
        q = [q0, C11, C22]
        train = [train0, next[0]]
        test = [fresh(m0, q0), fresh(M1, C11), fresh(M2, C22)]
        C = [[q0], [C10, C11], [C20, C21, C22]]
        Gamma = [[Gamma00], [Gamma10, Gamma11]]
        Cg = [[Cg00], [Cg10, Cg11]]
    }

    /// The page's two settings.
    static let logistic = TwoStepQuadrature(
        .logistic, alpha: 2, q0: 0.5, m0: 0.1, stepSize: 0.5, ridge: 0.05)
    static let phase = TwoStepQuadrature(.phase, alpha: 3, q0: 0.5, m0: 0.3, stepSize: 0.02, ridge: 0)
}
