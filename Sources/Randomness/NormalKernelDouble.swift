import CVector

/// Double-precision Box-Muller draws, eight lanes at a time and without a library call.
enum NormalKernelDouble {
    private typealias Lanes = SIMD8<Double>
    private typealias Words = SIMD8<UInt64>

    /// Draws `16 * octets.lowerBound ..< 16 * octets.upperBound` of the sequence, to `output`; in two passes like
    /// ``NormalKernelFloat``.
    @inline(never)
    static func fill(_ output: UnsafeMutablePointer<Double>, _ sequence: RandomSequence, octets: Range<UInt64>) {
        var target = UnsafeMutableRawPointer(output)
        var octet = octets.lowerBound
        while octet < octets.upperBound {
            let portion = octet..<min(octets.upperBound, octet &+ 64)
            sequence.fill(target, octets: portion, .normalDouble)
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

    /// Uniforms `16 * octets.lowerBound ..< 16 * octets.upperBound` of the sequence, to `output`.
    @inline(never)
    static func fillUniform(_ output: UnsafeMutablePointer<Double>, _ sequence: RandomSequence, octets: Range<UInt64>) {
        var target = UnsafeMutableRawPointer(output)
        sequence.fill(target, octets: octets, .uniform)
        for _ in octets.lowerBound &* 2..<octets.upperBound &* 2 {
            let u = unitInterval(target.loadUnaligned(as: Words.self))
            target.storeBytes(of: u, as: Lanes.self)
            target += 64
        }
    }

    /// `(k + 1/2) / 2^52`, exactly, with `k` the upper 52 bits: never 0 or 1.
    @inline(__always)
    private static func unitInterval(_ w: Words) -> Lanes { oneToTwo(w) - Lanes(repeating: 1 - 0x1p-53) }

    /// `1 + k / 2^52`, exactly, with `k` the upper 52 bits.
    @inline(__always)
    private static func oneToTwo(_ w: Words) -> Lanes {
        unsafeBitCast(w &>> 12 | Words(repeating: 0x3FF0_0000_0000_0000), to: Lanes.self)
    }

    /// `sqrt(-2 log u)` with `u = (k + 1/2) / 2^52`, `k` the upper 52 bits; the lowest bit is the sign.
    @inline(__always)
    private static func radius(_ w: Words) -> Lanes {
        let bits = unsafeBitCast(unitInterval(w), to: Words.self)
        // u = m * 2^e with m in [sqrt(1/2), sqrt(2)): offsetting the bits by those of sqrt(1/2) moves the cut. To e is
        // added 64, so that it is positive; then m is lower by 2^64.
        let shifted = bits &- Words(repeating: 0x3FE6_A09E_667F_3BCD &- (64 << 52))
        let exponent = shifted & Words(repeating: 0xFFF0_0000_0000_0000)
        let f = Lanes(repeating: -1).fma(unsafeBitCast(bits &- exponent, to: Lanes.self), Lanes(repeating: 0x1p64))
        // Below the digits of 2^52 a small whole number stands as it is.
        let e =
            unsafeBitCast(shifted &>> 52 | Words(repeating: 0x4330_0000_0000_0000), to: Lanes.self)
            - Lanes(repeating: 0x1p52 + 64)
        let s = f / (Lanes(repeating: 2) + f)
        let z = s * s
        // -2 log((1 + s)/(1 - s)) = s P(s^2), |relative error| < 1.8e-16.
        var p = Lanes(repeating: -0.3624371087689190296).fma(z, Lanes(repeating: -0.3367710978357360826))
        p = Lanes(repeating: -0.4444687432385197692).fma(z, p)
        p = Lanes(repeating: -0.5714283196246446039).fma(z, p)
        p = Lanes(repeating: -0.8000000012403292441).fma(z, p)
        p = Lanes(repeating: -1.333333333331044508).fma(z, p)
        p = Lanes(repeating: -4.000000000000000689).fma(z, p)
        let log = (e * Lanes(repeating: -1.3862943611198906188)).fma(s, p)
        let root = cvector_sqrt_f64x8(log)
        return unsafeBitCast(unsafeBitCast(root, to: Words.self) ^ (w &<< 63), to: Lanes.self)
    }

    /// Cosine and sine of an angle in (-pi/2, pi/2): `pi` times `(k + 1/2) / 2^52 - 1/2`, `k` the upper 52 bits. With the
    /// radius's sign it is uniform on the circle.
    @inline(__always)
    private static func direction(_ w: Words) -> (Lanes, Lanes) {
        let t = oneToTwo(w) - Lanes(repeating: 1.5 - 0x1p-53)
        let y = t * t
        // |errors| < 9.0e-17 and 4e-18.
        var s = Lanes(repeating: 0.0004659420688873672402).fma(y, Lanes(repeating: -0.00002108568977042100691))
        s = Lanes(repeating: -0.007370347469058593265).fma(y, s)
        s = Lanes(repeating: 0.08214587559646474445).fma(y, s)
        s = Lanes(repeating: -0.599264528495855702).fma(y, s)
        s = Lanes(repeating: 2.550164039844571563).fma(y, s)
        s = Lanes(repeating: -5.167712780049385328).fma(y, s)
        s = Lanes(repeating: 3.141592653589790196).fma(y, s)
        var c = Lanes(repeating: -0.0001045665807346356873).fma(y, Lanes(repeating: 4.149591700194993935e-6))
        c = Lanes(repeating: 0.001929556283591912168).fma(y, c)
        c = Lanes(repeating: -0.02580688873935254136).fma(y, c)
        c = Lanes(repeating: 0.2353306301298082985).fma(y, c)
        c = Lanes(repeating: -1.335262768843464623).fma(y, c)
        c = Lanes(repeating: 4.058712126416497547).fma(y, c)
        c = Lanes(repeating: -4.934802200544676774).fma(y, c)
        c = Lanes(repeating: 1).fma(y, c)
        return (c, s * t)
    }
}

extension SIMD8<Double> {
    /// `self + a * b`, rounded once.
    @inline(__always)
    fileprivate func fma(_ a: Self, _ b: Self) -> Self { cvector_fma_f64x8(a, b, self) }
}
