import Foundation
import Modeling
import Numerics

/// What data sets draw random numbers for: substreams of the task's stream.
private enum Streams {
    static let data: UInt32 = 1
    static let teacher: UInt32 = 2
    static let noise: UInt32 = 3
}

/// One data set and its target, (1) and (2).
package struct DataSet: Sendable {
    package let sizes: Sizes
    /// X, n x d.
    package let inputs: [Double]
    /// y_i = (1/m) sum_k (w*_k.x_i/sqrt(d) + sqrt(Delta_0) z_ik)^2, n.
    package let labels: [Double]
    /// S* = W*^T W*/m, d x d.
    package let target: [Double]

    /// Draws the data set of a task.
    package init(_ p: Parameters, _ random: RandomStream) {
        sizes = p.sizes
        let (d, m, n, noise) = (p.sizes.dimension, p.sizes.width, p.sizes.samples, p.noise)
        let teacher = DataSet.normals(m * d, random.substream(Streams.teacher))
        let X = DataSet.normals(n * d, random.substream(Streams.data))
        inputs = X
        target = DataSet.square(teacher, d: d, width: m)
        var stream = random.substream(Streams.noise)
        let deviation = noise.squareRoot()
        var fields = Array(repeating: 0.0, count: m)
        labels = (0..<n).map { i in
            X.withUnsafeBufferPointer { X in
                guard let x = X.baseAddress else { return }
                BLAS.gemv(rows: m, columns: d, teacher, leading: d, x + i * d, &fields)
            }
            let square = fields.reduce(0) { $0 + $1 * $1 } / Double(d)
            guard noise > 0 else { return square / Double(m) }
            // The law of |a + sqrt(Delta_0) z|^2 over m components z: one along a, and the rest.
            let along = square.squareRoot() + deviation * stream.normal()
            let rest = m > 1 ? stream.chiSquare(Double(m - 1)) : 0
            return (along * along + noise * rest) / Double(m)
        }
    }

    /// W^T W/width.
    package static func square(_ W: [Double], d: Int, width: Int) -> [Double] {
        var S = Array(repeating: 0.0, count: d * d)
        BLAS.gemm(
            .transposed, .none, m: d, n: d, k: width, alpha: 1 / Double(width), W, leadingA: d, W, leadingB: d, &S,
            leadingC: d)
        return S
    }

    private static func normals(_ count: Int, _ stream: RandomStream) -> [Double] {
        var stream = stream
        return Array(unsafeUninitializedCapacity: count) { buffer, filled in
            stream.fillNormal(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
            filled = count
        }
    }

    /// Samples that pass through a product of matrices at once: their inputs stay in the cache.
    static func block(d: Int) -> Int { min(max(16, 1 << 15 / d), 256) }

    /// Bytes that a data set holds.
    static func bytes(_ sizes: Sizes) -> Double {
        let d = Double(sizes.dimension)
        return 8 * (Double(sizes.samples) * (d + 1) + d * d + d * Double(sizes.width))
    }
}

/// Errors of S in the units of (5) and (6), R = kappa |S - S*|^2/d.
struct ErrorScale: Sendable {
    let kappa: Double
    let d: Int

    init(_ sizes: Sizes) {
        kappa = Double(sizes.width) / Double(sizes.dimension)
        d = sizes.dimension
    }

    func R(_ square: Double) -> Double { kappa * square / Double(d) }

    /// tr S/d.
    func trace(_ S: [Double], at first: Int = 0) -> Double {
        (0..<d).reduce(0) { $0 + S[first + $1 * d + $1] } / Double(d)
    }

    /// E (yhat - y)^2 without noise: 2 R + (kappa/d)(tr S - tr S*)^2 (6).
    func testError(R: Double, traceDifference: Double) -> Double {
        2 * R + kappa * Double(d) * traceDifference * traceDifference
    }
}
