import Foundation
import Modeling
import Numerics

/// What the simulations draw random numbers for: substreams of the task's stream. Starts and Langevin noise have one for
/// each run.
package enum BSRStreams {
    package static let data: UInt32 = 1
    package static let teacher: UInt32 = 2
    package static let noise: UInt32 = 3
    package static func start(run: Int) -> UInt32 { 0x1000 + UInt32(run) }
    package static func kicks(run: Int) -> UInt32 { 0x3000 + UInt32(run) }
}

/// One data set and its target (sheet, section 1), the short side as rows.
///
/// Inputs are in half precision, flattened: row i is X_i, m x M row-major. Rounding them (by at most 5e-4 of each) is part of
/// the data set, for labels are made from what is stored; it changes the second moment of the law by less than 1e-7. What
/// simulations compute from them is rounded to 1e-7 of a field.
package struct BSRData: Sendable {
    package let sizes: BSRSizes
    /// X, n x p.
    package let inputs: HalfMatrix
    /// S*, m x M.
    package let target: [Double]
    /// sqrt(Delta) xi, n.
    package let labelNoise: [Double]

    /// Draws the data set of a task.
    package init(_ sizes: BSRSizes, noise: Double, _ random: RandomStream) {
        let (m, M, r) = (sizes.short, sizes.long, sizes.rank)
        self.sizes = sizes
        var stream = random.substream(BSRStreams.teacher)
        var (U, V) = (Array(repeating: 0.0, count: m * r), Array(repeating: 0.0, count: r * M))
        U.withUnsafeMutableBufferPointer { stream.fillNormal($0) }
        V.withUnsafeMutableBufferPointer { stream.fillNormal($0) }
        target = BSRData.product(U, V, rows: m, rank: r, columns: M)
        stream = random.substream(BSRStreams.noise)
        labelNoise = (0..<sizes.samples).map { _ in noise.squareRoot() * stream.normal() }
        stream = random.substream(BSRStreams.data)
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
    static func bytes(_ sizes: BSRSizes) -> Double {
        let p = Double(sizes.short) * Double(sizes.long)
        return HalfMatrix.bytes(rows: Double(sizes.samples), columns: p) + 8 * Double(sizes.samples) + 8 * p
            + 8 * Double(sizes.rank) * Double(sizes.short + sizes.long)
    }

    /// The error |S - S*|^2/p.
    package func error(of S: some Sequence<Double>) -> Double {
        zip(S, target).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(sizes.entries)
    }
}
