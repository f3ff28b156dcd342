import Modeling

// Measured on a core of 2024; good within a factor of two along each axis.
extension SequenceSingleIndex {
    public func cost(of method: Method, _ p: Parameters, times: [Double]) -> Cost {
        switch method {
        case .sgd, .overlapChain: simulationCost(p, steps: times.last ?? 0, isFull: method == .sgd)
        case .ode: odeCost(p, times)
        case .closedForm: p.student == .attention ? attentionCost(p) : networkCost(p, evaluations: 100)
        case .closedFormTrajectory: networkCost(p, evaluations: 0)
        }
    }

    private func simulationCost(_ p: Parameters, steps: Double, isFull: Bool) -> Cost {
        let (l, k, d) = (Double(p.L), Double(p.k), Double(p.d))
        var scalars = 40e-9 + Double(p.hermiteTerms.count) * 0.8e-9
        switch p.student {
        case .tied: scalars += l * 1.5e-9
        case .untied: scalars += l * (p.normMode == .perToken && !isFull ? 15e-9 : 2.5e-9)
        case .attention: scalars += l * (2 + k) * 3e-9 + l * l * 7e-9
        }
        if p.activation == .tanh { scalars += 25e-9 }
        let vectors = isFull ? Double(p.rows) * d : 0
        let matrices = p.student == .attention ? l * (4 * l + 2 * k) : 0
        return Cost(
            seconds: steps * (scalars + vectors * 0.65e-9),
            bytes: 8 * (vectors + 1024 + 8 * (2 + k) * l + 8 * l + matrices))
    }

    /// The step of an adaptive integration grows while nothing happens: right-hand sides go as the root of the time.
    private func odeCost(_ p: Parameters, _ times: [Double]) -> Cost {
        let l = Double(p.L)
        let t = (times.last ?? 0) / (p.student == .untied ? l : 1)
        let stretch = (1 + t * p.gamma * (1 + p.gamma)).squareRoot()
        guard p.student == .attention else {
            let stiff = (1 + t * p.gamma * (1 + p.gamma * p.target.power(p.L))).squareRoot()
            return networkCost(p, evaluations: 38 * stiff + 2 * Double(times.count))
        }
        let base = attentionCost(p)
        if p.loss == .frobenius {
            let sides = 10 + Double(times.count) + 16 * t * max(p.gamma, p.gamma * p.gamma)
            return Cost(seconds: 56e-9 * Double(p.points) * sides, bytes: Double(base.memory))
        }
        let samples = p.target.isMatrix ? 4.8e-3 : 65e-9 * p.samples * l * l
        return Cost(seconds: base.seconds + samples * stretch, bytes: Double(base.memory))
    }

    private func networkCost(_ p: Parameters, evaluations: Double) -> Cost {
        let terms = p.target.isSumOverTokens ? Double(p.L) : Double(max(3, p.hermiteTerms.count / (p.L + 1)))
        // Untied rows are compared with tied ones.
        let term = p.student == .untied ? 5.5e-6 : 2.6e-6
        return Cost(seconds: 0.3e-3 + terms * (term + evaluations * 80e-9), bytes: 65536 + 600 * terms)
    }

    /// Closed forms of attention.
    private func attentionCost(_ p: Parameters) -> Cost {
        let (l, points) = (Double(p.L), Double(p.points))
        if p.loss == .frobenius {
            return Cost(seconds: (p.encoding == .paired ? 0.6e-6 : 0.15e-6) * points, bytes: 240 * points)
        }
        if p.target.isMatrix { return Cost(seconds: 1e-5, bytes: 1_048_576) }
        return Cost(
            seconds: 2e-4 + 6e-9 * p.samples * l * l * (1 + 0.2 * Double(p.k)),
            bytes: 8 * p.samples * (l + 12) + 150 * l * l)
    }
}

extension Parameters {
    /// Samples of an average of scalar attention.
    fileprivate var samples: Double {
        Double(
            ScalarAttentionAverages.nodes(L).map { n in (0..<L).reduce(1) { product, _ in product * n } } ?? 2 * points)
    }
}
