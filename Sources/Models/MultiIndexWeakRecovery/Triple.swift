import Numerics

/// Three numbers for each of eight samples; of links with two directions the last is 0.
package struct Triple: Sendable {
    package var x: Lanes
    package var y: Lanes
    package var z: Lanes

    @inline(__always)
    package init(x: Lanes = .zero, y: Lanes = .zero, z: Lanes = .zero) { (self.x, self.y, self.z) = (x, y, z) }

    @inline(__always)
    static func += (a: inout Triple, b: Triple) { (a.x, a.y, a.z) = (a.x + b.x, a.y + b.y, a.z + b.z) }

    @inline(__always)
    package static func * (a: Triple, factor: Lanes) -> Triple {
        Triple(x: a.x * factor, y: a.y * factor, z: a.z * factor)
    }
}

/// A symmetric 3 x 3 matrix for each of eight samples.
package struct SymmetricTriple: Sendable {
    package var xx = Lanes.zero
    package var xy = Lanes.zero
    package var xz = Lanes.zero
    package var yy = Lanes.zero
    package var yz = Lanes.zero
    package var zz = Lanes.zero

    /// a b^T, of which the upper half is kept.
    @inline(__always)
    package static func product(_ a: Triple, _ b: Triple) -> SymmetricTriple {
        SymmetricTriple(
            xx: a.x * b.x, xy: a.x * b.y, xz: a.x * b.z, yy: a.y * b.y, yz: a.y * b.z, zz: a.z * b.z)
    }

    @inline(__always)
    package mutating func add(_ other: SymmetricTriple, times weight: Lanes = Lanes(repeating: 1)) {
        xx += weight * other.xx
        xy += weight * other.xy
        xz += weight * other.xz
        yy += weight * other.yy
        yz += weight * other.yz
        zz += weight * other.zz
    }

    /// The sum over samples, p x p.
    package func sum(_ p: Int) -> [Double] {
        let (a, b, c, d, e, f) = (xx.sum(), xy.sum(), xz.sum(), yy.sum(), yz.sum(), zz.sum())
        return p == 2 ? [a, b, b, d] : [a, b, c, b, d, e, c, e, f]
    }
}

/// Points of four numbers in blocks of eight; the last block is filled up with zeros.
func blocks(_ points: [SIMD4<Double>]) -> [(v: Triple, w: Lanes)] {
    stride(from: 0, to: points.count, by: 8).map { first in
        var block = (v: Triple(), w: Lanes.zero)
        for i in 0..<min(8, points.count - first) {
            let point = points[first + i]
            (block.v.x[i], block.v.y[i], block.v.z[i], block.w[i]) = (point.x, point.y, point.z, point.w)
        }
        return block
    }
}
