import Modeling

// The theory methods: specifications, parameters, costs and runs.
extension SequenceSingleIndex {
    static let theoryParameters: [ParameterSpec] = [
        ParameterSpec(
            "quadrature_points", kind: .integer(64...(1 << 24)), default: .value(.integer(1 << 16)),
            "theory of attention with loss frobenius or L >= 4: Sobol points of an average, each used with its mirror images"
        )
    ]

    static let theoryMethods: [MethodSpec] = [
        MethodSpec(
            "ode", kind: .theory, isSeeded: false, isTimed: true,
            observables: overlapObservables + [
                riskObservable(byDefault: true),
                ObservableSpec("risk", symbol: "R", "population risk in the training loss"),
                ObservableSpec(
                    "overlap_noise", symbol: "\\sqrt{d}\\,\\mathrm{std}\\,m",
                    "sqrt(d) times the linear-theory standard deviation of m for a start at exactly 0", byDefault: false
                ),
                ObservableSpec(
                    "positional_noise", symbol: "\\sqrt{d}\\,\\mathrm{std}\\,e",
                    "the same for the overlap with the first encoding direction (attention)", byDefault: false),
            ],
            costParameters: ["L", "student", "loss", "quadrature_points", "step_size"],
            "overlaps for d to infinity at fixed step size, with the gamma^2 term (sheet, section 4)"),
        MethodSpec(
            "closed-form", kind: .theory, isSeeded: false, isTimed: false, observables: closedFormObservables,
            costParameters: ["student", "loss", "L", "quadrature_points"],
            "thresholds, critical steps, gains, phase diagram (sheet, sections 4.2 to 4.5); NaN where one does not apply"
        ),
        MethodSpec(
            "closed-form-trajectory", kind: .theory, isSeeded: false, isTimed: true,
            observables: overlapObservables.filter {
                ["steps", "t", "overlap", "overlap_vec", "weak_recovery_time"].contains($0.name)
            }, costParameters: [],
            "overlap(t) of networks where it is an explicit function (sheet, section 4.2)"),
    ]

    /// Conditions of theory methods beyond those of the model.
    static func theoryConstraints(method: String) -> [Constraint] {
        method == "closed-form-trajectory" ? [ClosedFormTrajectoryRun.constraint] : []
    }

    /// What a theory method depends on; `baseline` is what the job's fixed choices leave of the model's parameters.
    static func theoryParametersUsed(by method: String, relevance: ParameterRelevance, baseline: Set<String>)
        -> Set<String>
    {
        var used = baseline.subtracting(["test_size", "random_sign"])
        if relevance.student == nil || relevance.student == .attention { used.insert("quadrature_points") }
        if method == "closed-form-trajectory" { used.remove("quadrature_points") }
        if method == "closed-form" {
            if relevance.student == .attention {
                // The linear theory at the origin and the phase diagram do not look at the start.
                return used.subtracting(["d", "eta", "init", "init_scale", "m0", "m0_vec", "e0", "e0_vec"])
            }
            if !relevance.startOrLevelDependsOnD && !startsFromNoise(relevance) { used.remove("d") }
            return used
        }
        // In the unit t = steps/d the theory is a limit and sees d only through derived defaults, and through
        // the noise that stands for exact zeros in the start.
        if relevance.context.timeUnit == .scaled && !relevance.startOrLevelDependsOnD
            && !startsFromNoise(relevance)
        {
            used.remove("d")
        }
        return used
    }

    /// Whether an overlapped start may have exact zeros, which `ode` replaces by the d-dependent noise level.
    private static func startsFromNoise(_ relevance: ParameterRelevance) -> Bool {
        guard relevance.initialisation != .prescribed else { return false }
        let scale = try? relevance.context.fixed.real("init_scale")
        if scale == nil || scale == 0 { return true }
        guard let student = relevance.student else { return true }
        return student == .attention && relevance.encoding != PositionalEncoding.none
    }

    static func theoryCost(method: String, at point: ParameterPoint, times: RecordingTimes) throws -> Cost {
        if method == "closed-form-trajectory" { return Cost(seconds: 1e-3, memory: 1 << 16) }
        let L = Double(try point.integer("L"))
        let student: Student = try point.choice("student")
        guard student == .attention else { return Cost(seconds: 1e-3 * (1 + L / 50), memory: 1 << 16) }
        let points = Double(try point.integer("quadrature_points"))
        if method == "closed-form" {
            if (try? point.choice("loss", as: Loss.self)) == .frobenius {
                return Cost(seconds: 0.02 + 1e-6 * points, memory: Int(points) * 80)
            }
            return Cost(seconds: L == 2 ? 1e-3 : 0.1, memory: 1 << 20)
        }
        if (try? point.choice("loss", as: Loss.self)) == .frobenius {
            let duration = times.unit == .scaled ? times.values.last ?? 1 : 100
            let gamma = try point.real("step_size")
            return Cost(
                seconds: 0.05 + 2e-8 * points * (10 + duration * gamma * 16), memory: Int(points) * 240)
        }
        if L == 2 { return Cost(seconds: 0.1, memory: 1 << 20) }
        let samples = L >= 4 ? 2 * points : 32768
        return Cost(seconds: 0.2 + samples * L * L * 5e-7, memory: Int(samples * (L + 12) * 8))
    }

    static func makeTheoryRun(_ request: RunRequest, _ parameters: SSIParameters) throws -> any Run {
        switch request.method {
        case "ode": return try ODERun(parameters, request)
        case "closed-form":
            return try ClosedFormRun(parameters, points: try request.point.integer("quadrature_points"))
        case "closed-form-trajectory": return try ClosedFormTrajectoryRun(parameters, request)
        default: throw ModelError.inconsistent("the model has no method '\(request.method)'")
        }
    }
}
