import Modeling

// The theory methods hook in here: their specifications, parameters, costs and runs.
extension SequenceSingleIndex {
    static let theoryParameters: [ParameterSpec] = []
    static let theoryMethods: [MethodSpec] = []

    /// What a theory method depends on; `baseline` is what the job's fixed choices leave of the model's parameters.
    static func theoryParametersUsed(by method: String, relevance: ParameterRelevance, baseline: Set<String>)
        -> Set<String>
    {
        var used = baseline.subtracting(["test_size", "random_sign"])
        // In the unit t = steps/d the theory is a limit and sees d only through derived defaults.
        if relevance.context.timeUnit == .scaled && !relevance.startOrLevelDependsOnD { used.remove("d") }
        return used
    }

    static func theoryCost(method: String, at point: ParameterPoint, times: RecordingTimes) throws -> Cost {
        throw ModelError.inconsistent("the model has no method '\(method)'")
    }

    static func makeTheoryRun(_ request: RunRequest, _ parameters: SSIParameters) throws -> any Run {
        throw ModelError.inconsistent("the model has no method '\(request.method)'")
    }
}
