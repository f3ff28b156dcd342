import Foundation
import Sweep
import Synchronization

/// What a journal says about itself, in two copies at its beginning and again when the job's text changes.
struct JournalHeader: Codable, Sendable, Hashable {
    static let currentFormat = 1

    var format = JournalHeader.currentFormat
    var programVersion: String
    /// Whose numbers they are; nil in journals of before revisions.
    var model: String?
    var modelRevision: Int?
    var jobText: String
    var overrides: [String]
    /// The job's rule for the number of seeds, as text: when it changes, seeds that it spared are looked at anew.
    var seedRule: String
    /// ``GridFingerprint/value`` of the job's grids; it seeds the checksums of all further records.
    var grid: UInt64
    /// When the results were first begun (ISO 8601); survives every extension.
    var created: String
}

extension JournalHeader {
    /// Of results of `job`.
    init(job: Job, programVersion: String, created: String = Timestamp.now()) {
        self.init(
            programVersion: programVersion, model: job.model.name, modelRevision: job.model.revision,
            jobText: job.text, overrides: job.overrides, seedRule: job.seedRules,
            grid: GridFingerprint(grids: job.grids).value, created: created)
    }
}

/// Something that happened to the results as a whole, kept for provenance.
public struct RunEvent: Codable, Sendable, Hashable {
    public enum Kind: String, Codable, Sendable { case started, stopped, imported, extended, merged }

    public var kind: Kind
    /// ISO 8601.
    public var time: String
    public var host: String
    public var ranks: Int
    public var programVersion: String
    /// More to say, such as which files were merged.
    public var detail: String?

    public init(
        kind: Kind, time: String, host: String, ranks: Int, programVersion: String, detail: String? = nil
    ) {
        self.kind = kind
        self.time = time
        self.host = host
        self.ranks = ranks
        self.programVersion = programVersion
        self.detail = detail
    }

    /// What happens now.
    init(_ kind: Kind, _ provenance: Provenance, detail: String? = nil) {
        self.init(
            kind: kind, time: Timestamp.now(), host: provenance.host, ranks: provenance.ranks,
            programVersion: "\(provenance.programVersion) build \(provenance.build.name)", detail: detail)
    }

    /// The event as a line of the attribute `history`.
    var line: String {
        "\(time) \(kind.rawValue) on \(host), \(ranks) rank\(ranks == 1 ? "" : "s"), version \(programVersion)"
            + (detail.map { ", \($0)" } ?? "")
    }

    /// Reads a line of the attribute `history`; nil when it is something else.
    init?(line: String) {
        let parts = line.components(separatedBy: ", ")
        let head = parts[0].split(separator: " ", maxSplits: 3).map(String.init)
        guard parts.count >= 3, head.count == 4, let kind = Kind(rawValue: head[1]),
            let ranks = parts[1].split(separator: " ").first.flatMap({ Int($0) }), parts[2].hasPrefix("version ")
        else { return nil }
        self.init(
            kind: kind, time: head[0], host: head[3], ranks: ranks,
            programVersion: String(parts[2].dropFirst("version ".count)),
            detail: parts.count > 3 ? parts[3...].joined(separator: ", ") : nil)
    }
}

/// What reading a journal found besides good records.
public struct JournalDamage: Sendable, Hashable {
    /// Bytes after the last good record, cut off before anything new is written.
    public var tailBytes = 0
    /// Places in the middle where something unreadable was skipped, and how many bytes in all.
    public var skippedPlaces = 0
    public var skippedBytes = 0

    public var isNone: Bool { tailBytes == 0 && skippedPlaces == 0 }

    /// One line a finding, for the log.
    public func messages(path: String) -> [String] {
        var lines: [String] = []
        if tailBytes > 0 {
            lines.append("cut off \(tailBytes) damaged byte\(tailBytes == 1 ? "" : "s") at the end of \(path)")
        }
        if skippedPlaces > 0 {
            lines.append(
                "skipped \(skippedBytes) damaged bytes at \(skippedPlaces) "
                    + "place\(skippedPlaces == 1 ? "" : "s") in \(path); every other record is intact")
        }
        return lines
    }
}

/// The append-only file of all records of a run: the truth from which the result file is published.
///
/// `append` hands bytes to the operating system, so they survive the death of the process; `sync` makes them survive
/// the death of the machine. One writer; reads at offsets may run beside it on another thread.
final class Journal: @unchecked Sendable {
    private(set) var path: String
    let header: JournalHeader
    private let file: DiskFile
    private let atomicEnd: Atomic<Int>

    /// Where the next record goes. Only the appending thread changes it.
    private(set) var end: Int {
        get { atomicEnd.load(ordering: .acquiring) }
        set { atomicEnd.store(newValue, ordering: .releasing) }
    }

    private init(path: String, header: JournalHeader, file: DiskFile, end: Int) {
        self.path = path
        self.header = header
        self.file = file
        atomicEnd = Atomic(end)
    }

    /// Starts a journal of the results `output` in a new file at `path`. ``moveDurably(to:)`` gives it its final name, so
    /// that a journal of that name always has its header.
    static func create(_ path: String, of output: String, header: JournalHeader) throws -> Journal {
        let file = try DiskFile(path, .replacing(like: [output, output + ".journal"]))
        var bytes: [UInt8] = []
        let body = try encodeBody(.header, header)
        // Twice: one damaged copy must not cost the key to all other records.
        RecordFrame.encode(body, seed: 0, into: &bytes)
        RecordFrame.encode(body, seed: 0, into: &bytes)
        try bytes.withUnsafeBytes { try file.write($0, at: 0) }
        try file.sync()
        return Journal(path: path, header: header, file: file, end: bytes.count)
    }

    /// The header of the journal at `path`, from whichever copy is whole; nil when neither is.
    static func readHeader(_ path: String) throws -> JournalHeader? {
        let file = try DiskFile(path, .read)
        var found: JournalHeader?
        // Both copies lie at the beginning; damage to one leaves the other within the first bytes of the file.
        _ = try RecordScanner(file: file, seed: 0, maximumBody: 1 << 28, limit: 1 << 28).run { _, body in
            guard found == nil, body.first == RecordKind.header.rawValue else { return true }
            found = RecordKind.read(JournalHeader.self, from: body)
            return found == nil
        }
        if let found, found.format > JournalHeader.currentFormat {
            throw ResultError.unreadable(
                path: path,
                reason: "it was written by a later version (\(found.programVersion)); use that one or --fresh")
        }
        return found
    }

    /// Opens the journal at `path`, visits every good task record, and cuts off a damaged tail.
    ///
    /// - Parameter header: from ``readHeader(_:)``, or the job's own when both copies are damaged: records of another
    ///   grid fail their checksums.
    static func open(
        _ path: String, header: JournalHeader, maximumBody: Int, visit: (Int, TaskRecordView) -> Void,
        event: (RunEvent) -> Void = { _ in }, build: (Build) -> Void = { _ in },
        header headerFound: (JournalHeader) -> Void = { _ in }, readOnly: Bool = false
    ) throws -> (journal: Journal, damage: JournalDamage) {
        let file = try DiskFile(path, readOnly ? .read : .readWrite)
        let scanner = RecordScanner(file: file, seed: header.grid, maximumBody: maximumBody)
        let (end, damage) = try scanner.run { offset, body in
            switch body.first {
            case RecordKind.task.rawValue:
                if let view = TaskRecordView(body: body) { visit(offset, view) }
            case RecordKind.event.rawValue:
                if let found = RecordKind.read(RunEvent.self, from: body) { event(found) }
            case RecordKind.build.rawValue:
                if let found = RecordKind.read(Build.self, from: body) { build(found) }
            case RecordKind.header.rawValue:
                if let found = RecordKind.read(JournalHeader.self, from: body), found.grid == header.grid {
                    headerFound(found)
                }
            default: break
            }
            return true
        }
        if damage.tailBytes > 0, !readOnly {
            try file.truncate(to: end)
            try file.sync()
        }
        return (Journal(path: path, header: header, file: file, end: end), damage)
    }

    /// Appends whole records; returns the offset of the first. When the disk refuses, what was written of them is
    /// taken back, so that the journal stays whole and the call may be repeated.
    @discardableResult
    func append(_ bytes: UnsafeRawBufferPointer) throws -> Int {
        let start = end
        do {
            try file.write(bytes, at: start)
        } catch {
            try? file.truncate(to: start)
            throw error
        }
        end = start + bytes.count
        return start
    }

    func append(_ event: RunEvent) throws { try append(.event, event, seed: header.grid) }

    func append(_ build: Build) throws { try append(.build, build, seed: header.grid) }

    private func append(_ kind: RecordKind, _ value: some Encodable, seed: UInt64) throws {
        var bytes: [UInt8] = []
        RecordFrame.encode(try Self.encodeBody(kind, value), seed: seed, into: &bytes)
        try bytes.withUnsafeBytes { _ = try append($0) }
    }

    /// Makes all of it durable and renames it.
    func moveDurably(to newPath: String) throws {
        try sync()
        try Disk.rename(path, to: newPath)
        path = newPath
        file.path = newPath
    }

    /// States that the job's text is another from here on (its grids are the same).
    func append(_ header: JournalHeader) throws { try append(.header, header, seed: 0) }

    func sync() throws { try file.sync() }

    /// Throws ``ResultError/lost(path:reason:)`` when the journal's name no longer leads to it.
    func requireInPlace() throws {
        // The file may have been renamed since it was opened; what cannot be looked at just now is not lost.
        switch (try? file.place(of: path)) ?? .here {
        case .here: return
        case .elsewhere:
            throw ResultError.lost(
                path: path,
                reason: "it, or its folder, was moved or renamed while the run went on. What was done is in the moved "
                    + "one: move it back")
        case .removed:
            throw ResultError.lost(path: path, reason: "it, or its folder, was removed while the run went on")
        }
    }

    /// When the file was removed while it was open, writes what it holds to a new one of its name. Returns true when it
    /// did so.
    func saveIfRemoved() throws -> Bool {
        guard try file.place(of: path) == .removed else { return false }
        guard !Disk.exists(path) else {
            throw ResultError.lost(path: path, reason: "it was removed, and another run has begun one of that name")
        }
        try Disk.makeDirectory(Disk.directory(of: path))
        let copy = try DiskFile(path + ".new", .replacing(like: [path]))
        var piece = [UInt8](repeating: 0, count: 4 << 20)
        var at = 0
        while at < end {
            let count = try piece.withUnsafeMutableBytes { try file.read(into: $0, at: at) }
            guard count > 0 else { break }
            try piece.withUnsafeBytes { try copy.write(UnsafeRawBufferPointer(rebasing: $0[..<count]), at: at) }
            at += count
        }
        try copy.sync()
        try Disk.rename(path + ".new", to: path)
        return true
    }

    /// Whether any task's record in the file at `path` has the checksum of `header`'s grid.
    static func holdsRecords(_ path: String, of header: JournalHeader) throws -> Bool {
        var found = false
        let scanner = RecordScanner(file: try DiskFile(path, .read), seed: header.grid, maximumBody: 1 << 28)
        _ = try scanner.run { _, body in
            found = found || TaskRecordView(body: body) != nil
            return !found
        }
        return found
    }

    /// Whether the file at `path` holds anything that looks like a task's record, be it readable or not.
    static func holdsTasks(_ path: String) throws -> Bool {
        let file = try DiskFile(path, .read)
        let magic = withUnsafeBytes(of: RecordFrame.magic.littleEndian) { Array($0) }
        var buffer = [UInt8](repeating: 0, count: 4 << 20)
        var at = 0
        while true {
            let count = try buffer.withUnsafeMutableBytes { try file.read(into: $0, at: at) }
            // The window moves on by less than it holds, so that no frame falls between two.
            guard count > RecordFrame.headerSize else { return false }
            let found = buffer.withUnsafeBytes { bytes in
                (0..<(count - RecordFrame.headerSize)).contains {
                    bytes[$0] == magic[0] && bytes[$0 + RecordFrame.headerSize] == RecordKind.task.rawValue
                        && bytes[$0 + 1] == magic[1] && bytes[$0 + 2] == magic[2] && bytes[$0 + 3] == magic[3]
                }
            }
            if found { return true }
            at += count - RecordFrame.headerSize
            if count < buffer.count { return false }
        }
    }

    /// Reads up to `buffer.count` bytes at `offset`.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
        try file.read(into: buffer, at: offset)
    }

    /// The task record at `offset`.
    func record(at offset: Int) throws -> TaskRecord {
        var bytes = [UInt8](repeating: 0, count: RecordFrame.headerSize)
        _ = try bytes.withUnsafeMutableBytes { try read(into: $0, at: offset) }
        let length = bytes.withUnsafeBytes { RecordFrame.bodyLength(of: $0, at: 0) }
        guard let length, length <= end - offset - RecordFrame.headerSize else {
            throw ResultError.unreadable(path: path, reason: "no record at byte \(offset)")
        }
        bytes = [UInt8](repeating: 0, count: RecordFrame.headerSize + length)
        _ = try bytes.withUnsafeMutableBytes { try read(into: $0, at: offset) }
        return try TaskRecord.decode(bytes, grid: header.grid)
    }

    private static func encodeBody(_ kind: RecordKind, _ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [kind.rawValue, 0, 0, 0, 0, 0, 0, 0] + Array(try encoder.encode(value))
    }
}

/// Walks through the records of a file in windows of a few megabytes, past whatever is damaged.
struct RecordScanner {
    let file: DiskFile
    let seed: UInt64
    /// No record is longer; a damaged length beyond it is recognised without reading that far.
    let maximumBody: Int
    /// Records that start beyond it are not looked at.
    var limit = Int.max

    private static let window = 4 << 20

    /// Calls `visit` with offset and body of every good record until it returns false. Header records (seeded with 0)
    /// count as good whatever the seed. Returns the end of the last good record, and the damage.
    func run(visit: (Int, UnsafeRawBufferPointer) throws -> Bool) throws -> (end: Int, damage: JournalDamage) {
        let size = try file.size()
        var damage = JournalDamage()
        var goodEnd = 0
        var at = 0
        var base = 0
        var filled = 0
        var buffer = [UInt8](repeating: 0, count: Self.window)

        /// Makes `count` bytes from `at` on available, as far as the file has them.
        func load(_ count: Int) throws {
            if at >= base, at + count <= base + filled { return }
            if buffer.count < count { buffer = [UInt8](repeating: 0, count: count) }
            base = at
            filled = try buffer.withUnsafeMutableBytes { try file.read(into: $0, at: at) }
        }

        while at < size, at < limit {
            try load(RecordFrame.headerSize)
            let announced = buffer.withUnsafeBytes {
                RecordFrame.bodyLength(of: UnsafeRawBufferPointer(rebasing: $0[..<filled]), at: at - base)
            }
            if let announced, announced <= maximumBody, at + RecordFrame.headerSize + announced <= size {
                try load(RecordFrame.headerSize + announced)
                var goOn = true
                let isGood = try buffer.withUnsafeBytes { raw in
                    let bytes = UnsafeRawBufferPointer(rebasing: raw[..<filled])
                    guard
                        let body = RecordFrame.body(of: bytes, at: at - base, seed: seed)
                            ?? headerBody(of: bytes, at: at - base)
                    else { return false }
                    goOn = try visit(at, body)
                    return true
                }
                if isGood {
                    if at > goodEnd {
                        damage.skippedPlaces += 1
                        damage.skippedBytes += at - goodEnd
                    }
                    at += RecordFrame.size(bodyLength: announced)
                    goodEnd = min(at, size)
                    if !goOn { return (goodEnd, damage) }
                    continue
                }
            }
            // Not a record: on to the next byte that could begin one.
            at += 1
            try load(RecordFrame.headerSize)
            let first = UInt8(truncatingIfNeeded: RecordFrame.magic)
            let rest = at - base
            let next = buffer.withUnsafeBytes { raw in
                raw[min(rest, filled)..<filled].firstIndex(of: first)
            }
            at = base + (next ?? filled)
        }
        damage.tailBytes = size - goodEnd
        return (goodEnd, damage)
    }

    private func headerBody(of bytes: UnsafeRawBufferPointer, at offset: Int) -> UnsafeRawBufferPointer? {
        guard seed != 0, let body = RecordFrame.body(of: bytes, at: offset, seed: 0),
            body.first == RecordKind.header.rawValue
        else { return nil }
        return body
    }
}

/// Looking into a journal without changing it.
package enum JournalFile {
    /// All good task records of the journal at `path` in the order of their arrival, and what is damaged.
    ///
    /// - Parameter grid: the fingerprint to try when no copy of the header is whole.
    package static func read(_ path: String, grid: UInt64) throws -> (records: [TaskRecord], damage: JournalDamage) {
        let header =
            try Journal.readHeader(path)
            ?? JournalHeader(programVersion: "", jobText: "", overrides: [], seedRule: "", grid: grid, created: "")
        var records: [TaskRecord] = []
        let (_, damage) = try Journal.open(
            path, header: header, maximumBody: 1 << 30, visit: { records.append($1.record) }, readOnly: true)
        return (records, damage)
    }
}
