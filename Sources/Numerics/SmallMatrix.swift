import Foundation

/// Dense matrices of a few rows, row-major in arrays: Gram matrices of weight columns and the like. For large ones there
/// are ``BLAS`` and ``LAPACK``.
public enum SmallMatrix {
    /// a b, `a` of `rows` x `inner` and `b` of `inner` x `columns`.
    public static func product(_ a: [Double], _ b: [Double], _ rows: Int, _ inner: Int, _ columns: Int) -> [Double] {
        var result = Array(repeating: 0.0, count: rows * columns)
        for i in 0..<rows {
            for l in 0..<inner {
                for j in 0..<columns { result[i * columns + j] += a[i * inner + l] * b[l * columns + j] }
            }
        }
        return result
    }

    /// The transpose of `a`, which has `rows` x `columns`.
    public static func transpose(_ a: [Double], _ rows: Int, _ columns: Int) -> [Double] {
        (0..<rows * columns).map { a[$0 % rows * columns + $0 / rows] }
    }

    /// `value` times the identity of `n` rows.
    public static func diagonal(_ n: Int, _ value: Double) -> [Double] {
        (0..<n * n).map { $0 / n == $0 % n ? value : 0 }
    }

    /// Whether all elements are finite and `a` (`n` x `n`) equals its transpose to 1e-12 of its largest element.
    public static func isSymmetric(_ a: [Double], _ n: Int) -> Bool {
        let scale = a.map(abs).max() ?? 0
        guard a.allSatisfy(\.isFinite) else { return false }
        for i in 0..<n {
            for j in 0..<i where abs(a[i * n + j] - a[j * n + i]) > 1e-12 * scale { return false }
        }
        return true
    }

    /// The lower triangular L with L L^T = `a` (zeros above the diagonal), or nil when `a` is not symmetric or has a pivot
    /// below -`tolerance` times `scale` (the largest diagonal element when not given). A pivot within the tolerance of 0 is
    /// taken for 0, with a column of zeros, when `allowsZero`; else the answer is nil.
    public static func cholesky(
        _ a: [Double], _ n: Int, tolerance: Double, allowsZero: Bool, scale: Double? = nil
    ) -> [Double]? {
        guard isSymmetric(a, n) else { return nil }
        let bound = tolerance * (scale ?? (0..<n).map { a[$0 * n + $0] }.max() ?? 0)
        var factor = Array(repeating: 0.0, count: n * n)
        for j in 0..<n {
            var pivot = a[j * n + j]
            for l in 0..<j { pivot -= factor[j * n + l] * factor[j * n + l] }
            if pivot <= bound {
                guard allowsZero, pivot >= -bound else { return nil }
                // The rest of the column must vanish as well.
                for i in j + 1..<max(n, j + 1) {
                    var rest = a[i * n + j]
                    for l in 0..<j { rest -= factor[i * n + l] * factor[j * n + l] }
                    guard rest * rest <= max(4 * bound * abs(a[i * n + i]), bound * bound) else { return nil }
                }
                continue
            }
            let root = pivot.squareRoot()
            factor[j * n + j] = root
            for i in j + 1..<max(n, j + 1) {
                var rest = a[i * n + j]
                for l in 0..<j { rest -= factor[i * n + l] * factor[j * n + l] }
                factor[i * n + j] = rest / root
            }
        }
        return factor
    }

    /// (L L^T)^-1 from the lower triangular L with positive diagonal.
    public static func inverse(factor: [Double], _ n: Int) -> [Double] {
        var result = diagonal(n, 1)
        for column in 0..<n {
            for i in 0..<n {
                for l in 0..<i { result[i * n + column] -= factor[i * n + l] * result[l * n + column] }
                result[i * n + column] /= factor[i * n + i]
            }
            for i in (0..<n).reversed() {
                for l in i + 1..<max(n, i + 1) {
                    result[i * n + column] -= factor[l * n + i] * result[l * n + column]
                }
                result[i * n + column] /= factor[i * n + i]
            }
        }
        return result
    }
}
