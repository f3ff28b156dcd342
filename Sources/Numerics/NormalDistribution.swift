import Foundation

/// The standard normal density at `x`.
public func normalDensity(_ x: Double) -> Double { exp(-0.5 * x * x) * 0.398942280401432677939946 }

/// The standard normal distribution function, `P(z <= x)`.
///
/// Through `erfc`, so the lower tail keeps its relative accuracy: `(2 + x^2) * 1e-16` down to `x` = -37. For the upper tail
/// take `normalCDF(-x)` rather than one minus.
public func normalCDF(_ x: Double) -> Double { 0.5 * erfc(-x * 0.707106781186547524400844) }

/// The standard normal quantile, the `x` with `P(z <= x) = p`: infinite for `p` = 0 and 1, not-a-number outside [0, 1].
///
/// Algorithm AS 241, PPND16 (Wichura, Applied Statistics 37, 1988): relative error about 1e-15 for `p` from 1e-300 up to
/// 1/2. Above 1/2 the spacing of doubles near 1 limits what `p` can say, not the formula.
public func normalQuantile(_ p: Double) -> Double {
    let q = p - 0.5
    if abs(q) <= 0.425 {
        let r = 0.180625 - q * q
        return q * AS241.ratio(AS241.centre, r)
    }
    let tail = q < 0 ? p : 1 - p
    guard tail > 0 else { return tail == 0 ? (q < 0 ? -.infinity : .infinity) : .nan }
    let r = (-log(tail)).squareRoot()
    let x = r <= 5 ? AS241.ratio(AS241.middle, r - 1.6) : AS241.ratio(AS241.far, r - 5)
    return q < 0 ? -x : x
}

/// The rational approximations of AS 241: eight numerator coefficients, then eight of the denominator, lowest first.
private enum AS241 {
    static let centre: [Double] = [
        3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
        4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3,
        1, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
        2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3,
    ]
    static let middle: [Double] = [
        1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
        1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4,
        1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
        1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9,
    ]
    static let far: [Double] = [
        6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
        2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
        1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
        7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15,
    ]

    static func ratio(_ c: [Double], _ r: Double) -> Double {
        var numerator = c[7]
        var denominator = c[15]
        for i in stride(from: 6, through: 0, by: -1) {
            numerator = numerator * r + c[i]
            denominator = denominator * r + c[i + 8]
        }
        return numerator / denominator
    }
}
