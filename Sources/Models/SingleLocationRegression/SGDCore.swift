import Numerics

/// One step of full-dimensional SGD on unsafe storage.
struct SLRSGDCore {
    private typealias Vector = SIMD16<Float>

    private let signals: TokenSignals
    private let L: Int
    private let batchSize: Int
    private let tokenCount: Int
    private let n: Int
    private let stride: Int
    private let gamma: Double
    private let D: Double
    private let noise: Double
    private let stepSize: Double
    private let k: UnsafeMutablePointer<Double>
    private let v: UnsafeMutablePointer<Double>
    /// Copies of k and v off the axes, padded with zeros; the two gradients there; the tokens of the batch there, of
    /// unit variance.
    private let kFloat: UnsafeMutablePointer<Float>
    private let vFloat: UnsafeMutablePointer<Float>
    private let gk: UnsafeMutablePointer<Float>
    private let gv: UnsafeMutablePointer<Float>
    private let x: UnsafeMutablePointer<Float>
    private let a: UnsafeMutablePointer<Double>
    private let b: UnsafeMutablePointer<Double>
    private let w: UnsafeMutablePointer<Double>
    private let u: UnsafeMutablePointer<Double>
    private let y: UnsafeMutablePointer<Double>

    init(
        _ p: SLRParameters, _ layout: SLRLayout, k: UnsafeMutablePointer<Double>, v: UnsafeMutablePointer<Double>,
        floats: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Double>
    ) {
        signals = TokenSignals(attention: p.attention, L: p.L, batchSize: p.batchSize)
        L = p.L
        batchSize = p.batchSize
        tokenCount = layout.tokens
        n = layout.n
        stride = layout.stride
        gamma = p.gamma
        D = p.population.D
        noise = p.noise.squareRoot()
        stepSize = p.stepSize
        self.k = k
        self.v = v
        kFloat = floats
        vFloat = kFloat + layout.stride
        gk = vFloat + layout.stride
        gv = gk + layout.stride
        x = gv + layout.stride
        a = scratch
        b = a + layout.tokens
        w = b + layout.tokens
        u = w + layout.tokens
        y = u + layout.tokens
    }

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
        // Whole groups of 32 are what the generator makes fastest; those beyond n meet the zeros of k and v.
        tokens.fillNormal(UnsafeMutableBufferPointer(start: x, count: tokenCount * stride))
        measureFields()
        let axes = cursor.take(2 * tokenCount + batchSize)
        for sequence in 0..<batchSize {
            for l in 0..<L {
                let at = sequence * L + l
                let (first, second, spread) = onAxes(axes, at, isInformative: l == 0)
                a[at] = first * k[0] + second * k[1] + spread * a[at]
                b[at] = first * v[0] + second * v[1] + spread * b[at]
                if l == 0 { y[sequence] = second + noise * axes[2 * tokenCount + sequence] }
            }
        }
        let (alongK, alongV) = signals.measure(lambda: lambda, a: a, b: b, y: y, w: w, u: u)

        var (gk0, gk1, gv0, gv1) = (0.0, 0.0, 0.0, 0.0)
        for sequence in 0..<batchSize {
            for l in 0..<L {
                let at = sequence * L + l
                let (first, second, spread) = onAxes(axes, at, isInformative: l == 0)
                gk0 += w[at] * first
                gk1 += w[at] * second
                gv0 += u[at] * first
                gv1 += u[at] * second
                w[at] *= spread
                u[at] *= spread
            }
        }
        sumGradients()
        k[0] -= stepSize * (gk0 - alongK * k[0])
        k[1] -= stepSize * (gk1 - alongK * k[1])
        v[0] -= stepSize * (gv0 - alongV * v[0])
        v[1] -= stepSize * (gv1 - alongV * v[1])
        return move(k, kFloat, gk, along: alongK) && move(v, vFloat, gv, along: alongV)
    }

    /// The components of a token on the two axes, and the factor on the others.
    @inline(__always)
    private func onAxes(_ axes: UnsafePointer<Double>, _ at: Int, isInformative: Bool) -> (Double, Double, Double) {
        isInformative
            ? (D + gamma * axes[2 * at], gamma * axes[2 * at + 1], gamma) : (axes[2 * at], axes[2 * at + 1], 1)
    }

    /// a <- x.k and b <- x.v off the axes.
    @inline(__always)
    private func measureFields() {
        let bytes = 4 * stride
        let k = UnsafeRawPointer(kFloat)
        let v = UnsafeRawPointer(vFloat)
        for token in 0..<tokenCount {
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
            a[token] = Self.total(k0 + k1)
            b[token] = Self.total(v0 + v1)
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
            for token in 0..<tokenCount {
                let x0 = row.loadUnaligned(as: Vector.self)
                let x1 = row.loadUnaligned(fromByteOffset: 64, as: Vector.self)
                let (wt, ut) = (Float(w[token]), Float(u[token]))
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
        let keep = 1 + stepSize * along
        let rest = z + 2
        for i in 0..<n { rest[i] = keep * rest[i] - stepSize * Double(g[i]) }
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
