import Persistence

/// A random stream of one task: counter-based, so every number is a function of (task identity, substream, kind of
/// number, index) alone and never of what was drawn before, in what portions, or on which machine.
///
/// A stream holds three independent sequences, each with its own index: normals in double precision (``normal()``,
/// ``fillNormal(_:)-(UnsafeMutableBufferPointer<Double>)``), normals in single precision
/// (``fillNormal(_:)-(UnsafeMutableBufferPointer<Float>)``) and uniforms (``uniform()``). Filling a buffer of `n`
/// doubles gives the same numbers as `n` calls of ``normal()``, mixed in any way. ``position`` holds the three indices:
/// with identity and substream it is the whole state, and what a checkpoint holds.
///
/// Generator: ARS4x32-7 (``ARS``), the key is the identity, the counter's upper half the substream. Normals are by Box
/// and Muller's transform, in a fixed arrangement of lanes with only correctly rounded operations (addition,
/// multiplication, fused multiply-add, division, square root, conversion) and no library function: the bits are the
/// same for every vector width and processor.
///
/// A stream is a value of about 1100 bytes; two copies continue alike. Keep it in a local variable or pass it `inout`
/// in hot loops.
public struct RandomStream: Sendable, Resumable {
    /// How many numbers of each kind a stream has given.
    public struct Position: Sendable, Hashable, Codable {
        /// Double-precision normals drawn.
        public var normals: UInt64
        /// Single-precision normals drawn.
        public var floatNormals: UInt64
        /// Uniforms drawn.
        public var uniforms: UInt64

        /// A position from its three indices; the start of a stream by default.
        public init(normals: UInt64 = 0, floatNormals: UInt64 = 0, uniforms: UInt64 = 0) {
            self.normals = normals
            self.floatNormals = floatNormals
            self.uniforms = uniforms
        }
    }

    /// Which generator and which transform to normals the numbers are of. Part of the name of every task: it changes when
    /// any number of a stream does.
    public static let generator = "ARS4x32-7 Box-Muller 1"

    @usableFromInline static let normalBatch = 64
    @usableFromInline static let uniformBatch = 64

    /// The task whose stream this is.
    public let identity: TaskIdentity
    /// The number of this stream among the task's.
    public let substreamNumber: UInt32
    private let sequence: RandomSequence
    private var floatIndex: UInt64 = 0

    // The batch in `normals` is number `nextNormalBatch - 1`; a cursor at the end of its batch means nothing is left.
    private var nextNormalBatch: UInt64 = 0
    private var nextUniformBatch: UInt64 = 0
    @usableFromInline var normalCursor = RandomStream.normalBatch
    @usableFromInline var uniformCursor = RandomStream.uniformBatch
    @usableFromInline var normals = InlineArray<64, Double>(repeating: 0)
    @usableFromInline var uniforms = InlineArray<64, Double>(repeating: 0)

    /// Stream `substream` of task `identity`, at its start.
    public init(identity: TaskIdentity, substream: UInt32 = 0) {
        self.identity = identity
        self.substreamNumber = substream
        sequence = RandomSequence(identity: identity, substream: substream)
    }

    /// Stream `substream` of task `identity`, at `position` (from a checkpoint).
    public init(identity: TaskIdentity, substream: UInt32, position: Position) {
        self.init(identity: identity, substream: substream)
        self.position = position
    }

    /// An independent stream of the same task, at its start (0 is the task's first).
    public func substream(_ number: UInt32) -> RandomStream {
        RandomStream(identity: identity, substream: number)
    }

    /// The indices of the next numbers. Setting them moves the stream there, in constant time.
    public var position: Position {
        get {
            Position(
                normals: nextNormalBatch &* 64 &+ UInt64(normalCursor) &- 64, floatNormals: floatIndex,
                uniforms: nextUniformBatch &* 64 &+ UInt64(uniformCursor) &- 64)
        }
        set {
            floatIndex = newValue.floatNormals
            nextNormalBatch = newValue.normals / 64
            normalCursor = Self.normalBatch
            if newValue.normals % 64 != 0 {
                refillNormals()
                normalCursor = Int(newValue.normals % 64)
            }
            nextUniformBatch = newValue.uniforms / 64
            uniformCursor = Self.uniformBatch
            if newValue.uniforms % 64 != 0 {
                refillUniforms()
                uniformCursor = Int(newValue.uniforms % 64)
            }
        }
    }

    /// A standard normal draw. From 52-bit uniforms: |x| is at most 8.57, beyond which the mass is 1e-17.
    @inlinable @inline(__always)
    public mutating func normal() -> Double {
        if normalCursor == Self.normalBatch { refillNormals() }
        let x = normals[unchecked: normalCursor]
        normalCursor &+= 1
        return x
    }

    /// Uniform on (0, 1): `(k + 1/2) / 2^52` with `k` uniform on the 52-bit integers, never 0 or 1.
    @inlinable @inline(__always)
    public mutating func uniform() -> Double {
        if uniformCursor == Self.uniformBatch { refillUniforms() }
        let x = uniforms[unchecked: uniformCursor]
        uniformCursor &+= 1
        return x
    }

    /// Standard normal draws in single precision into all of `buffer`.
    ///
    /// Radii come from 31-bit uniforms, `(k + 1/2) / 2^31` rounded to single precision: |x| is at most 6.66, beyond which the
    /// mass is 2.7e-11 (where a simulation sees tails that thin, draw in double precision), and radii below 1e-3 are
    /// coarse (mass 5e-7). The transform is accurate to 3e-7 of the radius. Draws `i` and `i + 16` of each 32 are of
    /// one radius; they use word `i % 4` of blocks `i / 4` (radius) and `i / 4 + 4` (direction) of the 8 blocks that the 32
    /// are made of. Portions that are not multiples of 32 compute their first and last 32 twice.
    public mutating func fillNormal(_ buffer: UnsafeMutableBufferPointer<Float>) {
        guard var target = buffer.baseAddress, buffer.count > 0 else { return }
        var remaining = buffer.count
        let offset = Int(floatIndex % 32)
        if offset != 0 { copyFloats(from: offset, to: &target, &remaining) }
        let octets = UInt64(remaining / 32)
        if octets > 0 {
            let first = floatIndex / 32
            NormalKernelFloat.fill(target, sequence, octets: first..<first &+ octets)
            target += Int(octets) * 32
            remaining -= Int(octets) * 32
            floatIndex &+= octets &* 32
        }
        if remaining > 0 { copyFloats(from: 0, to: &target, &remaining) }
    }

    /// Standard normal draws into all of `buffer`: the same numbers as ``normal()`` would give. Draws `i` and `i + 8` of
    /// each 16 are of one radius; they use half `i % 2` of blocks `i / 2` (radius) and `i / 2 + 4` (direction) of the 8
    /// blocks that the 16 are made of. The transform is accurate to 8e-16 of the radius.
    public mutating func fillNormal(_ buffer: UnsafeMutableBufferPointer<Double>) {
        guard var target = buffer.baseAddress, buffer.count > 0 else { return }
        var remaining = buffer.count
        copyNormals(to: &target, &remaining)
        let batches = remaining / 64
        if batches > 0 {
            let first = nextNormalBatch &* 4
            NormalKernelDouble.fill(target, sequence, octets: first..<first &+ UInt64(batches) &* 4)
            target += batches * 64
            remaining -= batches * 64
            nextNormalBatch &+= UInt64(batches)
        }
        if remaining > 0 {
            refillNormals()
            copyNormals(to: &target, &remaining)
        }
    }

    /// A chi-square draw with `k` degrees of freedom, any real `k >= 0`, at a cost independent of `k`: 0 for `k` = 0,
    /// not-a-number for a negative or undefined `k`, infinity for an infinite one.
    ///
    /// Marsaglia and Tsang's gamma rejection (ACM TOMS 26, 2000), exact for every shape, with their boost
    /// `u^(1/shape)` below shape 1. Uses one normal and one uniform, rarely more.
    public mutating func chiSquare(_ k: Double) -> Double {
        guard k > 0, k < .infinity else { return k == 0 || k == .infinity ? k : .nan }
        let shape = 0.5 * k
        let d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = normal()
            let t = 1 + c * x
            guard t > 0 else { continue }
            let v = t * t * t
            let u = uniform()
            let x2 = x * x
            if u < 1 - 0.0331 * x2 * x2 || FDLibm.log(u) < 0.5 * x2 + d * (1 - v + FDLibm.log(v)) {
                let boost = shape < 1 ? FDLibm.expNonPositive(FDLibm.log(uniform()) / shape) : 1
                return 2 * d * v * boost
            }
        }
    }

    /// Exchanges ``position``; identity and substream come along, so that another stream's position is refused.
    public mutating func exchange(with archive: inout StateArchive) throws {
        var (high, low, substream) = (identity.high, identity.low, UInt64(substreamNumber))
        try archive.exchange(&high)
        try archive.exchange(&low)
        try archive.exchange(&substream)
        var position = self.position
        try archive.exchange(&position.normals)
        try archive.exchange(&position.floatNormals)
        try archive.exchange(&position.uniforms)
        guard archive.isRestoring else { return }
        guard high == identity.high, low == identity.low, substream == UInt64(substreamNumber) else {
            throw StateArchiveError.invalid("its random numbers are those of another task or stream")
        }
        self.position = position
    }

    @usableFromInline @inline(never)
    mutating func refillNormals() {
        let first = nextNormalBatch &* 4
        var span = normals.mutableSpan
        span.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            NormalKernelDouble.fill(base, sequence, octets: first..<first &+ 4)
        }
        nextNormalBatch &+= 1
        normalCursor = 0
    }

    @usableFromInline @inline(never)
    mutating func refillUniforms() {
        let first = nextUniformBatch &* 4
        var span = uniforms.mutableSpan
        span.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            NormalKernelDouble.fillUniform(base, sequence, octets: first..<first &+ 4)
        }
        nextUniformBatch &+= 1
        uniformCursor = 0
    }

    /// Moves what is left in the batch, at most `remaining` numbers.
    private mutating func copyNormals(to target: inout UnsafeMutablePointer<Double>, _ remaining: inout Int) {
        let count = min(remaining, Self.normalBatch - normalCursor)
        for i in 0..<count { target[i] = normals[unchecked: normalCursor &+ i] }
        normalCursor += count
        target += count
        remaining -= count
    }

    /// Part of the octet at `floatIndex`, from its draw `offset`.
    private mutating func copyFloats(
        from offset: Int, to target: inout UnsafeMutablePointer<Float>, _ remaining: inout Int
    ) {
        let count = min(remaining, 32 - offset)
        let octet = floatIndex / 32
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 32) { whole in
            guard let base = whole.baseAddress else { return }
            NormalKernelFloat.fill(base, sequence, octets: octet..<octet &+ 1)
            target.update(from: base + offset, count: count)
        }
        floatIndex &+= UInt64(count)
        target += count
        remaining -= count
    }
}
