import Modeling

/// Which parameters a method's results depend on, from what the job fixes.
struct SMIRelevance {
    private let context: JobContext

    init(_ context: JobContext) { self.context = context }

    /// The value of a parameter that is not an axis, by the job or by default.
    private func fixed(_ name: String) -> ParameterValue? {
        if let value = context.fixed[name] { return value }
        guard !context.given.contains(name),
            let spec = SequenceMultiIndex.parameterSpecs.first(where: { $0.name == name }),
            case .value(let value) = spec.defaultValue
        else { return nil }
        return value
    }

    func used(by method: String) -> Set<String> {
        var used: Set<String>
        let start: Set<String> = ["init", "Q0", "init_scale", "damping"]
        switch method {
        case "amp":
            used = start.union([
                "d", "L", "layers", "skip", "alpha", "reg", "jacobian", "draws", "test_size", "tolerance",
            ])
        case "state-evolution", "fixed-point":
            used = start.union(["L", "layers", "skip", "alpha", "reg", "mc_samples", "draws", "test_size"])
            if method == "fixed-point" { used.formUnion(["tolerance", "max_iterations"]) }
        case "weak-recovery": used = ["L", "layers", "skip", "reg", "mc_samples", "draws"]
        case "branch": used = ["L", "layers", "skip", "reg", "mc_samples", "draws", "q_last", "test_size"]
        case "sgd":
            used = [
                "d", "L", "layers", "skip", "alpha", "Q0", "M0", "init_scale", "data", "batch_size", "repeats",
                "step_size", "learning_rate", "weight_decay", "l2", "test_size",
            ]
            if fixed("data") == .text(SMIData.fresh.rawValue) { used.subtract(["alpha", "repeats"]) }
        default:
            used = [
                "L", "layers", "skip", "Q0", "M0", "init_scale", "step_size", "learning_rate", "weight_decay", "l2",
                "mc_samples", "dt", "test_size",
            ]
            // Overlaps of random weights, gamma = lr/d, kappa from l2, and steps as time unit.
            if !context.given.contains("M0") || context.given.contains("learning_rate") || context.given.contains("l2")
                || context.timeUnit == .steps
            {
                used.insert("d")
            }
            if context.given.contains("l2") || context.timeUnit == .steps { used.insert("batch_size") }
        }
        // The channel of one layer is closed, that of two layers and two tokens a quadrature.
        if let layers = fixed("layers"), layers == .integer(1) || (layers == .integer(2) && fixed("L") == .integer(2)) {
            used.remove("draws")
        }
        if fixed("layers") == .integer(1) { used.remove("skip") }
        return used
    }
}
