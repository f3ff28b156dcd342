import Foundation

/// Roots of polynomials of low degree, all at once.
public enum PolynomialRoots {
    /// All roots of `sum coefficients[i] z^i`, multiple ones repeated; leading zeros are dropped, and a polynomial without
    /// roots gives none, nor does one whose coefficients are not all numbers.
    ///
    /// Aberth's iteration from the starting points of Bini (Numerical Algorithms 13, 1996: radii from the Newton polygon),
    /// so coefficients and roots may be of very different sizes, within 1e-100 to 1e100. Each root ends where the
    /// polynomial's value is below its own rounding errors: simple roots are good to a few 1e-16 times their condition number, double
    /// ones to 1e-8.
    public static func roots(_ coefficients: [Complex]) -> [Complex] {
        guard coefficients.allSatisfy(\.isFinite) else { return [] }
        var a = coefficients
        while let last = a.last, last.squaredMagnitude == 0 { a.removeLast() }
        let zeros = a.prefix { $0.squaredMagnitude == 0 }.count
        a.removeFirst(min(zeros, a.count))
        guard a.count > 1 else { return Array(repeating: Complex(0), count: a.isEmpty ? 0 : zeros) }
        let degree = a.count - 1
        let sizes = a.map(\.magnitude)
        var z = startingPoints(sizes)
        var isDone = Array(repeating: false, count: degree)
        for _ in 0..<200 {
            var left = degree
            for i in 0..<degree {
                if isDone[i] {
                    left -= 1
                    continue
                }
                var value = a[degree]
                var slope = Complex(0)
                var rounding = sizes[degree]
                let size = z[i].magnitude
                for k in (0..<degree).reversed() {
                    slope = slope * z[i] + value
                    value = value * z[i] + a[k]
                    rounding = rounding * size + sizes[k]
                }
                if value.magnitude <= 4 * Double.ulpOfOne * rounding {
                    isDone[i] = true
                    continue
                }
                // Newton's step is value / slope; the other roots repel.
                var repulsion = Complex(0)
                for k in 0..<degree where k != i {
                    let gap = z[i] - z[k]
                    if gap.squaredMagnitude > 0 { repulsion = repulsion + 1 / gap }
                }
                let step = value / (slope - value * repulsion)
                guard step.isFinite else {
                    // Where the slope vanishes: aside, and on.
                    z[i] = z[i] * Complex(1, 0.1)
                    continue
                }
                z[i] = z[i] - step
                if step.magnitude <= Double.ulpOfOne * size { isDone[i] = true }
            }
            if left == 0 { break }
        }
        return z + Array(repeating: Complex(0), count: zeros)
    }

    /// All roots of the polynomial with real coefficients.
    public static func roots(_ coefficients: [Double]) -> [Complex] { roots(coefficients.map { Complex($0) }) }

    /// The coefficients of the product of two polynomials.
    public static func product(_ a: [Double], _ b: [Double]) -> [Double] {
        guard !a.isEmpty, !b.isEmpty else { return [] }
        var result = Array(repeating: 0.0, count: a.count + b.count - 1)
        for i in a.indices { for j in b.indices { result[i + j] += a[i] * b[j] } }
        return result
    }

    /// Points on circles whose radii are the slopes of the upper convex hull of (i, log |a_i|).
    private static func startingPoints(_ sizes: [Double]) -> [Complex] {
        var hull: [Int] = []
        let heights = sizes.map { $0 > 0 ? log($0) : -.infinity }
        for i in heights.indices where heights[i] > -.infinity {
            while hull.count >= 2 {
                let (p, q) = (hull[hull.count - 2], hull[hull.count - 1])
                let below = (heights[q] - heights[p]) * Double(i - p) <= (heights[i] - heights[p]) * Double(q - p)
                if !below { break }
                hull.removeLast()
            }
            hull.append(i)
        }
        var points: [Complex] = []
        for (p, q) in zip(hull, hull.dropFirst()) {
            let count = q - p
            let radius = exp((heights[p] - heights[q]) / Double(count))
            for k in 0..<count {
                let angle = 2 * .pi * (Double(k) / Double(count) + Double(p) / Double(sizes.count)) + 0.7
                points.append(Complex(radius * cos(angle), radius * sin(angle)))
            }
        }
        return points
    }
}
