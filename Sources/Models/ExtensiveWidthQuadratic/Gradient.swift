import Numerics

/// Residuals and gradients of several runs on one data set, all runs in the same products (19).
///
/// With S = W^T W/m_s the output is sqrt(m) x^T S x/d, and e_i is the output less the label sqrt(m) y_i (or less its
/// part without the mean of the noise).
package struct Gradient: Sendable {
    private let n: Int
    private let d: Int
    private let width: Int
    private let runs: Int
    private let inputs: [Double]
    /// What x^T S x/d is to be.
    private let goals: [Double]
    /// sqrt(m).
    private let outputScale: Double
    private let block: Int
    /// w_k.x_i of a block of samples and all runs.
    private var fields: [Double]
    /// The gradient of (1/4) sum_i e_i^2 in W of each run, runs x m_s x d.
    package private(set) var gradient: [Double]
    /// (1/n) sum_i e_i^2 of each run.
    package private(set) var trainErrors: [Double]

    /// - Parameters:
    ///   - width: m_s.
    ///   - noiseMean: what is taken off the labels y.
    package init(_ data: DataSet, width: Int, runs: Int, noiseMean: Double) {
        n = data.sizes.samples
        d = data.sizes.dimension
        self.width = width
        self.runs = runs
        inputs = data.inputs
        goals = data.labels.map { $0 - noiseMean }
        outputScale = Double(data.sizes.width).squareRoot()
        block = DataSet.block(d: d)
        fields = Array(repeating: 0, count: block * runs * width)
        gradient = Array(repeating: 0, count: runs * width * d)
        trainErrors = Array(repeating: 0, count: runs)
    }

    static func bytes(_ sizes: Sizes, width: Int, runs: Int) -> Double {
        let d = sizes.dimension
        return DataSet.bytes(sizes) + 8 * Double(runs) * Double(width) * Double(DataSet.block(d: d) + d)
            + 8 * Double(sizes.samples)
    }

    /// Computes ``gradient`` and ``trainErrors`` at `W`, runs x m_s x d.
    package mutating func evaluate(_ W: [Double]) {
        let (n, d, width, runs, columns) = (n, d, width, runs, runs * width)
        for run in 0..<runs { trainErrors[run] = 0 }
        let outputs = 1 / (Double(width) * Double(d))
        for first in stride(from: 0, to: n, by: block) {
            let count = min(block, n - first)
            inputs.withUnsafeBufferPointer { X in
                guard let rows = X.baseAddress.map({ $0 + first * d }) else { return }
                BLAS.gemm(
                    .none, .transposed, m: count, n: columns, k: d, rows, leadingA: d, W, leadingB: d, &fields,
                    leadingC: columns)
                fields.withUnsafeMutableBufferPointer { fields in
                    guard let h = fields.baseAddress else { return }
                    for i in 0..<count {
                        for run in 0..<runs {
                            let own = h + i * columns + run * width
                            let e = outputScale * (outputs * BLAS.dot(width, own, own) - goals[first + i])
                            trainErrors[run] += e * e
                            for k in 0..<width { own[k] *= e }
                        }
                    }
                }
                // sqrt(m)/(m_s d) sum_i e_i (w_k.x_i) x_i.
                BLAS.gemm(
                    .transposed, .none, m: columns, n: d, k: count, alpha: outputScale * outputs, fields,
                    leadingA: columns, rows, leadingB: d, beta: first == 0 ? 0 : 1, &gradient, leadingC: d)
            }
        }
        for run in 0..<runs { trainErrors[run] /= Double(n) }
    }
}
