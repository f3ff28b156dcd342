/// The averages over one sample that the theory of attention needs, (26) and (27), at overlaps (m, e_1..e_L).
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

/// A way to compute ``AttentionMeans``: a smooth function of (m, e), the same at every call. At the origin, more is known.
protocol AttentionAverages: Sendable {
    func means(m: Double, e: [Double]) -> AttentionMeans
    /// R_mm(0,0), and R_ee(0,0) along each encoding pattern (pi_1j, ..., pi_Lj).
    func curvaturesAtOrigin(along patterns: [[Double]]) -> (Rmm: Double, Ree: [Double])
    /// E_0|D|^2, V_m and V_j for each encoding pattern, (41).
    func noiseAtOrigin(along patterns: [[Double]]) -> (squaredSignal: Double, Vm: Double, Ve: [Double])
}

/// The drift of attention students. The state is (m, eps_1, ..., eps_k).
package struct AttentionTheory: OverlapTheory {
    package let parameters: Parameters
    let averages: any AttentionAverages

    /// - Parameter points: sample points where sampling is needed (`frobenius`, or L >= 4); nil: as the parameters say.
    package init(_ parameters: Parameters, points: Int? = nil) {
        self.parameters = parameters
        let points = points ?? parameters.points
        if let U = parameters.U {
            averages = ScalarAttentionAverages(parameters, U: U, points: points)
        } else if parameters.loss == .frobenius {
            averages = SampledPairAverages(omega: parameters.omega, A11: parameters.A11, points: points)
        } else {
            averages = PairAverages(omega: parameters.omega, A11: parameters.A11)
        }
    }

    package func means(_ state: [Double]) -> AttentionMeans {
        averages.means(m: state[0], e: parameters.positionalOverlaps(state.dropFirst()))
    }

    /// d(m, eps)/dt, (26) and (27).
    package func drift(_ state: [Double]) -> [Double] {
        let m = state[0]
        let e = parameters.positionalOverlaps(state.dropFirst())
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

    func risk(_ state: [Double]) -> Double { means(state).risk }

    func halfRisk(_ state: [Double]) -> Double {
        switch parameters.loss {
        case .halfSquare: risk(state)
        case .square: 0.5 * risk(state)
        case .frobenius:
            PairAverages(omega: parameters.omega, A11: parameters.A11)
                .means(m: state[0], e: parameters.positionalOverlaps(state.dropFirst())).risk
        }
    }

    var origin: OriginTheory { OriginTheory(self) }
}
