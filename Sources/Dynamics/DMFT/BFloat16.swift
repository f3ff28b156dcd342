import CVector
import Numerics
import Persistence

/// The upper half of a Float: its range with 8 bits of precision. Half the memory of a Float, for tangents of random
/// probes, which are noise of order one to begin with.
///
/// Rounding is random, up or down such that the mean is right, and independent from copy to copy: a mean over N copies
/// is off by some 2e-3/sqrt(N) of the values, even where all copies have the same value and nearest rounding would be
/// off by as much as 4e-3.
package struct BFloat16: SingleElement {
    private let bits: UInt16

    package static var zero: BFloat16 { BFloat16(bits: 0) }

    @inline(__always)
    package static func lanes(_ base: UnsafePointer<BFloat16>, _ block: Int) -> Lanes {
        let wide = single(base, block / 2)
        return cvector_f64_from_f32x8(block % 2 == 0 ? wide.lowHalf : wide.highHalf)
    }

    @inline(__always)
    package static func single(_ base: UnsafePointer<BFloat16>, _ block: Int) -> SIMD16<Float> {
        cvector_f32_from_upper_u16x16(UnsafeRawPointer(base + 16 * block).loadUnaligned(as: SIMD16<UInt16>.self))
    }

    @inline(__always)
    package static func store(
        _ values: UnsafePointer<Double>, _ count: Int, _ base: UnsafeMutablePointer<BFloat16>, key: UInt32
    ) {
        for b in 0..<count / 16 {
            let low = cvector_f32_from_f64x8(Numerics.lanes(values, 2 * b))
            let high = cvector_f32_from_f64x8(Numerics.lanes(values, 2 * b + 1))
            let exact = unsafeBitCast(SIMD16<Float>(lowHalf: low, highHalf: high), to: SIMD16<UInt32>.self)
            let rounded = exact &+ (noise(key &+ UInt32(truncatingIfNeeded: 16 * b)) &>> 16)
            UnsafeMutableRawPointer(base + 16 * b).storeBytes(
                of: cvector_upper_u16_from_u32x16(rounded), as: SIMD16<UInt16>.self)
        }
    }

    /// Random bits for the places from `first` on: a bijective hash of 32 bits (C. Wellons, "hash prospector", lowbias32).
    @inline(__always)
    private static func noise(_ first: UInt32) -> SIMD16<UInt32> {
        var x = SIMD16<UInt32>(repeating: first) &+ places
        x = (x ^ (x &>> 16)) &* SIMD16(repeating: 0x7feb_352d)
        x = (x ^ (x &>> 15)) &* SIMD16(repeating: 0x846c_a68b)
        return x ^ (x &>> 16)
    }

    private static var places: SIMD16<UInt32> { SIMD16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) }

    package static func exchange(_ values: inout [BFloat16], with archive: inout StateArchive) throws {
        var wide = values.map { Float(bitPattern: UInt32($0.bits) << 16) }
        try archive.exchange(resizing: &wide)
        if archive.isRestoring { values = wide.map { BFloat16(bits: UInt16($0.bitPattern >> 16)) } }
    }
}
