import COpenBLAS

/// The singular value decomposition of matrices of one size, with its own working memory: A = U diag(values) V^T, row-major.
public struct SingularValues: Sendable {
    /// Rows and columns of A; at most as many rows as columns.
    public let rows: Int
    public let columns: Int
    /// The singular values, largest first.
    public private(set) var values: [Double]
    /// Left singular vectors: column k of a `rows` x `rows` matrix.
    public private(set) var left: [Double]
    /// Right singular vectors: row k of a `rows` x `columns` matrix.
    public private(set) var right: [Double]
    private var matrix: [Double]
    private var work: [Double]
    private var integers: [Int32]

    /// - Precondition: 1 <= `rows` <= `columns`.
    public init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        values = Array(repeating: 0, count: rows)
        left = Array(repeating: 0, count: rows * rows)
        right = Array(repeating: 0, count: rows * columns)
        matrix = right
        integers = Array(repeating: 0, count: 8 * rows)
        work = [0]
        _ = call(workSize: -1)
        work = Array(repeating: 0, count: max(Int(work[0]), 1))
    }

    /// Decomposes `a` (`rows` x `columns`).
    ///
    /// - Throws: ``LAPACKError`` when it does not converge (as for numbers that are not finite).
    public mutating func decompose(_ a: UnsafePointer<Double>) throws {
        var isFinite = true
        for i in 0..<rows * columns {
            matrix[i] = a[i]
            isFinite = isFinite && a[i].isFinite
        }
        guard isFinite, call(workSize: Int32(work.count)) == 0 else {
            throw LAPACKError.notConverged("singular values")
        }
    }

    // A by rows is A^T by columns, whose left singular vectors are our right ones.
    private mutating func call(workSize: Int32) -> Int32 {
        var (m, n, lead, size, info) = (Int32(columns), Int32(rows), Int32(columns), workSize, Int32(0))
        dgesdd_("S", &m, &n, &matrix, &lead, &values, &right, &m, &left, &n, &work, &size, &integers, &info)
        return info
    }
}
