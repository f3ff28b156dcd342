import CVector

/// Single-precision Box-Muller draws, sixteen lanes at a time and without a library call.
enum NormalKernelFloat {
    typealias Lanes = SIMD16<Float>

    /// The 32 draws made from one octet of Philox blocks; lane `i` of `first` and `second` share a radius.
    @inline(__always)
    static func draws(_ sequence: PhiloxSequence, octet: UInt64) -> (first: Lanes, second: Lanes) {
        let words = sequence.octet(octet, .normalFloat)
        let radius = radius(unsafeBitCast(words.first, to: SIMD16<UInt32>.self))
        let (first, second) = direction(unsafeBitCast(words.second, to: SIMD16<UInt32>.self))
        return (radius * first, radius * second)
    }

    /// `sqrt(-2 log u)` with `u = (w + 1/2) / 2^32` rounded to single precision.
    @inline(__always)
    static func radius(_ w: SIMD16<UInt32>) -> Lanes {
        let scaled = cvector_from_u32x16(w) + Lanes(repeating: 0.5)
        // scaled = m * 2^e with m in [sqrt(1/2), sqrt(2)): offsetting the bits by those of sqrt(1/2) moves the cut.
        let bits = unsafeBitCast(scaled, to: SIMD16<Int32>.self)
        let exponent = (bits &- SIMD16(repeating: 0x3F35_04F3)) &>> 23
        let t = unsafeBitCast(bits &- (exponent &<< 23), to: Lanes.self) - Lanes(repeating: 1)
        let e = cvector_from_i32x16(exponent) - Lanes(repeating: 32)
        // -2 log(1 + t) = -2 t + t^2 Q(t), |relative error| < 3.1e-8.
        let t2 = t * t
        let q01 = Lanes(repeating: 0.999999662752).fma(t, Lanes(repeating: -0.666678675457))
        let q23 = Lanes(repeating: 0.500051562407).fma(t, Lanes(repeating: -0.399269074799))
        let q45 = Lanes(repeating: 0.331038520741).fma(t, Lanes(repeating: -0.29768154001))
        let q67 = Lanes(repeating: 0.288519515555).fma(t, Lanes(repeating: -0.179544902877))
        let t4 = t2 * t2
        let q = q01.fma(t2, q23).fma(t4, q45.fma(t2, q67))
        let log = (Lanes(repeating: -2) * t).fma(t2, q)
        return cvector_sqrt_f32x16(log.fma(e, Lanes(repeating: -1.3862943611198906)))
    }

    /// A uniform point on the unit circle: bit 31 of the word is the sign of the cosine, bit 30 swaps the coordinates,
    /// and the other 30 bits are an angle in [-pi/4, pi/4).
    @inline(__always)
    static func direction(_ w: SIMD16<UInt32>) -> (Lanes, Lanes) {
        let fraction = unsafeBitCast(w &<< 2, to: SIMD16<Int32>.self)
        let t = cvector_from_i32x16(fraction) * Lanes(repeating: 0x1p-31)
        let y = t * t
        // sin(pi/4 t) and cos(pi/4 t) as polynomials in t^2; |errors| < 2.5e-9 and 4.8e-11.
        var s = Lanes(repeating: 0.00249000712502).fma(y, Lanes(repeating: -3.59545063985e-5))
        s = Lanes(repeating: -0.0807454348294).fma(y, s)
        s = t * Lanes(repeating: 0.785398160983).fma(y, s)
        var c = Lanes(repeating: -0.000325938614174).fma(y, Lanes(repeating: 3.52981125008e-6))
        c = Lanes(repeating: 0.0158543252461).fma(y, c)
        c = Lanes(repeating: -0.308425135162).fma(y, c)
        c = Lanes(repeating: 0.999999999953).fma(y, c)
        // In bit operations, since a lane-wise comparison compiles to a loop.
        let sign = w & SIMD16(repeating: 0x8000_0000)
        let swap = unsafeBitCast(
            unsafeBitCast(w &<< 1, to: SIMD16<Int32>.self) &>> 31, to: SIMD16<UInt32>.self)
        let cosine = unsafeBitCast(c, to: SIMD16<UInt32>.self) ^ sign
        let sine = unsafeBitCast(s, to: SIMD16<UInt32>.self)
        let difference = (cosine ^ sine) & swap
        return (
            unsafeBitCast(cosine ^ difference, to: Lanes.self), unsafeBitCast(sine ^ difference, to: Lanes.self)
        )
    }

    /// Draws `32 * octets.lowerBound ..< 32 * octets.upperBound` of the sequence, to `output`.
    @inline(never)
    static func fill(_ output: UnsafeMutablePointer<Float>, _ sequence: PhiloxSequence, octets: Range<UInt64>) {
        var target = UnsafeMutableRawPointer(output)
        var octet = octets.lowerBound
        while octet &+ 2 <= octets.upperBound {
            let a = draws(sequence, octet: octet)
            let b = draws(sequence, octet: octet &+ 1)
            target.storeBytes(of: a.first, toByteOffset: 0, as: Lanes.self)
            target.storeBytes(of: a.second, toByteOffset: 64, as: Lanes.self)
            target.storeBytes(of: b.first, toByteOffset: 128, as: Lanes.self)
            target.storeBytes(of: b.second, toByteOffset: 192, as: Lanes.self)
            target += 256
            octet &+= 2
        }
        if octet < octets.upperBound {
            let a = draws(sequence, octet: octet)
            target.storeBytes(of: a.first, toByteOffset: 0, as: Lanes.self)
            target.storeBytes(of: a.second, toByteOffset: 64, as: Lanes.self)
        }
    }
}

extension SIMD16<Float> {
    /// `self + a * b`, rounded once.
    @inline(__always)
    fileprivate func fma(_ a: Self, _ b: Self) -> Self { cvector_fma_f32x16(a, b, self) }
}
