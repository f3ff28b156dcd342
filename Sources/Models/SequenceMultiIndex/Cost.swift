import Modeling

extension SequenceMultiIndex {
    public func cost(method: String, at point: ParameterPoint, times: RecordingTimes) throws -> Cost {
        let (d, L, p) = (
            Double(try point.integer("d")), Double(try point.integer("L")), Double(try point.integer("layers"))
        )
        let given = point["mc_samples"] == nil ? nil : try point.integer("mc_samples")
        let samples = Double(given ?? SMIParameters.defaultSamples(method))
        let tests = Double(try point.integer("test_size")) * network(p, L) * 2
        // Of one posterior: a closed form, 64^2 nodes, or draws.
        let posterior: Double =
            p == 1 ? 1e-7 : p == 2 && L == 2 ? 3e-5 : Double(try point.integer("draws")) * (p * L * L * L * 1e-9 + 2e-8)
        let last = times.values.last ?? 0
        let observations = Double(times.values.count) * tests
        let expectation = samples * posterior
        func bytes(_ value: Double) -> Int { Int(min(max(value, 4096), 1e18)) }
        let held = bytes((samples + Double(try point.integer("test_size"))) * 16 * p * L)
        switch method {
        case "amp":
            let n = max(1, (try point.real("alpha")) * d)
            return Cost(
                seconds: n * L * d * (4e-9 + last * 1.5e-9 * p) + last * n * posterior + observations,
                memory: bytes(8 * n * L * d) + held)
        case "state-evolution": return Cost(seconds: last * expectation + observations, memory: held)
        case "fixed-point": return Cost(seconds: 40 * expectation + tests, memory: held)
        case "weak-recovery":
            // On the branch the quadrature is finer, the more so where a stronger skip needs a better known last layer.
            let skip = try point.real("skip")
            return Cost(
                seconds: (p == 2 && L == 2 ? 3 + 2 * skip * skip : 1 + 4 * (p - 1)) * expectation, memory: held)
        case "branch": return Cost(seconds: 2 * expectation + tests, memory: held)
        case "sgd":
            let B = Double(try point.integer("batch_size"))
            let steps = times.unit == .steps ? last : last * d / B
            let isFresh = try point.text("data") == SMIData.fresh.rawValue
            let n = isFresh ? B : max(1, (try point.real("alpha")) * d)
            let step = B * L * d * (isFresh ? 1.5e-9 : 0.6e-9) + B * network(p, L) * 2 + d * p * 2e-9
            return Cost(
                seconds: n * L * d * 2e-9 + steps * step + observations, memory: bytes(4 * n * L * (d + L)) + held)
        default:
            let dt = try point.real("dt")
            // With steps as time unit t = steps B/d, which a cost need not know to better than that.
            let t = times.unit == .scaled ? last : last / d
            return Cost(seconds: (1 + t / dt) * samples * network(p, L) * 3 + observations, memory: held)
        }
    }

    /// Seconds of one pass through the network, a sequence.
    private func network(_ p: Double, _ L: Double) -> Double { p * (p + 3) * L * L * 1.2e-9 + 1e-8 }
}
