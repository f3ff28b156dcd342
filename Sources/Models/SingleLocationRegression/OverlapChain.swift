import ModelKit
import Modeling

/// Method `overlap-chain`: the exact reduced chain, (38) to (40), one-pass SGD in law at a cost of O(B L) a step, whatever
/// d is.
///
/// Tokens enter by their four components in the frame of (k*, v*, k, v); what they have off it moves k and v by a
/// Gaussian pair in d - 4 dimensions, of which only three inner products matter.
struct OverlapChain: Descent {
    private let p: Parameters
    private let inOffFrame: (first: ChiSquareLaw, second: ChiSquareLaw)
    private var frame: Frame
    private var pool: GaussianPool
    private var scratch: [Double]

    init(_ p: Parameters, _ random: RandomStream) {
        self.p = p
        inOffFrame = (ChiSquareLaw(p.d - 4), ChiSquareLaw(p.d - 5))
        pool = GaussianPool(
            random.substream(Streams.scalars), largestRequest: 4 * p.batchSize * p.L + p.batchSize + 1)
        scratch = Batch.storage(p)
        var start = random.substream(Streams.initial)
        frame = p.initialFrame(&start)
    }

    var overlaps: Overlaps { frame.overlaps }
    var stepWeight: Int { max(1, p.batchSize * p.L / 50) }

    mutating func take(_ steps: Range<Int>) -> Int {
        let (p, inOffFrame) = (self.p, self.inOffFrame)
        var frame = self.frame
        defer { self.frame = frame }
        return scratch.withUnsafeMutableBufferPointer { scratch in
            pool.withCursor { cursor in
                let core = ChainCore(
                    batch: Batch(p, scratch.baseAddress.unsafelyUnwrapped), first: inOffFrame.first,
                    second: inOffFrame.second)
                return p.take(steps) { core.step(&frame, lambda: $0, &cursor) }
            }
        }
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&frame)
        try archive.exchange(&pool)
    }
}

/// One step of the chain on unsafe storage.
private struct ChainCore {
    let batch: Batch
    let first: ChiSquareLaw
    let second: ChiSquareLaw

    /// A token, its four components starting at `x`.
    @inline(__always)
    private func token(_ x: UnsafePointer<Double>, isInformative: Bool) -> SIMD4<Double> {
        let g = UnsafeRawPointer(x).loadUnaligned(as: SIMD4<Double>.self)
        return isInformative ? batch.gamma * g + SIMD4(batch.D, 0, 0, 0) : g
    }

    /// False when a norm left the numbers.
    @inline(__always)
    func step(_ frame: inout Frame, lambda: Double, _ cursor: inout GaussianPool.Cursor) -> Bool {
        let (k, v) = (frame.k, frame.v)
        let (L, tokens, a) = (batch.L, batch.tokens, batch.stepSize)
        let x = cursor.take(4 * tokens + batch.size + 1)
        for sequence in 0..<batch.size {
            for l in 0..<L {
                let at = sequence * L + l
                let X = token(x + 4 * at, isInformative: l == 0)
                batch.a[at] = (X * k).sum()
                batch.b[at] = (X * v).sum()
                if l == 0 { batch.y[sequence] = X[1] + batch.noise * x[4 * tokens + sequence] }
            }
        }
        let (alongK, alongV) = batch.measure(lambda: lambda)

        var gk = SIMD4<Double>()
        var gv = SIMD4<Double>()
        var (Skk, Skv, Svv) = (0.0, 0.0, 0.0)
        for sequence in 0..<batch.size {
            for l in 0..<L {
                let at = sequence * L + l
                let X = token(x + 4 * at, isInformative: l == 0)
                let (w, u) = (batch.w[at], batch.u[at])
                gk += w * X
                gv += u * X
                let variance = l == 0 ? batch.gamma * batch.gamma : 1
                Skk += variance * w * w
                Skv += variance * w * u
                Svv += variance * u * u
            }
        }
        // Off the frame: a Gaussian pair of covariance S, in a frame of its own.
        let C11 = Skk.squareRoot()
        let C21 = C11 > 0 ? Skv / C11 : 0
        let C22 = max(0, Svv - C21 * C21).squareRoot()
        let f3 = x[4 * tokens + batch.size]
        let f1 = cursor.draw(first).squareRoot()
        let f2 = cursor.draw(second).squareRoot()
        let k1 = k - a * (gk - alongK * k)
        let v1 = v - a * (gv - alongV * v)
        // What is off k* and v*: two vectors in four dimensions, turned into the new frame.
        let K = SIMD4(k1[2], k1[3], -a * C11 * f1, 0)
        let V = SIMD4(v1[2], v1[3], -a * (C21 * f1 + C22 * f3), -a * C22 * f2)
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
