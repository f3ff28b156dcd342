import Foundation

/// The Cholesky factor L of a principal submatrix of a fixed symmetric matrix that grows and shrinks by single rows, for
/// active-set methods: O(p^2) a change for p chosen rows.
struct UpdatedCholesky {
    /// The chosen rows of the full matrix, in the order of the factor.
    private(set) var members: [Int] = []
    private let stride: Int
    /// Row-major lower triangle; only the first `members.count` rows are meaningful.
    private var factor: [Double]

    /// Room for submatrices of at most `capacity` rows.
    init(capacity: Int) {
        stride = max(capacity, 1)
        factor = Array(repeating: 0, count: stride * stride)
    }

    /// Starts over with `members` of `matrix` (`count` x `count`). Returns false (and is empty) unless all pivots are
    /// above `tolerance` of their diagonal elements.
    mutating func factorise(_ matrix: [Double], count: Int, members chosen: [Int], tolerance: Double) -> Bool {
        members = []
        for (i, row) in chosen.enumerated() {
            for (j, column) in chosen[...i].enumerated() { factor[i * stride + j] = matrix[row * count + column] }
        }
        guard LAPACK.cholesky(chosen.count, &factor, leading: stride) == nil else { return false }
        for (i, row) in chosen.enumerated() {
            let pivot = factor[i * stride + i]
            guard pivot * pivot > tolerance * matrix[row * count + row] else { return false }
        }
        members = chosen
        return true
    }

    /// Adds row `row` of `matrix`. Returns false, and changes nothing, when its new pivot is at most `tolerance` of its
    /// diagonal element, that is when the row depends on those there.
    mutating func append(_ row: Int, of matrix: [Double], count: Int, tolerance: Double) -> Bool {
        let p = members.count
        guard p < stride else { return false }
        let at = p * stride
        for (j, member) in members.enumerated() { factor[at + j] = matrix[row * count + member] }
        let diagonal = matrix[row * count + row]
        let pivot = factor.withUnsafeMutableBufferPointer { factor -> Double in
            guard let base = factor.baseAddress else { return 0 }
            BLAS.solveLower(.none, p, base, leading: stride, base + at)
            return diagonal - BLAS.dot(p, base + at, base + at)
        }
        guard pivot > tolerance * diagonal else { return false }
        factor[at + p] = pivot.squareRoot()
        members.append(row)
        return true
    }

    /// Takes out the member at `position`.
    mutating func remove(at position: Int) {
        let p = members.count
        members.remove(at: position)
        let stride = self.stride
        factor.withUnsafeMutableBufferPointer { factor in
            guard let base = factor.baseAddress else { return }
            for i in position..<(p - 1) {
                (base + i * stride).update(from: base + (i + 1) * stride, count: i + 2)
            }
            // Each of the rows that moved up has one element above the diagonal; rotations of columns i and i + 1 remove it.
            for i in position..<(p - 1) {
                let (x, y) = (base[i * stride + i], base[i * stride + i + 1])
                let r = (x * x + y * y).squareRoot()
                guard r > 0 else { continue }
                let at = base + i * stride + i
                BLAS.rotate(p - 1 - i, at, strideX: stride, at + 1, strideY: stride, c: x / r, s: y / r)
            }
        }
    }

    /// The solution of L L^T x = `x`.
    func solve(_ x: inout [Double]) {
        let p = members.count
        guard p > 0 else { return }
        factor.withUnsafeBufferPointer { factor in
            guard let base = factor.baseAddress else { return }
            BLAS.solveLower(.none, p, base, leading: stride, &x)
            BLAS.solveLower(.transposed, p, base, leading: stride, &x)
        }
    }
}
