import Numerics

/// Standard normal columns over all copies whose first two moments are exact: each column has mean 0 and variance 1 over the
/// sample, and is orthogonal to all others (moment matching, sheet `dmft-gradient-dynamics`, section 4.5).
///
/// Columns are drawn and made orthonormal in slabs of 32 by products of matrices: projection off all earlier slabs, then
/// Cholesky's factor of the Gram matrix among themselves. Column 0 is the constant.
package struct MatchedNormals: Sendable, Resumable {
    package private(set) var history: TileHistory
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

    private mutating func drawSlab() {
        let width = TileHistory.slabWidth
        let first = columns
        history.reserve(columns: first + width)
        columns += width
        let (tiles, length) = (history.tiles, history.rowLength)
        for tile in 0..<tiles {
            let x = history.column(first, tile: tile)
            random.fillNormal(UnsafeMutableBufferPointer(start: x, count: width * length))
            if first == 0 { x.update(repeating: 1, count: length) }
        }
        // A sample with hardly more rows than columns has no room for exact moments.
        guard tiles * length >= 4 * columns else { return }
        let passes = tiles * length >= 32 * columns ? 1 : 2
        for _ in 0..<passes {
            projectOff(first)
            normalise(first)
        }
    }

    /// Takes out of the slab that begins at column `first` what lies along all slabs before.
    private func projectOff(_ first: Int) {
        guard first > 0 else { return }
        let width = TileHistory.slabWidth
        let (tiles, length) = (history.tiles, history.rowLength)
        var products = Array(repeating: 0.0, count: first * width)
        products.withUnsafeMutableBufferPointer { products in
            guard let products = products.baseAddress else { return }
            for tile in 0..<tiles {
                let x = history.column(first, tile: tile)
                for earlier in stride(from: 0, to: first, by: width) {
                    BLAS.gemm(
                        .none, .transposed, m: width, n: width, k: length, history.column(earlier, tile: tile),
                        leadingA: length, x, leadingB: length, beta: 1, products + earlier * width, leadingC: width)
                }
            }
            let scale = -1 / Double(tiles * length)
            for tile in 0..<tiles {
                let x = history.column(first, tile: tile)
                for earlier in stride(from: 0, to: first, by: width) {
                    BLAS.gemm(
                        .transposed, .none, m: width, n: length, k: width, alpha: scale, products + earlier * width,
                        leadingA: width, history.column(earlier, tile: tile), leadingB: length, beta: 1, x,
                        leadingC: length)
                }
            }
        }
    }

    /// Makes the columns of the slab that begins at column `first` orthonormal among themselves.
    private func normalise(_ first: Int) {
        let width = TileHistory.slabWidth
        let (tiles, length) = (history.tiles, history.rowLength)
        var gram = Array(repeating: 0.0, count: width * width)
        gram.withUnsafeMutableBufferPointer { gram in
            guard let gram = gram.baseAddress else { return }
            for tile in 0..<tiles {
                let x = history.column(first, tile: tile)
                BLAS.gemm(
                    .none, .transposed, m: width, n: width, k: length, alpha: 1 / Double(tiles * length), x,
                    leadingA: length, x, leadingB: length, beta: 1, gram, leadingC: width)
            }
            // Not positive definite only for a sample too small to be told from its constant; it is then left as it is.
            guard LAPACK.cholesky(width, gram, leading: width) == nil else { return }
            for tile in 0..<tiles {
                let x = history.column(first, tile: tile)
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
