import CVector
import Numerics
import Persistence

/// Elements of at most single precision, with which histories calculate in single precision: sums of up to 32 terms, which
/// are then added up in double precision. Their rounding differs from copy to copy, as that of the elements.
package protocol SingleElement: TileElement {
    /// Sixteen numbers.
    static func single(_ base: UnsafePointer<Self>, _ block: Int) -> SIMD16<Float>
}

extension SingleElement {
    /// Sums of up to 32 terms in single precision, then added in double precision.
    @inline(__always)
    package static func addCombination(
        rows: Int, _ count: Int, _ coefficients: UnsafePointer<Double>, leading: Int, _ x: UnsafePointer<Self>,
        _ length: Int, _ out: UnsafeMutablePointer<Double>, next: UnsafePointer<Self>
    ) {
        for row in 0..<rows {
            combine(count, coefficients + row * leading, x, length, out + row * length, next)
        }
    }

    @inline(__always)
    private static func combine(
        _ count: Int, _ coefficients: UnsafePointer<Double>, _ x: UnsafePointer<Self>, _ length: Int,
        _ out: UnsafeMutablePointer<Double>, _ next: UnsafePointer<Self>
    ) {
        var at = 0
        while at < length {
            var (s0, s1, s2, s3) = (SIMD16<Float>.zero, SIMD16<Float>.zero, SIMD16<Float>.zero, SIMD16<Float>.zero)
            var (r0, r1, r2, r3) = (s0, s1, s2, s3)
            var row = x + at
            var c = 0
            while c + 2 <= count {
                let first = SIMD16<Float>(repeating: Float(coefficients[c]))
                let second = SIMD16<Float>(repeating: Float(coefficients[c + 1]))
                let other = row + length
                s0 = cvector_fma_f32x16(first, single(row, 0), s0)
                s1 = cvector_fma_f32x16(first, single(row, 1), s1)
                s2 = cvector_fma_f32x16(first, single(row, 2), s2)
                s3 = cvector_fma_f32x16(first, single(row, 3), s3)
                r0 = cvector_fma_f32x16(second, single(other, 0), r0)
                r1 = cvector_fma_f32x16(second, single(other, 1), r1)
                r2 = cvector_fma_f32x16(second, single(other, 2), r2)
                r3 = cvector_fma_f32x16(second, single(other, 3), r3)
                prefetch(next + at + c * length)
                prefetch(next + at + (c + 1) * length)
                row = other + length
                c += 2
            }
            if c < count {
                let factor = SIMD16<Float>(repeating: Float(coefficients[c]))
                s0 = cvector_fma_f32x16(factor, single(row, 0), s0)
                s1 = cvector_fma_f32x16(factor, single(row, 1), s1)
                s2 = cvector_fma_f32x16(factor, single(row, 2), s2)
                s3 = cvector_fma_f32x16(factor, single(row, 3), s3)
            }
            add(s0 + r0, out + at)
            add(s1 + r1, out + at + 16)
            add(s2 + r2, out + at + 32)
            add(s3 + r3, out + at + 48)
            at += 64
        }
    }

    @inline(__always)
    private static func add(_ x: SIMD16<Float>, _ out: UnsafeMutablePointer<Double>) {
        Numerics.store(Numerics.lanes(out, 0) + cvector_f64_from_f32x8(x.lowHalf), out, 0)
        Numerics.store(Numerics.lanes(out, 1) + cvector_f64_from_f32x8(x.highHalf), out, 1)
    }

    @inline(__always)
    package static func addProducts(
        _ count: Int, _ x: UnsafePointer<Double>, _ y: UnsafePointer<Self>, _ length: Int,
        _ sums: UnsafeMutablePointer<Lanes>
    ) {
        var at = 0
        while at < length {
            let (x0, x1, x2, x3) = (
                rounded(x + at, 0), rounded(x + at, 1), rounded(x + at, 2), rounded(x + at, 3)
            )
            var row = y + at
            for c in 0..<count {
                var first = x0 * single(row, 0)
                var second = x1 * single(row, 1)
                first = cvector_fma_f32x16(x2, single(row, 2), first)
                second = cvector_fma_f32x16(x3, single(row, 3), second)
                let sum = first + second
                sums[c] += cvector_f64_from_f32x8(sum.lowHalf + sum.highHalf)
                row += length
            }
            at += 64
        }
    }

    @inline(__always)
    private static func rounded(_ x: UnsafePointer<Double>, _ block: Int) -> SIMD16<Float> {
        SIMD16(
            lowHalf: cvector_f32_from_f64x8(Numerics.lanes(x, 2 * block)),
            highHalf: cvector_f32_from_f64x8(Numerics.lanes(x, 2 * block + 1)))
    }
}

extension Float: SingleElement {
    @inline(__always)
    package static func single(_ base: UnsafePointer<Float>, _ block: Int) -> SIMD16<Float> {
        UnsafeRawPointer(base + 16 * block).loadUnaligned(as: SIMD16<Float>.self)
    }

    @inline(__always)
    package static func lanes(_ base: UnsafePointer<Float>, _ block: Int) -> Lanes {
        cvector_f64_from_f32x8(UnsafeRawPointer(base + 8 * block).loadUnaligned(as: SIMD8<Float>.self))
    }

    @inline(__always)
    package static func store(
        _ values: UnsafePointer<Double>, _ count: Int, _ base: UnsafeMutablePointer<Float>, key: UInt32
    ) {
        for b in 0..<count / 8 {
            UnsafeMutableRawPointer(base + 8 * b).storeBytes(
                of: cvector_f32_from_f64x8(Numerics.lanes(values, b)), as: SIMD8<Float>.self)
        }
    }

    package static func exchange(_ values: inout [Float], with archive: inout StateArchive) throws {
        try archive.exchange(resizing: &values)
    }
}
