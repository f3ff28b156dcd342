/// The data families, (1) to (4), and data given in the job.
package enum Family: String, Sendable, CaseIterable {
    case gaussian, orthogonal, sphere, sin, explicit

    /// Labels are +1, -1, +1, ... and tokens signals or noise.
    var isBalanced: Bool { self == .gaussian || self == .orthogonal }
    /// Tokens are drawn.
    var isRandom: Bool { isBalanced || self == .sphere }

    /// Where queries can come from, the usual first.
    func queries(hasQueries: Bool) -> [Query] {
        switch self {
        case .gaussian, .orthogonal: [.noise, .opt, .external, .prompt]
        case .sphere: [.external, .first, .prompt]
        case .sin: [.first, .prompt]
        case .explicit: hasQueries ? [.external] : [.first, .prompt]
        }
    }
}

/// Where the query q_i comes from: the first token, which is not the optimal one (`noise`) or is (`opt`), or whichever it
/// is (`first`); a vector of its own (`external`); or q_i = 1 in one dimension (`prompt`).
package enum Query: String, Sendable, CaseIterable { case noise, opt, first, external, prompt }

/// The two signals: mu_+ = U e_0, mu_- = U e_1, or mu_- = -mu_+.
package enum Geometry: String, Sendable, CaseIterable {
    case orthogonal, antipodal

    /// Dimensions that the signals span.
    var signalCount: Int { self == .orthogonal ? 2 : 1 }
}

package enum Optimizer: String, Sendable, CaseIterable { case gd, ngd, polyak }

/// The start W_0: zero, a Gaussian direction of norm omega, -+ omega W_mm/|W_mm|, entries uniform on
/// (-1/sqrt(d), 1/sqrt(d)), or given.
package enum Start: String, Sendable, CaseIterable {
    case zero, random, adversarial, mm, uniform, explicit

    /// It needs omega.
    var hasScale: Bool { self == .random || isAlongMargin }
    /// It needs W_mm.
    var isAlongMargin: Bool { self == .adversarial || self == .mm }
}
