import Foundation
import Persistence
import Randomness

/// Standard normals of one random stream, drawn in blocks and handed out in order. What the n-th request gets depends
/// on the sequence of requests alone.
public struct GaussianPool: Sendable, Resumable {
    @usableFromInline var stream: RandomStream
    @usableFromInline var buffer: [Double]
    @usableFromInline var position: Int

    /// `largestRequest` is the most that ``Cursor/take(_:)`` is asked for at once.
    public init(_ stream: RandomStream, largestRequest: Int) {
        self.stream = stream
        buffer = Array(repeating: 0, count: max(1024, 8 * largestRequest))
        position = buffer.count
    }

    private init(stream: RandomStream, buffer: [Double], position: Int) {
        self.stream = stream
        self.buffer = buffer
        self.position = position
    }

    /// A pool without storage, to stand in while the real one is lent out; nothing can be taken from it.
    public static func empty(_ stream: RandomStream) -> GaussianPool {
        GaussianPool(stream: stream, buffer: [], position: 0)
    }

    /// Gives `body` a cursor that draws from the pool.
    @inlinable
    public mutating func withCursor<Result>(_ body: (inout Cursor) throws -> Result) rethrows -> Result {
        let (stream, position) = (self.stream, self.position)
        var end = (stream, position)
        let result = try buffer.withUnsafeMutableBufferPointer { buffer in
            var cursor = Cursor(stream: stream, buffer: buffer, position: position)
            defer { end = (cursor.stream, cursor.position) }
            return try body(&cursor)
        }
        (self.stream, self.position) = end
        return result
    }

    public mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&stream)
        try archive.exchange(&buffer)
        try archive.exchange(&position, in: 0...buffer.count)
    }

    /// Where the next normals lie.
    public struct Cursor {
        @usableFromInline var stream: RandomStream
        @usableFromInline let buffer: UnsafeMutableBufferPointer<Double>
        @usableFromInline var position: Int

        @usableFromInline
        init(stream: RandomStream, buffer: UnsafeMutableBufferPointer<Double>, position: Int) {
            self.stream = stream
            self.buffer = buffer
            self.position = position
        }

        /// The next `count` normals; the pointer is valid until the next request.
        @inlinable @inline(__always)
        public mutating func take(_ count: Int) -> UnsafePointer<Double> {
            if position + count > buffer.count { refill() }
            defer { position += count }
            return UnsafePointer(buffer.baseAddress.unsafelyUnwrapped + position)
        }

        @usableFromInline @inline(never)
        mutating func refill() {
            stream.fillNormal(buffer)
            position = 0
        }

        /// A draw from `law`. Marsaglia and Tsang (2000) with the exponential E = (a^2 + b^2)/2 of two normals in place
        /// of -log(uniform): u < 1 - y becomes exp(-E) < 1 - y, which E (1 - y) > y implies.
        @inlinable @inline(__always)
        public mutating func draw(_ law: ChiSquareLaw) -> Double {
            if law.degrees < 2 {
                let x = take(1)[0]
                return law.degrees < 1 ? 0 : x * x
            }
            while true {
                let x = take(3)
                let v = 1 + law.c * x[0]
                guard v > 0 else { continue }
                let v3 = v * v * v
                let E = 0.5 * (x[1] * x[1] + x[2] * x[2])
                let x2 = x[0] * x[0]
                let y = 0.0331 * x2 * x2
                if E * (1 - y) > y || -E < 0.5 * x2 + law.shift * (1 - v3 + log(v3)) {
                    return 2 * law.shift * v3
                }
            }
        }
    }
}

/// The chi-square law with a whole number of degrees of freedom, prepared for drawing (0 degrees: always 0).
public struct ChiSquareLaw: Sendable {
    /// Degrees of freedom, at least 0.
    public let degrees: Int
    @usableFromInline let shift: Double
    @usableFromInline let c: Double

    /// The law with so many degrees of freedom.
    public init(_ degrees: Int) {
        self.degrees = degrees
        shift = Double(degrees) / 2 - 1.0 / 3
        c = 1 / (9 * abs(shift)).squareRoot()
    }
}
