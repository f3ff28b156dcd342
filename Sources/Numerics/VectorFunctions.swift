import CVector

/// Eight numbers side by side.
public typealias Lanes = SIMD8<Double>

/// exp(x), relative error below 3e-16; x is held in [-708, 708], so the result is neither 0 nor infinite. Of what is not
/// a number it makes what is not a number.
@inlinable @inline(__always)
public func exponential(_ argument: Lanes) -> Lanes {
    let bound = Lanes(repeating: 708)
    var x = argument.replacing(with: bound, where: argument .> bound)
    x = x.replacing(with: -bound, where: x .< -bound)
    // n = round(x / ln 2) by adding 1.5 * 2^52, whose low bits then hold n.
    let magic = Lanes(repeating: 0x1.8p52)
    let shifted = x * Lanes(repeating: 1.4426950408889634) + magic
    let n = shifted - magic
    let r = (x - n * Lanes(repeating: 0x1.62e42fee00000p-1)) - n * Lanes(repeating: 0x1.a39ef35793c76p-33)
    // Taylor's polynomial of degree 13 on |r| <= ln(2)/2.
    var p = Lanes(repeating: 1.0 / 6_227_020_800)
    p = p * r + Lanes(repeating: 1.0 / 479_001_600)
    p = p * r + Lanes(repeating: 1.0 / 39_916_800)
    p = p * r + Lanes(repeating: 1.0 / 3_628_800)
    p = p * r + Lanes(repeating: 1.0 / 362_880)
    p = p * r + Lanes(repeating: 1.0 / 40_320)
    p = p * r + Lanes(repeating: 1.0 / 5_040)
    p = p * r + Lanes(repeating: 1.0 / 720)
    p = p * r + Lanes(repeating: 1.0 / 120)
    p = p * r + Lanes(repeating: 1.0 / 24)
    p = p * r + Lanes(repeating: 1.0 / 6)
    p = p * r + Lanes(repeating: 0.5)
    p = p * r + Lanes(repeating: 1)
    p = p * r + Lanes(repeating: 1)
    let bits = unsafeBitCast(shifted, to: SIMD8<Int64>.self)
    let scale = unsafeBitCast((bits &+ SIMD8(repeating: 1023)) &<< 52, to: Lanes.self)
    return p * scale
}

/// a b + c with one rounding: the same bits on every processor.
@inlinable @inline(__always)
public func fused(_ a: Lanes, _ b: Lanes, _ c: Lanes) -> Lanes { cvector_fma_f64x8(a, b, c) }

/// exp(x) for weights, x <= 0, relative error below 8e-13: a third of the operations of ``exponential(_:)``. Below -708 it is
/// exp(-708).
@inlinable @inline(__always)
public func weight(_ argument: Lanes) -> Lanes {
    let bound = Lanes(repeating: -708)
    let x = argument.replacing(with: bound, where: argument .< bound)
    // n = round(x / ln 2) by adding 1.5 * 2^52, whose low bits then hold n.
    let magic = Lanes(repeating: 0x1.8p52)
    let shifted = fused(x, Lanes(repeating: 1.4426950408889634), magic)
    let r = fused(shifted - magic, Lanes(repeating: -0x1.62e42fefa39efp-1), x)
    // The polynomial of degree 8 with the smallest relative error on |r| <= ln(2)/2.
    var p = Lanes(repeating: 0x1.9eda95b796ec0p-16)
    p = fused(p, r, Lanes(repeating: 0x1.a1a81bb6dee02p-13))
    p = fused(p, r, Lanes(repeating: 0x1.6c18b337ffd65p-10))
    p = fused(p, r, Lanes(repeating: 0x1.111082af65c0cp-7))
    p = fused(p, r, Lanes(repeating: 0x1.555554051293dp-5))
    p = fused(p, r, Lanes(repeating: 0x1.555555a081928p-3))
    p = fused(p, r, Lanes(repeating: 0x1.0000000087f33p-1))
    p = fused(p, r, Lanes(repeating: 0x1.ffffffffd563ap-1))
    p = fused(p, r, Lanes(repeating: 0x1.ffffffffff7a3p-1))
    let bits = unsafeBitCast(shifted, to: SIMD8<Int64>.self)
    return p * unsafeBitCast((bits &+ SIMD8(repeating: 1023)) &<< 52, to: Lanes.self)
}

/// s(u) = 1/(1 + exp(-u)).
@inlinable @inline(__always)
public func logistic(_ u: Lanes) -> Lanes { Lanes(repeating: 1) / (Lanes(repeating: 1) + exponential(-u)) }

/// tanh(u), absolute error below 4e-16.
@inlinable @inline(__always)
public func hyperbolicTangent(_ u: Lanes) -> Lanes {
    Lanes(repeating: 1) - Lanes(repeating: 2) / (Lanes(repeating: 1) + exponential(u + u))
}

/// log(1 + exp(u)), relative error below 1e-15 for u > -700.
@inlinable @inline(__always)
public func softplus(_ u: Lanes) -> Lanes {
    let positive = u.replacing(with: 0, where: u .< Lanes.zero)
    let y = exponential(u - positive - positive)
    // log(1 + y) = 2 artanh(s) at s = y/(2 + y) <= 1/3, by its series.
    let s = y / (Lanes(repeating: 2) + y)
    let square = s * s
    var sum = Lanes(repeating: 1.0 / 33)
    var power = 31.0
    while power > 0 {
        sum = sum * square + Lanes(repeating: 1 / power)
        power -= 2
    }
    return positive + (s + s) * sum
}

/// Eight numbers from `base + 8 block`, which must be allocated.
@inlinable @inline(__always)
public func lanes(_ base: UnsafePointer<Double>, _ block: Int) -> Lanes {
    UnsafeRawPointer(base + 8 * block).loadUnaligned(as: Lanes.self)
}

/// Stores eight numbers at `base + 8 block`, which must be allocated.
@inlinable @inline(__always)
public func store(_ value: Lanes, _ base: UnsafeMutablePointer<Double>, _ block: Int) {
    UnsafeMutableRawPointer(base + 8 * block).storeBytes(of: value, as: Lanes.self)
}

/// erf(x) with exp(-x^2), which it takes on the way. The absolute error of erf is below 4e-16.
///
/// Rational approximations of Cody (Mathematics of Computation 23, 1969), one each for |x| up to 0.46875, to 4, and beyond.
@inlinable @inline(__always)
public func errorFunction(_ x: Lanes) -> (value: Lanes, gaussian: Lanes) {
    let square = x * x
    let gaussian = exponential(-square)
    let y = x.replacing(with: -x, where: x .< Lanes.zero)

    var top = Lanes(repeating: 1.85777706184603153e-1) * square + Lanes(repeating: 3.16112374387056560)
    var bottom = square + Lanes(repeating: 2.36012909523441209e1)
    top = top * square + Lanes(repeating: 1.13864154151050156e2)
    bottom = bottom * square + Lanes(repeating: 2.44024637934444173e2)
    top = top * square + Lanes(repeating: 3.77485237685302021e2)
    bottom = bottom * square + Lanes(repeating: 1.28261652607737228e3)
    top = top * square + Lanes(repeating: 3.20937758913846947e3)
    bottom = bottom * square + Lanes(repeating: 2.84423683343917062e3)
    let near = x * top / bottom

    top = Lanes(repeating: 2.15311535474403846e-8) * y + Lanes(repeating: 5.64188496988670089e-1)
    bottom = y + Lanes(repeating: 1.57449261107098347e1)
    top = top * y + Lanes(repeating: 8.88314979438837594)
    bottom = bottom * y + Lanes(repeating: 1.17693950891312499e2)
    top = top * y + Lanes(repeating: 6.61191906371416295e1)
    bottom = bottom * y + Lanes(repeating: 5.37181101862009858e2)
    top = top * y + Lanes(repeating: 2.98635138197400131e2)
    bottom = bottom * y + Lanes(repeating: 1.62138957456669019e3)
    top = top * y + Lanes(repeating: 8.81952221241769090e2)
    bottom = bottom * y + Lanes(repeating: 3.29079923573345963e3)
    top = top * y + Lanes(repeating: 1.71204761263407058e3)
    bottom = bottom * y + Lanes(repeating: 4.36261909014324716e3)
    top = top * y + Lanes(repeating: 2.05107837782607147e3)
    bottom = bottom * y + Lanes(repeating: 3.43936767414372164e3)
    top = top * y + Lanes(repeating: 1.23033935479799725e3)
    bottom = bottom * y + Lanes(repeating: 1.23033935480374942e3)
    let middle = top / bottom

    let far = y.replacing(with: 4, where: y .< Lanes(repeating: 4))
    let inverse = Lanes(repeating: 1) / (far * far)
    top = Lanes(repeating: 1.63153871373020978e-2) * inverse + Lanes(repeating: 3.05326634961232344e-1)
    bottom = inverse + Lanes(repeating: 2.56852019228982242)
    top = top * inverse + Lanes(repeating: 3.60344899949804439e-1)
    bottom = bottom * inverse + Lanes(repeating: 1.87295284992346725)
    top = top * inverse + Lanes(repeating: 1.25781726111229246e-1)
    bottom = bottom * inverse + Lanes(repeating: 5.27905102951428412e-1)
    top = top * inverse + Lanes(repeating: 1.60837851487422766e-2)
    bottom = bottom * inverse + Lanes(repeating: 6.05183413124413191e-2)
    top = top * inverse + Lanes(repeating: 6.58749161529837803e-4)
    bottom = bottom * inverse + Lanes(repeating: 2.33520497626869185e-3)
    let end = (Lanes(repeating: 0.564189583547756287) - inverse * top / bottom) / far
    let tail = middle.replacing(with: end, where: y .> Lanes(repeating: 4))
    let beyond = Lanes(repeating: 1) - gaussian * tail
    let signed = beyond.replacing(with: -beyond, where: x .< Lanes.zero)
    return (signed.replacing(with: near, where: y .<= Lanes(repeating: 0.46875)), gaussian)
}
