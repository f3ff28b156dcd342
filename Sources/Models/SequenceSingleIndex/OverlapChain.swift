import ModelKit
import Modeling

/// The exact reduced chain of the overlaps, (19) to (22): the same law as the d-dimensional simulation at a cost
/// that does not depend on d.
struct OverlapChain: Run {
    private let parameters: Parameters
    private let random: RandomStream
    private var step = 0
    private var pool: GaussianPool
    /// m (one entry, L for untied), then eps_j, then scratch of 2L for D and z.
    private var state: [Double]
    private var recorder: OverlapRecorder

    init(_ parameters: Parameters, _ request: RunRequest) {
        self.parameters = parameters
        random = request.random
        recorder = OverlapRecorder(parameters)
        pool = GaussianPool(
            request.random.substream(Streams.scalars), largestRequest: parameters.largestRequest + 1)
        var start = request.random.substream(Streams.initial)
        state = parameters.initialOverlaps(&start) + Array(repeating: 0, count: 2 * parameters.L)
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = Int(time)
        let count = min(max(quantum, 1), target - step)
        guard count > 0 else { return true }
        let parameters = self.parameters
        var state: [Double] = []
        swap(&state, &self.state)
        let done = state.withUnsafeMutableBufferPointer { state in
            pool.withCursor { cursor in
                parameters.withKernel { kernel in
                    let core = ChainCore(kernel: kernel, parameters, state: state.baseAddress.unsafelyUnwrapped)
                    switch parameters.student {
                    case .tied: return repeated(count) { core.stepTied(&cursor) }
                    case .untied where parameters.normMode == .global:
                        return repeated(count) { core.stepUntiedGlobal(&cursor) }
                    case .untied: return repeated(count) { core.stepUntiedPerToken(&cursor) }
                    case .attention:
                        return parameters.pi.withUnsafeBufferPointer { pi in
                            repeated(count) { core.stepAttention(&cursor, pi: pi) }
                        }
                    }
                }
            }
        }
        swap(&state, &self.state)
        step += done
        guard done == count else {
            throw ModelError.diverged(step: step, "the student's norm is not finite; the step size may be too large")
        }
        return step == target
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        let rows = parameters.rows
        try parameters.observe(
            step: step, m: Array(state[..<rows]), eps: Array(state[rows..<(rows + parameters.k)]), random, &recorder,
            into: &sink)
    }

    mutating func finish(into sink: inout ObservationSink) throws { recorder.finish(into: &sink) }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...maximumStep)
        try archive.exchange(&pool)
        try archive.exchange(&state)
        try archive.exchange(&recorder)
    }
}

/// Calls `step` up to `count` times, until it answers false; returns how often it answered true.
@inline(__always)
private func repeated(_ count: Int, _ step: () -> Bool) -> Int {
    for done in 0..<count where !step() { return done }
    return count
}

/// One step of the chain on unsafe storage. A step answers false when the student's norm left the numbers.
private struct ChainCore {
    let kernel: SampleKernel
    let L, k: Int
    let d, gamma: Double
    /// The degrees of freedom left after the components that are drawn one by one.
    let rest: ChiSquareLaw
    let m, eps, D, z: UnsafeMutablePointer<Double>

    init(kernel: SampleKernel, _ p: Parameters, state: UnsafeMutablePointer<Double>) {
        self.kernel = kernel
        L = p.L
        k = p.k
        d = Double(p.d)
        gamma = p.gamma
        switch p.student {
        case .tied: rest = ChiSquareLaw(p.d - 2)
        case .untied: rest = ChiSquareLaw(p.normMode == .global ? p.L * p.d - p.L - 1 : p.d - 2)
        case .attention: rest = ChiSquareLaw(p.d - 2 - p.k)
        }
        m = state
        eps = state + p.rows
        D = eps + p.k
        z = D + p.L
    }

    /// (19).
    @inline(__always)
    func stepTied(_ cursor: inout GaussianPool.Cursor) -> Bool {
        let x = cursor.take(L + 1)
        var hs = 0.0
        for l in 0..<L { hs += x[l] }
        hs *= kernel.inverseRootL
        let g = x[L]
        let h = m[0] * hs + max(0, 1 - m[0] * m[0]).squareRoot() * g
        let step = gamma * kernel.networkSignal(h: h, y: kernel.scalarTarget(x)) / d
        let Q = 1 - 2 * step * h + step * step * (hs * hs + g * g + cursor.draw(rest))
        m[0] = (m[0] - step * hs) / Q.squareRoot()
        return isNorm(Q)
    }

    /// (20).
    @inline(__always)
    func stepUntiedGlobal(_ cursor: inout GaussianPool.Cursor) -> Bool {
        let x = cursor.take(L + 1)
        var az = 0.0
        var a2 = 0.0
        var z2 = 0.0
        for l in 0..<L {
            az += m[l] * x[l]
            a2 += m[l] * m[l]
            z2 += x[l] * x[l]
        }
        let g = x[L]
        // |a|^2 = sum m_l^2/L exceeds 1 by rounding only.
        let h = az * kernel.inverseRootL + max(0, 1 - a2 / Double(L)).squareRoot() * g
        let step = gamma * kernel.networkSignal(h: h, y: kernel.scalarTarget(x)) / d
        let perRow = step / Double(L)
        let along = step * kernel.inverseRootL
        for l in 0..<L { m[l] -= along * x[l] }
        let Q = 1 - 2 * perRow * h + perRow * perRow * (z2 + g * g + cursor.draw(rest))
        let scale = 1 / Q.squareRoot()
        for l in 0..<L { m[l] *= scale }
        return isNorm(Q)
    }

    /// (21).
    @inline(__always)
    func stepUntiedPerToken(_ cursor: inout GaussianPool.Cursor) -> Bool {
        let x = cursor.take(2 * L)
        var h = 0.0
        for l in 0..<L {
            z[l] = m[l] * x[l] + max(0, 1 - m[l] * m[l]).squareRoot() * x[L + l]
            h += z[l]
        }
        let y = kernel.scalarTarget(x)
        let step = gamma * kernel.networkSignal(h: h * kernel.inverseRootL, y: y) * kernel.inverseRootL / d
        for l in 0..<L {
            m[l] -= step * x[l]
            D[l] = 1 - 2 * step * z[l] + step * step * (x[l] * x[l] + x[L + l] * x[L + l])
        }
        var isFinite = true
        for l in 0..<L {
            let Q = D[l] + step * step * cursor.draw(rest)
            m[l] /= Q.squareRoot()
            isFinite = isFinite && isNorm(Q)
        }
        return isFinite
    }

    /// (22).
    @inline(__always)
    func stepAttention(_ cursor: inout GaussianPool.Cursor, pi: UnsafeBufferPointer<Double>) -> Bool {
        // z*_l, then g_l, then zeta_lj.
        let x = cursor.take((2 + k) * L)
        let g = x + L
        let zeta = x + 2 * L
        var covered = m[0] * m[0]
        for j in 0..<k { covered += eps[j] * eps[j] }
        let radial = max(0, 1 - covered).squareRoot()
        for l in 0..<L {
            var t = m[0] * x[l] + radial * g[l]
            for j in 0..<k { t += eps[j] * (zeta[l * k + j] + pi[l * k + j]) }
            z[l] = t
        }
        _ = kernel.attentionSignals(zStar: x, z: z, D: D)
        let step = gamma / d
        var (alongTeacher, alongRest, D2, Dz) = (0.0, 0.0, 0.0, 0.0)
        for l in 0..<L {
            alongTeacher += D[l] * x[l]
            alongRest += D[l] * g[l]
            D2 += D[l] * D[l]
            Dz += D[l] * z[l]
        }
        var squares = alongTeacher * alongTeacher + alongRest * alongRest
        for j in 0..<k {
            var G = 0.0
            for l in 0..<L { G += D[l] * (zeta[l * k + j] + pi[l * k + j]) }
            squares += G * G
            eps[j] -= step * G
        }
        m[0] -= step * alongTeacher
        let Q = 1 - 2 * step * Dz + step * step * (squares + D2 * cursor.draw(rest))
        let scale = 1 / Q.squareRoot()
        m[0] *= scale
        for j in 0..<k { eps[j] *= scale }
        return isNorm(Q)
    }

    @inline(__always)
    private func isNorm(_ Q: Double) -> Bool { Q > 0 && Q < .infinity }
}
