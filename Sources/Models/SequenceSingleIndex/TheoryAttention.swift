import Foundation
import Modeling

/// The averages over one sample that the theory of attention needs (sheet, section 4.1), at overlaps (m, e_1..e_L).
package struct AttentionMeans: Sendable {
    /// The population risk R = E ell.
    package var risk = 0.0
    /// R_m = dR/dm.
    package var riskSlope = 0.0
    /// E|D|^2.
    package var squaredSignal = 0.0
    /// B_l = E[D_l] = dR/de_l.
    package var B: [Double]
}

/// A way to compute ``AttentionMeans``: a smooth function of (m, e), the same at every call.
protocol AttentionAverages: Sendable {
    func means(m: Double, e: [Double]) -> AttentionMeans
}

/// The drift of attention students with k orthonormal encoding directions, P_l = sum_j pi_lj v_j/sqrt(d),
/// e_l = sum_j pi_lj eps_j. The state is (m, eps_1, ..., eps_k).
package struct AttentionTheory: Sendable {
    package let parameters: SSIParameters
    let averages: any AttentionAverages

    /// - Parameter points: sample points where sampling is needed (`frobenius`, or L >= 4).
    package init(_ parameters: SSIParameters, points: Int) throws {
        self.parameters = parameters
        if parameters.target.isMatrix {
            averages =
                parameters.loss == .frobenius
                ? try SampledPairAverages(omega: parameters.omega, A11: parameters.A11, points: points)
                : PairAverages(omega: parameters.omega, A11: parameters.A11)
        } else {
            averages = try ScalarAttentionAverages(parameters, points: points)
        }
    }

    /// True when the averages have small kinks, from sampling a norm that is not smooth at 0.
    static func isRough(_ parameters: SSIParameters) -> Bool { parameters.loss == .frobenius }

    /// e_l = sum_j pi_lj eps_j.
    func positionalOverlaps(_ eps: some RandomAccessCollection<Double>) -> [Double] {
        let k = parameters.k
        return (0..<parameters.L).map { l in
            zip(0..<k, eps).reduce(0) { $0 + parameters.pi[l * k + $1.0] * $1.1 }
        }
    }

    package func means(_ state: [Double]) -> AttentionMeans {
        averages.means(m: state[0], e: positionalOverlaps(state.dropFirst()))
    }

    /// d(m, eps)/dt. With A = (1-m^2) R_m:
    /// dm/dt = -gamma [A - m sum_l e_l B_l] - (gamma^2/2) m E|D|^2,
    /// deps_j/dt = -gamma [sum_l pi_lj B_l - eps_j sum_l e_l B_l - eps_j m R_m] - (gamma^2/2) eps_j E|D|^2;
    /// contracted with pi_kj the second is the sheet's equation for e_k.
    package func drift(_ state: [Double]) -> [Double] {
        let m = state[0]
        let e = positionalOverlaps(state.dropFirst())
        let means = averages.means(m: m, e: e)
        let gamma = parameters.gamma
        let inhibition = 0.5 * gamma * gamma * means.squaredSignal
        var radial = 0.0
        for l in e.indices { radial += e[l] * means.B[l] }
        var result = [-gamma * ((1 - m * m) * means.riskSlope - m * radial) - inhibition * m]
        let k = parameters.k
        for j in 0..<k {
            let eps = state[j + 1]
            var pull = 0.0
            for l in e.indices { pull += parameters.pi[l * k + j] * means.B[l] }
            result.append(-gamma * (pull - eps * radial - eps * m * means.riskSlope) - inhibition * eps)
        }
        return result
    }

    /// R with c = 1/2 whatever the training loss.
    package func halfRisk(_ state: [Double]) -> Double {
        switch parameters.loss {
        case .halfSquare: return means(state).risk
        case .square: return 0.5 * means(state).risk
        case .frobenius:
            let smooth = PairAverages(omega: parameters.omega, A11: parameters.A11)
            return smooth.means(m: state[0], e: positionalOverlaps(state.dropFirst())).risk
        }
    }
}
