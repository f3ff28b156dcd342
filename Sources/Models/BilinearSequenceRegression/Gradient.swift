import Numerics

/// Residuals and gradients of several runs on one data set, all runs in the same products (23).
///
/// Everything is in terms of D = S - S*: e_i = <X_i, D>/sqrt(p) - sqrt(Delta) xi_i. So single precision is relative to
/// what is still to be learned, and a run can come as close to the target as it likes.
package struct Gradient: Sendable {
    private let n: Int
    private let p: Int
    private let runs: Int
    /// X (n x p), or X^T X (p x p); empty for one run on the inputs themselves.
    private let matrix: [Float]
    /// X, for one run: both products in one pass. Several runs are products of matrices, which BLAS makes of single precision.
    private var inputs: HalfMatrix?
    /// Whether `matrix` is the Gram matrix: fewer operations a step from n = p/2 on.
    package let usesGram: Bool
    private let noise: [Float]
    /// sum_i sqrt(Delta) xi_i X_i, with the Gram matrix.
    private let noiseSum: [Float]
    private let noiseSquare: Double
    /// Samples in a block: a block of inputs is read from memory once for both products.
    private let block: Int
    private var fields: [Float]
    /// sum_i e_i X_i of each run, runs x p.
    package private(set) var gradient: [Float]
    /// (1/n) sum_i e_i^2 of each run.
    package private(set) var trainErrors: [Double]

    /// - Parameter usesGram: nil for what is faster.
    package init(_ data: DataSet, runs: Int, usesGram: Bool? = nil) {
        n = data.sizes.samples
        p = data.sizes.entries
        self.runs = runs
        let (n, p) = (n, p)
        let usesGram = usesGram ?? (2 * n > p)
        self.usesGram = usesGram
        noise = data.labelNoise.map { Float($0) }
        noiseSquare = data.labelNoise.reduce(0) { $0 + $1 * $1 }
        if usesGram {
            let X = data.inputs.unpacked()
            var gram = Array(repeating: Float(0), count: p * p)
            var sum = Array(repeating: Float(0), count: p)
            BLAS.gemm(.transposed, .none, m: p, n: p, k: n, X, leadingA: p, X, leadingB: p, &gram, leadingC: p)
            BLAS.gemv(.transposed, rows: n, columns: p, X, leading: p, noise, &sum)
            (inputs, matrix, noiseSum) = (nil, gram, sum)
        } else if runs == 1 {
            (inputs, matrix, noiseSum) = (data.inputs, [], [])
        } else {
            (inputs, matrix, noiseSum) = (nil, data.inputs.unpacked(), [])
        }
        block = min(max(8, 1 << 17 / p), 256)
        fields = Array(repeating: 0, count: usesGram || runs == 1 ? 0 : runs * block)
        gradient = Array(repeating: 0, count: runs * p)
        trainErrors = Array(repeating: 0, count: runs)
    }

    static func bytes(_ sizes: Sizes, runs: Int) -> Double {
        let (n, p) = (Double(sizes.samples), Double(sizes.short) * Double(sizes.long))
        // While the Gram matrix is made, the inputs are there too, in both precisions.
        let single = 2 * n > p ? 4 * n * p + 4 * p * p : runs > 1 ? 4 * n * p : 0
        return DataSet.bytes(sizes) + single + 4 * Double(runs) * p
    }

    /// Computes ``gradient`` and ``trainErrors`` at `differences` = S - S* (runs x p).
    package mutating func evaluate(_ differences: [Float]) {
        let scale = 1 / Float(p).squareRoot()
        if usesGram {
            gram(differences, scale)
        } else if inputs != nil {
            single(differences, scale)
        } else {
            direct(differences, scale)
        }
    }

    /// One run: residuals of eight samples, then their part of the gradient.
    private mutating func single(_ D: [Float], _ scale: Float) {
        var squares = 0.0
        noise.withUnsafeBufferPointer { noise in
            inputs?.pass(D, result: &gradient) { rows, products in
                var e = scale * products
                for i in rows {
                    let lane = i - rows.lowerBound
                    e[lane] -= noise[i]
                    squares += Double(e[lane]) * Double(e[lane])
                }
                return e
            }
        }
        trainErrors[0] = squares / Double(n)
    }

    private mutating func direct(_ D: [Float], _ scale: Float) {
        let (p, runs) = (p, runs)
        for run in 0..<runs { trainErrors[run] = 0 }
        var first = 0
        while first < n {
            let count = min(block, n - first)
            matrix.withUnsafeBufferPointer { X in
                guard let rows = X.baseAddress.map({ $0 + first * p }) else { return }
                BLAS.gemm(
                    .none, .transposed, m: runs, n: count, k: p, alpha: scale, D, leadingA: p, rows, leadingB: p,
                    &fields, leadingC: block)
                for run in 0..<runs {
                    var squares = 0.0
                    for i in 0..<count {
                        let e = fields[run * block + i] - noise[first + i]
                        fields[run * block + i] = e
                        squares += Double(e) * Double(e)
                    }
                    trainErrors[run] += squares
                }
                BLAS.gemm(
                    m: runs, n: p, k: count, fields, leadingA: block, rows, leadingB: p, beta: first == 0 ? 0 : 1,
                    &gradient, leadingC: p)
            }
            first += count
        }
        for run in 0..<runs { trainErrors[run] /= Double(n) }
    }

    private mutating func gram(_ D: [Float], _ scale: Float) {
        let p = p
        if runs == 1 {
            BLAS.gemv(rows: p, columns: p, alpha: scale, matrix, leading: p, D, &gradient)
        } else {
            BLAS.gemm(m: runs, n: p, k: p, alpha: scale, D, leadingA: p, matrix, leadingB: p, &gradient, leadingC: p)
        }
        // |e|^2 by (25); noiseSum is its b.
        for run in 0..<runs {
            var (square, cross) = (0.0, 0.0)
            for j in 0..<p {
                let d = Double(D[run * p + j])
                square += d * Double(gradient[run * p + j])
                cross += d * Double(noiseSum[j])
                gradient[run * p + j] -= noiseSum[j]
            }
            trainErrors[run] = (Double(scale) * (square - 2 * cross) + noiseSquare) / Double(n)
        }
    }
}
