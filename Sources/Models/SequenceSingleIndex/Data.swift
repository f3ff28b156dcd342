/// The target g, (2) and (3); `hermite` is any finite sum of products of Hermite polynomials.
package enum Target: String, Sendable, CaseIterable {
    case sum
    case inverseSqrtSum = "inversesqrtsum"
    case sqrtZ1 = "sqrtz1"
    case difference2 = "2difference"
    case product2 = "2product"
    case squareDifference2 = "2squaredifference"
    case H2sum
    case inverseSqrtH2sum = "inversesqrtH2sum"
    case H3sum
    case sqrtDoubleStaircase = "sqrtdouble_staircase"
    case positionalSemantic = "positional_semantic"
    /// sum over terms (b, k_1, ..., k_L) of b prod_l He_{k_l}(z_l), He probabilists' Hermite polynomials.
    case hermite

    /// The shortest sequence the target is defined on.
    var minimumLength: Int {
        switch self {
        case .difference2, .product2, .squareDifference2, .positionalSemantic: return 2
        case .sqrtDoubleStaircase: return 3
        default: return 1
        }
    }

    /// True for a sum of one function over all tokens.
    var isSumOverTokens: Bool {
        switch self {
        case .sum, .inverseSqrtSum, .H2sum, .inverseSqrtH2sum, .H3sum: true
        default: false
        }
    }

    /// About E y^2: L or 1.
    func power(_ L: Int) -> Double {
        switch self {
        case .sum, .sqrtZ1, .H2sum, .sqrtDoubleStaircase: Double(L)
        default: 1
        }
    }

    /// True when y is an L x L matrix, false for a scalar.
    package var isMatrix: Bool { self == .positionalSemantic }
}

/// He_k(z), the probabilists' Hermite polynomial (He_2 = z^2 - 1), by its recurrence.
func hermitePolynomial(_ k: Int, _ z: Double) -> Double {
    var previous = 0.0
    var current = 1.0
    for n in 0..<k {
        (previous, current) = (current, z * current - Double(n) * previous)
    }
    return current
}
