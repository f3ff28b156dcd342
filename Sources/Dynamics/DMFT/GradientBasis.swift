import Numerics
import Persistence

/// A growing basis of the gradients g_t over all copies, and with it the Cholesky factor of their covariance Cg, one column
/// (time, student) after the other.
///
/// A gradient that is a combination of those before, up to a small error, needs no basis vector; nor does the Gaussian
/// noise u_t, whose covariance is Cg too, need a normal of its own then. After some ten steps of full-batch descent on a
/// smooth loss nearly all gradients are of this kind, and Cg is singular to rounding: keeping to the basis makes the
/// factor stable without a ridge on its pivots, and the past short.
///
/// The basis is kept well conditioned: a gradient that is nearly a combination enters with its residual alone.
package struct GradientBasis: Sendable, Resumable {
    /// How the new gradient column is kept.
    package enum Place {
        /// As it is.
        case whole
        /// Less the combination of basis vectors with these coefficients; ``setPivot(_:)`` must follow.
        case residual([Double])
        /// Not at all.
        case dropped
    }

    /// Residuals with less than this part of the column's variance are dropped; the root is the relative error.
    private let tolerance: Double
    /// Columns whose residual has more than this part of their variance enter whole.
    private static let whole = 0.01
    private let stride: Int
    /// Basis vectors.
    package private(set) var size = 0
    /// Columns seen.
    private(set) var count = 0
    /// The lower triangular factor of the basis vectors' covariance.
    private var triangle: [Double]
    /// Row c: column c of the noise on the independent normals, one normal a basis vector: the factor of Cg.
    package private(set) var factor: [Double]
    /// Row c: gradient column c on the basis vectors.
    package private(set) var coordinates: [Double]

    package init(capacity: Int, tolerance: Double) {
        self.tolerance = tolerance
        stride = max(capacity, 1)
        triangle = Array(repeating: 0, count: stride * stride)
        factor = triangle
        coordinates = triangle
    }

    static func bytes(capacity: Int) -> Double { 24 * Double(capacity) * Double(capacity) }

    /// Numbers from one row to the next of ``factor`` and ``coordinates``.
    package var leading: Int { stride }

    /// Adds the next column, from its covariances with all basis vectors and its variance.
    package mutating func append(covariances: [Double], variance: Double) -> Place {
        let row = count * stride
        count += 1
        var projections = covariances
        BLAS.solveLower(.none, size, triangle, leading: stride, &projections)
        var pivot = variance
        for b in 0..<size {
            factor[row + b] = projections[b]
            pivot -= projections[b] * projections[b]
        }
        if pivot > Self.whole * variance {
            for b in 0..<size { triangle[size * stride + b] = projections[b] }
            coordinates[row + size] = 1
            size += 1
            setPivot(pivot)
            return .whole
        }
        BLAS.solveLower(.transposed, size, triangle, leading: stride, &projections)
        for b in 0..<size { coordinates[row + b] = projections[b] }
        guard pivot > tolerance * variance else { return .dropped }
        coordinates[row + size] = 1
        size += 1
        return .residual(projections)
    }

    /// Corrects the last column's coordinates, where rounding has left its residual not quite orthogonal: from the residual's
    /// covariances with the basis vectors before it, the combination that is still to be taken off.
    package mutating func correct(covariances: [Double]) -> [Double] {
        var combination = covariances
        BLAS.solveLower(.none, size - 1, triangle, leading: stride, &combination)
        BLAS.solveLower(.transposed, size - 1, triangle, leading: stride, &combination)
        for (b, value) in combination.enumerated() { coordinates[(count - 1) * stride + b] += value }
        return combination
    }

    /// The variance of the new basis vector's part off all others: for a residual, as measured.
    package mutating func setPivot(_ variance: Double) {
        let last = size - 1
        triangle[last * stride + last] = variance.squareRoot()
        factor[(count - 1) * stride + last] = variance.squareRoot()
    }

    /// The covariance of the last column with column `earlier`.
    package func covariance(with earlier: Int) -> Double {
        factor.withUnsafeBufferPointer { factor in
            guard let factor = factor.baseAddress else { return 0 }
            return BLAS.dot(size, factor + (count - 1) * stride, factor + earlier * stride)
        }
    }

    package mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&size, in: 0...stride)
        try archive.exchange(&count, in: 0...stride)
        try archive.exchange(&triangle)
        try archive.exchange(&factor)
        try archive.exchange(&coordinates)
    }
}
