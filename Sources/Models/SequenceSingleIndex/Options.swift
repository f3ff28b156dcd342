/// The three students, (5) to (8).
package enum Student: String, Sendable, CaseIterable { case tied, untied, attention }

/// How an untied network is renormalised after a step, (14): all rows together, or each on its own sphere.
enum NormMode: String, Sendable, CaseIterable {
    case global
    case perToken = "per_token"
}

/// The loss, (9): c (y - f)^2 with c = 1 or 1/2 (squared Frobenius norm for matrices), or the Frobenius norm itself, not
/// squared.
package enum Loss: String, Sendable, CaseIterable {
    case square
    case halfSquare = "half_square"
    case frobenius

    /// The factor c in front of the squared residual; 1 for `frobenius`, which has none.
    var c: Double { self == .halfSquare ? 0.5 : 1 }
}

/// How attention weights S become the output, (8): S itself, or sum_ij U_ij S_ij with U = I/sqrt(L) (`trace`),
/// U = a_l a_r^T (`projection`), or any U (`explicit`).
enum Reduction: String, Sendable, CaseIterable { case none, trace, projection, explicit }

/// The positional encoding P_l = sum_j pi_lj v_j/sqrt(d) over orthonormal directions v_j/sqrt(d), (7): no direction;
/// one with pi = (1, -1) (L = 2); L directions with pi = 1; or any matrix pi of shape (L, k).
package enum PositionalEncoding: String, Sendable, CaseIterable { case none, paired, orthonormal, explicit }

/// s(L) in the effective step gamma = gamma_0 s(L), (16).
enum StepScaling: String, Sendable, CaseIterable {
    case one, sqrt, linear

    func factor(_ L: Int) -> Double {
        switch self {
        case .one: 1
        case .sqrt: Double(L).squareRoot()
        case .linear: Double(L)
        }
    }
}

/// The kinds of initial condition.
enum StartKind: String, Sendable, CaseIterable { case random, overlapped, prescribed }

/// A student's initial condition.
package enum Start: Sendable, Hashable {
    /// Every w_l uniform on the sphere; with an encoding, also independent of its directions.
    case random
    /// (17): m_0 = o/sqrt((1-o)^2 + o^2), e_0 = 0.
    case overlapped(o: Double, randomSign: Bool)
    /// (18): `m` has one entry (L for untied), `eps` one per encoding direction.
    case prescribed(m: [Double], eps: [Double])

    /// m_0 of the overlapped start, up to its sign.
    package static func overlap(o: Double) -> Double { o / ((1 - o) * (1 - o) + o * o).squareRoot() }
}
