import Foundation

/// A matrix S = U V/sqrt(r) of standard normal factors, m x r and r x M, m <= M to infinity at fixed ratios: the prior of
/// denoising and of bilinear regression. Its entries have variance 1.
public struct RectangularPrior: DenoisingPrior {
    /// M/m >= 1.
    public let beta: Double
    /// r/m > 0.
    public let rho: Double

    /// - Precondition: `beta` >= 1 and `rho` > 0, both finite.
    public init(beta: Double, rho: Double) {
        self.beta = beta
        self.rho = rho
    }

    /// The limit of mmse(t)/t at t = 0: degrees of freedom over entries, r (m + M - r)/(m M) for r < m, else 1.
    public var initialSlope: Double { rho < 1 ? rho * (1 + beta - rho) / beta : 1 }

    /// The error per entry of the best estimate of S from Y = S + sqrt(t) Z (arXiv 2410.18858; Troiani et al.,
    /// arXiv 2203.07752): within 1e-9, and for t above 1 within 1e-11.
    public func mmse(_ t: Double) throws -> Double {
        // There mmse(t)/t differs from its limit by at most 0.5 sqrt(t), relatively.
        guard t > Self.smallestNoise else { return initialSlope * t }
        return try RectangularSpectrum(self, noise: t).mmse()
    }
}

/// The eigenvalues of Y Y^T/M for Y = S + sqrt(t) Z with ``RectangularPrior`` S and standard normal Z, in the limit.
///
/// Its spectral curve is rational in s, the Stieltjes transform of U U^T/r at -(1/nu + t), with nu the companion transform
/// of Y Y^T/M: with P = 1 + (1/rho - 1 - t) s - t s^2/rho and Q = 1 + s/rho, 1/nu = a = P/(s Q) and
/// lambda = -(1-c) a - c s a^2, c = 1/beta.
public struct RectangularSpectrum: SpectralCurve {
    public let prior: RectangularPrior
    /// The variance t of the noise, positive.
    public let noise: Double
    private let c: Double
    private let r: Double

    public init(_ prior: RectangularPrior, noise: Double) {
        self.prior = prior
        self.noise = noise
        c = 1 / prior.beta
        r = 1 / prior.rho
    }

    // MARK: The curve

    private func P(_ s: Complex) -> Complex { 1 + (r - 1) * s - noise * (s * Q(s)) }
    private func Q(_ s: Complex) -> Complex { 1 + r * s }

    private func lambda(_ s: Complex) -> Complex {
        let a = P(s) / (s * Q(s))
        return (c - 1) * a - c * (s * a * a)
    }

    /// P (c P + (1-c) Q) and s Q^2: lambda is a point of the curve when first + lambda second vanishes.
    private var polynomials: (first: [Double], second: [Double]) {
        let P = [1, r - 1 - noise, -noise * r]
        let Q = [1, r, 0]
        return (
            PolynomialRoots.product(P, zip(P, Q).map { c * $0 + (1 - c) * $1 }), [0, 1, 2 * r, r * r, 0]
        )
    }

    /// One Newton step of the quartic at s, in factors so that small roots of large coefficients keep their digits.
    @inline(__always)
    private func newton(_ s: Complex, _ lambda: Double) -> Complex {
        let (P, Q) = (P(s), Q(s))
        let dP = Complex(r - 1 - noise) - (2 * noise * r) * s
        let mixed = c * P + (1 - c) * Q
        let value = P * mixed + lambda * (s * Q * Q)
        let slope = dP * mixed + P * (c * dP + (1 - c) * r) + lambda * (Q * Q + (2 * r) * (s * Q))
        return value / slope
    }

    /// All four roots at a complex lambda.
    private func roots(at lambda: Complex) -> [Complex] {
        let (first, second) = polynomials
        return PolynomialRoots.roots(zip(first, second).map { $0 + $1 * lambda })
    }

    /// The root s with positive imaginary part at the eigenvalue `lambda`, nil outside of the bulks.
    public func root(lambda: Double, near: Complex? = nil) -> Complex? {
        if let near, let s = trackedRoot(from: near, { newton($0, lambda) }) { return s }
        let best = roots(at: Complex(lambda)).max { $0.imaginary / $0.magnitude < $1.imaginary / $1.magnitude }
        guard let best, best.imaginary > 1e-7 * best.magnitude else { return nil }
        return trackedRoot(from: best) { newton($0, lambda) } ?? best
    }

    // MARK: The density

    /// The intervals of positive density, one or two.
    public var bulks: [ClosedRange<Double>] { edges.bulks }

    private var edges: SpectralBulks {
        // With N = -P (c P + (1-c) Q): lambda' = 0 where N' s Q = N (Q + 2 s/rho). For c = 1, a factor P (lambda = 0) is left
        // out: 2 P' s Q = P (Q + 2 s/rho), and 0 is an edge.
        let isSquare = c == 1
        let N = isSquare ? [1, r - 1 - noise, -noise * r] : polynomials.first
        let slope = (1..<N.count).map { (isSquare ? 2 : 1) * Double($0) * N[$0] }
        let left = PolynomialRoots.product(slope, [0, 1, r])
        let right = PolynomialRoots.product(N, [1, 3 * r])
        return SpectralBulks(
            critical: PolynomialRoots.roots(zip(left, right).map { $0 - $1 }), z: lambda,
            edges: isSquare ? [0] : [], above: 0, isInside: { root(lambda: $0) != nil })
    }

    /// The density of eigenvalues at `lambda`, of mass 1.
    public func density(lambda: Double) -> Double {
        guard lambda > 0, let s = root(lambda: lambda) else { return 0 }
        return density(root: s)
    }

    private func density(root s: Complex) -> Double { max((s * Q(s) / P(s)).imaginary, 0) * prior.beta / .pi }

    // MARK: Integrals, over the singular value x = sqrt(lambda)

    /// For beta = 1 both signs of x, each with half of the mass: the density of +sigma and -sigma is smooth at 0.
    public var panels: [ClosedRange<Double>] {
        let edges = edges
        return edges.bulks.flatMap { bulk -> [ClosedRange<Double>] in
            let (lower, upper) = (bulk.lowerBound.squareRoot(), bulk.upperBound.squareRoot())
            var points = edges.cuts.filter { bulk.contains($0) }.map { $0.squareRoot() } + [upper]
            if lower > 0 {
                points.append(lower)
                // The mirror edge at -lower may be near.
                var next = lower * 30
                while next < 0.5 * upper {
                    points.append(next)
                    next *= 30
                }
            }
            points.sort()
            let panels = zip(points, points.dropFirst()).map { $0...$1 }
            guard prior.beta == 1 else { return panels }
            let mirrored = panels.map { -$0.upperBound ... -$0.lowerBound }
            return mirrored + (lower > 0 ? [] : [-points[0]...points[0]]) + panels
        }
    }

    public func root(at x: Double, near: Complex?) -> Complex? { root(lambda: x * x, near: near) }

    public func integrands(at x: Double, root s: Complex) -> SIMD8<Double> {
        let lambda = x * x
        let f = density(root: s)
        let shrinkage = 1 / (1 + noise * Q(s).squaredMagnitude)
        return (prior.beta == 1 ? 1 : 2) * abs(x)
            * SIMD8(f, lambda * f, lambda * f * f * f, lambda * f * shrinkage * shrinkage, 0, 0, 0, 0)
    }

    public var expectedMoments: [(value: Double, scale: Double)] { [(1, 1), (1 + noise, 1 + noise)] }

    /// The integral of lambda f^3 over the bulks.
    public func cubeIntegral() throws -> Double { try integrals()[2] }

    /// The error per entry of the best estimate of S.
    ///
    /// For noise below 1 by t - (1-c) t^2 w - (4 pi^2/3) c^2 t^2 J, whose value is of the order of t; else by
    /// 1 - (mean square of the estimate), which has no cancellation however large t is.
    func mmse() throws -> Double {
        let t = noise
        let sums = try integrals()
        guard t < 1 else { return 1 - sums[3] }
        return t * (1 - (1 - c) * t * transformAtNoise - 4 * .pi * .pi / 3 * c * c * t * sums[2])
    }

    /// w, the Stieltjes transform of the Marchenko-Pastur law of U U^T/r at -t: (t/rho) w^2 + (1 + t - 1/rho) w = 1.
    private var transformAtNoise: Double {
        RectangularPrior.transform(rho: prior.rho, at: noise)
    }

    /// The optimal factor of a singular value: the estimate has xi(sigma) = shrinkage sigma at sigma^2 = lambda.
    ///
    /// In a bulk it is 1/(1 + t |Q(s)|^2), which lies between 0 and 1. A finite matrix has some singular values a little
    /// outside; there it is 1 + t ((1-c)/lambda + 2 Re nu), the continuation along the physical branch.
    public func shrinkage(lambda: Double) -> Double {
        var near: Complex?
        return shrinkage(lambda: lambda, near: &near)
    }

    /// The same, from the root at a neighbouring eigenvalue, ten times faster; `near` becomes the root at this one.
    func shrinkage(lambda: Double, near: inout Complex?) -> Double {
        if let s = root(lambda: lambda, near: near) {
            near = s
            return 1 / (1 + noise * Q(s).squaredMagnitude)
        }
        let point = lambda * Complex(1, 1e-7)
        var nu: Complex?
        for s in roots(at: point) where s.imaginary > 0 {
            let own = s * Q(s) / P(s)
            let transform = prior.beta * own + (prior.beta - 1) / point
            if own.imaginary > 0, transform.imaginary > 0 { nu = own }
        }
        guard let nu else { return .nan }
        return 1 + noise * ((1 - c) / lambda + 2 * nu.real)
    }
}

extension RectangularPrior {
    /// The positive root w of (t/rho) w^2 + (1 + t - 1/rho) w = 1: the mean of 1/(x + t) over the Marchenko-Pastur law of
    /// U U^T/r, without cancellation.
    public static func transform(rho: Double, at t: Double) -> Double {
        let B = 1 + t - 1 / rho
        let root = (B * B + 4 * t / rho).squareRoot()
        return B > 0 ? 2 / (B + root) : (root - B) * rho / (2 * t)
    }
}
