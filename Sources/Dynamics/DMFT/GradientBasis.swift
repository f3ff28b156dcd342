import Numerics

/// A growing Cholesky factor of the gradients' covariance Cg, one column (time, student) after the other. A column whose
/// pivot is at most a small part of its variance is not new: it is a combination of those before, up to an error
/// of `tolerance` in its norm.
///
/// The factor serves twice. It makes the Gaussian noise u_t with covariance Cg from independent normals, where a column
/// that is not new needs no normal of its own; and it says which gradients need not be kept, since they are combinations
/// of others: after some ten steps of full-batch descent on a smooth loss nearly all of them, and Cg is singular to
/// rounding.
struct GradientBasis: Sendable, Resumable {
    /// Relative to the variance of the column; its square root is the relative error of what is dropped.
    private let tolerance: Double
    private let stride: Int
    /// The columns that are kept.
    private(set) var members: [Int] = []
    /// Columns seen.
    private(set) var count = 0
    /// The rows of ``factor`` that belong to members, a lower triangle.
    private var triangle: [Double]
    /// Row c: column c of the noise on the independent normals, one normal a member.
    private(set) var factor: [Double]
    /// Row c: gradient column c on the members.
    private(set) var coordinates: [Double]

    init(capacity: Int, tolerance: Double) {
        self.tolerance = tolerance
        stride = max(capacity, 1)
        factor = Array(repeating: 0, count: stride * stride)
        coordinates = factor
        triangle = factor
    }

    static func bytes(capacity: Int) -> Double { 24 * Double(capacity) * Double(capacity) }

    /// Numbers from one row to the next of ``factor`` and ``coordinates``.
    var leading: Int { stride }

    /// Adds the next column, from its covariances with all members and its variance. True when it is a member now.
    mutating func append(covariances: [Double], variance: Double) -> Bool {
        let m = members.count
        let row = count * stride
        defer { count += 1 }
        var projections = covariances
        BLAS.solveLower(.none, m, triangle, leading: stride, &projections)
        var pivot = variance
        for b in 0..<m {
            factor[row + b] = projections[b]
            pivot -= projections[b] * projections[b]
        }
        guard pivot > tolerance * variance else {
            BLAS.solveLower(.transposed, m, triangle, leading: stride, &projections)
            for b in 0..<m { coordinates[row + b] = projections[b] }
            return false
        }
        factor[row + m] = pivot.squareRoot()
        for b in 0...m { triangle[m * stride + b] = factor[row + b] }
        coordinates[row + m] = 1
        members.append(count)
        return true
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(resizing: &members)
        try archive.exchange(&count, in: 0...stride)
        try archive.exchange(&factor)
        try archive.exchange(&coordinates)
        try archive.exchange(&triangle)
        guard members.allSatisfy({ (0..<count).contains($0) }) else {
            throw StateArchiveError.invalid("a column of the gradients' basis does not exist")
        }
    }
}
