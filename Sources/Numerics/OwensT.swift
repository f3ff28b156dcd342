import Foundation

/// Owen's T function, `T(h, a) = 1/(2 pi) int_0^a exp(-h^2 (1 + u^2)/2)/(1 + u^2) du`: the probability that `X > h` and
/// `0 < Y < a X` for independent standard normals `X`, `Y` (h, a > 0).
///
/// All real arguments, infinite `a` included; not-a-number where an argument is, and 0 for infinite `h`. The relative error is below 1e-15 for
/// `|h| <= 5` and below `1e-15 h^2/16` up to `|h| = 37`, where results leave the normal numbers.
public func owensT(_ h: Double, _ a: Double) -> Double {
    if a.isNaN || h.isNaN { return .nan }
    if h.isInfinite { return 0 }
    let (h, size) = (abs(h), abs(a))
    let value: Double
    if size <= 1 {
        value = OwenIntegral.value(h, from: 0, to: size)
    } else if size.isInfinite {
        value = 0.5 * upperTail(h)
    } else {
        // T(h, a) + T(a h, 1/a) = (q + r)/2 - q r, with upper tails: no difference of numbers near 1.
        let q = upperTail(h)
        let r = upperTail(size * h)
        value = 0.5 * (q * (1 - r) + r * (1 - q)) - OwenIntegral.value(size * h, from: 0, to: 1 / size)
    }
    return a < 0 ? -value : value
}

/// `T(h, b) - T(h, a)` for `-1 <= a <= b <= 1`, given `a` and the length `b - a`; not-a-number outside.
///
/// The integral over [a, b] itself, so nothing cancels when `b - a` is small or `T` is near its end `T(h, 1)`: the error
/// is relative to the difference, as that of ``owensT(_:_:)`` (which is the case a = 0). With `T(h, 1) = (1 - erf^2(h/sqrt(2)))/8`
/// this gives `1/8 - T(h, a)` as a sum of two positive terms.
public func owensTDifference(_ h: Double, from a: Double, length: Double) -> Double {
    guard abs(a) <= 1, length >= 0, a + length <= 1 + 2 * .ulpOfOne, !h.isNaN else { return .nan }
    if h.isInfinite { return 0 }
    if a < 0 {
        // Even in u: the part left of zero is folded over.
        let left = min(-a, length)
        let mirrored = OwenIntegral.value(abs(h), from: -a - left, to: left)
        return mirrored + (length > left ? OwenIntegral.value(abs(h), from: 0, to: length - left) : 0)
    }
    return OwenIntegral.value(abs(h), from: a, to: length)
}

/// `P(Z > h)` for `h >= 0`.
private func upperTail(_ h: Double) -> Double { 0.5 * erfc(h * 0.707106781186547524400844) }

private enum OwenIntegral {
    /// Sixteen Gauss-Legendre nodes on [0, 1].
    private static let rule = GaussLegendre(count: 16, from: 0, to: 1)

    /// The integral from `a` to `a + length`, inside [0, 1], for `h >= 0`.
    ///
    /// The poles at u = +-i leave the 16-node rule 1e-19 on [0, 1]; the Gaussian factor is resolved by cutting where its
    /// exponent has changed by 40 (a part of 4e-18) and by pieces over which h u changes by at most 2.
    static func value(_ h: Double, from a: Double, to length: Double) -> Double {
        var length = length
        let exponent = 0.5 * h * h
        // exp(-746) is no number above 0, and an infinite exponent could not be worked with.
        guard exponent * (1 + a * a) < 746 else { return 0 }
        // u^2 - a^2 = 40/exponent at the cut, as (u - a)(u + a).
        if exponent * length * (2 * a + length) > 40 {
            let reach = 40 / exponent
            length = reach / (a + (a * a + reach).squareRoot())
        }
        let pieces = max(1, Int((h * length * 0.5).rounded(.up)))
        let width = length / Double(pieces)
        let (nodes, weights) = (rule.nodes, rule.weights)
        var sum = 0.0
        for piece in 0..<pieces {
            let start = Double(piece) * width
            for i in 0..<16 {
                let v = start + width * nodes[i]
                let u = a + v
                sum += weights[i] * exp(-exponent * v * (a + u)) / (1 + u * u)
            }
        }
        // exp(-h^2 (1 + a^2)/2) taken out: the sum above is of order one whatever h is.
        return sum * width * exp(-exponent * (1 + a * a)) * 0.159154943091895335768884
    }
}
