/// Constants of fdlibm (Sun Microsystems, 1993), and scalar functions from them.
///
/// The random streams use these instead of the C library's, whose last bits differ between versions and between the
/// code paths it picks at run time; a rejection step would then accept on one machine and refuse on another.
package enum FDLibm {
    static let ln2High = 6.93147180369123816490e-01
    static let ln2Low = 1.90821492927058770002e-10
    static let lg1 = 6.666666666666735130e-01
    static let lg2 = 3.999999999940941908e-01
    static let lg3 = 2.857142874366239149e-01
    static let lg4 = 2.222219843214978396e-01
    static let lg5 = 1.818357216161805012e-01
    static let lg6 = 1.531383769920937332e-01
    static let lg7 = 1.479819860511658591e-01
    static let p1 = 1.66666666666666019037e-01
    static let p2 = -2.77777777770155933842e-03
    static let p3 = 6.61375632143793436117e-05
    static let p4 = -1.65339022054652515390e-06
    static let p5 = 4.13813679705723846039e-08

    /// Natural logarithm of a positive normal number, error below 1 ulp.
    package static func log(_ x: Double) -> Double {
        let bits = Int64(bitPattern: x.bitPattern)
        let exponent = (bits &- 0x3FE6_A09E_667F_3BCD) >> 52
        let m = Double(bitPattern: UInt64(bitPattern: bits &- (exponent << 52)))
        let k = Double(exponent)
        let f = m - 1
        let s = f / (2 + f)
        let z = s * s
        let w = z * z
        let odd = lg2.addingProduct(w, lg4.addingProduct(w, lg6))
        let even = lg1.addingProduct(w, lg3.addingProduct(w, lg5.addingProduct(w, lg7)))
        let r = (w * odd).addingProduct(z, even)
        let half = 0.5 * f * f
        let tail = (k * ln2Low).addingProduct(s, half + r)
        return (f - (half - tail)).addingProduct(k, ln2High)
    }

    /// Exponential of `x <= 0`, error below 1 ulp; 0 below -708, where the result would leave the normal numbers.
    package static func expNonPositive(_ x: Double) -> Double {
        if x < -708 { return 0 }
        let k = (x * 1.4426950408889634).rounded(.toNearestOrEven)
        let high = x.addingProduct(-k, ln2High)
        let low = k * ln2Low
        let r = high - low
        let t = r * r
        let p = p1.addingProduct(t, p2.addingProduct(t, p3.addingProduct(t, p4.addingProduct(t, p5))))
        let c = r.addingProduct(-t, p)
        let y = 1 - ((low - (r * c) / (2 - c)) - high)
        return y * Double(bitPattern: UInt64(bitPattern: Int64(k) &+ 1023) &<< 52)
    }
}
