import Modeling
import Numerics

extension Parameters {
    /// Method `ridge`: the minimum of (22) on one data set, by Cholesky's factorisation of the smaller Gram matrix.
    func putRidge(of data: DataSet, into sink: inout ObservationSink) throws {
        let (n, entries) = (data.sizes.samples, data.sizes.entries)
        let X = data.inputs.unpacked().map { Double($0) }
        let labels = data.labels()
        let scale = 1 / Double(entries).squareRoot()
        var weights: [Double]
        if n <= entries {
            // w = X^T a/sqrt(p), (X X^T/p + lambda) a = y.
            let dual = try Self.solve(X, n, entries, isDual: true, lambda: ridge, labels)
            weights = Array(repeating: 0, count: entries)
            BLAS.gemv(.transposed, rows: n, columns: entries, alpha: scale, X, leading: entries, dual, &weights)
        } else {
            var right = Array(repeating: 0.0, count: entries)
            BLAS.gemv(.transposed, rows: n, columns: entries, alpha: scale, X, leading: entries, labels, &right)
            weights = try Self.solve(X, n, entries, isDual: false, lambda: ridge, right)
        }
        var residuals = labels
        BLAS.gemv(rows: n, columns: entries, alpha: -scale, X, leading: entries, weights, beta: 1, &residuals)
        sink.put(.errors.error, data.error(of: weights))
        sink.put(.errors.trainError, residuals.reduce(0) { $0 + $1 * $1 } / Double(n))
    }

    /// (X X^T/p + lambda)^-1 b, or with X^T X.
    private static func solve(
        _ X: [Double], _ n: Int, _ p: Int, isDual: Bool, lambda: Double, _ b: [Double]
    ) throws -> [Double] {
        let size = isDual ? n : p
        var gram = Array(repeating: 0.0, count: size * size)
        BLAS.syrk(
            isDual ? .none : .transposed, n: size, k: isDual ? p : n, alpha: 1 / Double(p), X, leadingA: p, &gram,
            leadingC: size)
        for i in 0..<size { gram[i * size + i] += lambda }
        guard LAPACK.cholesky(size, &gram, leading: size) == nil else {
            throw ModelError.notConverged(
                "the Gram matrix of \(size) rows with ridge \(lambda) is singular to rounding; raise ridge or change alpha"
            )
        }
        var x = b
        BLAS.solveLower(.none, size, gram, leading: size, &x)
        BLAS.solveLower(.transposed, size, gram, leading: size, &x)
        return x
    }
}
