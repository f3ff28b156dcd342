/// Why a root was not found.
public enum RootError: Error, Equatable, CustomStringConvertible {
    /// The function has the same sign at both ends of the interval (or is undefined there).
    case notBracketed(lower: Double, upper: Double, valueAtLower: Double, valueAtUpper: Double)
    /// The function became undefined at this argument.
    case undefined(at: Double)

    /// What happened, with the numbers.
    public var description: String {
        switch self {
        case .notBracketed(let lower, let upper, let valueAtLower, let valueAtUpper):
            "no change of sign between \(lower) (value \(valueAtLower)) and \(upper) (value \(valueAtUpper)); "
                + "choose an interval that holds one root"
        case .undefined(let x): "the function is undefined at \(x); shrink the interval"
        }
    }
}

/// A root of the continuous `f` in [`lower`, `upper`], where `f` changes sign, by Brent's method (Algorithms for
/// Minimization without Derivatives, 1973, chapter 4).
///
/// The result is within `tolerance + 4 * 2^-52 * |root|` of a change of sign. Throws `RootError` if the ends have the same sign
/// or are infinite, or `f` is undefined, and what `f` throws.
public func rootBrent(
    from lower: Double, to upper: Double, tolerance: Double = 0, _ f: (Double) throws -> Double
) throws -> Double {
    var a = lower
    var b = upper
    var fa = try f(a)
    var fb = try f(b)
    guard lower.isFinite, upper.isFinite else { throw RootError.undefined(at: lower.isFinite ? upper : lower) }
    if fa == 0 { return a }
    if fb == 0 { return b }
    guard (fa < 0 && fb > 0) || (fa > 0 && fb < 0) else {
        throw RootError.notBracketed(lower: lower, upper: upper, valueAtLower: fa, valueAtUpper: fb)
    }
    var c = a
    var fc = fa
    var step = b - a
    var previousStep = step
    // b is the best estimate, the root lies between b and c, and a is the estimate before b.
    while true {
        if abs(fc) < abs(fb) {
            (a, b, c) = (b, c, b)
            (fa, fb, fc) = (fb, fc, fb)
        }
        let allowed = 2 * Double.ulpOfOne * abs(b) + 0.5 * (tolerance > 0 ? tolerance : 0)
        let half = 0.5 * c - 0.5 * b
        if abs(half) <= allowed || fb == 0 { return b }
        if abs(previousStep) < allowed || abs(fa) <= abs(fb) {
            step = half
            previousStep = half
        } else {
            let s = fb / fa
            var p: Double
            var q: Double
            if a == c {
                p = 2 * half * s
                q = 1 - s
            } else {
                let r = fb / fc
                let t = fa / fc
                p = s * (2 * half * t * (t - r) - (b - a) * (r - 1))
                q = (t - 1) * (r - 1) * (s - 1)
            }
            if p > 0 { q = -q } else { p = -p }
            if 2 * p < min(3 * half * q - abs(allowed * q), abs(previousStep * q)) {
                previousStep = step
                step = p / q
            } else {
                step = half
                previousStep = half
            }
        }
        a = b
        fa = fb
        b += abs(step) > allowed ? step : (half > 0 ? allowed : -allowed)
        fb = try f(b)
        if fb.isNaN { throw RootError.undefined(at: b) }
        if (fb > 0) == (fc > 0) {
            c = a
            fc = fa
            step = b - a
            previousStep = step
        }
    }
}

/// The first interval of the grid `points` (in order) over which `f` changes sign, or nil: for ``rootBrent``.
/// Intervals with an undefined end are passed over.
public func firstSignChange(
    on points: some Sequence<Double>, _ f: (Double) throws -> Double
) rethrows -> (lower: Double, upper: Double)? {
    var last: (x: Double, value: Double)?
    for x in points {
        let value = try f(x)
        if value == 0 { return (x, x) }
        if let last, (last.value < 0 && value > 0) || (last.value > 0 && value < 0) { return (last.x, x) }
        last = (x, value)
    }
    return nil
}
