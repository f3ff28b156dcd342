/// The links y = g(z) (32).
package enum Link: String, Sendable, CaseIterable {
    case signProduct2 = "sign_product2"
    case phaseParity = "phase_parity"
    case committee3
    // Thresholds only.
    case product
    case ratio
    case sumOfSquares = "sum_of_squares"
    case square
    case absolute
    case signProduct3 = "sign_product3"

    /// Directions of the links whose number of directions is fixed; nil for the sum of squares.
    package var directions: Int? {
        switch self {
        case .signProduct2, .product, .ratio: 2
        case .phaseParity, .committee3, .signProduct3: 3
        case .square, .absolute: 1
        case .sumOfSquares: nil
        }
    }

    /// Whether there are message passing and state evolution for it.
    package var hasDynamics: Bool { self == .signProduct2 || hasStaircase }

    /// Whether some directions wait for others.
    package var hasStaircase: Bool { self == .phaseParity || self == .committee3 }

    /// Whether labels are +-1 and may be flipped.
    package var canFlip: Bool { self == .signProduct2 || self == .signProduct3 }

    /// The label of a link with dynamics at the pre-activations `z`; sign(0) is 0.
    @inline(__always)
    func label(_ z: UnsafePointer<Double>) -> Double {
        func sign(_ x: Double) -> Double { x > 0 ? 1 : x < 0 ? -1 : 0 }
        switch self {
        case .phaseParity: return z[0] * z[0] + sign(z[0]) * sign(z[1]) * sign(z[2])
        case .committee3: return sign(z[0]) + sign(z[1]) + sign(z[2])
        default: return sign(z[0]) * sign(z[1])
        }
    }
}
