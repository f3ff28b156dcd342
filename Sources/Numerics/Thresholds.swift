/// The largest eigenvalue of a positive linear map on symmetric matrices, with its eigenvector, a positive semidefinite
/// matrix of trace 1.
public struct TopEigenmatrix: Sendable {
    public let eigenvalue: Double
    /// (p, p), row-major. Where the eigenvalue is degenerate, one of its eigenvectors; NaN when the eigenvalue is 0.
    public let matrix: [Double]
    public let iterations: Int
    /// The largest element of |F(X) - lambda X|.
    public let residual: Double

    /// By power iteration on positive semidefinite matrices.
    ///
    /// A map that takes positive semidefinite matrices to such has its spectral radius among its eigenvalues, with a
    /// positive semidefinite eigenvector. Other eigenvalues can have the same absolute value (X -> s X s with a Pauli matrix s
    /// has -1 too), so the iteration is of F + lambda; an error in a direction of eigenvalue mu shrinks by
    /// (mu + lambda)/(2 lambda) a step. The start is the identity plus a fixed small matrix without symmetries.
    ///
    /// - Throws: ``ThresholdError/notConverged(iterations:residual:)``, and ``ThresholdError/notFinite(at:)`` when the map is.
    public static func byPowerIteration(
        size p: Int, tolerance: Double = 1e-12, maximumIterations: Int = 100_000, _ map: ([Double]) throws -> [Double]
    ) throws -> TopEigenmatrix {
        // v v^T with components that no permutation or change of signs leaves alone.
        let v = (0..<p).map { (i: Int) -> Double in 1 + 0.37 * Double(i) - 0.05 * Double(i * i) }
        var x = SmallMatrix.diagonal(p, 1)
        for i in 0..<p {
            for j in 0..<p { x[i * p + j] += 0.01 * v[i] * v[j] }
        }
        func trace(_ a: [Double]) -> Double { (0..<p).reduce(0) { $0 + a[$1 * p + $1] } }
        let start = trace(x)
        x = x.map { $0 / start }
        var residual = Double.infinity
        for iteration in 1...max(maximumIterations, 1) {
            let image = try map(x)
            let lambda = trace(image)
            guard image.count == p * p, image.allSatisfy(\.isFinite) else { throw ThresholdError.notFinite(at: lambda) }
            residual = zip(image, x).reduce(0) { max($0, abs($1.0 - lambda * $1.1)) }
            if lambda <= 0 || residual <= tolerance * lambda {
                let matrix = lambda > 0 ? x : Array(repeating: .nan, count: p * p)
                return TopEigenmatrix(
                    eigenvalue: max(lambda, 0), matrix: matrix, iterations: iteration,
                    residual: lambda > 0 ? residual : 0)
            }
            let shifted = zip(image, x).map { $0 + lambda * $1 }
            let scale = trace(shifted)
            x = shifted.map { $0 / scale }
        }
        throw ThresholdError.notConverged(iterations: maximumIterations, residual: residual)
    }

    /// All eigenvalues, ascending, of a self-adjoint map (<Y, F(X)> = <F(Y), X> in the trace inner product, as for
    /// X -> E[G X G^T] + transpose), from its matrix of p(p+1)/2 rows.
    ///
    /// - Throws: ``ThresholdError/notSelfAdjoint(difference:)``, or ``LAPACKError``.
    public static func spectrum(size p: Int, _ map: ([Double]) throws -> [Double]) throws -> [Double] {
        let pairs = (0..<p).flatMap { i in (0...i).map { (i, $0) } }
        let root = 0.5.squareRoot()
        var matrix = Array(repeating: 0.0, count: pairs.count * pairs.count)
        for (column, (i, j)) in pairs.enumerated() {
            // The orthonormal basis: e_i e_i^T, (e_i e_j^T + e_j e_i^T)/sqrt 2.
            var basis = Array(repeating: 0.0, count: p * p)
            basis[i * p + j] = i == j ? 1 : root
            basis[j * p + i] = i == j ? 1 : root
            let image = try map(basis)
            for (row, (a, b)) in pairs.enumerated() {
                matrix[row * pairs.count + column] =
                    a == b ? image[a * p + a] : root * (image[a * p + b] + image[b * p + a])
            }
        }
        let scale = matrix.map(abs).max() ?? 0
        let transposed = SmallMatrix.transpose(matrix, pairs.count, pairs.count)
        let difference = zip(matrix, transposed).reduce(0) { max($0, abs($1.0 - $1.1)) }
        guard difference <= 1e-8 * scale else { throw ThresholdError.notSelfAdjoint(difference: difference) }
        return try LAPACK.symmetricEigen(pairs.count, matrix).values
    }
}

/// Where a property that holds above a threshold and not below begins, to within `tolerance`: the middle of the last
/// interval. For "a small overlap grows", say, which has a sign and no useful size.
///
/// - Throws: ``ThresholdError/notBracketed(lower:upper:holds:)`` when it holds at `lower` or not at `upper`, and what
///   `holds` throws.
public func bisectThreshold(
    from lower: Double, to upper: Double, tolerance: Double, _ holds: (Double) throws -> Bool
) throws -> Double {
    guard lower < upper, upper - lower < .infinity else { throw ThresholdError.notFinite(at: upper - lower) }
    var (low, high) = (lower, upper)
    if try holds(lower) { throw ThresholdError.notBracketed(lower: lower, upper: upper, holds: true) }
    guard try holds(upper) else { throw ThresholdError.notBracketed(lower: lower, upper: upper, holds: false) }
    while high - low > max(tolerance, 4 * Double.ulpOfOne * max(abs(low), abs(high))) {
        let middle = low + 0.5 * (high - low)
        if try holds(middle) { high = middle } else { low = middle }
    }
    return low + 0.5 * (high - low)
}

/// Why a threshold was not found.
public enum ThresholdError: Error, Sendable, Hashable, CustomStringConvertible {
    case notConverged(iterations: Int, residual: Double)
    case notFinite(at: Double)
    case notSelfAdjoint(difference: Double)
    /// The property is the same at both ends.
    case notBracketed(lower: Double, upper: Double, holds: Bool)

    public var description: String {
        switch self {
        case .notConverged(let iterations, let residual):
            "the top eigenvalue did not converge in \(iterations) iterations (residual \(residual))"
        case .notFinite(let value): "a number is not finite, or the interval is empty (\(value))"
        case .notSelfAdjoint(let difference):
            "the map is not self-adjoint (elements differ by \(difference)); its spectrum is not that of a symmetric matrix"
        case .notBracketed(let lower, let upper, let holds):
            "no threshold between \(lower) and \(upper): at both ends what is looked for "
                + (holds ? "holds; begin lower" : "does not hold; end higher")
        }
    }
}
