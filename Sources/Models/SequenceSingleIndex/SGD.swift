import ModelKit
import Modeling

/// One-pass spherical SGD in R^d, (13) to (18), in exact fast forms: w* and the encoding directions are coordinate axes.
/// The student's components on these axes, m and eps_j, are float64; the rest of each row, of n = d - 1 - k components,
/// is s_r v_r with v_r in float32 and the scale s_r in float64. A step costs one Gaussian n-vector a row, one dot product
/// and one axpy.
///
/// Float32 rounding is relative to the components of v, which SGD noise moves by gamma/sqrt(d) a step: far above 6e-8
/// for every step size of the paper; drifts add up in the float64 components. The norm is measured from v at each step
/// (float32 lanes, summed in float64 every 2048 components), so |w| keeps its value to 1e-6 without drift.
struct SphericalSGD: Run {
    private let parameters: Parameters
    private let random: RandomStream
    private var step = 0
    private let layout: SGDLayout
    private var pool: GaussianPool
    private var vectors: RandomStream
    private var v: [Float]
    /// The Gaussian vectors of the last step, whose multiple beta_r is still to be added to v_r.
    private var g: [Float]
    private var state: [Double]
    private var recorder: OverlapRecorder

    /// Draws the start.
    init(_ parameters: Parameters, _ request: RunRequest) {
        self.parameters = parameters
        random = request.random
        recorder = OverlapRecorder(parameters)
        layout = SGDLayout(parameters)
        pool = GaussianPool(request.random.substream(Streams.scalars), largestRequest: parameters.largestRequest)
        vectors = request.random.substream(Streams.vectors)
        v = Array(repeating: 0, count: layout.rows * layout.stride)
        g = v
        state = Array(repeating: 0, count: layout.stateCount)
        var start = request.random.substream(Streams.initial)
        withCore { core, _, _ in core.initialise(parameters, &start) }
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = Int(time)
        let count = min(max(quantum, 1), target - step)
        guard count > 0 else { return true }
        let parameters = self.parameters
        let done = withCore { core, pool, vectors in
            var random = vectors
            defer { vectors = random }
            return pool.withCursor { cursor in
                parameters.withKernel { kernel in
                    for n in 0..<count {
                        core.drawAndMeasure(&random)
                        guard core.normalise() else { return n }
                        switch parameters.student {
                        case .tied: core.updateTied(kernel, cursor.take(parameters.L))
                        case .untied: core.updateUntied(kernel, cursor.take(parameters.L))
                        case .attention: core.updateAttention(kernel, cursor.take(parameters.largestRequest))
                        }
                    }
                    return count
                }
            }
        }
        step += done
        guard done == count else {
            throw ModelError.diverged(step: step, "the student's norm is not finite; the step size may be too large")
        }
        return step == target
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        let layout = self.layout
        let needsNorm = sink.wants(.studentNorm)
        let (overlaps, norm) = withCore { core, _, _ in core.observe(measuringNorm: needsNorm) }
        guard overlaps.allSatisfy(\.isFinite) else {
            throw ModelError.diverged(step: step, "the overlaps are not finite; the step size may be too large")
        }
        try parameters.observe(
            step: step, m: Array(overlaps[..<layout.rows]), eps: Array(overlaps[layout.rows...]), random, &recorder,
            into: &sink)
        if needsNorm { sink.put(.studentNorm, norm) }
    }

    mutating func finish(into sink: inout ObservationSink) throws { recorder.finish(into: &sink) }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...maximumStep)
        try archive.exchange(&pool)
        try archive.exchange(&vectors)
        try archive.exchange(&v)
        try archive.exchange(&g)
        try archive.exchange(&state)
        try archive.exchange(&recorder)
    }

    /// Lends the storage as unsafe pointers. The arrays leave `self` meanwhile, so nothing is copied.
    private mutating func withCore<Result>(
        _ body: (SGDCore, inout GaussianPool, inout RandomStream) throws -> Result
    ) rethrows -> Result {
        var (v, g, state): ([Float], [Float], [Double]) = ([], [], [])
        swap(&v, &self.v)
        swap(&g, &self.g)
        swap(&state, &self.state)
        defer {
            swap(&v, &self.v)
            swap(&g, &self.g)
            swap(&state, &self.state)
        }
        let (parameters, layout) = (self.parameters, self.layout)
        var vectors = self.vectors
        var pool = GaussianPool.empty(vectors)
        swap(&pool, &self.pool)
        defer {
            swap(&pool, &self.pool)
            self.vectors = vectors
        }
        return try v.withUnsafeMutableBufferPointer { v in
            try g.withUnsafeMutableBufferPointer { g in
                try state.withUnsafeMutableBufferPointer { state in
                    try parameters.pi.withUnsafeBufferPointer { pi in
                        let core = SGDCore(
                            layout, parameters, v: v.baseAddress.unsafelyUnwrapped,
                            g: g.baseAddress.unsafelyUnwrapped, state: state.baseAddress.unsafelyUnwrapped,
                            pi: pi)
                        return try body(core, &pool, &vectors)
                    }
                }
            }
        }
    }
}

/// Sizes of the storage of one run.
struct SGDLayout: Sendable {
    /// 1, or L for untied.
    let rows: Int
    /// Components of a row off the axes.
    let n: Int
    /// n rounded up to the 32 numbers that the generator makes at once; the padding stays zero.
    let stride: Int
    let stateCount: Int

    init(_ p: Parameters) {
        rows = p.rows
        n = p.d - 1 - p.k
        stride = (n + 31) & ~31
        stateCount = 5 * rows + p.k + 2 * p.L
    }
}
