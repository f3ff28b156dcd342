import Numerics
import Persistence

/// A ``TileHistory`` in a precision that is known when it is made.
package struct MixedHistory: Sendable, Resumable {
    package enum Precision: Sendable {
        case double, single
        /// 8 bits, randomly rounded: ``BFloat16``.
        case rounded
    }

    private let precision: Precision
    // Only the one of this precision ever has columns.
    private var double: TileHistory<Double>
    private var single: TileHistory<Float>
    private var rounded: TileHistory<BFloat16>

    /// - Parameter salt: what random rounding is drawn from.
    init(_ precision: Precision, tiles: Int, rowLength: Int, salt: UInt32 = 0) {
        self.precision = precision
        double = TileHistory(tiles: tiles, rowLength: rowLength)
        single = TileHistory(tiles: tiles, rowLength: rowLength)
        rounded = TileHistory(tiles: tiles, rowLength: rowLength, salt: salt)
    }

    var tiles: Int { double.tiles }
    var rowLength: Int { double.rowLength }

    /// As ``TileHistory/reserve(columns:)``.
    mutating func reserve(columns: Int) {
        switch precision {
        case .double: double.reserve(columns: columns)
        case .single: single.reserve(columns: columns)
        case .rounded: rounded.reserve(columns: columns)
        }
    }

    /// As ``TileHistory/expect(columns:after:)``.
    @inline(__always)
    func expect(columns: Range<Int>, after tile: Int) {
        switch precision {
        case .double: double.expect(columns: columns, after: tile)
        case .single: single.expect(columns: columns, after: tile)
        case .rounded: rounded.expect(columns: columns, after: tile)
        }
    }

    /// As ``TileHistory/set(_:tile:to:)``.
    @inline(__always)
    func set(_ index: Int, tile: Int, to values: UnsafePointer<Double>) {
        switch precision {
        case .double: double.set(index, tile: tile, to: values)
        case .single: single.set(index, tile: tile, to: values)
        case .rounded: rounded.set(index, tile: tile, to: values)
        }
    }

    /// As ``TileHistory/add(_:_:tile:to:)``.
    @inline(__always)
    func add(_ factor: Double, _ index: Int, tile: Int, to out: UnsafeMutablePointer<Double>) {
        switch precision {
        case .double: double.add(factor, index, tile: tile, to: out)
        case .single: single.add(factor, index, tile: tile, to: out)
        case .rounded: rounded.add(factor, index, tile: tile, to: out)
        }
    }

    /// As ``TileHistory/read(_:tile:into:)``.
    package func read(_ index: Int, tile: Int, into out: UnsafeMutablePointer<Double>) {
        switch precision {
        case .double: double.read(index, tile: tile, into: out)
        case .single: single.read(index, tile: tile, into: out)
        case .rounded: rounded.read(index, tile: tile, into: out)
        }
    }

    /// As ``TileHistory/addCombination(rows:columns:_:leading:tile:to:)``.
    @inline(__always)
    func addCombination(
        rows: Int, columns: Int, _ coefficients: UnsafePointer<Double>, leading: Int, tile: Int,
        to out: UnsafeMutablePointer<Double>
    ) {
        switch precision {
        case .double:
            double.addCombination(rows: rows, columns: columns, coefficients, leading: leading, tile: tile, to: out)
        case .single:
            single.addCombination(rows: rows, columns: columns, coefficients, leading: leading, tile: tile, to: out)
        case .rounded:
            rounded.addCombination(rows: rows, columns: columns, coefficients, leading: leading, tile: tile, to: out)
        }
    }

    /// As ``TileHistory/addProducts(columns:_:tile:to:)``.
    @inline(__always)
    func addProducts(columns: Int, _ x: UnsafePointer<Double>, tile: Int, to sums: UnsafeMutablePointer<Lanes>) {
        switch precision {
        case .double: double.addProducts(columns: columns, x, tile: tile, to: sums)
        case .single: single.addProducts(columns: columns, x, tile: tile, to: sums)
        case .rounded: rounded.addProducts(columns: columns, x, tile: tile, to: sums)
        }
    }

    package mutating func exchange(with archive: inout StateArchive) throws {
        switch precision {
        case .double: try archive.exchange(&double)
        case .single: try archive.exchange(&single)
        case .rounded: try archive.exchange(&rounded)
        }
    }
}
