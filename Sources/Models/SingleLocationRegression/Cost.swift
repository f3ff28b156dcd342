import Modeling

extension SingleLocationRegression {
    public func cost(method: String, at point: ParameterPoint, times: RecordingTimes) throws -> Cost {
        let d = Double(try point.integer("d"))
        let L = Double(try point.integer("L"))
        let attention: AttentionKind = try point.choice("attention")
        let gamma = try point.real("gamma")
        let lambda = try point.real("lambda0")
        // Of one evaluation of the population risk.
        let nodes = (2 * lambda * ((d / 2).squareRoot() + 10 + 10 * gamma) + 50) * 5 * (160 + 60 * lambda * (1 + gamma))
        let risk = attention == .erf ? 0.25e-6 : nodes * 10e-9
        if method == "closed-form" {
            let samples = gamma == 1 ? 1e5 : L * Double(try point.integer("bayes_samples"))
            return Cost(seconds: risk * 4 + samples * 50e-9, memory: 1 << 16)
        }
        let last = times.values.last ?? 0
        let steps = times.unit == .steps ? last : last / (try point.real("step_size"))
        let observations = Double(times.values.count) * risk
        switch method {
        case "pgd": return Cost(seconds: steps * (risk + 5e-9 * d) + observations, memory: Int(min(32 * d, 1e18)))
        case "reduced-pgd": return Cost(seconds: steps * risk + observations, memory: 1 << 12)
        case "gradient-flow":
            // Steps of a stiff system end at about 1/d, whatever is asked for.
            let t = times.unit == .steps ? last * (try point.real("step_size")) : last
            return Cost(seconds: (300 + t * d) * 2 * risk + observations, memory: 1 << 13)
        default:
            let tokens = L * Double(try point.integer("batch_size"))
            let scalars = tokens * 45e-9 + 60e-9
            guard method == "sgd" else {
                return Cost(seconds: steps * scalars + observations, memory: Int(min(400 * tokens, 1e18)) + 1 << 14)
            }
            return Cost(
                seconds: steps * (scalars + tokens * d * 0.75e-9 + d * 3e-9) + observations,
                memory: Int(min((4 * tokens + 32) * (d + 32), 1e18)))
        }
    }
}
