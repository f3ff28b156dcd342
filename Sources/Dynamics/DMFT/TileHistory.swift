import CVector
import Foundation
import Numerics

/// Columns over all copies of a process that come one after the other and are read many times: the past of a
/// dynamical mean-field process.
///
/// Copies lie in tiles, columns in slabs of 32; within a slab all columns of a tile are side by side, so that a pass over the
/// past of one tile is a few long runs through memory. A column has `rowLength` numbers a tile. All arithmetic is in double
/// precision, whatever the elements are.
package struct TileHistory<Element: TileElement>: Sendable, Resumable {
    /// Columns in a slab.
    package static var slabWidth: Int { 32 }

    package let tiles: Int
    package let rowLength: Int
    /// Columns in a slab of this history: fewer where it will never have 32.
    private let width: Int
    private var slabs: [Slab] = []

    /// For any number of columns, or for at most `columns`.
    init(tiles: Int, rowLength: Int, columns: Int = .max) {
        self.tiles = tiles
        self.rowLength = rowLength
        width = min(columns, Self.slabWidth)
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

        init(count: Int) {
            self.count = count
            base = Self.allocate(count)
            base.initialize(repeating: .zero, count: count)
        }

        init(copying other: Slab) {
            count = other.count
            base = Self.allocate(count)
            base.initialize(from: other.base, count: count)
        }

        /// Memory on large pages where the system has them: a pass over all copies crosses many.
        private static func allocate(_ count: Int) -> UnsafeMutablePointer<Element> {
            let page = 1 << 21
            let bytes = max(count, 1) * MemoryLayout<Element>.stride
            guard bytes >= 2 * page else {
                return UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
                    .bindMemory(to: Element.self, capacity: max(count, 1))
            }
            let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: page)
            #if os(Linux)
                madvise(memory, bytes, Int32(MADV_HUGEPAGE))
            #endif
            return memory.bindMemory(to: Element.self, capacity: count)
        }

        deinit { UnsafeMutableRawPointer(base).deallocate() }
    }

    /// Makes room for `columns` columns, of which the last slab and the one before may be written afterwards.
    mutating func reserve(columns: Int) {
        while slabs.count * width < columns {
            slabs.append(Slab(count: tiles * width * rowLength))
        }
        for index in slabs.indices.suffix(2) where !isKnownUniquelyReferenced(&slabs[index]) {
            slabs[index] = Slab(copying: slabs[index])
        }
    }

    /// The numbers of one column in one tile; the column must be reserved. Valid while the history lives.
    @inline(__always)
    package func column(_ column: Int, tile: Int) -> UnsafeMutablePointer<Element> {
        slabs[column / width].base
            + (tile * width + column % width) * rowLength
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
    func set(_ index: Int, tile: Int, to values: UnsafePointer<Double>) {
        let target = column(index, tile: tile)
        for b in 0..<rowLength / 8 { Element.store(lanes(values, b), target, b) }
    }

    /// out += factor times one column in one tile.
    @inline(__always)
    func add(_ factor: Double, _ index: Int, tile: Int, to out: UnsafeMutablePointer<Double>) {
        let source = UnsafePointer(column(index, tile: tile))
        let factor = Lanes(repeating: factor)
        for b in 0..<rowLength / 8 { store(fma(factor, Element.lanes(source, b), lanes(out, b)), out, b) }
    }

    /// out[i] += sum over the first `columns` columns c of coefficients[i, c] column c, in `tile`, for `rows` rows i of
    /// `rowLength` numbers each.
    @inline(__always)
    func addCombination(
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
            var row = 0
            while row + 2 <= rows {
                combine2(
                    count, coefficients + row * leading + first, leading, x, rowLength, out + row * rowLength, next)
                row += 2
            }
            if row < rows {
                combine(count, coefficients + row * leading + first, x, rowLength, out + row * rowLength, next)
            }
            first += width
        }
    }

    /// sums[c] += x . column c in `tile`, for the first `columns` columns, eight partial sums each.
    @inline(__always)
    func addProducts(columns: Int, _ x: UnsafePointer<Double>, tile: Int, to sums: UnsafeMutablePointer<Lanes>) {
        var first = 0
        while first < columns {
            let count = min(width, columns - first)
            multiply(count, x, column(first, tile: tile), rowLength, sums + first)
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

/// Numbers in which histories are kept: Double, or Float where the storage may round (a relative 6e-8, different for
/// every copy, where the sampling has 1e-3) and the memory read in every step is halved.
package protocol TileElement: BitwiseCopyable, Sendable {
    static var zero: Self { get }
    static func lanes(_ base: UnsafePointer<Self>, _ block: Int) -> Lanes
    static func store(_ value: Lanes, _ base: UnsafeMutablePointer<Self>, _ block: Int)
    static func exchange(_ values: inout [Self], with archive: inout StateArchive) throws
}

extension Double: TileElement {
    @inline(__always)
    package static func lanes(_ base: UnsafePointer<Double>, _ block: Int) -> Lanes { Numerics.lanes(base, block) }

    @inline(__always)
    package static func store(_ value: Lanes, _ base: UnsafeMutablePointer<Double>, _ block: Int) {
        Numerics.store(value, base, block)
    }

    package static func exchange(_ values: inout [Double], with archive: inout StateArchive) throws {
        try archive.exchange(resizing: &values)
    }
}

extension Float: TileElement {
    @inline(__always)
    package static func lanes(_ base: UnsafePointer<Float>, _ block: Int) -> Lanes {
        cvector_f64_from_f32x8(UnsafeRawPointer(base + 8 * block).loadUnaligned(as: SIMD8<Float>.self))
    }

    @inline(__always)
    package static func store(_ value: Lanes, _ base: UnsafeMutablePointer<Float>, _ block: Int) {
        UnsafeMutableRawPointer(base + 8 * block).storeBytes(
            of: cvector_f32_from_f64x8(value), as: SIMD8<Float>.self)
    }

    package static func exchange(_ values: inout [Float], with archive: inout StateArchive) throws {
        try archive.exchange(resizing: &values)
    }
}

@inline(__always)
private func fma(_ a: Lanes, _ b: Lanes, _ c: Lanes) -> Lanes { cvector_fma_f64x8(a, b, c) }

/// Asks for 64 numbers.
@inline(__always)
func prefetch<Element>(_ x: UnsafePointer<Element>) {
    for line in 0..<MemoryLayout<Element>.stride { cvector_prefetch(UnsafeRawPointer(x) + 64 * line) }
}

/// out += sum_c coefficients[c] x[c], rows of x `length` apart; `length` is a multiple of 64. Asks for `count` rows of
/// `next` meanwhile.
@inline(__always)
private func combine<Element: TileElement>(
    _ count: Int, _ coefficients: UnsafePointer<Double>, _ x: UnsafePointer<Element>, _ length: Int,
    _ out: UnsafeMutablePointer<Double>, _ next: UnsafePointer<Element>
) {
    var at = 0
    while at < length {
        let target = out + at
        var s0 = lanes(target, 0)
        var s1 = lanes(target, 1)
        var s2 = lanes(target, 2)
        var s3 = lanes(target, 3)
        var s4 = lanes(target, 4)
        var s5 = lanes(target, 5)
        var s6 = lanes(target, 6)
        var s7 = lanes(target, 7)
        var row = x + at
        for c in 0..<count {
            let factor = Lanes(repeating: coefficients[c])
            s0 = fma(factor, Element.lanes(row, 0), s0)
            s1 = fma(factor, Element.lanes(row, 1), s1)
            s2 = fma(factor, Element.lanes(row, 2), s2)
            s3 = fma(factor, Element.lanes(row, 3), s3)
            s4 = fma(factor, Element.lanes(row, 4), s4)
            s5 = fma(factor, Element.lanes(row, 5), s5)
            s6 = fma(factor, Element.lanes(row, 6), s6)
            s7 = fma(factor, Element.lanes(row, 7), s7)
            prefetch(next + at + c * length)
            row += length
        }
        store(s0, target, 0)
        store(s1, target, 1)
        store(s2, target, 2)
        store(s3, target, 3)
        store(s4, target, 4)
        store(s5, target, 5)
        store(s6, target, 6)
        store(s7, target, 7)
        at += 64
    }
}

/// Two rows of coefficients at once, which read x once.
@inline(__always)
private func combine2<Element: TileElement>(
    _ count: Int, _ coefficients: UnsafePointer<Double>, _ leading: Int, _ x: UnsafePointer<Element>, _ length: Int,
    _ out: UnsafeMutablePointer<Double>, _ next: UnsafePointer<Element>
) {
    var at = 0
    while at < length {
        let (upper, lower) = (out + at, out + length + at)
        var s0 = lanes(upper, 0)
        var s1 = lanes(upper, 1)
        var s2 = lanes(upper, 2)
        var s3 = lanes(upper, 3)
        var r0 = lanes(lower, 0)
        var r1 = lanes(lower, 1)
        var r2 = lanes(lower, 2)
        var r3 = lanes(lower, 3)
        var row = x + at
        for c in 0..<count {
            let first = Lanes(repeating: coefficients[c])
            let second = Lanes(repeating: coefficients[leading + c])
            let (x0, x1, x2, x3) = (
                Element.lanes(row, 0), Element.lanes(row, 1), Element.lanes(row, 2), Element.lanes(row, 3)
            )
            s0 = fma(first, x0, s0)
            s1 = fma(first, x1, s1)
            s2 = fma(first, x2, s2)
            s3 = fma(first, x3, s3)
            r0 = fma(second, x0, r0)
            r1 = fma(second, x1, r1)
            r2 = fma(second, x2, r2)
            r3 = fma(second, x3, r3)
            if at % 64 == 0 { prefetch(next + at + c * length) }
            row += length
        }
        store(s0, upper, 0)
        store(s1, upper, 1)
        store(s2, upper, 2)
        store(s3, upper, 3)
        store(r0, lower, 0)
        store(r1, lower, 1)
        store(r2, lower, 2)
        store(r3, lower, 3)
        at += 32
    }
}

/// sums[c] += x . y[c] over `length` numbers, eight partial sums each.
@inline(__always)
private func multiply<Element: TileElement>(
    _ count: Int, _ x: UnsafePointer<Double>, _ y: UnsafePointer<Element>, _ length: Int,
    _ sums: UnsafeMutablePointer<Lanes>
) {
    var at = 0
    while at < length {
        let part = x + at
        let (x0, x1, x2, x3) = (lanes(part, 0), lanes(part, 1), lanes(part, 2), lanes(part, 3))
        let (x4, x5, x6, x7) = (lanes(part, 4), lanes(part, 5), lanes(part, 6), lanes(part, 7))
        var row = y + at
        for c in 0..<count {
            var first = fma(x0, Element.lanes(row, 0), sums[c])
            var second = x1 * Element.lanes(row, 1)
            first = fma(x2, Element.lanes(row, 2), first)
            second = fma(x3, Element.lanes(row, 3), second)
            first = fma(x4, Element.lanes(row, 4), first)
            second = fma(x5, Element.lanes(row, 5), second)
            first = fma(x6, Element.lanes(row, 6), first)
            second = fma(x7, Element.lanes(row, 7), second)
            sums[c] = first + second
            row += length
        }
        at += 64
    }
}
