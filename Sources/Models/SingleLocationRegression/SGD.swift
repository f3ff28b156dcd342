import ModelKit
import Modeling

/// Method `sgd`: one-pass projected SGD in R^d with every token drawn, (10) to (12) and (9).
///
/// The law is rotation invariant, so k* and v* are the first two axes. k and v are float64. A token's components on the
/// two axes, which hold the mean and make the label, are float64; its other d - 2 components are float32, and so are
/// the inner products and sums of a batch over them: their rounding, 1e-7 of one step's noise, adds up like that noise.
struct SGD: Descent {
    private let p: Parameters
    private var pool: GaussianPool
    private var tokens: RandomStream
    /// Components on k* and v*, then the others.
    private var k: [Double]
    private var v: [Double]
    private var floats: [Float]
    private var scratch: [Double]

    init(_ p: Parameters, _ random: RandomStream) {
        self.p = p
        pool = GaussianPool(
            random.substream(Streams.scalars), largestRequest: 2 * p.batchSize * p.L + p.batchSize)
        tokens = random.substream(Streams.tokens)
        var start = random.substream(Streams.initial)
        (k, v) = p.initialVectors(&start)
        floats = Array(repeating: 0, count: (4 + p.batchSize * p.L) * p.stride)
        scratch = Batch.storage(p)
        withCore { core, _, _ in core.refreshFloats() }
    }

    var overlaps: Overlaps { Overlaps(k[0], v[1], v[0], k[1], orderedDot(k, v)) }
    var stepWeight: Int { max(1, p.batchSize * p.L * p.stride / 1000) }

    mutating func take(_ steps: Range<Int>) -> Int {
        withCore { [p] core, pool, tokens in
            pool.withCursor { cursor in p.take(steps) { core.step(lambda: $0, &cursor, &tokens) } }
        }
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&pool)
        try archive.exchange(&tokens)
        try archive.exchange(&k)
        try archive.exchange(&v)
        if archive.isRestoring { withCore { core, _, _ in core.refreshFloats() } }
    }

    /// Lends the storage as unsafe pointers.
    private mutating func withCore<Result>(
        _ body: (SGDCore, inout GaussianPool, inout RandomStream) -> Result
    ) -> Result {
        let p = self.p
        return k.withUnsafeMutableBufferPointer { k in
            v.withUnsafeMutableBufferPointer { v in
                floats.withUnsafeMutableBufferPointer { floats in
                    scratch.withUnsafeMutableBufferPointer { scratch in
                        let core = SGDCore(
                            batch: Batch(p, scratch.baseAddress.unsafelyUnwrapped), n: p.d - 2, stride: p.stride,
                            k: k.baseAddress.unsafelyUnwrapped, v: v.baseAddress.unsafelyUnwrapped,
                            floats: floats.baseAddress.unsafelyUnwrapped)
                        return body(core, &pool, &tokens)
                    }
                }
            }
        }
    }
}

extension Parameters {
    /// The d - 2 components off the two axes, rounded up to the 32 numbers that the generator makes at once.
    fileprivate var stride: Int { (d - 2 + 31) & ~31 }
}
