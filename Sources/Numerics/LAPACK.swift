import COpenBLAS

/// The few LAPACK routines that theory and margin problems need, on row-major arrays with rows of `n` elements.
///
/// Only the lower triangle of a symmetric matrix is read. As in ``BLAS`` sizes are not checked.
public enum LAPACK {
    /// The factor L of `a` = L L^T in the lower triangle of `a` (what lies above the diagonal stays). Returns nil, or
    /// the index of the first pivot that is not positive; `a` is then useless.
    public static func cholesky(_ n: Int, _ a: UnsafeMutablePointer<Double>, leading: Int) -> Int? {
        // The lower triangle by rows is the upper one by columns.
        var (size, lead, info) = (Int32(n), Int32(max(leading, 1)), Int32(0))
        dpotrf_("U", &size, a, &lead, &info)
        return info == 0 ? nil : Int(abs(info)) - 1
    }

    /// Chooses rows of the positive semidefinite `a` (destroyed) that are independent: those that Cholesky's factorisation
    /// with complete pivoting takes before all remaining pivots are at most `tolerance`. In the order taken.
    public static func independentRows(_ n: Int, _ a: inout [Double], tolerance: Double) -> [Int] {
        guard n > 0 else { return [] }
        var (size, rank, info, tol) = (Int32(n), Int32(0), Int32(0), tolerance)
        var pivots = Array(repeating: Int32(0), count: n)
        var work = Array(repeating: 0.0, count: 2 * n)
        var lead = size
        dpstrf_("U", &size, &a, &lead, &pivots, &rank, &tol, &work, &info)
        return pivots.prefix(Int(rank)).map { Int($0) - 1 }
    }

    /// The eigenvalues of the symmetric `a`, ascending, and row by row the unit eigenvectors when asked for.
    ///
    /// - Throws: ``LAPACKError`` when the iteration does not converge (as for numbers that are not finite).
    public static func symmetricEigen(
        _ n: Int, _ a: [Double], vectors wantsVectors: Bool = false
    ) throws -> (values: [Double], vectors: [Double]) {
        guard n > 0 else { return ([], []) }
        var matrix = a
        var values = Array(repeating: 0.0, count: n)
        guard a.allSatisfy(\.isFinite) else { throw LAPACKError.notConverged("symmetric eigenvalues") }
        let job = wantsVectors ? "V" : "N"
        var (size, lead, info) = (Int32(n), Int32(n), Int32(0))
        var (workSize, integerWorkSize) = (Int32(-1), Int32(-1))
        var (bestWork, bestIntegerWork) = ([0.0], [Int32(0)])
        dsyevd_(
            job, "U", &size, &matrix, &lead, &values, &bestWork, &workSize, &bestIntegerWork, &integerWorkSize, &info)
        workSize = Int32(bestWork[0])
        integerWorkSize = bestIntegerWork[0]
        var work = Array(repeating: 0.0, count: Int(workSize))
        var integerWork = Array(repeating: Int32(0), count: Int(integerWorkSize))
        dsyevd_(job, "U", &size, &matrix, &lead, &values, &work, &workSize, &integerWork, &integerWorkSize, &info)
        guard info == 0 else { throw LAPACKError.notConverged("symmetric eigenvalues") }
        return (values, wantsVectors ? matrix : [])
    }
}

/// What LAPACK reports.
public enum LAPACKError: Error, Sendable, Hashable, CustomStringConvertible {
    case notConverged(String)

    public var description: String {
        switch self {
        case .notConverged(let what): "\(what) did not converge; are the matrix elements finite?"
        }
    }
}
