import Modeling

extension SequenceSingleIndex {
    /// What is read from the overlaps (sheet, section 6); theory methods give the same names.
    static let overlapObservables: [ObservableSpec] = [
        ObservableSpec("steps", symbol: "\\nu", "algorithm steps"),
        ObservableSpec("t", symbol: "t", "time, steps/d"),
        ObservableSpec(
            "overlap", symbol: "m", "overlap with the teacher, signed; untied: norm of the rows' overlaps / sqrt(L)"),
        ObservableSpec(
            "overlap_vec", symbol: "m_l", "overlap of each token's row with the teacher (tied, attention: all equal)",
            dimensions: [ExtraDimension("token", .parameter("L"))]),
        ObservableSpec(
            "normalized_component", symbol: "m_1/\\|m\\|_2", "first row's overlap over the norm of all (untied)"),
        ObservableSpec(
            "positional_overlap", symbol: "e", "overlap of the first token's encoding with the student (attention)"),
        ObservableSpec(
            "positional_overlap_vec", symbol: "e_l", "overlap of each token's encoding with the student (attention)",
            dimensions: [ExtraDimension("token", .parameter("L"))]),
        ObservableSpec(
            "weak_recovery_time", symbol: "t_\\eta", "first recorded time with overlap > eta; infinite if never",
            inTime: false),
    ]

    static func riskObservable(byDefault: Bool) -> ObservableSpec {
        ObservableSpec(
            "risk_half", symbol: "R", "mean squared error / 2, of the population or of a fixed test set",
            byDefault: byDefault)
    }

    static let simulationMethods: [MethodSpec] = []

    static func simulationCost(method: String, at point: ParameterPoint, times: RecordingTimes) -> Cost? { nil }
}
