import Modeling
import Numerics

/// Method `overlap-chain`: the exact reduced chain (sheet, "Theory 2"), one-pass SGD in law at a cost of O(B L) a step,
/// whatever d is.
///
/// Tokens enter by their four components in the frame of (k*, v*, k, v); what they have off it moves k and v by a
/// Gaussian pair in d - 4 dimensions, of which only three inner products matter.
struct SLROverlapChain: Run {
    private let parameters: SLRParameters
    private let clock: SLRClock
    private let inOffFrame: (first: ChiSquareLaw, second: ChiSquareLaw)
    private var step = 0
    private var frame: SLRFrame
    private var pool: GaussianPool
    private var recorder = SLRRecorder()
    /// Room for a, b, w, u of each token and y of each sequence.
    private var scratch: [Double]

    init(_ request: RunRequest, _ parameters: SLRParameters) throws {
        self.parameters = parameters
        clock = SLRClock(request.times.unit, parameters)
        inOffFrame = (ChiSquareLaw(parameters.d - 4), ChiSquareLaw(parameters.d - 5))
        try parameters.checkMemory(bytes: 8 * 50 * Double(parameters.batchSize) * Double(parameters.L))
        let tokens = parameters.batchSize * parameters.L
        pool = GaussianPool(
            request.random.substream(SLRStreams.scalars), largestRequest: 4 * tokens + parameters.batchSize + 1)
        scratch = Array(repeating: 0, count: 4 * tokens + parameters.batchSize)
        var start = request.random.substream(SLRStreams.initial)
        frame = parameters.initialFrame(&start)
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = try clock.step(at: time)
        let weight = max(1, parameters.batchSize * parameters.L / 50)
        let count = min(max(quantum / weight, 1), target - step)
        guard count > 0 else { return true }
        let (parameters, first, inOffFrame) = (self.parameters, step, self.inOffFrame)
        var frame = self.frame
        let done = scratch.withUnsafeMutableBufferPointer { scratch in
            pool.withCursor { cursor in
                let core = SLRChainCore(
                    parameters, inOffFrame.first, inOffFrame.second, scratch.baseAddress.unsafelyUnwrapped)
                for n in 0..<count {
                    let lambda = parameters.schedule.lambda(atStep: Double(first + n))
                    guard core.step(&frame, lambda: lambda, &cursor) else { return n }
                }
                return count
            }
        }
        self.frame = frame
        step += done
        guard done == count else { throw SLRParameters.diverged(step) }
        return step == target
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        let lambda = parameters.schedule.lambda(after: step)
        try recorder.observe(parameters, steps: Double(step), frame.overlaps, lambda: lambda, into: &sink)
    }

    mutating func finish(into sink: inout ObservationSink) throws { recorder.finish(into: &sink) }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...maximumStep)
        try archive.exchange(&frame)
        try archive.exchange(&pool)
        try archive.exchange(&recorder)
    }
}

extension SLRFrame: Resumable {
    package mutating func exchange(with archive: inout StateArchive) throws {
        for i in 0..<4 {
            try archive.exchange(&k[i])
            try archive.exchange(&v[i])
        }
    }
}

/// One step of the chain on unsafe storage.
private struct SLRChainCore {
    private let signals: TokenSignals
    private let L: Int
    private let batchSize: Int
    private let gamma: Double
    private let D: Double
    private let noise: Double
    private let stepSize: Double
    private let first: ChiSquareLaw
    private let second: ChiSquareLaw
    private let a: UnsafeMutablePointer<Double>
    private let b: UnsafeMutablePointer<Double>
    private let w: UnsafeMutablePointer<Double>
    private let u: UnsafeMutablePointer<Double>
    private let y: UnsafeMutablePointer<Double>

    init(_ p: SLRParameters, _ first: ChiSquareLaw, _ second: ChiSquareLaw, _ scratch: UnsafeMutablePointer<Double>) {
        signals = TokenSignals(attention: p.attention, L: p.L, batchSize: p.batchSize)
        L = p.L
        batchSize = p.batchSize
        gamma = p.gamma
        D = p.population.D
        noise = p.noise.squareRoot()
        stepSize = p.stepSize
        (self.first, self.second) = (first, second)
        let tokens = p.batchSize * p.L
        a = scratch
        b = a + tokens
        w = b + tokens
        u = w + tokens
        y = u + tokens
    }

    /// The token `l` of all, its four components starting at `x`; the first of each sequence is the informative one.
    @inline(__always)
    private func token(_ x: UnsafePointer<Double>, isInformative: Bool) -> SIMD4<Double> {
        let g = UnsafeRawPointer(x).loadUnaligned(as: SIMD4<Double>.self)
        return isInformative ? gamma * g + SIMD4(D, 0, 0, 0) : g
    }

    /// False when a norm left the numbers.
    @inline(__always)
    func step(_ frame: inout SLRFrame, lambda: Double, _ cursor: inout GaussianPool.Cursor) -> Bool {
        let (k, v) = (frame.k, frame.v)
        let tokens = batchSize * L
        let x = cursor.take(4 * tokens + batchSize + 1)
        for sequence in 0..<batchSize {
            for l in 0..<L {
                let at = sequence * L + l
                let X = token(x + 4 * at, isInformative: l == 0)
                a[at] = (X * k).sum()
                b[at] = (X * v).sum()
                if l == 0 { y[sequence] = X[1] + noise * x[4 * tokens + sequence] }
            }
        }
        let (alongK, alongV) = signals.measure(lambda: lambda, a: a, b: b, y: y, w: w, u: u)

        var gk = SIMD4<Double>()
        var gv = SIMD4<Double>()
        var (Skk, Skv, Svv) = (0.0, 0.0, 0.0)
        for sequence in 0..<batchSize {
            for l in 0..<L {
                let at = sequence * L + l
                let X = token(x + 4 * at, isInformative: l == 0)
                gk += w[at] * X
                gv += u[at] * X
                let variance = l == 0 ? gamma * gamma : 1
                Skk += variance * w[at] * w[at]
                Skv += variance * w[at] * u[at]
                Svv += variance * u[at] * u[at]
            }
        }
        // Off the frame: a Gaussian pair of covariance S, in a frame of its own.
        let C11 = Skk.squareRoot()
        let C21 = C11 > 0 ? Skv / C11 : 0
        let C22 = max(0, Svv - C21 * C21).squareRoot()
        let f3 = x[4 * tokens + batchSize]
        let f1 = cursor.draw(first).squareRoot()
        let f2 = cursor.draw(second).squareRoot()
        let k1 = k - stepSize * (gk - alongK * k)
        let v1 = v - stepSize * (gv - alongV * v)
        // What is off k* and v*: two vectors in four dimensions, turned into the new frame.
        let K = SIMD4(k1[2], k1[3], -stepSize * C11 * f1, 0)
        let V = SIMD4(v1[2], v1[3], -stepSize * (C21 * f1 + C22 * f3), -stepSize * C22 * f2)
        let K2 = (K * K).sum()
        let normK = (k1[0] * k1[0] + k1[1] * k1[1] + K2).squareRoot()
        let normV = (v1[0] * v1[0] + v1[1] * v1[1] + (V * V).sum()).squareRoot()
        let K1 = K2.squareRoot()
        let direction = K1 > 0 ? K / K1 : SIMD4()
        let v3 = (direction * V).sum()
        let rest = V - v3 * direction
        frame.k = SIMD4(k1[0], k1[1], K1, 0) / normK
        frame.v = SIMD4(v1[0], v1[1], v3, (rest * rest).sum().squareRoot()) / normV
        return normK > 0 && normK < .infinity && normV > 0 && normV < .infinity
    }
}
