import Foundation
import Modeling
import Numerics

/// Method `sgd`: one-pass projected SGD in R^d with every token drawn (sheet, "One-pass SGD").
///
/// The law is rotation invariant, so k* and v* are the first two axes. k and v are float64. A token's components on the
/// two axes, which hold the mean and make the label, are float64; its other d - 2 components are float32, and so are
/// the inner products and sums of a batch over them: their rounding, 1e-7 of one step's noise, adds up like that noise.
struct SLRSGD: Run {
    private let parameters: SLRParameters
    private let clock: SLRClock
    private let layout: SLRLayout
    private var step = 0
    private var pool: GaussianPool
    private var tokens: RandomStream
    /// k* and v* components, then the others: (axis 2, rest n) each.
    private var k: [Double]
    private var v: [Double]
    private var floats: [Float]
    private var scratch: [Double]
    private var recorder = SLRRecorder()

    init(_ request: RunRequest, _ parameters: SLRParameters) throws {
        self.parameters = parameters
        clock = SLRClock(request.times.unit, parameters)
        layout = SLRLayout(parameters)
        try parameters.checkMemory(
            bytes: 4 * (Double(parameters.batchSize) * Double(parameters.L) + 4) * Double(parameters.d + 32))
        pool = GaussianPool(
            request.random.substream(SLRStreams.scalars),
            largestRequest: 2 * layout.tokens + parameters.batchSize)
        tokens = request.random.substream(SLRStreams.tokens)
        var start = request.random.substream(SLRStreams.initial)
        (k, v) = parameters.initialVectors(&start)
        floats = Array(repeating: 0, count: (4 + layout.tokens) * layout.stride)
        scratch = Array(repeating: 0, count: 4 * layout.tokens + parameters.batchSize)
        withCore { core, _, _ in core.refreshFloats() }
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = try clock.step(at: time)
        let weight = max(1, layout.tokens * layout.stride / 1000)
        let count = min(max(quantum / weight, 1), target - step)
        guard count > 0 else { return true }
        let (schedule, first) = (parameters.schedule, step)
        let done = withCore { core, pool, tokens in
            pool.withCursor { cursor in
                for n in 0..<count {
                    let lambda = schedule.lambda(atStep: Double(first + n))
                    guard core.step(lambda: lambda, &cursor, &tokens) else { return n }
                }
                return count
            }
        }
        step += done
        guard done == count else { throw SLRParameters.diverged(step) }
        return step == target
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        let q = SLROverlaps(k[0], v[1], v[0], k[1], orderedDot(k, v))
        let lambda = parameters.schedule.lambda(after: step)
        try recorder.observe(parameters, steps: Double(step), q, lambda: lambda, into: &sink)
    }

    mutating func finish(into sink: inout ObservationSink) throws { recorder.finish(into: &sink) }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...maximumStep)
        try archive.exchange(&pool)
        try archive.exchange(&tokens)
        try archive.exchange(&k)
        try archive.exchange(&v)
        try archive.exchange(&recorder)
        if archive.isRestoring { withCore { core, _, _ in core.refreshFloats() } }
    }

    /// Lends the storage as unsafe pointers.
    private mutating func withCore<Result>(
        _ body: (SLRSGDCore, inout GaussianPool, inout RandomStream) -> Result
    ) -> Result {
        let (parameters, layout) = (self.parameters, self.layout)
        return k.withUnsafeMutableBufferPointer { k in
            v.withUnsafeMutableBufferPointer { v in
                floats.withUnsafeMutableBufferPointer { floats in
                    scratch.withUnsafeMutableBufferPointer { scratch in
                        let core = SLRSGDCore(
                            parameters, layout, k: k.baseAddress.unsafelyUnwrapped,
                            v: v.baseAddress.unsafelyUnwrapped, floats: floats.baseAddress.unsafelyUnwrapped,
                            scratch: scratch.baseAddress.unsafelyUnwrapped)
                        return body(core, &pool, &tokens)
                    }
                }
            }
        }
    }
}

/// Sizes of the storage of one run.
struct SLRLayout: Sendable {
    let tokens: Int
    /// Components off the two axes.
    let n: Int
    /// n rounded up to the 32 numbers that the generator makes at once.
    let stride: Int

    init(_ p: SLRParameters) {
        tokens = p.batchSize * p.L
        n = p.d - 2
        stride = (n + 31) & ~31
    }
}

extension SLRParameters {
    /// - Throws: ``ModelError/parameter(_:_:)`` when `bytes` are more than the machine has.
    func checkMemory(bytes: Double) throws {
        guard bytes < Double(ProcessInfo.processInfo.physicalMemory) else {
            throw ModelError.parameter(
                "d",
                "is too large with this L and batch_size: the run would hold \(bytes / 1e9) GB; overlap-chain and "
                    + "reduced-pgd do not depend on d")
        }
    }
}
