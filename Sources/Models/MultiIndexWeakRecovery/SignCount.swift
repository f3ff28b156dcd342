import Foundation
import Numerics

/// The number K of positive ones among three jointly normal z ~ N(omega, V): y = 2 K - 3 is the committee's label. By (26) to
/// (28) no integral is over z, and gradient and Hessian need none but those of pairs.
package struct SignCount: Posterior {
    package static let p = 3

    /// Everything that P, its gradient and its Hessian are linear in.
    package struct Parts: Sendable {
        /// P(K = 0...3) for the diagonal of V.
        let count: (Lanes, Lanes, Lanes, Lanes)
        /// n_k P(m | z_k = 0), m = 0, 1, 2.
        let edge: (Triple, Triple, Triple)
        /// n_jk P(m | z_j = z_k = 0), m = 0, 1, for the pair opposite to 0, 1, 2.
        let corner: (Ends, Ends, Ends)
        /// The path integral's coefficients of D2_0 and D2_1.
        var path: Ends = (.zero, .zero)
    }
    package typealias Ends = (Lanes, Lanes)
    private typealias Corners = (Corner, Corner, Corner)

    /// The pair (j, k) at a V(t): density at 0, and the law of the third given z_j = z_k = 0.
    private struct Corner: Sendable {
        /// exp(-(a w_j^2 + 2 b w_j w_k + c w_k^2)) factor.
        var (a, b, c, factor): (Double, Double, Double, Double)
        /// The third's mean is w_l - slopeJ w_j - slopeK w_k, its 1/sqrt(2 variance) is `scale`.
        var (slopeJ, slopeK, scale): (Double, Double, Double)

        init?(_ V: [Double], _ l: Int, _ j: Int, _ k: Int) {
            let determinant = V[4 * j] * V[4 * k] - V[3 * j + k] * V[3 * j + k]
            guard V[4 * j] > 0, determinant > 0 else { return nil }
            let (i11, i12, i22) = (V[4 * k] / determinant, -V[3 * j + k] / determinant, V[4 * j] / determinant)
            (a, b, c) = (-0.5 * i11, -i12, -0.5 * i22)
            factor = 1 / (2 * .pi * determinant.squareRoot())
            slopeJ = V[3 * l + j] * i11 + V[3 * l + k] * i12
            slopeK = V[3 * l + j] * i12 + V[3 * l + k] * i22
            let rest = V[4 * l] - slopeJ * V[3 * l + j] - slopeK * V[3 * l + k]
            guard rest > 0, rest < .infinity else { return nil }
            scale = 1 / (2 * rest).squareRoot()
        }

        @inline(__always)
        func value(_ wl: Lanes, _ wj: Lanes, _ wk: Lanes) -> Ends {
            let density = factor * exponential(a * wj * wj + b * wj * wk + c * wk * wk)
            let e = errorFunction((wl - slopeJ * wj - slopeK * wk) * scale).value
            return (0.5 * density * (1 - e), 0.5 * density * (1 + e))
        }
    }

    /// z_k = 0: its density, and the two others given that.
    private struct Edge: Sendable {
        let (factor, exponent, slopeI, slopeJ): (Double, Double, Double, Double)
        /// 1/sqrt(2 variance) of the two others.
        let (scaleI, scaleJ): (Double, Double)
        let pair: SignPair

        init?(_ V: [Double], _ k: Int, _ i: Int, _ j: Int) {
            guard V[4 * k] > 0 else { return nil }
            (slopeI, slopeJ) = (V[3 * i + k] / V[4 * k], V[3 * j + k] / V[4 * k])
            let (si, sj) = (V[4 * i] - slopeI * V[3 * i + k], V[4 * j] - slopeJ * V[3 * j + k])
            guard let pair = SignPair(si, V[3 * i + j] - slopeI * V[3 * j + k], sj) else { return nil }
            self.pair = pair
            factor = 1 / (2 * .pi * V[4 * k]).squareRoot()
            exponent = -0.5 / V[4 * k]
            (scaleI, scaleJ) = (1 / (2 * si).squareRoot(), 1 / (2 * sj).squareRoot())
        }

        @inline(__always)
        func value(_ wk: Lanes, _ wi: Lanes, _ wj: Lanes) -> Triple {
            let (mi, mj) = (wi - slopeI * wk, wj - slopeJ * wk)
            let E = pair.value(mi, mj).E
            let (ei, ej) = (errorFunction(mi * scaleI).value, errorFunction(mj * scaleJ).value)
            let n = 0.25 * factor * exponential(exponent * wk * wk)
            return Triple(x: n * (1 - ei - ej + E), y: 2 * n * (1 - E), z: n * (1 + ei + ej + E))
        }
    }

    private let scales: SIMD3<Double>
    private let variances: SIMD3<Double>
    /// V_jk over the variance of one of the pair: slopes[3 k + j] = V_jk/V_kk.
    private let slopes: [Double]
    private let edges: (Edge, Edge, Edge)
    private let corners: Corners
    /// Of each node t: the three corners at V(t), with weight V_jk in the factor.
    private var path: [Corners] = []

    /// - Throws: ``NotPositive``.
    package init(_ matrix: [Double]) throws {
        let V = SmallMatrix.symmetrised(matrix, 3)
        func corners(_ V: [Double]) throws -> Corners {
            guard let first = Corner(V, 0, 1, 2), let second = Corner(V, 1, 0, 2), let third = Corner(V, 2, 0, 1)
            else { throw NotPositive("V", matrix) }
            return (first, second, third)
        }
        guard let first = Edge(V, 0, 1, 2), let second = Edge(V, 1, 0, 2), let third = Edge(V, 2, 0, 1) else {
            throw NotPositive("V", matrix)
        }
        edges = (first, second, third)
        self.corners = try corners(V)
        variances = SIMD3(V[0], V[4], V[8])
        scales = SIMD3((0.5 / V[0]).squareRoot(), (0.5 / V[4]).squareRoot(), (0.5 / V[8]).squareRoot())
        slopes = (0..<9).map { V[$0] / V[4 * ($0 / 3)] }
        guard V[1] != 0 || V[2] != 0 || V[5] != 0 else { return }
        let rule = Self.rule(V)
        for (t, weight) in zip(rule.nodes, rule.weights) {
            var node = try corners((0..<9).map { $0 % 4 == 0 ? V[$0] : t * V[$0] })
            node.0.factor *= weight * V[5]
            node.1.factor *= weight * V[2]
            node.2.factor *= weight * V[1]
            path.append(node)
        }
    }

    /// More nodes as the correlation matrix comes near to singular: the path's integrand is steep at its end then.
    private static func rule(_ V: [Double]) -> GaussLegendre {
        let volume: Double = V[0] * V[4] * V[8]
        let squares: Double = V[1] * V[1] * V[8] + V[2] * V[2] * V[4] + V[5] * V[5] * V[0]
        // Of the correlation matrix.
        let determinant: Double = 1 + (2 * V[1] * V[2] * V[5] - squares) / volume
        return determinant > 0.8 ? rules.0 : determinant > 0.3 ? rules.1 : determinant > 0.03 ? rules.2 : rules.3
    }

    private static let rules = (
        GaussLegendre(count: 8, from: 0, to: 1), GaussLegendre(count: 16, from: 0, to: 1),
        GaussLegendre(count: 32, from: 0, to: 1), GaussLegendre(count: 96, from: 0, to: 1)
    )

    @inline(__always)
    package func parts(_ w: Triple) -> Parts {
        let p0 = 0.5 + 0.5 * errorFunction(w.x * scales.x).value
        let p1 = 0.5 + 0.5 * errorFunction(w.y * scales.y).value
        let p2 = 0.5 + 0.5 * errorFunction(w.z * scales.z).value
        let one = Lanes(repeating: 1)
        let (q0, q1, q2): (Lanes, Lanes, Lanes) = (one - p0, one - p1, one - p2)
        let (p01, q01): (Lanes, Lanes) = (p0 * p1, q0 * q1)
        let either: Lanes = p0 * q1 + q0 * p1
        let count1: Lanes = q01 * p2 + either * q2
        let count2: Lanes = p01 * q2 + either * p2
        var parts = Parts(
            count: (q01 * q2, count1, count2, p01 * p2),
            edge: (edges.0.value(w.x, w.y, w.z), edges.1.value(w.y, w.x, w.z), edges.2.value(w.z, w.x, w.y)),
            corner: values(corners, w))
        for node in path {
            let (first, second, third) = values(node, w)
            parts.path.0 += first.0 + second.0 + third.0
            parts.path.1 += first.1 + second.1 + third.1
        }
        return parts
    }

    @inline(__always)
    private func values(_ corners: Corners, _ w: Triple) -> (Ends, Ends, Ends) {
        (corners.0.value(w.x, w.y, w.z), corners.1.value(w.y, w.x, w.z), corners.2.value(w.z, w.x, w.y))
    }

    /// The moments of the indicator of K = `count` (one of 0...3 in each lane).
    @inline(__always)
    package func moments(_ parts: Parts, _ w: Triple, count: Lanes, hessian: Bool) -> Evidence {
        func indicator(_ k: Double) -> Lanes { Lanes.zero.replacing(with: 1, where: count .== Lanes(repeating: k)) }
        let (c0, c1, c2, c3) = (indicator(0), indicator(1), indicator(2), indicator(3))
        let (d0, d1, d2) = (c1 - c0, c2 - c1, c3 - c2)
        let (s0, s1) = (d1 - d0, d2 - d1)
        var Z: Lanes = c0 * parts.count.0 + c1 * parts.count.1
        Z += c2 * parts.count.2 + c3 * parts.count.3
        Z += s0 * parts.path.0 + s1 * parts.path.1
        func first(_ e: Triple) -> Lanes { d0 * e.x + d1 * e.y + d2 * e.z }
        var m = Evidence(Z: Z, D: Triple(x: first(parts.edge.0), y: first(parts.edge.1), z: first(parts.edge.2)))
        guard hessian else { return m }
        func second(_ e: Ends) -> Lanes { s0 * e.0 + s1 * e.1 }
        m.H.yz = second(parts.corner.0)
        m.H.xz = second(parts.corner.1)
        m.H.xy = second(parts.corner.2)
        // The density of z_k at 0 and the others' means given z_k = 0 both move with omega_k (28).
        m.H.xx = -(w.x * (1 / variances.x)) * m.D.x - slopes[1] * m.H.xy - slopes[2] * m.H.xz
        m.H.yy = -(w.y * (1 / variances.y)) * m.D.y - slopes[3] * m.H.xy - slopes[5] * m.H.yz
        m.H.zz = -(w.z * (1 / variances.z)) * m.D.z - slopes[6] * m.H.xz - slopes[7] * m.H.yz
        return m
    }

    @inline(__always)
    package func moments(_ w: Triple, label: Lanes, hessian: Bool) -> Evidence {
        moments(parts(w), w, count: 0.5 * (label + 3), hessian: hessian)
    }
}
