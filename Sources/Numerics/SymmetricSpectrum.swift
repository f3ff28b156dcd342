import Foundation

/// A matrix S = W^T W/m of standard normal W, m x d, m = kappa d, d to infinity: the prior of extensive-width quadratic
/// networks. tr S/d is 1 and tr S^2/d is 1 + 1/kappa.
public struct WishartPrior: DenoisingPrior {
    /// m/d > 0.
    public let kappa: Double

    /// - Precondition: `kappa` is positive and finite.
    public init(kappa: Double) { self.kappa = kappa }

    /// The limit of mmse(t)/t at t = 0, degrees of freedom over d^2/2: 2 kappa - kappa^2 for kappa < 1, else 1.
    public var initialSlope: Double { kappa < 1 ? kappa * (2 - kappa) : 1 }

    /// |S_hat - S|_F^2/d of the best estimate from Y = S + sqrt(t) G, G_ij of variance 1/d off the diagonal and 2/d on it
    /// (arXiv 2408.03733): within 1e-9 of its size 1/kappa.
    public func mmse(_ t: Double) throws -> Double {
        guard t > Self.smallestNoise else { return initialSlope * t }
        return try SymmetricSpectrum(self, noise: t).mmse()
    }
}

/// The eigenvalues of Y = S + sqrt(t) G with ``WishartPrior`` S and Gaussian symmetric G, in the limit.
///
/// Its spectral curve is x = 1/g + t g + kappa/(kappa - g) with g the mean of 1/(x - eigenvalue).
public struct SymmetricSpectrum: SpectralCurve {
    public let prior: WishartPrior
    /// The variance t of the noise, positive.
    public let noise: Double
    private let kappa: Double

    public init(_ prior: WishartPrior, noise: Double) {
        self.prior = prior
        self.noise = noise
        kappa = prior.kappa
    }

    // MARK: The curve

    private func x(_ g: Complex) -> Complex { 1 / g + noise * g + kappa / (kappa - g) }

    /// One Newton step of (kappa - g)(1 + t g^2 - x g) + kappa g = 0.
    @inline(__always)
    private func newton(_ g: Complex, _ x: Double) -> Complex {
        let rest = kappa - g
        let inner = 1 + noise * (g * g) - x * g
        return (rest * inner + kappa * g) / (rest * (2 * noise * g - x) - inner + kappa)
    }

    private func roots(at x: Complex) -> [Complex] {
        PolynomialRoots.roots([
            Complex(-kappa), kappa * x + (1 - kappa), Complex(-kappa * noise) - x, Complex(noise),
        ])
    }

    public func root(at x: Double, near: Complex?) -> Complex? {
        if let near, let g = trackedRoot(from: near, { newton($0, x) }) { return g }
        let best = roots(at: Complex(x)).max { $0.imaginary / $0.magnitude < $1.imaginary / $1.magnitude }
        guard let best, best.imaginary > 1e-7 * best.magnitude else { return nil }
        return trackedRoot(from: best) { newton($0, x) } ?? best
    }

    // MARK: The density

    /// The intervals of positive density, one or two.
    public var bulks: [ClosedRange<Double>] { edges.bulks }

    private var edges: SpectralBulks {
        // x'(g) = 0: kappa g^2 + (t g^2 - 1)(kappa - g)^2 = 0.
        let (k, t) = (kappa, noise)
        let critical = PolynomialRoots.roots([-k * k, 2 * k, k + t * k * k - 1, -2 * t * k, t])
        return SpectralBulks(critical: critical, z: x, isInside: { root(at: $0, near: nil) != nil })
    }

    /// The density of eigenvalues at `x`, of mass 1.
    public func density(at x: Double) -> Double { (root(at: x, near: nil)?.imaginary ?? 0) / .pi }

    // MARK: Integrals

    public var panels: [ClosedRange<Double>] {
        let edges = edges
        return edges.bulks.flatMap { bulk -> [ClosedRange<Double>] in
            let points = [bulk.lowerBound] + edges.cuts.filter { bulk.contains($0) }.sorted() + [bulk.upperBound]
            return zip(points, points.dropFirst()).map { $0...$1 }
        }
    }

    public func integrands(at x: Double, root g: Complex) -> SIMD8<Double> {
        let f = g.imaginary / .pi
        let rest = (kappa - g).squaredMagnitude
        // xi - 1 = (kappa^2 - |kappa - g|^2)/|kappa - g|^2, small for much noise.
        let excess = (2 * kappa * g.real - g.squaredMagnitude) / rest
        return SIMD8(f, x * f, x * x * f, f * f * f, excess * excess * f, 0, 0, 0)
    }

    public var expectedMoments: [(value: Double, scale: Double)] {
        let second = 1 + 1 / kappa + noise
        return [(1, 1), (1, second.squareRoot()), (second, second)]
    }

    /// The integral of the cubed density over the bulks.
    public func cubeIntegral() throws -> Double { try integrals()[3] }

    /// |S_hat - S|_F^2/d of the best estimate.
    ///
    /// For noise below 1/kappa by t - (4 pi^2/3) t^2 J, whose value is of the order of t; else by 1/kappa less the variance
    /// of the estimate's eigenvalues, which has no cancellation however large t is.
    func mmse() throws -> Double {
        let sums = try integrals()
        guard noise * kappa < 1 else { return 1 / kappa - sums[4] }
        return noise * (1 - 4 * .pi * .pi / 3 * noise * sums[3])
    }

    /// The optimal estimate's eigenvalue for the eigenvalue `x` of Y: x - 2 t Re g, in a bulk kappa^2/|kappa - g|^2. A finite
    /// matrix has some eigenvalues a little outside; there it is the continuation along the physical branch.
    public func denoised(_ x: Double) -> Double {
        if let g = root(at: x, near: nil) { return kappa * kappa / (kappa - g).squaredMagnitude }
        let physical = roots(at: Complex(x, -1e-7 * max(1, abs(x)))).max { $0.imaginary < $1.imaginary }
        return physical.map { x - 2 * noise * $0.real } ?? .nan
    }
}
