import Numerics

extension SmallMatrix {
    /// I - a.
    package static func complement(_ a: [Double], _ p: Int) -> [Double] { zip(diagonal(p, 1), a).map { $0 - $1 } }

    /// (a + a^T)/2.
    static func symmetrised(_ a: [Double], _ p: Int) -> [Double] {
        (0..<p * p).map { 0.5 * (a[$0] + a[$0 % p * p + $0 / p]) }
    }
}

/// What is not a covariance matrix: the algorithm has left its range.
struct NotPositive: Error, CustomStringConvertible {
    let description: String

    init(_ name: String, _ matrix: [Double]) { description = "\(name) = \(matrix) is not positive definite" }
}

/// The inverse of a positive definite matrix.
///
/// - Throws: ``NotPositive`` with its `name`.
func positiveInverse(_ name: String, _ a: [Double], _ p: Int) throws -> [Double] {
    guard let factor = SmallMatrix.cholesky(a, p, tolerance: 0, allowsZero: false) else { throw NotPositive(name, a) }
    return SmallMatrix.inverse(factor: factor, p)
}
