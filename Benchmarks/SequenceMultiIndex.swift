import Modeling
import Numerics
import SequenceMultiIndex

/// Message passing for two attention layers and two tokens at d = 1000, alpha = 0.5, from a cold start: milliseconds an
/// iteration, the first twenty of them (the last layer is found within ten).
@Sendable
func benchmarkSequenceMultiIndex() throws -> [String: Double] {
    BLAS.setSingleThreaded()
    let values: [String: ParameterValue] = ["alpha": .real(0.5), "d": .integer(1000)]
    let iteration = try nanosecondsPerStep("amp", of: SequenceMultiIndex(), values, steps: 20, repeats: 1)
    return ["smi.amp_d1000_alpha0.5_ms": iteration * 1e-6]
}
