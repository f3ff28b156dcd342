import CVector
import Foundation
import Modeling
import Numerics

/// The posterior of two layers and two tokens, one sequence after the other, by the trapezoid rule over
/// z1 = Omega_1 + sqrt(V11) r, r in [-5, 5]^2 (14). For a smooth integrand that is Gaussian at the ends the rule converges
/// faster than any power. It works on storage that is lent to it.
struct Quadrature {
    /// More nodes than this an axis are refused.
    static let maximumNodes = 4096

    let nodes: Int
    private let c: Double
    /// sqrt(V11), V12/V11, 1/(V22 - V12^2/V11).
    private let s1: Double
    private let beta: Double
    private let precision: Double
    /// The nodes.
    private let r: UnsafePointer<Double>
    /// Nine rows of scratch, exponents on every fourth node of both axes.
    private let rows: UnsafeMutablePointer<Double>

    /// The nodes an axis: at least 61, and a step of z1 below half the width of z2 (14); 64, or a multiple of 32.
    static func nodeCount(s1: Double, s2: Double) -> Double {
        let needed = (20 * s1 / s2).rounded(.up) + 1
        return needed <= 64 ? 64 : 32 * (needed / 32).rounded(.up)
    }

    /// Lends the quadrature for the row covariance V to `body`, on `storage`, which is kept for the next one.
    ///
    /// - Throws: ``ModelError/notConverged(_:)`` when it would need too many nodes.
    static func lend<Result>(
        skip: Double, variance V: [Double], on storage: inout [Double], to body: (Quadrature) throws -> Result
    ) throws -> Result {
        let (s1, beta) = (V[0].squareRoot(), V[1] / V[0])
        let precision = 1 / (V[3] - V[1] * beta)
        let count = nodeCount(s1: s1, s2: 1 / precision.squareRoot())
        guard count <= Double(maximumNodes) else {
            throw ModelError.notConverged(
                "the channel's quadrature would need \(count) nodes an axis (at most \(maximumNodes)): the last layer is "
                    + "known so much better than the first (V = \(V)); a reg of 1e-3 keeps V away from 0")
        }
        let nodes = Int(count)
        let size = 10 * nodes + nodes * nodes / 16
        if storage.count != size {
            storage = Array(repeating: 0, count: size)
            for i in 0..<nodes { storage[i] = 10 * Double(i) / Double(nodes - 1) - 5 }
        }
        return try storage.withUnsafeMutableBufferPointer { storage in
            let base = storage.baseAddress.unsafelyUnwrapped
            return try body(
                Quadrature(nodes: nodes, c: skip, s1: s1, beta: beta, precision: precision, r: base, rows: base + nodes)
            )
        }
    }

    /// Sums over all nodes; S and D are the sum and the difference of the weights of the two signs of u.
    private struct Sums {
        var S = Lanes.zero
        var S0 = Lanes.zero
        var S1 = Lanes.zero
        var S00 = Lanes.zero
        var S01 = Lanes.zero
        var S11 = Lanes.zero
        var D0 = Lanes.zero
        var D1 = Lanes.zero
        var D00 = Lanes.zero
        var D11 = Lanes.zero
        var Q00 = Lanes.zero
        var Q01 = Lanes.zero
        var Q11 = Lanes.zero

        mutating func scale(_ factor: Double) {
            S *= factor
            S0 *= factor
            S1 *= factor
            S00 *= factor
            S01 *= factor
            S11 *= factor
            D0 *= factor
            D1 *= factor
            D00 *= factor
            D11 *= factor
            Q00 *= factor
            Q01 *= factor
            Q11 *= factor
        }
    }

    /// z11 = Omega_1 + sqrt(V11) r of the second token and exp(-z11^2), on all nodes and on every fourth.
    private struct Columns {
        let count: Int
        let r: UnsafePointer<Double>
        let z: UnsafePointer<Double>
        let e: UnsafePointer<Double>
    }

    /// Sets `moments`. With Omega_1 = 0 and V12 = 0 the posterior is even in z1: half of the nodes will do.
    func evaluate(u: UnsafePointer<Double>, omega: UnsafePointer<Double>, into moments: PosteriorMoments) -> Bool {
        let reach = max(abs(omega[0]), abs(omega[2])) + 5 * s1
        // Beyond, exp(z10 z11) would leave the numbers; no token gets there.
        guard reach * reach < 300, u[0].isFinite, u[1].isFinite else { return false }
        let isEven = omega[0] == 0 && omega[2] == 0 && beta == 0
        let fine = columns(omega, stride: 1, r: r, rows + 5 * nodes)
        let first = isEven ? nodes / 2 : 0
        var sums = Sums()
        var reference = -Double.infinity
        let coarse = rows + 9 * nodes
        if nodes > 64 { reference = scan(from: first, u, omega, coarse) }
        let bound = reference - 100
        for i in first..<nodes {
            let largest = prepareRow(i, fine, u, omega, coarse, bound)
            // What is e^-60 of the largest weight so far is nothing, even with 1/det A at its largest.
            if largest < reference - 60 { continue }
            if largest > reference {
                if reference > -.infinity { sums.scale(exp(reference - largest)) }
                reference = largest
            }
            addRow(i, reference, &sums)
        }
        return finish(sums, reference, isEven, u, omega, moments)
    }

    private func columns(
        _ omega: UnsafePointer<Double>, stride: Int, r source: UnsafePointer<Double>, _ to: UnsafeMutablePointer<Double>
    ) -> Columns {
        let count = nodes / stride
        let (copy, z, e) = (to, to + count, to + 2 * count)
        for j in 0..<count {
            copy[j] = source[j * stride]
            z[j] = omega[2] + s1 * copy[j]
        }
        for block in 0..<count / 8 {
            let value = lanes(z, block)
            store(exponential(-value * value), e, block)
        }
        return Columns(count: count, r: copy, z: z, e: e)
    }

    /// The exponents on every fourth node of both axes, and their maximum. Between them, at half a width of z2 a step, an
    /// exponent below the maximum by 100 rises by less than 60.
    private func scan(
        from first: Int, _ u: UnsafePointer<Double>, _ omega: UnsafePointer<Double>,
        _ coarse: UnsafeMutablePointer<Double>
    ) -> Double {
        let some = columns(omega, stride: 4, r: r, rows + 8 * nodes)
        var largest = -Double.infinity
        for i in Swift.stride(from: first, to: nodes, by: 4) {
            let row = Row(self, i, some, u, omega)
            var X = row.start
            var highest = Lanes(repeating: -.infinity)
            for block in 0..<some.count / 8 {
                let node = Nodes(row, block, X, some)
                X *= row.ratio
                store(node.top, coarse + i / 4 * some.count, block)
                highest = highest.replacing(with: node.top, where: node.top .> highest)
            }
            largest = max(largest, cvector_max_f64x8(highest))
        }
        return largest
    }

    /// What the nodes of one row have in common.
    private struct Row {
        let core: Quadrature
        let z10: Double
        let e10: Double
        let m0: Double
        let fixed: Double
        let u0: Double
        let u1: Double
        let o21: Double
        /// exp(z10 z11) of the first eight nodes, and its ratio eight nodes later: they are equally far apart.
        let start: Lanes
        let ratio: Double

        @inline(__always)
        init(
            _ core: Quadrature, _ i: Int, _ columns: Columns, _ u: UnsafePointer<Double>,
            _ omega: UnsafePointer<Double>
        ) {
            self.core = core
            let r0 = core.r[i]
            z10 = omega[0] + core.s1 * r0
            e10 = exp(-z10 * z10)
            m0 = omega[1] + core.beta * core.s1 * r0
            fixed = -0.5 * r0 * r0 - 0.5 * core.precision * m0 * m0
            (u0, u1) = (u[0], u[1])
            o21 = omega[3]
            start = exponential(z10 * lanes(columns.z, 0))
            ratio = exp(z10 * 8 * (columns.z[1] - columns.z[0]))
        }
    }

    /// Eight nodes of one row: z2 = A^-1 u, the larger exponent of the two signs, half of their difference, 1/det A. With
    /// x = exp(-z10 (z10 - z11)), y = exp(z11 (z10 - z11)): a = 1/(1+x), b = 1/(1+y) and
    /// (1+x)(1+y) det A = c^2 (1+x)(1+y) + c (2+x+y) + 1 - xy.
    private struct Nodes {
        let z20: Lanes
        let z21: Lanes
        let top: Lanes
        let cross: Lanes
        let rdet: Lanes

        @inline(__always)
        init(_ row: Row, _ block: Int, _ X: Lanes, _ columns: Columns) {
            let one = Lanes(repeating: 1)
            let (c, precision) = (row.core.c, row.core.precision)
            let r1 = lanes(columns.r, block)
            let m1 = fused(Lanes(repeating: row.core.beta * row.core.s1), r1, Lanes(repeating: row.o21))
            let (x, y) = (row.e10 * X, lanes(columns.e, block) * X)
            let (sx, sy) = (one + x, one + y)
            let both = sx * sy
            let cs = Lanes(repeating: c)
            let determinant = fused(cs * cs, both, fused(cs, sx + sy, fused(-x, y, one)))
            let isSingular = determinant .< 1e-12 * both
            let inverse = (one / determinant).replacing(with: 0, where: isSingular)
            let (u0, u1) = (Lanes(repeating: row.u0), Lanes(repeating: row.u1))
            z20 = fused(fused(cs, both, sx), u0, -(x * sy) * u1) * inverse
            z21 = fused(fused(cs, both, sy), u1, -(y * sx) * u0) * inverse
            cross = precision * fused(Lanes(repeating: row.m0), z20, m1 * z21)
            let squares = fused(z20, z20, fused(z21, z21, m1 * m1))
            let size = fused(
                Lanes(repeating: -0.5 * precision), squares, fused(-0.5 * r1, r1, Lanes(repeating: row.fixed)))
            let magnitude = cross.replacing(with: -cross, where: cross .< Lanes.zero)
            top = (size + magnitude).replacing(with: -1e300, where: isSingular)
            rdet = both * inverse
        }
    }

    /// Prepares row i of nodes, where the scan found something. Returns the largest exponent.
    @inline(__always)
    private func prepareRow(
        _ i: Int, _ columns: Columns, _ u: UnsafePointer<Double>, _ omega: UnsafePointer<Double>,
        _ coarse: UnsafePointer<Double>, _ bound: Double
    ) -> Double {
        let row = Row(self, i, columns, u, omega)
        var X = row.start
        var largest = Lanes(repeating: -.infinity)
        for block in 0..<nodes / 8 {
            if nodes > 64, !isActive(i / 4, block, coarse, bound) {
                store(Lanes(repeating: -.infinity), rows + 2 * nodes, block)
            } else {
                let node = Nodes(row, block, X, columns)
                largest = largest.replacing(with: node.top, where: node.top .> largest)
                store(node.z20, rows, block)
                store(node.z21, rows + nodes, block)
                store(node.top, rows + 2 * nodes, block)
                store(node.cross, rows + 3 * nodes, block)
                store(node.rdet, rows + 4 * nodes, block)
            }
            X *= row.ratio
        }
        return cvector_max_f64x8(largest)
    }

    /// Whether an exponent of the scan around this block of row `band` x 4 is above the bound.
    @inline(__always)
    private func isActive(_ band: Int, _ block: Int, _ coarse: UnsafePointer<Double>, _ bound: Double) -> Bool {
        let count = nodes / 4
        let near = coarse + band * count
        let far = band + 1 < count ? near + count : near
        for j in max(0, 2 * block - 1)...min(count - 1, 2 * block + 2) where near[j] > bound || far[j] > bound {
            return true
        }
        return false
    }

    /// Adds the moments of the prepared row i.
    @inline(__always)
    private func addRow(_ i: Int, _ reference: Double, _ sums: inout Sums) {
        var (S, S1, S11, D0, D1, D11) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
        var (Q00, Q01, Q11) = (Lanes.zero, Lanes.zero, Lanes.zero)
        for block in 0..<nodes / 8 {
            let top = lanes(rows + 2 * nodes, block)
            if nodes > 64, cvector_max_f64x8(top) < reference - 60 { continue }
            let (z20, z21) = (lanes(rows, block), lanes(rows + nodes, block))
            let cross = lanes(rows + 3 * nodes, block)
            let w = weight(top - reference) * lanes(rows + 4 * nodes, block)
            let isNegative = cross .< Lanes.zero
            let f = weight(-2 * cross.replacing(with: -cross, where: isNegative))
            let sum = fused(w, f, w)
            let difference = fused(-w, f, w)
            let d = difference.replacing(with: -difference, where: isNegative)
            let r1 = lanes(r, block)
            let (t0, t1, t2) = (sum * r1, d * z21, sum * z21)
            S += sum
            S1 += t0
            S11 = fused(t0, r1, S11)
            D0 = fused(d, z20, D0)
            D1 += t1
            D11 = fused(t1, r1, D11)
            Q00 = fused(sum * z20, z20, Q00)
            Q01 = fused(t2, z20, Q01)
            Q11 = fused(t2, z21, Q11)
        }
        let r0 = r[i]
        sums.S += S
        sums.S0 += r0 * S
        sums.S00 += (r0 * r0) * S
        sums.S1 += S1
        sums.S01 += r0 * S1
        sums.S11 += S11
        sums.D0 += D0
        sums.D00 += r0 * D0
        sums.D1 += D1
        sums.D11 += D11
        sums.Q00 += Q00
        sums.Q01 += Q01
        sums.Q11 += Q11
    }

    private func finish(
        _ sums: Sums, _ reference: Double, _ isEven: Bool, _ u: UnsafePointer<Double>, _ omega: UnsafePointer<Double>,
        _ moments: PosteriorMoments
    ) -> Bool {
        let S = sums.S.sum()
        guard S > 0, S.isFinite, reference > -1e299 else { return false }
        let odd = isEven ? 0 : 1 / S
        let (r0, r1) = (sums.S0.sum() * odd, sums.S1.sum() * odd)
        let (r00, r01, r11) = (sums.S00.sum() / S, sums.S01.sum() / S, sums.S11.sum() / S)
        let (z0, z1) = (sums.D0.sum() / S, sums.D1.sum() / S)
        let (z00, z01, z11) = (sums.Q00.sum() / S, sums.Q01.sum() / S, sums.Q11.sum() / S)
        moments.mean[0] = omega[0] + s1 * r0
        moments.mean[1] = z0
        moments.mean[2] = omega[2] + s1 * r1
        moments.mean[3] = z1
        let mixed = s1 * (sums.D00.sum() * odd - r0 * z0 + sums.D11.sum() * odd - r1 * z1)
        moments.covariance[0] = s1 * s1 * (r00 - r0 * r0 + r11 - r1 * r1)
        moments.covariance[1] = mixed
        moments.covariance[2] = mixed
        moments.covariance[3] = z00 - z0 * z0 + z11 - z1 * z1
        let (o0, o1) = (omega[0], omega[2])
        moments.pairs[0] = o0 * o0 + 2 * o0 * s1 * r0 + s1 * s1 * r00
        moments.pairs[1] = o0 * o1 + s1 * (o0 * r1 + o1 * r0) + s1 * s1 * r01
        moments.pairs[2] = moments.pairs[1]
        moments.pairs[3] = o1 * o1 + 2 * o1 * s1 * r1 + s1 * s1 * r11
        moments.pairs[4] = z00
        moments.pairs[5] = z01
        moments.pairs[6] = z01
        moments.pairs[7] = z11
        // Each node stands for step^2 of r, whose density is exp(-r^2/2)/(2 pi).
        let step = 10 / Double(nodes - 1)
        let twoPi = 2 * Double.pi
        moments.logEvidence.pointee =
            log((isEven ? 2 : 1) * S) + reference + 2 * log(step / twoPi) + log(precision)
        return true
    }
}
