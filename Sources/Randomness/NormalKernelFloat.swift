import CVector

/// Single-precision Box-Muller draws, sixteen lanes at a time and without a library call.
enum NormalKernelFloat {
    private typealias Lanes = SIMD16<Float>
    private typealias Words = SIMD16<UInt32>

    /// Draws `32 * octets.lowerBound ..< 32 * octets.upperBound` of the sequence, to `output`.
    ///
    /// In two passes over a portion that stays in the first cache: the AES rounds and the polynomials of many blocks in
    /// one loop wait for each other (15 % slower).
    @inline(never)
    static func fill(_ output: UnsafeMutablePointer<Float>, _ sequence: RandomSequence, octets: Range<UInt64>) {
        var target = UnsafeMutableRawPointer(output)
        var octet = octets.lowerBound
        while octet < octets.upperBound {
            let portion = octet..<min(octets.upperBound, octet &+ 64)
            sequence.fill(target, octets: portion, .normalFloat)
            for _ in portion {
                let r = radius(target.loadUnaligned(fromByteOffset: 0, as: Words.self))
                let (cosine, sine) = direction(target.loadUnaligned(fromByteOffset: 64, as: Words.self))
                target.storeBytes(of: r * cosine, toByteOffset: 0, as: Lanes.self)
                target.storeBytes(of: r * sine, toByteOffset: 64, as: Lanes.self)
                target += 128
            }
            octet = portion.upperBound
        }
    }

    /// `sqrt(-2 log u)` with `u = (k + 1/2) / 2^31` rounded to single precision, `k` the upper 31 bits; the lowest bit is
    /// the sign.
    @inline(__always)
    private static func radius(_ w: Words) -> Lanes {
        let scaled = cvector_from_i32x16(unsafeBitCast(w &>> 1, to: SIMD16<Int32>.self)) + Lanes(repeating: 0.5)
        // scaled = m * 2^e with m in [sqrt(1/2), sqrt(2)): offsetting the bits by those of sqrt(1/2) moves the cut. The
        // exponent stays where it is in the bits, since it may be converted from there.
        let bits = unsafeBitCast(scaled, to: SIMD16<Int32>.self)
        let exponent = (bits &- SIMD16(repeating: 0x3F35_04F3)) & SIMD16(repeating: Int32(bitPattern: 0xFF80_0000))
        let t = unsafeBitCast(bits &- exponent, to: Lanes.self) - Lanes(repeating: 1)
        let e = cvector_from_i32x16(exponent &- SIMD16(repeating: 31 << 23))
        // -2 log(1 + t) = t Q(t), |relative error| < 1.7e-7.
        var q = Lanes(repeating: -0.3244516185886).fma(t, Lanes(repeating: 0.2021379217959))
        q = Lanes(repeating: 0.3450165941555).fma(t, q)
        q = Lanes(repeating: -0.3980033082354).fma(t, q)
        q = Lanes(repeating: 0.4993981811965).fma(t, q)
        q = Lanes(repeating: -0.6667011789405).fma(t, q)
        q = Lanes(repeating: 1.00000730247).fma(t, q)
        q = Lanes(repeating: -1.999999890619).fma(t, q)
        let log = (e * Lanes(repeating: -0x1p-22 * 0.6931471805599453)).fma(t, q)
        let root = cvector_sqrt_f32x16(log)
        return unsafeBitCast(unsafeBitCast(root, to: Words.self) ^ (w &<< 31), to: Lanes.self)
    }

    /// Cosine and sine of an angle in (-pi/2, pi/2), `pi/2` times the signed word, made odd, in units of 2^31. With the
    /// radius's sign it is uniform on the circle.
    @inline(__always)
    private static func direction(_ w: Words) -> (Lanes, Lanes) {
        let odd = cvector_from_i32x16(unsafeBitCast(w | Words(repeating: 1), to: SIMD16<Int32>.self))
        // Never 0, so that the exponent may be lowered in the bits.
        let t = unsafeBitCast(unsafeBitCast(odd, to: Words.self) &- Words(repeating: 31 << 23), to: Lanes.self)
        let y = t * t
        // |errors| < 3.4e-9 and 4.7e-8.
        var s = Lanes(repeating: -0.00467222792319).fma(y, Lanes(repeating: 0.000150820564521))
        s = Lanes(repeating: 0.0796884805403).fma(y, s)
        s = Lanes(repeating: -0.645963359866).fma(y, s)
        s = Lanes(repeating: 1.57079629002).fma(y, s)
        var c = Lanes(repeating: -0.0208106275202).fma(y, Lanes(repeating: 0.000858190619886))
        c = Lanes(repeating: 0.253650744636).fma(y, c)
        c = Lanes(repeating: -1.23369821467).fma(y, c)
        c = Lanes(repeating: 0.999999953467).fma(y, c)
        return (c, s * t)
    }
}

extension SIMD16<Float> {
    /// `self + a * b`, rounded once.
    @inline(__always)
    fileprivate func fma(_ a: Self, _ b: Self) -> Self { cvector_fma_f32x16(a, b, self) }
}
