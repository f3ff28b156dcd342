import Foundation

/// A spectral density given by an algebraic curve: for each real x one pair of conjugate roots inside a bulk, none outside.
///
/// ``integrals()`` integrates what depends on the root over all bulks; moments known in closed form are the check.
public protocol SpectralCurve: Sendable {
    /// Intervals of the variable of integration that hold all mass, one or more a bulk.
    var panels: [ClosedRange<Double>] { get }
    /// The root with positive imaginary part at x, or nil outside of the bulks. `near` is the root at a neighbour.
    func root(at x: Double, near: Complex?) -> Complex?
    /// What is integrated over x, given the root: first the density, then what has the means ``expectedMoments``.
    func integrands(at x: Double, root: Complex) -> SIMD8<Double>
    /// The values of the first integrals, which are known, and the scale of each one's error.
    var expectedMoments: [(value: Double, scale: Double)] { get }
}

/// Why a spectral quantity could not be computed.
public enum SpectralError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The moments of a density do not agree with what they must be.
    case notResolved(String, residual: Double)

    public var description: String {
        switch self {
        case .notResolved(let what, let residual):
            "the spectral density of \(what) is not resolved: its moments are off by \(residual)"
        }
    }
}

extension SpectralCurve {
    /// The integrals of ``integrands(at:root:)``, with ever more nodes until the known moments are right to 1e-9; the others
    /// are then as good, relative to their own absolute integrals.
    ///
    /// - Throws: ``SpectralError`` when 2048 nodes a panel do not suffice.
    public func integrals() throws -> SIMD8<Double> {
        let panels = panels
        var residual = Double.infinity
        for rule in [SpectralRule.first, .second, .third, .fourth] {
            var sums = SIMD8<Double>()
            for panel in panels {
                let half = 0.5 * (panel.upperBound - panel.lowerBound)
                var last: Complex?
                for i in rule.fromLower.indices {
                    // From whichever end is nearer: close to an edge x - edge must keep its digits.
                    let x =
                        2 * i < rule.fromLower.count
                        ? panel.lowerBound + half * rule.fromLower[i]
                        : panel.upperBound - half * rule.fromLower[rule.fromLower.count - 1 - i]
                    guard let root = root(at: x, near: last) else { continue }
                    last = root
                    sums += half * rule.weights[i] * integrands(at: x, root: root)
                }
            }
            residual = expectedMoments.enumerated().map { abs(sums[$0] - $1.value) / $1.scale }.max() ?? 0
            if residual < 1e-9 { return sums }
        }
        throw SpectralError.notResolved("\(self)", residual: residual)
    }
}

/// Gauss-Legendre in an angle: square roots at both ends of a panel become analytic.
private struct SpectralRule: Sendable {
    /// Distances of the nodes from the lower end of [0, 2], and weights.
    let fromLower: [Double]
    let weights: [Double]

    static let first = SpectralRule(count: 96, isDense: false)
    static let second = SpectralRule(count: 256, isDense: true)
    static let third = SpectralRule(count: 768, isDense: true)
    static let fourth = SpectralRule(count: 2048, isDense: true)

    /// x = 1 - cos(theta); dense rules have theta = (pi/2)(1 - cos(phi)), for bulks about to merge, whose density
    /// is then like a cube root.
    init(count: Int, isDense: Bool) {
        let rule = GaussLegendre(count: count, from: 0, to: .pi)
        var (nodes, weights) = (rule.nodes, rule.weights)
        for i in nodes.indices {
            if isDense {
                weights[i] *= 0.5 * .pi * sin(nodes[i])
                let half = sin(0.5 * nodes[i])
                nodes[i] = .pi * half * half
            }
            weights[i] *= sin(nodes[i])
            let half = sin(0.5 * nodes[i])
            nodes[i] = 2 * half * half
        }
        fromLower = nodes
        self.weights = weights
    }
}

/// The bulks of a spectrum from the critical points of z(s), where s parametrises its curve.
struct SpectralBulks {
    /// The intervals of positive density.
    private(set) var bulks: [ClosedRange<Double>] = []
    /// Real parts of complex critical values near a bulk: the density almost has an edge there.
    private(set) var cuts: [Double] = []

    /// - Parameters:
    ///   - critical: all roots of z'(s) = 0.
    ///   - z: the map.
    ///   - edges: known edges besides.
    ///   - range: where eigenvalues can be.
    ///   - isInside: whether the density is positive at a point.
    init(
        critical: [Complex], z: (Complex) -> Complex, edges: [Double] = [], above lowest: Double = -.infinity,
        isInside: (Double) -> Bool
    ) {
        var candidates = edges
        for s in critical {
            let isReal = abs(s.imaginary) <= 1e-6 * s.magnitude
            let value = z(isReal ? Complex(s.real) : s)
            guard value.isFinite, value.real >= lowest else { continue }
            if isReal {
                candidates.append(value.real)
            } else if s.imaginary > 0, abs(value.imaginary) > 0 {
                cuts.append(value.real)
            }
        }
        candidates.sort()
        for (lower, upper) in zip(candidates, candidates.dropFirst())
        where upper - lower > 1e-14 * max(abs(lower), abs(upper)) && isInside(0.5 * (lower + upper)) {
            bulks.append(lower...upper)
        }
    }
}

/// Newton's method along a curve, from the root at a neighbouring point.
///
/// Returns a root with positive imaginary part, or nil when it does not come to one (near an edge it may not).
@inline(__always)
func trackedRoot(from start: Complex, _ ratio: (Complex) -> Complex) -> Complex? {
    var s = start
    var last = Double.infinity
    for _ in 0..<20 {
        let step = ratio(s)
        let size = step.squaredMagnitude
        guard size.isFinite else { return nil }
        let scale = s.squaredMagnitude
        // Converged, or at the bottom, where rounding is as large as the step.
        if size <= 1e-30 * scale || (size >= last && last < 1e-18 * scale) {
            return s.imaginary > 1e-9 * scale.squareRoot() ? s : nil
        }
        last = size
        s = s - step
    }
    return nil
}
