import Foundation

/// A random stream of one task. A stub-free first form; the vectorised generator replaces its inside.
public struct RandomStream: Sendable {
    private let identity: TaskIdentity
    private let substream: UInt32
    private var position: UInt64 = 0

    public init(identity: TaskIdentity, substream: UInt32 = 0) {
        self.identity = identity
        self.substream = substream
    }

    /// An independent stream of the same task (0 is the task's first).
    public func substream(_ number: UInt32) -> RandomStream {
        RandomStream(identity: identity, substream: number)
    }

    /// A standard normal draw.
    public mutating func normal() -> Double {
        let words = nextBlock()
        let u = (Double(words[0]) + 0.5) * 0x1p-32
        let v = (Double(words[1]) + 0.5) * 0x1p-32
        return (-2 * log(u)).squareRoot() * cos(2 * .pi * v)
    }

    /// Uniform on (0, 1).
    public mutating func uniform() -> Double { (Double(nextBlock()[0]) + 0.5) * 0x1p-32 }

    /// Standard normal draws into all of `buffer`.
    public mutating func fillNormal(_ buffer: UnsafeMutableBufferPointer<Float>) {
        for i in buffer.indices { buffer[i] = Float(normal()) }
    }

    /// Standard normal draws into all of `buffer`.
    public mutating func fillNormal(_ buffer: UnsafeMutableBufferPointer<Double>) {
        for i in buffer.indices { buffer[i] = normal() }
    }

    /// A chi-square draw with `k` >= 0 degrees of freedom (0 gives 0), cost independent of `k`.
    public mutating func chiSquare(_ k: Double) -> Double {
        guard k > 0 else { return 0 }
        // Marsaglia and Tsang (2000), with the boost for shape < 1.
        let shape = k / 2
        let a = shape < 1 ? shape + 1 : shape
        let dd = a - 1.0 / 3
        let c = 1 / (9 * dd).squareRoot()
        while true {
            let x = normal()
            let v = 1 + c * x
            guard v > 0 else { continue }
            let v3 = v * v * v
            let u = uniform()
            if log(u) < 0.5 * x * x + dd - dd * v3 + dd * log(v3) {
                let boost = shape < 1 ? pow(uniform(), 1 / shape) : 1
                return 2 * dd * v3 * boost
            }
        }
    }

    private mutating func nextBlock() -> SIMD4<UInt32> {
        let key = SIMD2(UInt32(truncatingIfNeeded: identity.low), UInt32(truncatingIfNeeded: identity.low >> 32))
        let counter = SIMD4(
            UInt32(truncatingIfNeeded: position), UInt32(truncatingIfNeeded: position >> 32), substream,
            UInt32(truncatingIfNeeded: identity.high))
        position &+= 1
        return Philox.block(counter: counter, key: key)
    }
}
