import Foundation

/// The activation sigma of a network student, (5) and (6).
package enum Activation: String, Sendable, CaseIterable {
    case relu, identity, tanh, sigmoid, square
    /// (h^2 - 1)/sqrt(2).
    case H2

    /// sigma(h).
    package func value(_ h: Double) -> Double {
        switch self {
        case .relu: return h > 0 ? h : 0
        case .identity: return h
        case .tanh: return Foundation.tanh(h)
        case .sigmoid: return 1 / (1 + exp(-h))
        case .square: return h * h
        case .H2: return (h * h - 1) * 0.5.squareRoot()
        }
    }

    /// sigma'(h), with relu'(0) = 0.
    package func derivative(_ h: Double) -> Double {
        switch self {
        case .relu: return h > 0 ? 1 : 0
        case .identity: return 1
        case .tanh:
            let t = Foundation.tanh(h)
            return 1 - t * t
        case .sigmoid:
            let s = 1 / (1 + exp(-h))
            return s * (1 - s)
        case .square: return 2 * h
        case .H2: return h * 2.0.squareRoot()
        }
    }
}
