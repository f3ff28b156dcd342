import Foundation
import Numerics
import Synchronization

/// omega_trans of the Frobenius loss: the root of R_ee(0,0) = R_mm(0,0), both by sampling on the same points, (48).
/// It does not depend on omega, so it is kept for every (a, points) of a process.
package final class FrobeniusTransition: Sendable {
    package static let shared = FrobeniusTransition()
    private struct Key: Hashable, Sendable {
        let A11: Double
        let points: Int
    }
    private let known = Mutex<[Key: Double?]>([:])

    /// Nil when the steepest direction at the origin is the same for every omega in [0, 1].
    package func omega(A11: Double, points: Int) throws -> Double? {
        let key = Key(A11: A11, points: points)
        if let found = known.withLock({ $0[key] }) { return found }
        func difference(_ omega: Double) -> Double {
            let averages = SampledPairAverages(omega: omega, A11: A11, points: points)
            let curvatures = averages.curvaturesAtOrigin(along: [[1, -1]])
            return curvatures.Ree[0] - curvatures.Rmm
        }
        var result: Double?
        if difference(0) * difference(1) < 0 {
            result = try rootBrent(from: 0, to: 1, tolerance: 1e-7, difference)
        }
        let computed = result
        known.withLock { $0[key] = computed }
        return computed
    }
}
