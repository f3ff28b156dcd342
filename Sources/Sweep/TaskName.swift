import Modeling

/// The names of the tasks at one point: canonical bytes of what their result is a function of.
///
/// A task's identity is BLAKE2b-128 of: the digest of (format, generator, model, its revision, method); then name and value
/// of each parameter that the run reads and that is not its plain default, sorted by name; then the seed. Integers and
/// reals are 8 bytes little-endian behind a tag (reals by bit pattern, -0 as 0), texts and arrays carry their length, so no
/// two tasks share an encoding. Nothing else enters: not the axes around the point, not whether a value is a default, not
/// the time unit or what is recorded.
public struct TaskName: Sendable {
    private var bytes: [UInt8]

    /// The bytes that all tasks of one method begin with.
    struct Prefix: Sendable {
        fileprivate let bytes: [UInt8]

        init(model: any Model, method: String) {
            var bytes: [UInt8] = []
            for text in ["dynsweep task 3", RandomStream.generator, model.name, String(model.revision), method] {
                bytes.append(text: text)
            }
            // Short, so that most names are one block of the hash.
            self.bytes = Blake2b.digest(bytes, length: 16)
        }
    }

    init(_ prefix: Prefix, _ readings: [Reader.Reading]) {
        bytes = prefix.bytes
        bytes.reserveCapacity(prefix.bytes.count + 32 * readings.count)
        for reading in readings where !reading.isDefault { bytes.append(reading) }
    }

    /// The identity of the task with this seed (nil for unseeded methods).
    public func identity(seed: Int?) -> TaskIdentity {
        withUnsafeTemporaryAllocation(byteCount: bytes.count + 9, alignment: 8) { buffer in
            buffer.copyBytes(from: bytes)
            buffer[bytes.count] = seed == nil ? 0 : 1
            guard let seed else { return Self.hash(UnsafeRawBufferPointer(rebasing: buffer[...bytes.count])) }
            let word = UInt64(bitPattern: Int64(seed))
            for i in 0..<8 { buffer[bytes.count + 1 + i] = UInt8(truncatingIfNeeded: word >> (8 * UInt64(i))) }
            return Self.hash(UnsafeRawBufferPointer(buffer))
        }
    }

    /// A name of what tasks here record: two tasks that share it have the same numbers at the same recording times.
    ///
    /// - Parameters:
    ///   - clock: what the job's time unit is worked out from.
    ///   - lengths: of what is recorded.
    ///   - seed: nil for unseeded methods, and for all seeds together.
    func recordIdentity(clock: [Reader.Reading], lengths: [Int], seed: Int?) -> TaskIdentity {
        if clock.isEmpty, lengths.isEmpty { return identity(seed: seed) }
        var bytes = bytes
        bytes.append(2)
        bytes.append(word: UInt64(clock.count))
        for reading in clock { bytes.append(reading) }
        for length in lengths { bytes.append(word: UInt64(bitPattern: Int64(length))) }
        if let seed { bytes.append(word: UInt64(bitPattern: Int64(seed))) }
        return bytes.withUnsafeBytes { Self.hash($0) }
    }

    private static func hash(_ bytes: UnsafeRawBufferPointer) -> TaskIdentity {
        let (low, high) = Blake2b.digest128(bytes)
        return TaskIdentity(high: high, low: low)
    }
}

extension [UInt8] {
    fileprivate mutating func append(word: UInt64) {
        Swift.withUnsafeBytes(of: word.littleEndian) { append(contentsOf: $0) }
    }

    fileprivate mutating func append(text: String) {
        append(word: UInt64(text.utf8.count))
        append(contentsOf: text.utf8)
    }

    fileprivate mutating func append(_ reading: Reader.Reading) {
        append(text: reading.name)
        switch reading.value {
        case .integer(let value):
            append(1)
            append(word: UInt64(bitPattern: Int64(value)))
        case .real(let value):
            append(2)
            append(word: (value == 0 ? 0 : value).bitPattern)
        case .text(let value):
            append(3)
            append(text: value)
        case .flag(let value): append(contentsOf: [4, value ? 1 : 0])
        case .array(let value):
            append(5)
            append(word: UInt64(value.shape.count))
            for length in value.shape { append(word: UInt64(length)) }
            for element in value.elements { append(word: (element == 0 ? 0 : element).bitPattern) }
        }
    }
}
