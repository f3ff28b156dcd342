import CVector
import Foundation
import Numerics
import Persistence

/// Columns over all copies of a process that come one after the other and are read many times: the past of a
/// dynamical mean-field process.
///
/// Copies lie in tiles, columns in slabs of 64; within a slab all columns of a tile are side by side, so that a pass over the
/// past of one tile is a few long runs through memory. A column has `rowLength` numbers a tile.
package struct TileHistory<Element: TileElement>: Sendable, Resumable {
    /// Columns in a slab.
    package static var slabWidth: Int { 64 }

    package let tiles: Int
    package let rowLength: Int
    /// Columns in a slab of this history, a power of two: fewer where it will never have 64.
    private var width: Int { 1 << shift }
    private let shift: Int
    /// What the rounding of the elements is drawn from, where it is random.
    private let salt: UInt32
    private var slabs: [Slab] = []
    /// Where the slabs' numbers are, without counting references.
    private var bases: [Base] = []

    private struct Base: @unchecked Sendable { let numbers: UnsafeMutablePointer<Element> }

    /// For any number of columns; little room is wasted on up to `columns`.
    package init(tiles: Int, rowLength: Int, columns: Int = .max, salt: UInt32 = 0) {
        self.tiles = tiles
        self.rowLength = rowLength
        self.salt = salt
        var shift = 0
        while 1 << shift < min(columns, Self.slabWidth) { shift += 1 }
        self.shift = shift
    }

    /// Bytes of a history of `columns` columns.
    static func bytes(tiles: Int, rowLength: Int, columns: Int) -> Double {
        let slabs = (columns + slabWidth - 1) / slabWidth
        return Double(MemoryLayout<Element>.stride * slabs * slabWidth) * Double(tiles) * Double(rowLength)
    }

    /// The memory of one slab. Written by the one history that owns it (``TileHistory/reserve(columns:)`` sees to that).
    private final class Slab: @unchecked Sendable {
        let base: UnsafeMutablePointer<Element>
        let count: Int
        /// What ``base`` lies in.
        private let memory: UnsafeMutableRawPointer
        /// Bytes asked for page by page; 0 when the memory is the allocator's.
        private let mapped: Int

        /// All zero.
        init(count: Int) {
            self.count = count
            let bytes = max(count, 1) * MemoryLayout<Element>.stride
            let page = 1 << 21
            // Fresh pages are 0 without being touched, and large where the system has such: a pass over all copies crosses
            // many.
            if bytes >= 2 * page,
                let pages = mmap(nil, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                pages != MAP_FAILED
            {
                let start = pages.alignedUp(toMultipleOf: page)
                #if os(Linux)
                    madvise(start, bytes, Int32(MADV_HUGEPAGE))
                #endif
                (memory, mapped) = (pages, bytes + page)
                base = start.bindMemory(to: Element.self, capacity: count)
            } else {
                (memory, mapped) = (UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64), 0)
                base = memory.bindMemory(to: Element.self, capacity: max(count, 1))
                base.initialize(repeating: .zero, count: count)
            }
        }

        convenience init(copying other: Slab) {
            self.init(count: other.count)
            base.update(from: other.base, count: count)
        }

        deinit {
            if mapped > 0 { munmap(memory, mapped) } else { memory.deallocate() }
        }
    }

    /// Makes room for `columns` columns, of which the last slab and the one before may be written afterwards.
    package mutating func reserve(columns: Int) {
        while slabs.count * width < columns {
            slabs.append(Slab(count: tiles * width * rowLength))
        }
        for index in slabs.indices.suffix(2) where !isKnownUniquelyReferenced(&slabs[index]) {
            slabs[index] = Slab(copying: slabs[index])
        }
        bases = slabs.map { Base(numbers: $0.base) }
    }

    /// The numbers of one column in one tile; the column must be reserved. Valid while the history lives.
    @inline(__always)
    package func column(_ column: Int, tile: Int) -> UnsafeMutablePointer<Element> {
        bases[column >> shift].numbers + (tile << shift + column & (width - 1)) * rowLength
    }

    /// Asks for `columns` of the tile after `tile`, which will be needed soon.
    @inline(__always)
    func expect(columns: Range<Int>, after tile: Int) {
        let tile = min(tile + 1, tiles - 1)
        for c in columns {
            let base = UnsafePointer(column(c, tile: tile))
            for x in stride(from: 0, to: rowLength, by: 64) { prefetch(base + x) }
        }
    }

    /// Sets one column in one tile to `values`; the column must be reserved.
    @inline(__always)
    package func set(_ index: Int, tile: Int, to values: UnsafePointer<Double>) {
        let place = UInt32(truncatingIfNeeded: (index * tiles + tile) * rowLength)
        Element.store(values, rowLength, column(index, tile: tile), key: salt &+ place)
    }

    /// Writes one column in one tile to `out`.
    @inline(__always)
    package func read(_ index: Int, tile: Int, into out: UnsafeMutablePointer<Double>) {
        let source = UnsafePointer(column(index, tile: tile))
        for b in 0..<rowLength / 8 { store(Element.lanes(source, b), out, b) }
    }

    /// out += factor times one column in one tile.
    @inline(__always)
    func add(_ factor: Double, _ index: Int, tile: Int, to out: UnsafeMutablePointer<Double>) {
        let source = UnsafePointer(column(index, tile: tile))
        let factor = Lanes(repeating: factor)
        for b in 0..<rowLength / 8 { store(fused(factor, Element.lanes(source, b), lanes(out, b)), out, b) }
    }

    /// out[i] += sum over the first `columns` columns c of coefficients[i, c] column c, in `tile`, for `rows` rows i of
    /// `rowLength` numbers each.
    @inline(__always)
    package func addCombination(
        rows: Int, columns: Int, _ coefficients: UnsafePointer<Double>, leading: Int, tile: Int,
        to out: UnsafeMutablePointer<Double>
    ) {
        var first = 0
        while first < columns {
            let count = min(width, columns - first)
            let x = UnsafePointer(column(first, tile: tile))
            let isLast = first + width >= columns
            // Pages are short for the processor's own prefetching.
            let next = UnsafePointer(
                isLast ? column(0, tile: min(tile + 1, tiles - 1)) : column(first + width, tile: tile))
            Element.addCombination(
                rows: rows, count, coefficients + first, leading: leading, x, rowLength, out, next: next)
            first += width
        }
    }

    /// sums[c] += x . column c in `tile`, for the first `columns` columns, eight partial sums each.
    @inline(__always)
    package func addProducts(columns: Int, _ x: UnsafePointer<Double>, tile: Int, to sums: UnsafeMutablePointer<Lanes>)
    {
        var first = 0
        while first < columns {
            let count = min(width, columns - first)
            Element.addProducts(count, x, column(first, tile: tile), rowLength, sums + first)
            first += width
        }
    }

    package mutating func exchange(with archive: inout StateArchive) throws {
        var count = slabs.count
        try archive.exchange(&count, in: 0...1 << 20)
        if archive.isRestoring {
            slabs = []
            reserve(columns: count * width)
        }
        for slab in slabs {
            var numbers = archive.isRestoring ? [] : Array(UnsafeBufferPointer(start: slab.base, count: slab.count))
            try Element.exchange(&numbers, with: &archive)
            guard archive.isRestoring else { continue }
            guard numbers.count == slab.count else {
                throw StateArchiveError.invalid("a history has \(numbers.count) numbers in place of \(slab.count)")
            }
            slab.base.update(from: numbers, count: slab.count)
        }
    }
}
