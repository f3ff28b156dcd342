/// The best rotationally invariant estimate of S from Y = S + sqrt(t) Z, for ``RectangularPrior`` S of a given size.
public struct RectangularDenoiser: Sendable {
    /// The prior, with the ratios of the given sizes.
    public let prior: RectangularPrior
    private var decomposition: SingularValues

    /// - Precondition: 1 <= `rows` <= `columns`, `rank` >= 1.
    public init(rows: Int, columns: Int, rank: Int) {
        prior = RectangularPrior(beta: Double(columns) / Double(rows), rho: Double(rank) / Double(rows))
        decomposition = SingularValues(rows: rows, columns: columns)
    }

    /// Writes the estimate from `noisy` (`rows` x `columns`, row-major) with noise variance `t` to `estimate`, which may be
    /// the same memory.
    ///
    /// - Throws: ``LAPACKError`` for numbers that are not finite, ``SpectralError`` when a singular value lies where the
    ///   spectrum has no branch.
    public mutating func denoise(
        _ noisy: UnsafePointer<Double>, noise t: Double, into estimate: UnsafeMutablePointer<Double>
    ) throws {
        let (m, M) = (decomposition.rows, decomposition.columns)
        try decomposition.decompose(noisy)
        let spectrum = RectangularSpectrum(prior, noise: t)
        // U diag(xi): rows of U have one element for each singular value.
        var scaled = decomposition.left
        var root: Complex?
        for k in 0..<m {
            let sigma = decomposition.values[k]
            let shrinkage = spectrum.shrinkage(lambda: sigma * sigma / Double(M), near: &root)
            guard sigma == 0 || shrinkage.isFinite else {
                throw SpectralError.notResolved("\(spectrum) at singular value \(sigma)", residual: .nan)
            }
            let xi = sigma == 0 ? 0 : sigma * shrinkage
            for i in 0..<m { scaled[i * m + k] *= xi }
        }
        BLAS.gemm(
            m: m, n: M, k: m, scaled, leadingA: m, decomposition.right, leadingB: M, estimate, leadingC: M)
    }
}

/// The best rotationally invariant estimate of S from Y = S + sqrt(t) G, for ``WishartPrior`` S of a given size.
public struct SymmetricDenoiser: Sendable {
    /// What becomes of eigenvalues beyond the ends of the spectrum, of which a large matrix with Gaussian noise has none.
    public enum Outliers: String, Sendable, Hashable, CaseIterable {
        /// They are denoised as an eigenvalue at the end: the estimate is bounded whatever the noise is.
        case edge
        /// They are denoised along the continuation of the spectrum's curve, far outside as if they had no noise.
        case branch
    }

    public let prior: WishartPrior
    public let dimension: Int
    public let outliers: Outliers

    /// - Precondition: `dimension` >= 1, `width` >= 1 (rows of W).
    public init(dimension: Int, width: Int, outliers: Outliers = .branch) {
        self.dimension = dimension
        self.outliers = outliers
        prior = WishartPrior(kappa: Double(width) / Double(dimension))
    }

    /// The estimate from the symmetric `noisy` (d x d, lower triangle read) with noise variance `t`.
    ///
    /// - Throws: ``LAPACKError`` for numbers that are not finite, ``SpectralError`` when an eigenvalue lies where the spectrum
    ///   has no branch.
    public func denoise(_ noisy: [Double], noise t: Double) throws -> [Double] {
        let d = dimension
        let (values, vectors) = try LAPACK.symmetricEigen(d, noisy, vectors: true)
        let spectrum = SymmetricSpectrum(prior, noise: t)
        var scaled = vectors
        var (lowest, highest) = (-Double.infinity, Double.infinity)
        if outliers == .edge, let first = spectrum.bulks.first, let last = spectrum.bulks.last {
            // Just inside, where the curve has its pair of roots.
            let margin = 1e-9 * (last.upperBound - first.lowerBound)
            (lowest, highest) = (first.lowerBound + margin, last.upperBound - margin)
        }
        for k in 0..<d {
            let xi = spectrum.denoised(min(max(values[k], lowest), highest))
            guard xi.isFinite else {
                throw SpectralError.notResolved("\(spectrum) at eigenvalue \(values[k])", residual: .nan)
            }
            for i in 0..<d { scaled[k * d + i] *= xi }
        }
        var estimate = Array(repeating: 0.0, count: d * d)
        BLAS.gemm(
            .transposed, .none, m: d, n: d, k: d, vectors, leadingA: d, scaled, leadingB: d, &estimate, leadingC: d)
        return estimate
    }
}
