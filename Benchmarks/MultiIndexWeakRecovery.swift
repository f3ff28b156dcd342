import Modeling
import MultiIndexWeakRecovery
import Numerics

/// Message passing for sign(z1 z2) at d = 1000, alpha = 4, from a cold start: milliseconds an iteration, the first thirty of
/// them. And one for the committee, whose channel is the costliest.
@Sendable
func benchmarkMultiIndexWeakRecovery() throws -> [String: Double] {
    BLAS.setSingleThreaded()
    func milliseconds(_ link: String) throws -> Double {
        let values: [String: ParameterValue] = [
            "alpha": .real(4), "d": .integer(1000), "link": .text(link), "tolerance": .real(0),
        ]
        return try nanosecondsPerStep("amp", of: MultiIndexWeakRecovery(), values, steps: 30, repeats: 3) * 1e-6
    }
    return [
        "miw.amp_sign_product2_d1000_alpha4_ms": try milliseconds("sign_product2"),
        "miw.amp_committee3_d1000_alpha4_ms": try milliseconds("committee3"),
    ]
}
