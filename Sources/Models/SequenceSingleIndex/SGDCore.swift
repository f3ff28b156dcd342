import Modeling

/// The storage of one SGD run as pointers, and the parts of a step on it. Row r of the student is
/// (m_r, eps_j, s_r (v_r + beta_r g_r)/sqrt(d)) in units of sqrt(d), up to the normalisation of the last step, which
/// waits until the pass over v that measures the norm.
struct SGDCore {
    private typealias Vector = SIMD16<Float>
    /// Components a pass handles at once: v and g of one piece stay in the first-level cache between the loops.
    private static let piece = 2048

    let layout: SGDLayout
    let L, k: Int
    let d, rootD, gamma: Double
    let normalisesJointly: Bool
    let v, g: UnsafeMutablePointer<Float>
    let pi: UnsafeBufferPointer<Double>
    let m, eps, s, beta, D, z: UnsafeMutablePointer<Double>
    /// |v_r|^2 and v_r.g_r after the last pass.
    let squares, dots: UnsafeMutablePointer<Double>

    init(
        _ layout: SGDLayout, _ p: Parameters, v: UnsafeMutablePointer<Float>, g: UnsafeMutablePointer<Float>,
        state: UnsafeMutablePointer<Double>, pi: UnsafeBufferPointer<Double>
    ) {
        self.layout = layout
        L = p.L
        k = p.k
        d = Double(p.d)
        rootD = Double(p.d).squareRoot()
        gamma = p.gamma
        normalisesJointly = p.student == .untied && p.normMode == .global
        self.v = v
        self.g = g
        self.pi = pi
        m = state
        s = m + layout.rows
        beta = s + layout.rows
        squares = beta + layout.rows
        dots = squares + layout.rows
        eps = dots + layout.rows
        D = eps + p.k
        z = D + p.L
    }

    // MARK: Start

    /// Draws the initial student.
    func initialise(_ p: Parameters, _ random: inout RandomStream) {
        var overlaps: [Double] = []
        if p.start != .random { overlaps = p.initialOverlaps(&random) }
        for r in 0..<layout.rows {
            random.fillNormal(UnsafeMutableBufferPointer(start: v + r * layout.stride, count: layout.n))
            beta[r] = 0
            let square = addPending(r)
            if p.start == .random {
                // A Gaussian vector, normalised: its first components are those on the axes.
                m[r] = random.normal()
                for j in 0..<k { eps[j] = random.normal() }
                var norm = square + m[r] * m[r]
                for j in 0..<k { norm += eps[j] * eps[j] }
                norm = norm.squareRoot()
                m[r] /= norm
                for j in 0..<k { eps[j] /= norm }
                s[r] = rootD / norm
            } else {
                m[r] = overlaps[r]
                for j in 0..<k { eps[j] = overlaps[layout.rows + j] }
                s[r] = (max(0, 1 - axisSquare(r)) / square).squareRoot() * rootD
            }
        }
    }

    /// m_r^2 + |eps|^2.
    @inline(__always)
    private func axisSquare(_ r: Int) -> Double {
        var sum = m[r] * m[r]
        for j in 0..<k { sum += eps[j] * eps[j] }
        return sum
    }

    // MARK: Passes over the vectors

    /// Adds the last step's update to v and measures |v|^2; draws the next Gaussian vectors g and measures v.g.
    @inline(__always)
    func drawAndMeasure(_ random: inout RandomStream) {
        for r in 0..<layout.rows {
            var square = 0.0
            var dot = 0.0
            var start = 0
            let row = r * layout.stride
            while start < layout.stride {
                let end = min(start + Self.piece, layout.stride)
                square += Self.axpy(Float(beta[r]), g + row + start, v + row + start, end - start)
                // Whole groups of 32 are what the generator makes fastest; those beyond n are thrown away.
                random.fillNormal(UnsafeMutableBufferPointer(start: g + row + start, count: end - start))
                for i in max(start, layout.n)..<max(end, layout.n) { g[row + i] = 0 }
                dot += Self.dot(g + row + start, v + row + start, end - start)
                start = end
            }
            beta[r] = 0
            squares[r] = square
            dots[r] = dot
        }
    }

    /// Adds the last step's update to row r; returns |v_r|^2, the same bits that ``drawAndMeasure(_:)`` gets.
    private func addPending(_ r: Int) -> Double {
        var square = 0.0
        var start = 0
        let row = r * layout.stride
        while start < layout.stride {
            let end = min(start + Self.piece, layout.stride)
            square += Self.axpy(Float(beta[r]), g + row + start, v + row + start, end - start)
            start = end
        }
        beta[r] = 0
        return square
    }

    /// y <- y + a x; returns |y|^2. `count` is a multiple of 16.
    @inline(__always)
    private static func axpy(
        _ a: Float, _ x: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int
    ) -> Double {
        let x = UnsafeRawPointer(x)
        let y = UnsafeMutableRawPointer(y)
        return total(count) { at, sum in
            let new = y.loadUnaligned(fromByteOffset: at, as: Vector.self)
                .addingProduct(a, x.loadUnaligned(fromByteOffset: at, as: Vector.self))
            y.storeBytes(of: new, toByteOffset: at, as: Vector.self)
            sum = sum.addingProduct(new, new)
        }
    }

    /// x.y; `count` is a multiple of 16.
    @inline(__always)
    private static func dot(_ x: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int) -> Double
    {
        let x = UnsafeRawPointer(x)
        let y = UnsafeRawPointer(y)
        return total(count) { at, sum in
            sum = sum.addingProduct(
                x.loadUnaligned(fromByteOffset: at, as: Vector.self),
                y.loadUnaligned(fromByteOffset: at, as: Vector.self))
        }
    }

    /// The sum that `add` makes of `count` components, at byte offsets, in four chains.
    @inline(__always)
    private static func total(_ count: Int, _ add: (_ at: Int, _ sum: inout Vector) -> Void) -> Double {
        let bytes = count * 4
        var (s0, s1, s2, s3) = (Vector(), Vector(), Vector(), Vector())
        var at = 0
        while at + 256 <= bytes {
            add(at, &s0)
            add(at + 64, &s1)
            add(at + 128, &s2)
            add(at + 192, &s3)
            at += 256
        }
        while at < bytes {
            add(at, &s0)
            at += 64
        }
        // A tree of additions, in a fixed order.
        let s = (s0 + s1) + (s2 + s3)
        let s8 = s.lowHalf + s.highHalf
        let s4 = s8.lowHalf + s8.highHalf
        let t2 = s4.lowHalf + s4.highHalf
        return Double(t2[0] + t2[1])
    }

    // MARK: Normalisation

    /// Puts every row back on its sphere (or all rows on theirs together), by the measured norms. False when a norm is
    /// not a positive number.
    @inline(__always)
    func normalise() -> Bool {
        var total = 0.0
        for r in 0..<layout.rows {
            let square = axisSquare(r) + s[r] * s[r] * squares[r] / d
            if normalisesJointly {
                total += square
            } else {
                guard square.isFinite && square > 0 else { return false }
                scaleRow(r, 1 / square.squareRoot())
            }
        }
        if normalisesJointly {
            guard total.isFinite && total > 0 else { return false }
            let factor = (Double(L) / total).squareRoot()
            for r in 0..<layout.rows { scaleRow(r, factor) }
        }
        return true
    }

    @inline(__always)
    private func scaleRow(_ r: Int, _ factor: Double) {
        m[r] *= factor
        for j in 0..<k { eps[j] *= factor }
        s[r] *= factor
        // v grows by diffusion while s shrinks; long before float32 overflows the size moves back from v into s.
        let meanSquare = squares[r] / Double(layout.n)
        if meanSquare > 4 || (meanSquare < 0.25 && meanSquare > 0) {
            let size = meanSquare.squareRoot()
            multiplyRow(r, 1 / size)
            s[r] *= size
            squares[r] /= meanSquare
            dots[r] /= size
        }
    }

    @inline(never)
    private func multiplyRow(_ r: Int, _ factor: Double) {
        let row = v + r * layout.stride
        for i in 0..<layout.n { row[i] *= Float(factor) }
    }

    /// Makes row r, off the axes, A v_r + B g_r.
    @inline(__always)
    private func setRow(_ r: Int, A: Double, B: Double) {
        if abs(B) <= 64 * abs(A) && A != 0 {
            s[r] = A
            beta[r] = B / A
        } else if B != 0 {
            // The new vector is all update (w was on the axes): the scale must come from it.
            multiplyRow(r, A / B)
            s[r] = B
            beta[r] = 1
        } else {
            s[r] = A
            beta[r] = 0
        }
    }

    // MARK: Updates

    /// (13), before the normalisation; `zStar` are the teacher's fields.
    @inline(__always)
    func updateTied(_ kernel: SampleKernel, _ zStar: UnsafePointer<Double>) {
        var hs = 0.0
        for l in 0..<L { hs += zStar[l] }
        hs *= kernel.inverseRootL
        let h = m[0] * hs + s[0] * dots[0] / rootD
        let step = gamma * kernel.networkSignal(h: h, y: kernel.scalarTarget(zStar))
        m[0] -= step * hs / d
        setRow(0, A: s[0], B: -step / rootD)
    }

    /// (14).
    @inline(__always)
    func updateUntied(_ kernel: SampleKernel, _ zStar: UnsafePointer<Double>) {
        var h = 0.0
        for l in 0..<L { h += m[l] * zStar[l] + s[l] * dots[l] / rootD }
        h *= kernel.inverseRootL
        let step = gamma * kernel.networkSignal(h: h, y: kernel.scalarTarget(zStar)) * kernel.inverseRootL
        for l in 0..<L {
            m[l] -= step * zStar[l] / d
            setRow(l, A: s[l], B: -step / rootD)
        }
    }

    /// (15); `x` holds z*_l, then g_l (components along the rest of w), then zeta_lj.
    @inline(__always)
    func updateAttention(_ kernel: SampleKernel, _ x: UnsafePointer<Double>) {
        let along = x + L
        let zeta = x + 2 * L
        // |w off the axes|/sqrt(d); the unit vector there is s v/(rho sqrt(d)).
        let rho = abs(s[0]) * (squares[0] / d).squareRoot()
        for l in 0..<L {
            var t = m[0] * x[l] + rho * along[l]
            for j in 0..<k { t += eps[j] * (zeta[l * k + j] + pi[l * k + j]) }
            z[l] = t
        }
        _ = kernel.attentionSignals(zStar: x, z: z, D: D)
        var (teacher, radial, D2) = (0.0, 0.0, 0.0)
        for l in 0..<L {
            teacher += D[l] * x[l]
            radial += D[l] * along[l]
            D2 += D[l] * D[l]
        }
        m[0] -= gamma * teacher / d
        for j in 0..<k {
            var G = 0.0
            for l in 0..<L { G += D[l] * (zeta[l * k + j] + pi[l * k + j]) }
            eps[j] -= gamma * G / d
        }
        // Off the axes sum_l D_l x_l = [radial u + |D| (g - (g.u) u)]/sqrt(d), u the unit vector there.
        let size = D2.squareRoot()
        let excess = rho > 0 ? (radial - size * s[0] * dots[0] / (rho * rootD)) / (rho * d) : 0
        setRow(0, A: s[0] * (1 - gamma * excess), B: -gamma * size / rootD)
    }

    // MARK: Observation

    /// The normalised overlaps (m_r, then eps_j) and, when asked, the norm of the stored student in units of its sphere's
    /// radius, measured in float64. Leaves the normalisation to the next step, so that looking changes no bit of the
    /// trajectory.
    func observe(measuringNorm: Bool) -> (overlaps: [Double], norm: Double) {
        var rowSquares: [Double] = []
        for r in 0..<layout.rows { rowSquares.append(axisSquare(r) + s[r] * s[r] * addPending(r) / d) }
        let joint = rowSquares.reduce(0, +) / Double(layout.rows)
        let factors = rowSquares.map { 1 / (normalisesJointly ? joint : $0).squareRoot() }
        var overlaps = (0..<layout.rows).map { m[$0] * factors[$0] }
        for j in 0..<k { overlaps.append(eps[j] * factors[0]) }
        guard measuringNorm else { return (overlaps, .nan) }
        var total = 0.0
        for r in 0..<layout.rows {
            var square = 0.0
            for i in 0..<layout.n {
                let x = Double(v[r * layout.stride + i])
                square += x * x
            }
            total += factors[r] * factors[r] * (axisSquare(r) + s[r] * s[r] * square / d)
        }
        return (overlaps, (total / Double(layout.rows)).squareRoot())
    }
}
