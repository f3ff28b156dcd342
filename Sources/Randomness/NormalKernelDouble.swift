import CVector

/// Double-precision Box-Muller draws, eight lanes at a time and without a library call.
enum NormalKernelDouble {
    typealias Lanes = SIMD8<Double>

    /// The 16 draws made from one octet of Philox blocks; lane `i` of `first` and `second` share a radius.
    @inline(__always)
    static func draws(_ sequence: PhiloxSequence, octet: UInt64) -> (first: Lanes, second: Lanes) {
        let words = sequence.octet(octet, .normalDouble)
        let radius = cvector_sqrt_f64x8(Lanes(repeating: -2) * logarithm(unitInterval(words.first)))
        let (first, second) = direction(words.second)
        return (radius * first, radius * second)
    }

    /// `(k + 1/2) / 2^52`, exactly, with `k` the upper 52 bits: never 0 or 1.
    @inline(__always)
    static func unitInterval(_ w: SIMD8<UInt64>) -> Lanes {
        let oneToTwo = unsafeBitCast(w &>> 12 | SIMD8(repeating: 0x3FF0_0000_0000_0000), to: Lanes.self)
        return oneToTwo - Lanes(repeating: 1 - 0x1p-53)
    }

    /// Natural logarithm of positive normal numbers, error below 1 ulp: the reduction and polynomial of fdlibm's `log`
    /// (Sun Microsystems 1993) with fused multiply-adds.
    @inline(__always)
    static func logarithm(_ x: Lanes) -> Lanes {
        let bits = unsafeBitCast(x, to: SIMD8<Int64>.self)
        // m in [sqrt(1/2), sqrt(2)); the exponent is small, so the magic-number conversion is exact.
        let exponent = (bits &- SIMD8(repeating: 0x3FE6_A09E_667F_3BCD)) &>> 52
        let m = unsafeBitCast(bits &- (exponent &<< 52), to: Lanes.self)
        let magic = SIMD8<Int64>(repeating: 0x4338_0000_0000_0000)
        let k = unsafeBitCast(exponent &+ magic, to: Lanes.self) - Lanes(repeating: 0x1.8p52)
        let f = m - Lanes(repeating: 1)
        let s = f / (Lanes(repeating: 2) + f)
        let z = s * s
        let w = z * z
        let odd = Lanes(repeating: FDLibm.lg2).fma(
            w, Lanes(repeating: FDLibm.lg4).fma(w, Lanes(repeating: FDLibm.lg6)))
        let even = Lanes(repeating: FDLibm.lg1).fma(
            w,
            Lanes(repeating: FDLibm.lg3).fma(
                w, Lanes(repeating: FDLibm.lg5).fma(w, Lanes(repeating: FDLibm.lg7))))
        let r = (w * odd).fma(z, even)
        let half = Lanes(repeating: 0.5) * f * f
        let tail = (k * Lanes(repeating: FDLibm.ln2Low)).fma(s, half + r)
        return (f - (half - tail)).fma(k, Lanes(repeating: FDLibm.ln2High))
    }

    /// A uniform point on the unit circle: bit 63 is the sign of the cosine, bit 62 swaps the coordinates, the next 52
    /// bits are an angle in [-pi/4, pi/4). The polynomials are fdlibm's for this interval.
    @inline(__always)
    static func direction(_ w: SIMD8<UInt64>) -> (Lanes, Lanes) {
        let fraction = (w &<< 2) &>> 12 | SIMD8(repeating: 0x3FF0_0000_0000_0000)
        let x = (unsafeBitCast(fraction, to: Lanes.self) - Lanes(repeating: 1.5)) * Lanes(repeating: .pi / 2)
        let z = x * x
        var s = Lanes(repeating: FDLibm.s5).fma(z, Lanes(repeating: FDLibm.s6))
        s = Lanes(repeating: FDLibm.s4).fma(z, s)
        s = Lanes(repeating: FDLibm.s3).fma(z, s)
        s = Lanes(repeating: FDLibm.s2).fma(z, s)
        s = Lanes(repeating: FDLibm.s1).fma(z, s)
        s = x.fma(x * z, s)
        var c = Lanes(repeating: FDLibm.c5).fma(z, Lanes(repeating: FDLibm.c6))
        c = Lanes(repeating: FDLibm.c4).fma(z, c)
        c = Lanes(repeating: FDLibm.c3).fma(z, c)
        c = Lanes(repeating: FDLibm.c2).fma(z, c)
        c = Lanes(repeating: FDLibm.c1).fma(z, c)
        c = Lanes(repeating: -0.5).fma(z, c)
        c = Lanes(repeating: 1).fma(z, c)
        // In bit operations, since a lane-wise comparison compiles to a loop.
        let sign = w & SIMD8(repeating: 0x8000_0000_0000_0000)
        let swap = unsafeBitCast(unsafeBitCast(w &<< 1, to: SIMD8<Int64>.self) &>> 63, to: SIMD8<UInt64>.self)
        let cosine = unsafeBitCast(c, to: SIMD8<UInt64>.self) ^ sign
        let sine = unsafeBitCast(s, to: SIMD8<UInt64>.self)
        let difference = (cosine ^ sine) & swap
        return (
            unsafeBitCast(cosine ^ difference, to: Lanes.self), unsafeBitCast(sine ^ difference, to: Lanes.self)
        )
    }

    /// Draws `16 * octets.lowerBound ..< 16 * octets.upperBound` of the sequence, to `output`.
    @inline(never)
    static func fill(_ output: UnsafeMutablePointer<Double>, _ sequence: PhiloxSequence, octets: Range<UInt64>) {
        var target = UnsafeMutableRawPointer(output)
        var octet = octets.lowerBound
        while octet < octets.upperBound {
            let a = draws(sequence, octet: octet)
            target.storeBytes(of: a.first, toByteOffset: 0, as: Lanes.self)
            target.storeBytes(of: a.second, toByteOffset: 64, as: Lanes.self)
            target += 128
            octet &+= 1
        }
    }

    /// Uniforms `16 * octets.lowerBound ..< 16 * octets.upperBound` of the sequence, to `output`.
    @inline(never)
    static func fillUniform(_ output: UnsafeMutablePointer<Double>, _ sequence: PhiloxSequence, octets: Range<UInt64>) {
        var target = UnsafeMutableRawPointer(output)
        var octet = octets.lowerBound
        while octet < octets.upperBound {
            let words = sequence.octet(octet, .uniform)
            target.storeBytes(of: unitInterval(words.first), toByteOffset: 0, as: Lanes.self)
            target.storeBytes(of: unitInterval(words.second), toByteOffset: 64, as: Lanes.self)
            target += 128
            octet &+= 1
        }
    }
}

extension SIMD8<Double> {
    /// `self + a * b`, rounded once.
    @inline(__always)
    fileprivate func fma(_ a: Self, _ b: Self) -> Self { cvector_fma_f64x8(a, b, self) }
}
