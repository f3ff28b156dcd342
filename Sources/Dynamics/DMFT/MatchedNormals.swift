import Numerics
import Persistence
import Randomness

/// Standard normal columns over all copies whose first two moments are exact: each column has mean 0 and variance 1 over the
/// sample, and is orthogonal to all others (moment matching, docs/models/dmft-gradient-dynamics.md).
///
/// Columns are drawn 32 at a time, and made orthonormal by products of matrices in double precision: projection off all earlier ones, then Cholesky's factor of the Gram matrix among themselves. Column 0 is the
/// constant.
package struct MatchedNormals: Sendable, Resumable {
    package private(set) var history: MixedHistory
    private var random: RandomStream
    private var columns = 0

    /// Columns are drawn from `random` and kept in `precision`.
    package init(tiles: Int, rowLength: Int, precision: MixedHistory.Precision, random: RandomStream) {
        history = MixedHistory(precision, tiles: tiles, rowLength: rowLength)
        self.random = random
    }

    /// Draws what is missing for the first `count` columns.
    package mutating func draw(columns count: Int) {
        while columns < count { drawSlab() }
    }

    private mutating func drawSlab() {
        let first = columns
        columns += width
        history.reserve(columns: columns)
        let (tiles, length) = (history.tiles, history.rowLength)
        withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * width * length) { scratch in
            guard let own = scratch.baseAddress else { return }
            for tile in 0..<tiles {
                random.fillNormal(UnsafeMutableBufferPointer(start: own, count: width * length))
                if first == 0 { own.update(repeating: 1, count: length) }
                store(own, first, tile)
            }
            // A sample with hardly more rows than columns has no room for exact moments.
            guard tiles * length >= 4 * columns else { return }
            for _ in 0..<(tiles * length >= 32 * columns ? 1 : 2) {
                projectOff(first, own, own + width * length)
                normalise(first, own)
            }
        }
    }

    /// Columns drawn at once, a part of a slab of the history.
    private var width: Int { 32 }

    /// One tile of the `width` columns from `first` on, in double precision.
    private func load(_ first: Int, _ tile: Int, into x: UnsafeMutablePointer<Double>) {
        for c in 0..<width { history.read(first + c, tile: tile, into: x + c * history.rowLength) }
    }

    private func store(_ x: UnsafePointer<Double>, _ first: Int, _ tile: Int) {
        for c in 0..<width { history.set(first + c, tile: tile, to: x + c * history.rowLength) }
    }

    /// Takes out of the columns from `count` on what lies along the first `count` columns.
    private func projectOff(
        _ count: Int, _ own: UnsafeMutablePointer<Double>, _ earlier: UnsafeMutablePointer<Double>
    ) {
        guard count > 0 else { return }
        let (tiles, length) = (history.tiles, history.rowLength)
        var products = Array(repeating: 0.0, count: count * width)
        let scale = -1 / Double(tiles * length)
        products.withUnsafeMutableBufferPointer { products in
            guard let products = products.baseAddress else { return }
            for tile in 0..<tiles {
                load(count, tile, into: own)
                for first in stride(from: 0, to: count, by: width) {
                    load(first, tile, into: earlier)
                    BLAS.gemm(
                        .none, .transposed, m: width, n: width, k: length, earlier, leadingA: length, own,
                        leadingB: length, beta: 1, products + first * width, leadingC: width)
                }
            }
            for tile in 0..<tiles {
                load(count, tile, into: own)
                for first in stride(from: 0, to: count, by: width) {
                    load(first, tile, into: earlier)
                    BLAS.gemm(
                        .transposed, .none, m: width, n: length, k: width, alpha: scale, products + first * width,
                        leadingA: width, earlier, leadingB: length, beta: 1, own, leadingC: length)
                }
                store(own, count, tile)
            }
        }
    }

    /// Makes the columns from `first` on orthonormal among themselves.
    private func normalise(_ first: Int, _ own: UnsafeMutablePointer<Double>) {
        let (tiles, length) = (history.tiles, history.rowLength)
        var gram = Array(repeating: 0.0, count: width * width)
        gram.withUnsafeMutableBufferPointer { gram in
            guard let gram = gram.baseAddress else { return }
            for tile in 0..<tiles {
                load(first, tile, into: own)
                BLAS.gemm(
                    .none, .transposed, m: width, n: width, k: length, alpha: 1 / Double(tiles * length), own,
                    leadingA: length, own, leadingB: length, beta: 1, gram, leadingC: width)
            }
            // Not positive definite only for a sample too small to be told from its constant; it is then left as it is.
            guard LAPACK.cholesky(width, gram, leading: width) == nil else { return }
            for tile in 0..<tiles {
                load(first, tile, into: own)
                for i in 0..<width {
                    let row = own + i * length
                    for j in 0..<i { BLAS.axpy(length, -gram[i * width + j], own + j * length, row) }
                    BLAS.scal(length, 1 / gram[i * width + i], row)
                }
                store(own, first, tile)
            }
        }
    }

    package mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&random)
        try archive.exchange(&columns, in: 0...1 << 25)
        try archive.exchange(&history)
    }
}
