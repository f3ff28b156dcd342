import ModelKit
import Modeling

/// The substreams of a simulation's random stream.
enum Streams {
    static let initial: UInt32 = 0
    static let vectors: UInt32 = 1
    static let scalars: UInt32 = 2
    static let testSet: UInt32 = 3
}

// What `sgd` and `overlap-chain` share.
extension Parameters {
    /// The most normals that a step takes at once.
    var largestRequest: Int { (2 + k) * L }

    /// Puts the observables of overlaps after `step` steps.
    func observe(
        step: Int, m: [Double], eps: [Double], _ random: RandomStream, _ recorder: inout OverlapRecorder,
        into sink: inout ObservationSink
    ) throws {
        try recorder.observe(t: Double(step) / Double(d), steps: Double(step), m: m, eps: eps, into: &sink)
        if sink.wants(.halfRisk) {
            sink.put(.halfRisk, testRisk(m: m, eps: eps, random: random.substream(Streams.testSet)))
        }
    }

    /// A draw of the initial overlaps (m: one entry, L for untied; then eps_j) with the law of the start in R^d.
    func initialOverlaps(_ random: inout RandomStream) -> [Double] {
        switch start {
        case .prescribed(let m, let eps): return m + eps
        case .overlapped(let o, let randomSign):
            let m0 = Start.overlap(o: o)
            let m = (0..<rows).map { _ in randomSign && random.uniform() < 0.5 ? -m0 : m0 }
            return m + Array(repeating: 0, count: k)
        case .random:
            // A uniform direction is a normalised Gaussian vector; all but its first 1 + k entries enter by their norm.
            return (0..<rows).flatMap { _ in
                let x = (0...k).map { _ in random.normal() }
                let rest = random.chiSquare(Double(d - 1 - k))
                let norm = (x.reduce(rest) { $0 + $1 * $1 }).squareRoot()
                return x.map { $0 / norm }
            }
        }
    }

    /// (53), for a student of these overlaps: `random` draws the same numbers at each call, so that the test set is fixed
    /// and nothing is stored.
    func testRisk(m: [Double], eps: [Double], random: RandomStream) -> Double {
        let perSample = student == .attention ? largestRequest : L + 1
        var pool = GaussianPool(random, largestRequest: perSample)
        let e = positionalOverlaps(eps)
        let covered = m.reduce(0) { $0 + $1 * $1 } / (student == .untied ? Double(L) : 1)
        let rest = max(0, 1 - covered - eps.reduce(0) { $0 + $1 * $1 }).squareRoot()
        var z = Array(repeating: 0.0, count: L)
        var sum = 0.0
        withKernel { kernel in
            pool.withCursor { cursor in
                for _ in 0..<testSize {
                    let x = cursor.take(perSample)
                    if student != .attention {
                        var h = 0.0
                        for l in 0..<L { h += (m.count == 1 ? m[0] : m[l]) * x[l] }
                        h = h * kernel.inverseRootL + rest * x[L]
                        let r = kernel.scalarTarget(x) - activation.value(h)
                        sum += r * r
                    } else {
                        for l in 0..<L {
                            var t = m[0] * x[l] + rest * x[L + l]
                            for j in 0..<k { t += eps[j] * x[2 * L + l * k + j] }
                            z[l] = t + e[l]
                        }
                        sum += kernel.attentionSquaredError(zStar: x, z: z)
                    }
                }
            }
        }
        return 0.5 * sum / Double(testSize)
    }
}
