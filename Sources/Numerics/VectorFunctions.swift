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
