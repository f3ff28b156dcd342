import Foundation
import Numerics

/// State evolution (sheet, section 4): Mhat = alpha E[g g^T], M <- I - (I + Mhat)^-1, by deterministic quadrature.
package struct MIWStateEvolution: Sendable {
    package let link: MIWLink
    package let alpha: Double
    package let contrast: Double

    package init(link: MIWLink, alpha: Double, contrast: Double = 1) {
        (self.link, self.alpha, self.contrast) = (link, alpha, contrast)
    }

    /// The p of the link.
    package var p: Int { link.directions ?? 1 }

    /// One step from the overlap matrix M (p, p).
    package func step(_ M: [Double]) throws -> [Double] {
        let information = try outputInformation(M)
        var sum = information.map { alpha * $0 }
        for i in 0..<p { sum[i * p + i] += 1 }
        guard let factor = SmallMatrix.cholesky(sum, p, tolerance: 0, allowsZero: false) else {
            throw MIWNotPositive(what: "I + Mhat = \(sum) is not positive definite")
        }
        let C = SmallMatrix.inverse(factor: factor, p)
        // 1 - C_ii loses what a small overlap has; M = Mhat (I + Mhat)^-1 does not.
        let M = SmallMatrix.product(information.map { alpha * $0 }, C, p, p, p)
        return (0..<p * p).map { 0.5 * (M[$0] + M[$0 % p * p + $0 / p]) }
    }

    /// E[g g^T] at overlap M.
    package func outputInformation(_ M: [Double]) throws -> [Double] {
        guard M.allSatisfy(\.isFinite) else { throw MIWNotPositive(what: "M = \(M) is not finite") }
        if link == .phaseParity {
            let result = MIWPhaseParity(a: M[0]).information(b: M[4], c: M[8])
            return [result.x, 0, 0, 0, result.y, 0, 0, 0, result.z]
        }
        let grid = try MIWFieldGrid(M, p)
        let V = (0..<p * p).map { ($0 % (p + 1) == 0 ? 1 : 0) - M[$0] }
        if link == .committee3 {
            guard let count = MIWSignCount(V) else {
                throw MIWNotPositive(what: "I - M = \(V) is not positive definite")
            }
            return grid.average(p) { w0, w1, w2 in
                let parts = count.parts(w0, w1, w2)
                var sum = MIWProducts()
                for k in 0..<4 {
                    sum.add(count.moments(parts, w0, w1, w2, count: Lanes(repeating: Double(k)), hessian: false))
                }
                return sum
            }
        }
        guard let posterior = MIWSignProduct2(V, contrast: contrast) else {
            throw MIWNotPositive(what: "I - M = \(V) is not positive definite")
        }
        return grid.average(p) { w0, w1, w2 in
            var sum = MIWProducts()
            for label in [1.0, -1] {
                sum.add(posterior.moments(w0, w1, w2, label: Lanes(repeating: label), hessian: false))
            }
            return sum
        }
    }
}

/// Sum over labels of D D^T/Z.
struct MIWProducts {
    var (p00, p01, p02, p11, p12, p22) = (
        Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero
    )

    /// A label of probability below 1e-12 contributes below 1e-10, and its Z is rounding: left out.
    @inline(__always)
    mutating func add(_ m: MIWMoments) {
        let isTiny = m.Z .< Lanes(repeating: 1e-12)
        let inverse = (1 / m.Z.replacing(with: 1, where: isTiny)).replacing(with: 0, where: isTiny)
        let (d0, d1, d2) = (m.D0 * inverse, m.D1 * inverse, m.D2 * inverse)
        p00 += d0 * m.D0
        p01 += d0 * m.D1
        p02 += d0 * m.D2
        p11 += d1 * m.D1
        p12 += d1 * m.D2
        p22 += d2 * m.D2
    }
}

/// omega = M^{1/2} xi on a trapezoidal grid of xi in the eigenbasis of M, half of it: what is averaged is even in omega.
///
/// The rule converges exponentially once the step resolves functions on the scale of sqrt(V), V = I - M; directions of
/// eigenvalue 0 take one point.
struct MIWFieldGrid: Sendable {
    /// Blocks of eight: omega_0, omega_1, omega_2, weight.
    private let blocks: [(Lanes, Lanes, Lanes, Lanes)]

    static let cutoff = 7.0
    static let leastStep = 0.03

    init(_ M: [Double], _ p: Int) throws {
        let symmetric = (0..<p * p).map { 0.5 * (M[$0] + M[$0 % p * p + $0 / p]) }
        let eigen = try LAPACK.symmetricEigen(p, symmetric, vectors: true)
        guard let largest = eigen.values.last, largest < 1 else {
            throw MIWNotPositive(what: "I - M is not positive definite (M = \(M))")
        }
        let least = max(1 - largest, 1e-12)
        var points = [SIMD4<Double>(0, 0, 0, 1)]
        for (index, value) in eigen.values.enumerated() where value > 1e-15 {
            let root = value.squareRoot()
            let step = max(Self.leastStep, min(0.45, 0.6 * (least / value).squareRoot()))
            let side = Int((Self.cutoff / step).rounded(.up))
            // The first axis that is used is halved.
            let isFirst = points.count == 1
            var next: [SIMD4<Double>] = []
            next.reserveCapacity(points.count * (2 * side + 1))
            for i in (isFirst ? 0 : -side)...side {
                let xi = step * Double(i)
                let weight = step * normalDensity(xi) * (isFirst && i > 0 ? 2 : 1)
                var direction = SIMD4<Double>.zero
                for j in 0..<p { direction[j] = root * xi * eigen.vectors[index * p + j] }
                for point in points {
                    var moved = point + direction
                    moved.w = point.w * weight
                    next.append(moved)
                }
            }
            points = next
        }
        var blocks: [(Lanes, Lanes, Lanes, Lanes)] = []
        blocks.reserveCapacity((points.count + 7) / 8)
        for first in stride(from: 0, to: points.count, by: 8) {
            var block = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
            for i in 0..<min(8, points.count - first) {
                let point = points[first + i]
                (block.0[i], block.1[i], block.2[i], block.3[i]) = (point.x, point.y, point.z, point.w)
            }
            blocks.append(block)
        }
        self.blocks = blocks
    }

    @inline(__always)
    func average(_ p: Int, _ body: (Lanes, Lanes, Lanes) -> MIWProducts) -> [Double] {
        var sum = MIWProducts()
        for block in blocks {
            let value = body(block.0, block.1, block.2)
            sum.p00 += block.3 * value.p00
            sum.p01 += block.3 * value.p01
            sum.p02 += block.3 * value.p02
            sum.p11 += block.3 * value.p11
            sum.p12 += block.3 * value.p12
            sum.p22 += block.3 * value.p22
        }
        let (a, b, c) = (sum.p00.sum(), sum.p01.sum(), sum.p02.sum())
        let (d, e, f) = (sum.p11.sum(), sum.p12.sum(), sum.p22.sum())
        return p == 2 ? [a, b, b, d] : [a, b, c, b, d, e, c, e, f]
    }
}
