import Numerics
import Persistence
import Randomness

/// Random signs r_{s,l,i} = -1, 1 over all copies, one column for each step s, token l and student column i: the fields whose
/// joint response gives the response kernel ((23) of docs/models/dmft-gradient-dynamics.md).
///
/// Columns are rows of a Hadamard matrix of order P along the copies, in random order, times random signs of each copy;
/// fresh ones for every P columns. So the columns of one such generation are exactly orthogonal over the copies, not only
/// on average: a response that is the same for all copies is found without error, and the mean products with all P columns
/// of a generation are one Walsh-Hadamard transform in place of P passes over the copies. The order must be random: the sum of
/// neighbouring rows is 0 but for a few copies, whose responses would then stand for all.
package struct SignProbes: Sendable, Resumable {
    /// P, a power of two from 64 on.
    package let order: Int
    private let copies: Int
    private let tileWidth: Int
    private var random: RandomStream
    /// The random signs of the copies, a column each generation.
    private var signs: TileHistory<Double>
    /// The row of the Hadamard matrix for each column of each generation.
    private var rows: [[Int]] = []

    /// The order used for `copies` copies.
    static func order(copies: Int) -> Int {
        var order = 64
        while order < 4096, 4 * order <= copies { order *= 2 }
        return order
    }

    /// `copies` is a multiple of the order, and of `tileWidth`, which is at most the order.
    package init(copies: Int, tileWidth: Int, random: RandomStream) {
        order = Self.order(copies: copies)
        self.copies = copies
        self.tileWidth = tileWidth
        self.random = random
        signs = TileHistory(tiles: copies / tileWidth, rowLength: tileWidth, columns: 1)
    }

    /// Generations in use.
    package var generations: Int { rows.count }

    /// Draws what is missing for the first `count` columns.
    package mutating func draw(columns count: Int) {
        while generations * order < count {
            signs.reserve(columns: generations + 1)
            for tile in 0..<signs.tiles {
                let fresh = signs.column(generations, tile: tile)
                for i in 0..<tileWidth { fresh[i] = random.uniform() < 0.5 ? -1 : 1 }
            }
            var order = Array(0..<self.order)
            for i in stride(from: self.order - 1, to: 0, by: -1) {
                order.swapAt(i, min(Int(random.uniform() * Double(i + 1)), i))
            }
            rows.append(order)
        }
    }

    /// Where the products with column `column` stand after ``transform(_:)``.
    @inline(__always)
    package func place(of column: Int) -> (generation: Int, row: Int) {
        (column / order, rows[column / order][column % order])
    }

    /// Asks for the signs of the tile after `tile`.
    @inline(__always)
    func expect(after tile: Int) { signs.expect(columns: 0..<generations, after: tile) }

    /// x += r of column `column`, over the copies of `tile`.
    @inline(__always)
    package func add(column: Int, tile: Int, to x: UnsafeMutablePointer<Double>) {
        let (generation, row) = place(of: column)
        let start = tile * tileWidth
        let signs = signs.column(generation, tile: tile)
        for i in 0..<tileWidth {
            let isOdd = (row & (start + i)).nonzeroBitCount & 1
            x[i] += signs[i] * (1 - 2 * Double(isOdd))
        }
    }

    /// sums[j] += the sum of x times its random signs over copies of this tile that are at place j of the Hadamard matrix,
    /// for generation `generation`.
    @inline(__always)
    package func accumulate(
        _ x: UnsafePointer<Double>, generation: Int, tile: Int, into sums: UnsafeMutablePointer<Double>
    ) {
        let place = tile * tileWidth % order
        let signs = signs.column(generation, tile: tile)
        for b in 0..<tileWidth / 8 {
            store(lanes(sums + place, b) + lanes(signs, b) * lanes(x, b), sums + place, b)
        }
    }

    /// Turns sums over places into sums over copies of x r, for every column of the generation at its ``place(of:)``: the
    /// Walsh-Hadamard transform, in place.
    package func transform(_ sums: UnsafeMutablePointer<Double>) {
        var half = 1
        while half < order {
            for start in stride(from: 0, to: order, by: 2 * half) {
                for i in start..<start + half {
                    let (a, b) = (sums[i], sums[i + half])
                    sums[i] = a + b
                    sums[i + half] = a - b
                }
            }
            half *= 2
        }
    }

    package mutating func exchange(with archive: inout StateArchive) throws {
        // Signs are drawn again, from the start of their stream.
        var count = generations
        try archive.exchange(&count, in: 0...1 << 20)
        guard archive.isRestoring else { return }
        draw(columns: count * order)
    }
}
