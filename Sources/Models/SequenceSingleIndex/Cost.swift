import Modeling

extension SequenceSingleIndex {
    public func cost(of method: Method, _ p: Parameters, times: [Double]) -> Cost {
        switch method {
        case .sgd, .overlapChain: simulationCost(p, steps: times.last ?? 0, isFull: method == .sgd)
        case .ode: odeCost(p, duration: times.last ?? 0)
        case .closedForm: closedFormCost(p)
        case .closedFormTrajectory: Cost(seconds: 1e-3 + 1e-6 * Double(p.L), bytes: 65536)
        }
    }

    private func simulationCost(_ p: Parameters, steps: Double, isFull: Bool) -> Cost {
        let (l, k, d) = (Double(p.L), Double(p.k), Double(p.d))
        let isAttention = p.student == .attention
        let scalars = isAttention ? 40e-9 + l * (2 + k) * 3e-9 + l * l * 7e-9 : 30e-9 + l * 3e-9
        let vectors = isFull ? Double(p.rows) * d : 0
        let matrices = isAttention ? l * (4 * l + 2 * k) : 0
        return Cost(
            seconds: steps * (scalars + vectors * 0.65e-9),
            bytes: 8 * (vectors + 1024 + 8 * (2 + k) * l + 8 * l + matrices))
    }

    private func odeCost(_ p: Parameters, duration: Double) -> Cost {
        let (l, points) = (Double(p.L), Double(p.points))
        guard p.student == .attention else { return Cost(seconds: 1e-3 * (1 + l / 50), bytes: 65536) }
        if p.loss == .frobenius {
            return Cost(seconds: 0.05 + 2e-8 * points * (10 + duration * p.gamma * 16), bytes: points * 240)
        }
        if p.L == 2 { return Cost(seconds: 0.1, bytes: 1_048_576) }
        let samples = points > 0 ? 2 * points : 32768
        return Cost(seconds: 0.2 + samples * l * l * 5e-7, bytes: samples * (l + 12) * 8)
    }

    private func closedFormCost(_ p: Parameters) -> Cost {
        let (l, points) = (Double(p.L), Double(p.points))
        guard p.student == .attention else { return Cost(seconds: 1e-3 * (1 + l / 50), bytes: 65536) }
        if p.loss == .frobenius { return Cost(seconds: 0.02 + 1e-6 * points, bytes: points * 80) }
        let samples = points > 0 ? 2 * points : 32768
        return p.target.isMatrix
            ? Cost(seconds: 1e-3, bytes: 1_048_576) : Cost(seconds: 0.1, bytes: samples * (l + 12) * 8)
    }
}
