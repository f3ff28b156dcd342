import Modeling

/// Which parameters a method's results depend on, from what the job fixes. What is itself an axis counts as unknown, and
/// then nothing that hangs on it is left out.
struct DGDRelevance {
    private let context: JobContext
    private let point: ParameterPoint

    init(_ context: JobContext) {
        self.context = context
        var point = context.fixed
        for spec in DMFTGradientDynamics.parameterSpecs where !context.given.contains(spec.name) {
            if case .value(let value) = spec.defaultValue { point[spec.name] = value }
        }
        self.point = point
    }

    func used(by method: String) -> Set<String> {
        var used = Set(DMFTGradientDynamics.parameterSpecs.map(\.name))
        switch method {
        case "gd": used.subtract(["batch_fraction", "mask", "p_off", "scaled", "mc_samples", "probes", "tangents"])
        case "sgd": used.subtract(["mc_samples", "probes", "tangents"])
        case "dmft": used.subtract(["d", "runs"])
        case "one-pass": used.subtract(["d", "runs", "mask", "p_off", "mc_samples", "probes", "tangents"])
        case "closed-form": used.subtract(["d", "runs", "p_off", "beta", "mc_samples", "probes", "tangents"])
        default: break
        }
        if let loss: DGDLoss = try? point.choice("loss"), loss != .tiedAttention { used.remove("beta") }
        if let tangents: DGDTangents = try? point.choice("tangents"), tangents == .exact { used.remove("probes") }
        if let b = try? point.real("batch_fraction"), b == 1 { used.subtract(["mask", "p_off", "scaled"]) }
        if let mask: DGDMask = try? point.choice("mask"), mask != .persistent { used.remove("p_off") }
        return used
    }
}
