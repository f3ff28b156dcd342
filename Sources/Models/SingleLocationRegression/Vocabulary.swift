/// How tokens are weighted: T(X) = sum_l erf(lambda X_l.k) X_l.v, not normalised over tokens, or with
/// p = softmax_l(lambda X_l.k) in place of erf.
package enum AttentionKind: String, Sendable, CaseIterable { case erf, softmax }

/// The law of the start (sheet, "Initialisation"): k and v uniform on the unit sphere; on the invariant manifold; or with
/// given overlaps.
package enum SLRInitialisation: Sendable, Hashable {
    case sphere
    case manifold
    case overlaps(SLROverlaps)

    package enum Kind: String, Sendable, CaseIterable { case sphere, manifold, overlaps }
}

/// The sharpness at step t = 0, 1, ...: lambda_t = lambda_0/(1 + increment t).
package struct SharpnessSchedule: Sendable, Hashable {
    package let lambda0: Double
    package let increment: Double

    package init(lambda0: Double, increment: Double) { (self.lambda0, self.increment) = (lambda0, increment) }

    package func lambda(atStep step: Double) -> Double { lambda0 / (1 + increment * step) }

    /// The sharpness to observe with after `steps` steps: that of the last one.
    package func lambda(after steps: Int) -> Double { lambda(atStep: Double(max(steps - 1, 0))) }
}

/// The substreams of a task's random stream.
enum SLRStreams {
    static let initial: UInt32 = 0
    static let tokens: UInt32 = 1
    static let scalars: UInt32 = 2
    static let bayes: UInt32 = 3
}
