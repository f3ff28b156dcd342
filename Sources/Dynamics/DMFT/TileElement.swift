import CVector
import Numerics
import Persistence

/// Numbers in which histories are kept: Double, or less where the storage may round (errors that differ from copy to copy,
/// where the sampling has 1e-3) and less memory is read in every step: ``Float``, ``BFloat16``.
package protocol TileElement: BitwiseCopyable, Sendable {
    static var zero: Self { get }
    static func lanes(_ base: UnsafePointer<Self>, _ block: Int) -> Lanes
    /// Keeps `count` numbers, a multiple of 64. Random rounding depends on `key` and the number's place.
    static func store(_ values: UnsafePointer<Double>, _ count: Int, _ base: UnsafeMutablePointer<Self>, key: UInt32)
    /// out[i] += sum_c coefficients[i, c] x[c] for `rows` rows i and `count` columns c <= 32, rows of x and out `length`
    /// apart; `length` is a multiple of 64. Asks for `count` rows of `next` meanwhile.
    static func addCombination(
        rows: Int, _ count: Int, _ coefficients: UnsafePointer<Double>, leading: Int, _ x: UnsafePointer<Self>,
        _ length: Int, _ out: UnsafeMutablePointer<Double>, next: UnsafePointer<Self>)
    /// sums[c] += x . y[c] over `length` numbers, eight partial sums each, for `count` rows c of y.
    static func addProducts(
        _ count: Int, _ x: UnsafePointer<Double>, _ y: UnsafePointer<Self>, _ length: Int,
        _ sums: UnsafeMutablePointer<Lanes>)
    static func exchange(_ values: inout [Self], with archive: inout StateArchive) throws
}

/// Asks for 64 numbers.
@inline(__always)
func prefetch<Element>(_ x: UnsafePointer<Element>) {
    for line in 0..<MemoryLayout<Element>.stride { cvector_prefetch(UnsafeRawPointer(x) + 64 * line) }
}

extension Double: TileElement {
    @inline(__always)
    package static func lanes(_ base: UnsafePointer<Double>, _ block: Int) -> Lanes { Numerics.lanes(base, block) }

    @inline(__always)
    package static func store(
        _ values: UnsafePointer<Double>, _ count: Int, _ base: UnsafeMutablePointer<Double>, key: UInt32
    ) {
        base.update(from: values, count: count)
    }

    @inline(__always)
    package static func addCombination(
        rows: Int, _ count: Int, _ coefficients: UnsafePointer<Double>, leading: Int, _ x: UnsafePointer<Double>,
        _ length: Int, _ out: UnsafeMutablePointer<Double>, next: UnsafePointer<Double>
    ) {
        for row in 0..<rows {
            combine(count, coefficients + row * leading, x, length, out + row * length, next)
        }
    }

    @inline(__always)
    package static func addProducts(
        _ count: Int, _ x: UnsafePointer<Double>, _ y: UnsafePointer<Double>, _ length: Int,
        _ sums: UnsafeMutablePointer<Lanes>
    ) {
        multiply(count, x, y, length, sums)
    }

    package static func exchange(_ values: inout [Double], with archive: inout StateArchive) throws {
        try archive.exchange(resizing: &values)
    }
}

/// out += sum_c coefficients[c] x[c], rows of x `length` apart; `length` is a multiple of 64. Asks for `count` rows of
/// `next` meanwhile.
@inline(__always)
private func combine(
    _ count: Int, _ coefficients: UnsafePointer<Double>, _ x: UnsafePointer<Double>, _ length: Int,
    _ out: UnsafeMutablePointer<Double>, _ next: UnsafePointer<Double>
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
            s0 = fused(factor, lanes(row, 0), s0)
            s1 = fused(factor, lanes(row, 1), s1)
            s2 = fused(factor, lanes(row, 2), s2)
            s3 = fused(factor, lanes(row, 3), s3)
            s4 = fused(factor, lanes(row, 4), s4)
            s5 = fused(factor, lanes(row, 5), s5)
            s6 = fused(factor, lanes(row, 6), s6)
            s7 = fused(factor, lanes(row, 7), s7)
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

/// sums[c] += x . y[c] over `length` numbers, eight partial sums each.
@inline(__always)
private func multiply(
    _ count: Int, _ x: UnsafePointer<Double>, _ y: UnsafePointer<Double>, _ length: Int,
    _ sums: UnsafeMutablePointer<Lanes>
) {
    var at = 0
    while at < length {
        let part = x + at
        let (x0, x1, x2, x3) = (lanes(part, 0), lanes(part, 1), lanes(part, 2), lanes(part, 3))
        let (x4, x5, x6, x7) = (lanes(part, 4), lanes(part, 5), lanes(part, 6), lanes(part, 7))
        var row = y + at
        for c in 0..<count {
            var first = fused(x0, lanes(row, 0), sums[c])
            var second = x1 * lanes(row, 1)
            first = fused(x2, lanes(row, 2), first)
            second = fused(x3, lanes(row, 3), second)
            first = fused(x4, lanes(row, 4), first)
            second = fused(x5, lanes(row, 5), second)
            first = fused(x6, lanes(row, 6), first)
            second = fused(x7, lanes(row, 7), second)
            sums[c] = first + second
            row += length
        }
        at += 64
    }
}
