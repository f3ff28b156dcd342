import Foundation
import Modeling
import Numerics

/// What data sets draw random numbers for: substreams of the task's stream.
private enum Streams {
    static let data: UInt32 = 1
    static let teacher: UInt32 = 2
    static let noise: UInt32 = 3
}

/// One data set and its target, (1) to (3), the short side as rows.
///
/// Inputs are in half precision, flattened: row i is X_i, m x M row-major. Rounding them (by at most 5e-4 of each) is part of
/// the data set, for labels are made from what is stored; it changes the second moment of the law by less than 1e-7. What
/// simulations compute from them is rounded to 1e-7 of a field.
package struct DataSet: Sendable {
    package let sizes: Sizes
    /// X, n x p.
    package let inputs: HalfMatrix
    /// S*, m x M.
    package let target: [Double]
    /// sqrt(Delta) xi, n.
    package let labelNoise: [Double]

    /// Draws the data set of a task.
    package init(_ p: Parameters, _ random: RandomStream) {
        sizes = p.sizes
        let (m, M, r, deviation) = (p.sizes.short, p.sizes.long, p.sizes.rank, p.noise.squareRoot())
        var stream = random.substream(Streams.teacher)
        var (U, V) = (Array(repeating: 0.0, count: m * r), Array(repeating: 0.0, count: r * M))
        U.withUnsafeMutableBufferPointer { stream.fillNormal($0) }
        V.withUnsafeMutableBufferPointer { stream.fillNormal($0) }
        target = DataSet.product(U, V, rows: m, rank: r, columns: M)
        stream = random.substream(Streams.noise)
        labelNoise = (0..<sizes.samples).map { _ in deviation * stream.normal() }
        stream = random.substream(Streams.data)
        inputs = HalfMatrix(rows: sizes.samples, columns: sizes.entries) { stream.fillNormal($0) }
    }

    /// U V/sqrt(rank).
    package static func product(_ U: [Double], _ V: [Double], rows: Int, rank: Int, columns: Int) -> [Double] {
        var S = Array(repeating: 0.0, count: rows * columns)
        BLAS.gemm(
            m: rows, n: columns, k: rank, alpha: 1 / Double(rank).squareRoot(), U, leadingA: rank, V,
            leadingB: columns, &S, leadingC: columns)
        return S
    }

    /// The labels y, to double precision for these inputs.
    package func labels() -> [Double] {
        let p = sizes.entries
        var stored = Array(repeating: Float(0), count: p)
        var row = Array(repeating: 0.0, count: p)
        let scale = 1 / Double(p).squareRoot()
        return labelNoise.indices.map { i in
            inputs.copyRow(i, to: &stored)
            for j in 0..<p { row[j] = Double(stored[j]) }
            return scale * BLAS.dot(p, row, target) + labelNoise[i]
        }
    }

    /// Bytes that a data set holds.
    static func bytes(_ sizes: Sizes) -> Double {
        let p = Double(sizes.short) * Double(sizes.long)
        return HalfMatrix.bytes(rows: Double(sizes.samples), columns: p) + 8 * Double(sizes.samples) + 8 * p
            + 8 * Double(sizes.rank) * (Double(sizes.short) + Double(sizes.long))
    }

    /// The error |S - S*|^2/p.
    package func error(of S: some Sequence<Double>) -> Double {
        zip(S, target).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(sizes.entries)
    }
}
