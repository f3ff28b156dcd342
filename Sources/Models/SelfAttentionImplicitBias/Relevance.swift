import Modeling

/// Which parameters a method's results depend on, from what the job fixes. What is itself an axis counts as unknown, and
/// then nothing that hangs on it is left out.
struct SAIBRelevance {
    private let context: JobContext
    private let point: ParameterPoint

    init(_ context: JobContext) {
        self.context = context
        var point = context.fixed
        for spec in SelfAttentionImplicitBias.parameterSpecs where !context.given.contains(spec.name) {
            if case .value(let value) = spec.defaultValue { point[spec.name] = value }
        }
        self.point = point
    }

    private var choices: SAIBRules.Choices { SAIBRules.Choices(point: point) }

    private func isAxis(_ name: String) -> Bool { context.given.contains(name) && context.fixed[name] == nil }

    private var family: SAIBFamily? {
        isAxis("data") || (isAxis("tokens") && !context.given.contains("data")) ? nil : choices.family
    }
    private var optimizer: SAIBOptimizer? { try? point.choice("optimizer") }
    private var isJoint: Bool? { try? point.flag("joint") }
    private var start: SAIBStart? {
        if isAxis("init") { return nil }
        if context.given.contains("init") { return choices.start }
        return context.given.contains("W0") ? .explicit : context.given.contains("init_scale") ? .random : .zero
    }

    func used(by method: String) -> Set<String> {
        var used = Set(SelfAttentionImplicitBias.parameterSpecs.map(\.name))
        let training: Set = [
            "loss", "optimizer", "polyak_c", "step_size", "step_size_u", "step_decay", "step_decay_u", "init",
            "init_scale", "W0",
        ]
        let given: Set = ["tokens", "queries", "labels", "opt", "scores"]
        switch method {
        case "svm": used.subtract(training)
        case "closed-form":
            used = ["data", "query", "L", "geometry", "signal", "sigma", "alpha"]
            if !context.given.contains("alpha") { used.formUnion(["n", "d"]) }
            return used
        case "symmetric":
            used.subtract(given.union(["sin_w", "project", "u", "W0", "data_seed"]))
            if context.given.contains("n") { used.subtract(["d", "alpha"]) }
        default: break
        }
        if let family {
            if family != .gaussian { used.remove("project") }
            if family != .gaussian && family != .orthogonal { used.subtract(["geometry", "signal", "sigma"]) }
            if family != .sin { used.remove("sin_w") }
            if family != .explicit { used.subtract(given) }
        }
        if let start {
            if start != .explicit { used.remove("W0") }
            if ![.random, .adversarial, .mm].contains(start) { used.remove("init_scale") }
        }
        if let optimizer {
            if optimizer != .polyak { used.remove("polyak_c") }
            if optimizer == .polyak {
                used.subtract(["step_size_u", "step_decay", "step_decay_u"])
                // Scaled time is counted in step sizes.
                if context.timeUnit == .steps { used.remove("step_size") }
            }
        }
        if isJoint == false { used.subtract(["step_size_u", "step_decay_u"]) }
        return used
    }
}
