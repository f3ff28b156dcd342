import Dynamics
import ModelKit
import Modeling
import Numerics

/// Fields Tr[Phi_i S], Phi_i = (x_i x_i^T - I)/sqrt(d), of all samples, and (1/d) sum_i g_i Phi_i back. The tensor of all Phi is
/// never formed.
package struct Sensing: SensingOperator {
    private let inputs: [Double]
    package let fieldCount: Int
    package let signalCount: Int
    package let width = 1
    private let d: Int
    private let block: Int
    private var scratch: [Double]
    private let panels: [Panel]
    /// The panels of a matrix, one after the other.
    private var packed: [Double]

    package init(_ data: DataSet) {
        inputs = data.inputs
        d = data.sizes.dimension
        fieldCount = data.sizes.samples
        signalCount = d * d
        block = DataSet.block(d: d)
        panels = Panel.all(d: d)
        scratch = Array(repeating: 0, count: block * min(d, Panel.largestWidth))
        packed = Array(repeating: 0, count: panels.reduce(0) { $0 + $1.width * $1.height })
    }

    package mutating func fields(of S: UnsafePointer<Double>, into fields: UnsafeMutablePointer<Double>) {
        let d = d
        let trace = (0..<d).reduce(0) { $0 + S[$1 * d + $1] }
        let scale = 1 / Double(d).squareRoot()
        for panel in panels {
            // Below the diagonal's block the elements count twice.
            for j in 0..<panel.height {
                let factor = j < panel.width ? scale : 2 * scale
                let row = S + (panel.first + j) * d + panel.first
                for k in 0..<panel.width { packed[panel.place + j * panel.width + k] = factor * row[k] }
            }
        }
        let panels = panels
        eachBlock { X, scratch, packed, first, count in
            for i in 0..<count { fields[first + i] = -scale * trace }
            for panel in panels {
                let (X, width) = (X + panel.first, panel.width)
                BLAS.gemm(
                    m: count, n: width, k: panel.height, X, leadingA: d, packed + panel.place, leadingB: width, scratch,
                    leadingC: width)
                for i in 0..<count { fields[first + i] += BLAS.dot(width, X + i * d, scratch + i * width) }
            }
        }
    }

    package mutating func adjoint(of g: UnsafePointer<Double>, into result: UnsafeMutablePointer<Double>) {
        let d = d
        let scale = 1 / (Double(d) * Double(d).squareRoot())
        let panels = panels
        eachBlock { X, scratch, _, first, count in
            for panel in panels {
                let (X, width) = (X + panel.first, panel.width)
                for i in 0..<count { for j in 0..<width { scratch[i * width + j] = g[first + i] * X[i * d + j] } }
                BLAS.gemm(
                    .transposed, .none, m: panel.height, n: width, k: count, alpha: scale, X, leadingA: d, scratch,
                    leadingB: width, beta: first == 0 ? 0 : 1, result + panel.first * (d + 1), leadingC: d)
            }
        }
        let sum = (0..<fieldCount).reduce(0) { $0 + g[$1] }
        for j in 0..<d {
            result[j * d + j] -= scale * sum
            for k in 0..<j { result[k * d + j] = result[j * d + k] }
        }
    }

    /// Calls `body` with the inputs of each block of samples, which stay in the cache, working memory for as many, ``packed``,
    /// the first sample and their number.
    private mutating func eachBlock(
        _ body: (UnsafePointer<Double>, UnsafeMutablePointer<Double>, UnsafePointer<Double>, Int, Int) -> Void
    ) {
        let (n, d, block) = (fieldCount, d, block)
        inputs.withUnsafeBufferPointer { X in
            scratch.withUnsafeMutableBufferPointer { scratch in
                packed.withUnsafeBufferPointer { packed in
                    guard let x = X.baseAddress, let scratch = scratch.baseAddress, let packed = packed.baseAddress
                    else { return }
                    for first in stride(from: 0, to: n, by: block) {
                        body(x + first * d, scratch, packed, first, min(block, n - first))
                    }
                }
            }
        }
    }
}

/// Columns of a symmetric matrix: what lies on and below the diagonal's block is worked out, somewhat more than half of all
/// products.
private struct Panel {
    static let largestWidth = 32

    /// The first column.
    let first: Int
    let width: Int
    /// Rows from the first column's on.
    let height: Int
    /// Where it is among all panels one after the other.
    let place: Int

    static func all(d: Int) -> [Panel] {
        var place = 0
        return stride(from: 0, to: d, by: largestWidth).map { first in
            let panel = Panel(first: first, width: min(largestWidth, d - first), height: d - first, place: place)
            place += panel.width * panel.height
            return panel
        }
    }
}

/// B/A is the target in symmetric noise of variance t = 1/(2 A): its best rotationally invariant estimate, and 2 E(t).
private struct Denoiser: InputDenoiser {
    private let denoiser: SymmetricDenoiser
    private var noisy: [Double]

    init(_ sizes: Sizes, outliers: SymmetricDenoiser.Outliers) {
        denoiser = SymmetricDenoiser(dimension: sizes.dimension, width: sizes.width, outliers: outliers)
        noisy = Array(repeating: 0, count: sizes.dimension * sizes.dimension)
    }

    mutating func denoise(
        pseudoField: UnsafePointer<Double>, precision: UnsafePointer<Double>,
        estimate: UnsafeMutablePointer<Double>, covariance: UnsafeMutablePointer<Double>
    ) throws {
        let A = precision[0]
        for j in noisy.indices { noisy[j] = pseudoField[j] / A }
        let t = 1 / (2 * A)
        let denoised = try denoiser.denoise(noisy, noise: t)
        for j in denoised.indices { estimate[j] = denoised[j] }
        covariance[0] = 2 * (try denoiser.prior.mmse(t))
    }
}

extension Parameters {
    /// Method `amp`: GAMP-RIE (17) on one data set, from S = I and V = 2/kappa.
    func messagePassing(_ data: DataSet) throws -> some Run {
        let (d, scale) = (sizes.dimension, ErrorScale(sizes))
        var start = Array(repeating: 0.0, count: d * d)
        for j in 0..<d { start[j * d + j] = 1 }
        // ytilde (3), which has noise of variance Delta. It is of tr S* = d; that the trace is another by O(1) moves all labels
        // alike by (tr S* - d)/sqrt(d), noise that would keep S* from being found.
        let labels = data.labels.map { Double(d).squareRoot() * ($0 - 1 - noise) }
        let channel = ResidualChannel(labels: labels, noise: labelNoise, ratio: 2 * alpha, rule: passing.precision)
        let passing = try MessagePassing(
            Sensing(data), CentredChannel(channel), Denoiser(sizes, outliers: outliers), estimate: start,
            covariance: [2 / kappa], rule: passing.rule(changeUnit: Double(d)))
        return MatrixMessagePassing(
            passing, Observable.errors, work: 1 + d * d / 5000 * (sizes.samples + 5 * d), estimateUnit: 0.5 * kappa,
            changeUnit: Double(d)
        ) { [target = data.target] S, sink in
            let R = scale.R(RunAverage(S, target: target).averageError)
            let (trace, targetTrace) = (scale.trace(S), scale.trace(target))
            sink.put(.errors.error, R)
            sink.put(.trace, trace)
            sink.put(.testError, scale.testError(R: R, traceDifference: trace - targetTrace))
        }
    }
}
