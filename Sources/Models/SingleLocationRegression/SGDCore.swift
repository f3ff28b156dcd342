import ModelKit
import Modeling

/// One step of full-dimensional SGD on unsafe storage.
struct SGDCore {
    private typealias Vector = SIMD16<Float>

    let batch: Batch
    /// Components off the two axes, and with padding.
    let n: Int
    let stride: Int
    let k: UnsafeMutablePointer<Double>
    let v: UnsafeMutablePointer<Double>
    /// Copies of k and v off the axes, padded with zeros; the two gradients there; the tokens of the batch there, of
    /// unit variance.
    let floats: UnsafeMutablePointer<Float>

    private var kFloat: UnsafeMutablePointer<Float> { floats }
    private var vFloat: UnsafeMutablePointer<Float> { floats + stride }
    private var gk: UnsafeMutablePointer<Float> { floats + 2 * stride }
    private var gv: UnsafeMutablePointer<Float> { floats + 3 * stride }
    private var x: UnsafeMutablePointer<Float> { floats + 4 * stride }

    /// Copies k and v off the axes to single precision.
    func refreshFloats() {
        for i in 0..<n {
            kFloat[i] = Float(k[2 + i])
            vFloat[i] = Float(v[2 + i])
        }
    }

    /// False when a norm left the numbers.
    @inline(__always)
    func step(lambda: Double, _ cursor: inout GaussianPool.Cursor, _ tokens: inout RandomStream) -> Bool {
        let (L, tokenCount, a) = (batch.L, batch.tokens, batch.stepSize)
        // Whole groups of 32 are what the generator makes fastest; those beyond n meet the zeros of k and v.
        tokens.fillNormal(UnsafeMutableBufferPointer(start: x, count: tokenCount * stride))
        measureFields()
        let axes = cursor.take(2 * tokenCount + batch.size)
        for sequence in 0..<batch.size {
            for l in 0..<L {
                let at = sequence * L + l
                let (first, second, spread) = onAxes(axes, at, isInformative: l == 0)
                batch.a[at] = first * k[0] + second * k[1] + spread * batch.a[at]
                batch.b[at] = first * v[0] + second * v[1] + spread * batch.b[at]
                if l == 0 { batch.y[sequence] = second + batch.noise * axes[2 * tokenCount + sequence] }
            }
        }
        let (alongK, alongV) = batch.measure(lambda: lambda)

        var (gk0, gk1, gv0, gv1) = (0.0, 0.0, 0.0, 0.0)
        for sequence in 0..<batch.size {
            for l in 0..<L {
                let at = sequence * L + l
                let (first, second, spread) = onAxes(axes, at, isInformative: l == 0)
                gk0 += batch.w[at] * first
                gk1 += batch.w[at] * second
                gv0 += batch.u[at] * first
                gv1 += batch.u[at] * second
                batch.w[at] *= spread
                batch.u[at] *= spread
            }
        }
        sumGradients()
        k[0] -= a * (gk0 - alongK * k[0])
        k[1] -= a * (gk1 - alongK * k[1])
        v[0] -= a * (gv0 - alongV * v[0])
        v[1] -= a * (gv1 - alongV * v[1])
        return move(k, kFloat, gk, along: alongK) && move(v, vFloat, gv, along: alongV)
    }

    /// The components of a token on the two axes, and the factor on the others.
    @inline(__always)
    private func onAxes(_ axes: UnsafePointer<Double>, _ at: Int, isInformative: Bool) -> (Double, Double, Double) {
        isInformative
            ? (batch.D + batch.gamma * axes[2 * at], batch.gamma * axes[2 * at + 1], batch.gamma)
            : (axes[2 * at], axes[2 * at + 1], 1)
    }

    /// a <- x.k and b <- x.v off the axes.
    @inline(__always)
    private func measureFields() {
        let bytes = 4 * stride
        let k = UnsafeRawPointer(kFloat)
        let v = UnsafeRawPointer(vFloat)
        for token in 0..<batch.tokens {
            let row = UnsafeRawPointer(x + token * stride)
            var (k0, k1, v0, v1) = (Vector(), Vector(), Vector(), Vector())
            var at = 0
            while at < bytes {
                let x0 = row.loadUnaligned(fromByteOffset: at, as: Vector.self)
                let x1 = row.loadUnaligned(fromByteOffset: at + 64, as: Vector.self)
                k0 = k0.addingProduct(x0, k.loadUnaligned(fromByteOffset: at, as: Vector.self))
                k1 = k1.addingProduct(x1, k.loadUnaligned(fromByteOffset: at + 64, as: Vector.self))
                v0 = v0.addingProduct(x0, v.loadUnaligned(fromByteOffset: at, as: Vector.self))
                v1 = v1.addingProduct(x1, v.loadUnaligned(fromByteOffset: at + 64, as: Vector.self))
                at += 128
            }
            batch.a[token] = Self.total(k0 + k1)
            batch.b[token] = Self.total(v0 + v1)
        }
    }

    /// gk <- sum w x and gv <- sum u x off the axes, 32 components at a time through all tokens.
    @inline(__always)
    private func sumGradients() {
        let bytes = 4 * stride
        var at = 0
        while at < bytes {
            var (k0, k1, v0, v1) = (Vector(), Vector(), Vector(), Vector())
            var row = UnsafeRawPointer(x) + at
            for token in 0..<batch.tokens {
                let x0 = row.loadUnaligned(as: Vector.self)
                let x1 = row.loadUnaligned(fromByteOffset: 64, as: Vector.self)
                let (wt, ut) = (Float(batch.w[token]), Float(batch.u[token]))
                k0 = k0.addingProduct(wt, x0)
                k1 = k1.addingProduct(wt, x1)
                v0 = v0.addingProduct(ut, x0)
                v1 = v1.addingProduct(ut, x1)
                row += bytes
            }
            let (toK, toV) = (UnsafeMutableRawPointer(gk) + at, UnsafeMutableRawPointer(gv) + at)
            toK.storeBytes(of: k0, as: Vector.self)
            toK.storeBytes(of: k1, toByteOffset: 64, as: Vector.self)
            toV.storeBytes(of: v0, as: Vector.self)
            toV.storeBytes(of: v1, toByteOffset: 64, as: Vector.self)
            at += 128
        }
    }

    /// Moves z off the axes by the projected gradient g - along z, and puts all of it back on the unit sphere.
    @inline(__always)
    private func move(
        _ z: UnsafeMutablePointer<Double>, _ copy: UnsafeMutablePointer<Float>, _ g: UnsafeMutablePointer<Float>,
        along: Double
    ) -> Bool {
        let keep = 1 + batch.stepSize * along
        let rest = z + 2
        for i in 0..<n { rest[i] = keep * rest[i] - batch.stepSize * Double(g[i]) }
        let part = UnsafeBufferPointer(start: rest, count: n)
        let square = z[0] * z[0] + z[1] * z[1] + orderedDot(part, part)
        let scale = 1 / square.squareRoot()
        z[0] *= scale
        z[1] *= scale
        for i in 0..<n {
            rest[i] *= scale
            copy[i] = Float(rest[i])
        }
        return square > 0 && square < .infinity
    }

    @inline(__always)
    private static func total(_ s: Vector) -> Double {
        // A tree of additions, in a fixed order.
        let s8 = s.lowHalf + s.highHalf
        let s4 = s8.lowHalf + s8.highHalf
        let s2 = s4.lowHalf + s4.highHalf
        return Double(s2[0] + s2[1])
    }
}
