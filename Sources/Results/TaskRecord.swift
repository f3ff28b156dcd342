import Foundation
import Sweep

/// What has become of one task; the raw values are those of the `status` variable in result files.
public enum TaskStatus: UInt8, Sendable, Hashable, CaseIterable {
    case pending = 0
    case done = 1
    /// It threw an error or its process died; the record's `error` says which.
    case failed = 2
    /// The run left the numbers; what it observed before is kept.
    case diverged = 3
    /// The job's `where` leaves the point out.
    case excluded = 4
    /// A seed that the job's stopping rule (`sem`) made unnecessary.
    case spared = 5
    /// Its process died with this task in flight; it runs once more when everything else is done. The record's `error`
    /// says how the process died.
    case suspect = 6

    /// The name in `flag_meanings` and in tables.
    public var name: String { String(describing: self) }
    /// True when it ended, or its process did, without a result.
    var isBad: Bool { self == .failed || self == .diverged || self == .suspect }
    /// True when nothing is left to compute.
    public var isFinal: Bool { self != .pending && self != .suspect }
}

/// The result of one task as it travels from a worker to the journal.
///
/// A worker encodes it once; the bytes go through MPI and into the journal unchanged, their checksum included.
/// Layout (little-endian): magic, body length, checksum of the body; body: kind, status, method, rank, point, seed,
/// buffer count, wall seconds, error length, build, buffer lengths, error text, values. Records are padded to 8 bytes.
public struct TaskRecord: Sendable, Hashable {
    public var task: TaskID
    public var status: TaskStatus
    /// Empty unless the task failed or diverged, or is a suspect.
    public var error: String
    public var wallSeconds: Double
    /// The MPI rank that ran it.
    public var rank: Int
    /// ``Build/key`` of the program that made it; 0 when that is not known.
    public var build: UInt32
    /// One buffer a slot of the grid at this point, in the slots' order, without padding; empty when nothing was observed.
    public var buffers: [[Double]]

    public init(
        task: TaskID, status: TaskStatus, error: String = "", wallSeconds: Double = 0, rank: Int = 0,
        build: UInt32 = 0, buffers: [[Double]] = []
    ) {
        self.task = task
        self.status = status
        self.error = error
        self.wallSeconds = wallSeconds
        self.rank = rank
        self.build = build
        self.buffers = buffers
    }

    static let fixedBody = 48
    /// Longer error texts are cut: a record says why, it is no log.
    static let maximumError = 4000

    /// Appends the record to `bytes`.
    ///
    /// - Parameter grid: ``GridFingerprint/value`` of the job; it seeds the checksum, so that a record never passes for
    ///   one of another grid.
    public func encode(into bytes: inout [UInt8], grid: UInt64) {
        // Cut by bytes: a single character can be as long as one likes.
        let text =
            error.utf8.count <= Self.maximumError
            ? error : String(decoding: error.utf8.prefix(Self.maximumError - 16), as: UTF8.self) + " ..."
        let errorLength = text.utf8.count
        let valueCount = buffers.reduce(0) { $0 + $1.count }
        let lengthsAt = Self.fixedBody
        let errorAt = lengthsAt + padded(4 * buffers.count)
        let valuesAt = errorAt + padded(errorLength)
        let bodyLength = valuesAt + 8 * valueCount
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: RecordFrame.headerSize + bodyLength))
        bytes.withUnsafeMutableBytes { all in
            let body = UnsafeMutableRawBufferPointer(rebasing: all[(start + RecordFrame.headerSize)...])
            body[0] = RecordKind.task.rawValue
            body[1] = status.rawValue
            body.storeLittle(UInt32(truncatingIfNeeded: task.method), at: 4)
            body.storeLittle(UInt64(task.point), at: 8)
            body.storeLittle(UInt64(task.seed), at: 16)
            body.storeLittle(UInt32(truncatingIfNeeded: rank), at: 24)
            body.storeLittle(UInt32(buffers.count), at: 28)
            body.storeLittle(wallSeconds.bitPattern, at: 32)
            body.storeLittle(UInt32(errorLength), at: 40)
            body.storeLittle(build, at: 44)
            for (index, buffer) in buffers.enumerated() {
                body.storeLittle(UInt32(buffer.count), at: lengthsAt + 4 * index)
            }
            // A zero byte would end the text early in the result file.
            for (index, byte) in text.utf8.enumerated() { body[errorAt + index] = byte == 0 ? 0x20 : byte }
            var at = valuesAt
            for buffer in buffers {
                buffer.withUnsafeBytes { source in
                    guard let from = source.baseAddress, let to = body.baseAddress else { return }
                    (to + at).copyMemory(from: from, byteCount: source.count)
                }
                at += 8 * buffer.count
            }
            RecordFrame.seal(UnsafeMutableRawBufferPointer(rebasing: all[start...]), seed: grid)
        }
    }

    /// The record that starts at `bytes`' first byte.
    public static func decode(_ bytes: [UInt8], grid: UInt64) throws -> TaskRecord {
        try bytes.withUnsafeBytes { raw in
            guard let body = RecordFrame.body(of: raw, at: 0, seed: grid) else {
                throw ResultError.invalidRecord("the checksum does not match")
            }
            guard let view = TaskRecordView(body: body) else {
                throw ResultError.invalidRecord("the lengths contradict each other")
            }
            return view.record
        }
    }
}

/// A task record inside a buffer, decoded on demand. Valid as long as the buffer is.
struct TaskRecordView {
    private let body: UnsafeRawBufferPointer
    let task: TaskID
    let status: TaskStatus
    let rank: Int
    let build: UInt32
    let bufferCount: Int
    let wallSeconds: Double
    private let errorLength: Int
    private let errorAt: Int
    private let valuesAt: Int

    /// Nil when `body` is no task record or its lengths contradict each other.
    init?(body: UnsafeRawBufferPointer) {
        guard body.count >= TaskRecord.fixedBody, body[0] == RecordKind.task.rawValue,
            let status = TaskStatus(rawValue: body[1]),
            let point = Int(exactly: body.loadLittle(UInt64.self, at: 8)),
            let seed = Int(exactly: body.loadLittle(UInt64.self, at: 16))
        else { return nil }
        self.body = body
        self.status = status
        task = TaskID(method: Int(body.loadLittle(UInt32.self, at: 4)), point: point, seed: seed)
        rank = Int(Int32(bitPattern: body.loadLittle(UInt32.self, at: 24)))
        bufferCount = Int(body.loadLittle(UInt32.self, at: 28))
        wallSeconds = Double(bitPattern: body.loadLittle(UInt64.self, at: 32))
        errorLength = Int(body.loadLittle(UInt32.self, at: 40))
        build = body.loadLittle(UInt32.self, at: 44)
        errorAt = TaskRecord.fixedBody + padded(4 * bufferCount)
        valuesAt = errorAt + padded(errorLength)
        guard valuesAt <= body.count else { return nil }
        var total = 0
        for index in 0..<bufferCount {
            total += Int(body.loadLittle(UInt32.self, at: TaskRecord.fixedBody + 4 * index))
        }
        guard valuesAt + 8 * total == body.count else { return nil }
    }

    var error: String {
        String(decoding: body[errorAt..<(errorAt + errorLength)], as: UTF8.self)
    }

    var hasError: Bool { errorLength > 0 }

    func length(ofBuffer index: Int) -> Int {
        Int(body.loadLittle(UInt32.self, at: TaskRecord.fixedBody + 4 * index))
    }

    /// The raw little-endian bytes of buffer `index`.
    func bytes(ofBuffer index: Int) -> UnsafeRawBufferPointer {
        var at = valuesAt
        for earlier in 0..<index { at += 8 * length(ofBuffer: earlier) }
        return UnsafeRawBufferPointer(rebasing: body[at..<(at + 8 * length(ofBuffer: index))])
    }

    func buffer(_ index: Int) -> [Double] {
        let raw = bytes(ofBuffer: index)
        return (0..<length(ofBuffer: index)).map { Double(bitPattern: raw.loadLittle(UInt64.self, at: 8 * $0)) }
    }

    var record: TaskRecord {
        TaskRecord(
            task: task, status: status, error: error, wallSeconds: wallSeconds, rank: rank, build: build,
            buffers: (0..<bufferCount).map(buffer))
    }
}

enum RecordKind: UInt8 {
    case header = 0
    case task = 1
    case event = 2
    /// A ``Build`` that records after it name.
    case build = 3

    /// What stands in a record of text behind its first 8 bytes; nil when that is something else, or nothing.
    static func read<Value: Decodable>(_: Value.Type, from body: UnsafeRawBufferPointer) -> Value? {
        body.count > 8 ? try? JSONDecoder().decode(Value.self, from: Data(body[8...])) : nil
    }
}

@inline(__always)
func padded(_ count: Int) -> Int { (count + 7) & ~7 }

extension UnsafeRawBufferPointer {
    @inline(__always)
    func loadLittle<T: FixedWidthInteger>(_: T.Type, at offset: Int) -> T {
        T(littleEndian: loadUnaligned(fromByteOffset: offset, as: T.self))
    }
}

extension UnsafeMutableRawBufferPointer {
    @inline(__always)
    func storeLittle<T: FixedWidthInteger>(_ value: T, at offset: Int) {
        storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
    }
}

/// What the store's callers need to know of a record that was taken in.
public struct RecordEntry: Sendable, Hashable {
    public let task: TaskID
    public let status: TaskStatus
    public let wallSeconds: Double
}
