import Numerics

/// Standard normal columns over all copies whose first two moments are exact: each column has mean 0 and variance 1 over the
/// sample, and is orthogonal to all others (moment matching, sheet `dmft-gradient-dynamics`, section 4.5).
///
/// Columns are drawn and made orthonormal in slabs of 32 by products of matrices, and kept in single precision: projection off all earlier slabs, then
/// Cholesky's factor of the Gram matrix among themselves. Column 0 is the constant.
package struct MatchedNormals: Sendable, Resumable {
    package private(set) var history: TileHistory<Float>
    private var random: RandomStream
    private var columns = 0

    /// Columns are drawn from `random`.
    package init(tiles: Int, rowLength: Int, random: RandomStream) {
        history = TileHistory(tiles: tiles, rowLength: rowLength)
        self.random = random
    }

    /// Draws what is missing for the first `count` columns.
    package mutating func draw(columns count: Int) {
        while columns < count { drawSlab() }
    }

    /// A slab is worked on in double precision and rounded when it is done.
    private mutating func drawSlab() {
        let first = columns
        columns += width
        history.reserve(columns: columns)
        let (tiles, length) = (history.tiles, history.rowLength)
        var slab = TileHistory<Double>(tiles: tiles, rowLength: length)
        slab.reserve(columns: width)
        for tile in 0..<tiles {
            let x = slab.column(0, tile: tile)
            random.fillNormal(UnsafeMutableBufferPointer(start: x, count: width * length))
            if first == 0 { x.update(repeating: 1, count: length) }
        }
        // A sample with hardly more rows than columns has no room for exact moments.
        if tiles * length >= 4 * columns {
            for _ in 0..<(tiles * length >= 32 * columns ? 1 : 2) {
                projectOff(first, slab)
                normalise(slab)
            }
        }
        for tile in 0..<tiles {
            for c in 0..<width { history.set(first + c, tile: tile, to: slab.column(c, tile: tile)) }
        }
    }

    private var width: Int { TileHistory<Float>.slabWidth }

    /// Takes out of `slab` what lies along the first `count` columns.
    private func projectOff(_ count: Int, _ slab: TileHistory<Double>) {
        guard count > 0 else { return }
        let (tiles, length) = (history.tiles, history.rowLength)
        var products = Array(repeating: 0.0, count: count * width)
        let scale = -1 / Double(tiles * length)
        withUnsafeTemporaryAllocation(of: Double.self, capacity: width * length) { scratch in
            guard let earlier = scratch.baseAddress else { return }
            func load(_ first: Int, _ tile: Int) {
                let source = UnsafePointer(history.column(first, tile: tile))
                for b in 0..<width * length / 8 { store(Float.lanes(source, b), earlier, b) }
            }
            products.withUnsafeMutableBufferPointer { products in
                guard let products = products.baseAddress else { return }
                for tile in 0..<tiles {
                    for first in stride(from: 0, to: count, by: width) {
                        load(first, tile)
                        BLAS.gemm(
                            .none, .transposed, m: width, n: width, k: length, earlier, leadingA: length,
                            slab.column(0, tile: tile), leadingB: length, beta: 1, products + first * width,
                            leadingC: width)
                    }
                }
                for tile in 0..<tiles {
                    for first in stride(from: 0, to: count, by: width) {
                        load(first, tile)
                        BLAS.gemm(
                            .transposed, .none, m: width, n: length, k: width, alpha: scale, products + first * width,
                            leadingA: width, earlier, leadingB: length, beta: 1, slab.column(0, tile: tile),
                            leadingC: length)
                    }
                }
            }
        }
    }

    /// Makes the columns of `slab` orthonormal among themselves.
    private func normalise(_ slab: TileHistory<Double>) {
        let (tiles, length) = (history.tiles, history.rowLength)
        var gram = Array(repeating: 0.0, count: width * width)
        gram.withUnsafeMutableBufferPointer { gram in
            guard let gram = gram.baseAddress else { return }
            for tile in 0..<tiles {
                let x = slab.column(0, tile: tile)
                BLAS.gemm(
                    .none, .transposed, m: width, n: width, k: length, alpha: 1 / Double(tiles * length), x,
                    leadingA: length, x, leadingB: length, beta: 1, gram, leadingC: width)
            }
            // Not positive definite only for a sample too small to be told from its constant; it is then left as it is.
            guard LAPACK.cholesky(width, gram, leading: width) == nil else { return }
            for tile in 0..<tiles {
                let x = slab.column(0, tile: tile)
                for i in 0..<width {
                    let row = x + i * length
                    for j in 0..<i { BLAS.axpy(length, -gram[i * width + j], x + j * length, row) }
                    BLAS.scal(length, 1 / gram[i * width + i], row)
                }
            }
        }
    }

    package mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&random)
        try archive.exchange(&columns, in: 0...1 << 25)
        try archive.exchange(&history)
    }
}
