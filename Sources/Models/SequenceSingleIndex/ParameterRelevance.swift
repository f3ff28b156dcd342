import Modeling

/// Which parameters a job's fixed choices make irrelevant, so that their axes are left out of a method's grid. What is
/// itself an axis counts as unknown, and then nothing that hangs on it is left out.
struct ParameterRelevance: Sendable {
    let context: JobContext
    private let defaults: ParameterPoint
    private let point: ParameterPoint

    init(parameters: [ParameterSpec], context: JobContext) {
        self.context = context
        var defaults = ParameterPoint()
        for spec in parameters {
            if case .value(let value) = spec.defaultValue { defaults[spec.name] = value }
        }
        self.defaults = defaults
        var point = context.fixed
        for (name, value) in defaults.values where !context.given.contains(name) { point[name] = value }
        self.point = point
    }

    /// The text value of `name` if it is the same at every grid point (given once, or a plain default).
    func known(_ name: String) -> String? { try? point.text(name) }

    func isGiven(_ name: String) -> Bool { context.given.contains(name) }

    /// True when none of `names` is an axis, so that derived defaults can be worked out from ``fixedPoint``.
    private func allFixed(_ names: [String]) -> Bool {
        names.allSatisfy { !context.given.contains($0) || context.fixed[$0] != nil }
    }

    /// Nil when it is not the same at every grid point.
    var student: Student? { known("student").flatMap(Student.init) }
    var target: Target? { known("target").flatMap(Target.init) }
    var encoding: PositionalEncoding? {
        allFixed(["encoding", "encoding_matrix", "target"]) ? SSIRules.encoding(point) : nil
    }
    var reduction: Reduction? { allFixed(["reduction", "U", "target"]) ? SSIRules.reduction(point) : nil }
    /// The kind of start. A given m0 or e0 means prescribed whatever its value, so these may be axes.
    var initialisation: InitialisationKind? {
        if isGiven("init") { return known("init").flatMap(InitialisationKind.init) }
        return ["m0", "m0_vec", "e0", "e0_vec"].contains(where: isGiven) ? .prescribed : .overlapped
    }

    /// True when the start or the weak-recovery level depends on d.
    var startOrLevelDependsOnD: Bool {
        if !isGiven("eta") { return true }
        switch initialisation {
        case .prescribed?: return false
        case .overlapped?: return !isGiven("init_scale")
        default: return true
        }
    }

    /// The parameters that no simulation or theory reads at any grid point of the job.
    var unused: Set<String> {
        var names: Set<String> = []
        if let student {
            if student != .untied { names.formUnion(["norm_mode", "m0_vec"]) }
            if student == .attention {
                names.insert("activation")
            } else {
                names.formUnion([
                    "encoding", "encoding_matrix", "reduction", "U", "projection_left", "projection_right", "e0",
                    "e0_vec",
                ])
            }
        }
        if let target {
            if target != .positionalSemantic { names.formUnion(["omega", "a"]) }
            if target != .hermite { names.insert("hermite_terms") }
        }
        if let encoding {
            if encoding == .none { names.formUnion(["e0", "e0_vec"]) }
            if encoding != .explicit { names.insert("encoding_matrix") }
        }
        if let reduction {
            if reduction != .explicit { names.insert("U") }
            if reduction != .projection { names.formUnion(["projection_left", "projection_right"]) }
        }
        if let initialisation {
            if initialisation != .overlapped { names.formUnion(["init_scale", "random_sign"]) }
            if initialisation != .prescribed { names.formUnion(["m0", "m0_vec", "e0", "e0_vec"]) }
        }
        return names
    }
}
