import Modeling

extension SequenceSingleIndex {
    /// What is read from the overlaps (sheet, section 6); theory methods give the same names. What has a token dimension
    /// would make files L times as large and is recorded on request.
    static let overlapObservables: [ObservableSpec] = [
        ObservableSpec("steps", symbol: "\\nu", "algorithm steps (none for theory that no d reaches)"),
        ObservableSpec("t", symbol: "t", "time, steps/d"),
        ObservableSpec(
            "overlap", symbol: "m", "overlap with the teacher, signed; untied: norm of the rows' overlaps / sqrt(L)"),
        ObservableSpec(
            "overlap_vec", symbol: "m_l", "overlap of each token's row with the teacher (tied, attention: all equal)",
            dimensions: [ExtraDimension("token", .parameter("L"))], byDefault: false),
        ObservableSpec(
            "normalized_component", symbol: "m_1/\\|m\\|_2", "first row's overlap over the norm of all (untied)"),
        ObservableSpec(
            "positional_overlap", symbol: "e", "overlap of the first token's encoding with the student (attention)"),
        ObservableSpec(
            "positional_overlap_vec", symbol: "e_l", "overlap of each token's encoding with the student (attention)",
            dimensions: [ExtraDimension("token", .parameter("L"))], byDefault: false),
        ObservableSpec(
            "weak_recovery_time", symbol: "t_\\eta", "first recorded time with overlap > eta; infinite if never",
            inTime: false),
    ]

    static func riskObservable(byDefault: Bool) -> ObservableSpec {
        ObservableSpec(
            "risk_half", symbol: "R_{1/2}", "mean squared error / 2, of the population or of a fixed test set",
            byDefault: byDefault)
    }

    private static let simulationObservables: [ObservableSpec] =
        overlapObservables + [
            ObservableSpec(
                "semantic", symbol: "1_{|m|>|e|}", "1 when |m| > |e| at the end, else 0 (attention)", inTime: false),
            ObservableSpec(
                "semantic_fraction", symbol: "P_{\\mathrm{sem}}", "fraction of runs with |m| > |e| at the end",
                inTime: false, aggregate: .seedMean(of: "semantic")),
            riskObservable(byDefault: false),
        ]

    private static let simulationCostParameters = ["d", "L", "student", "target", "encoding", "encoding_matrix"]

    static let simulationMethods: [MethodSpec] = [
        MethodSpec(
            "sgd", kind: .simulation, isSeeded: true, isTimed: true,
            observables: simulationObservables + [
                ObservableSpec(
                    "student_norm", symbol: "|w|/\\sqrt{d}", "measured norm of the student over its sphere's")
            ],
            costParameters: simulationCostParameters, "one-pass spherical SGD in d dimensions"),
        MethodSpec(
            "overlap-chain", kind: .simulation, isSeeded: true, isTimed: true, observables: simulationObservables,
            costParameters: simulationCostParameters,
            "the exact Markov chain of the overlaps: the law of sgd at a cost independent of d"),
    ]

    /// The cost of a simulation; nil for other methods and when a parameter it needs is not there.
    static func simulationCost(method: String, at point: ParameterPoint, times: RecordingTimes) -> Cost? {
        guard method == "sgd" || method == "overlap-chain", let d = try? point.integer("d"),
            let L = try? point.integer("L"), let student = SSIRules.student(point)
        else { return nil }
        let steps = (times.values.last ?? 0) * (times.unit == .steps ? 1 : Double(d))
        let k = Double(SSIRules.directions(point) ?? 0)
        let l = Double(L)
        let scalars = student == .attention ? 40e-9 + l * (2 + k) * 3e-9 + l * l * 7e-9 : 30e-9 + l * 3e-9
        guard method == "sgd" else {
            return Cost(seconds: steps * scalars, memory: 8 * (1024 + 8 * (2 + Int(k)) * L + 8 * L))
        }
        let rows = student == .untied ? L : 1
        return Cost(
            seconds: steps * (scalars + Double(rows) * Double(d) * 0.65e-9),
            memory: 8 * rows * d + 8 * (1024 + 8 * (2 + Int(k)) * L + 8 * L))
    }
}
