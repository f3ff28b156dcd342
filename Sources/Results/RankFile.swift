import Foundation
import Randomness
import Sweep

/// What one rank leaves for whoever comes after it: which task it was at and how it ended, and a checkpoint of a long task.
///
/// The file `X.h5.rank-<k>` begins with a page that is mapped into memory: noting a task costs a few stores, and the
/// note outlives the process however it dies. Behind the page lie up to two copies of the checkpoint; a new one never
/// overwrites the last good one. Layout of the page, in little-endian 64-bit words: see ``Word``; then two
/// ``CheckpointEntry`` of ``CheckpointEntry/words`` words at word 32 and 48.
public final class RankFile {
    /// Places in the page.
    enum Word: Int {
        case magic, grid
        // As `struct cplatform_flight` has them.
        case isRunning, fate, signal, detail, number
        case method, point, seed, identityHigh, identityLow, rank
        /// When the task began or was taken up again, in milliseconds since 1970.
        case since
    }

    static let magic: UInt64 = 0x3152_4B4E_5253_5944
    static let pageSize = 4096
    private static let entriesAt = 32

    public let path: String
    private let file: DiskFile
    private let page: UnsafeMutablePointer<UInt64>
    private let grid: UInt64
    /// Which of the two entries is the newer one, and where the next may be written.
    private var entries: [CheckpointEntry?]

    /// Opens rank file number `slot` of `output` for writing, making it when there is none. A checkpoint that it holds
    /// stays readable until two newer ones were written.
    ///
    /// - Parameter grid: the ``GridFingerprint/value`` of the job.
    public init(output: String, slot: Int, grid: UInt64, rank: Int) throws {
        let output = Disk.resolved(output)
        path = Self.path(of: output, slot: slot)
        self.grid = grid
        let file = try DiskFile(path, Disk.exists(path) ? .readWrite : .new(like: [output, output + ".journal"]))
        self.file = file
        if try file.size() < Self.pageSize {
            // Written, not only extended: a page without blocks on a full disk would end the process at the first store.
            let zeros = [UInt8](repeating: 0, count: Self.pageSize)
            try zeros.withUnsafeBytes { try file.write($0, at: 0) }
        }
        let page = try file.map(length: RankFile.pageSize)
        self.page = page
        let size = try file.size()
        entries = (0..<2).map { index in
            CheckpointEntry(at: page + RankFile.entriesAt + index * CheckpointEntry.words).flatMap { entry in
                entry.lies(within: size) ? entry : nil
            }
        }
        self[.isRunning] = 0
        self[.fate] = Fate.none.rawValue
        self[.grid] = grid
        self[.rank] = UInt64(rank)
        self[.magic] = Self.magic
    }

    deinit { munmap(page, Self.pageSize) }

    static func path(of output: String, slot: Int) -> String { "\(output).rank-\(slot)" }

    private subscript(word: Word) -> UInt64 {
        get { page[word.rawValue] }
        set { page[word.rawValue] = newValue }
    }

    // MARK: The task in flight

    /// How a process that had a task in flight ended, as far as its rank file knows.
    public enum Fate: UInt64, Sendable {
        /// Nothing was noted: it still runs, or it was killed without a word.
        case none = 0
        /// It was told to stop before it ended.
        case stopped = 1
        /// It crashed by a signal of its own making.
        case crashed = 2
        /// Its own watchdog ended it: the task took too long, or too much memory.
        case overTime = 3
        case overMemory = 4
        /// A supervisor that lived on saw it die without a word.
        case killed = 5
    }

    /// Notes that the task begins.
    public func begin(_ task: TaskID, identity: TaskIdentity) {
        self[.method] = UInt64(truncatingIfNeeded: task.method)
        self[.point] = UInt64(truncatingIfNeeded: task.point)
        self[.seed] = UInt64(truncatingIfNeeded: task.seed)
        self[.identityHigh] = identity.high
        self[.identityLow] = identity.low
        self[.since] = UInt64(max(0, Date().timeIntervalSince1970 * 1000))
        self[.number] &+= 1
        self[.isRunning] = 1
    }

    /// Counts the tasks that this process began; tells them apart.
    public var number: UInt64 { self[.number] }

    /// Notes that no task is in flight.
    public func end() { self[.isRunning] = 0 }

    /// The words for signal handlers (`struct cplatform_flight`). Valid as long as this object.
    public var flightWords: UnsafeMutablePointer<UInt64> { page + Word.isRunning.rawValue }

    // MARK: The checkpoint

    /// Replaces the checkpoint by `state` of `task`, durably; the one before stays whole until then.
    public func save(_ state: [UInt8], of task: TaskID, identity: TaskIdentity, shape: UInt64) throws {
        let live = newest
        // Before the live copy when it fits there, else behind it: the file stays within three times the largest state.
        let front = Self.pageSize
        var offset = front
        if let live, live.offset < front + state.count { offset = live.offset + live.length }
        offset = (offset + 4095) & ~4095
        try state.withUnsafeBytes { try file.write($0, at: offset) }
        try file.sync()
        let entry = CheckpointEntry(
            sequence: (live?.sequence ?? 0) + 1, offset: offset, length: state.count,
            checksum: state.withUnsafeBytes { XXH64.hash($0, seed: grid) }, task: task, identity: identity,
            shape: shape, grid: grid)
        let index = newestIndex == 0 ? 1 : 0
        entry.store(at: page + Self.entriesAt + index * CheckpointEntry.words)
        entries[index] = entry
        try file.sync()
        // What lies behind the newest copy is only the one before it.
        if let live, live.offset > offset { try file.truncate(to: max(offset + state.count, Self.pageSize)) }
    }

    /// The state of `task` saved last, if this file holds one that is whole.
    ///
    /// - Parameter shape: must be that of the run which asks: the job's times and observables may have changed.
    public func load(identity: TaskIdentity, shape: UInt64) throws -> [UInt8]? {
        for entry in entries.compactMap({ $0 }).sorted(by: { $0.sequence > $1.sequence })
        where entry.identity == identity && entry.shape == shape {
            let bytes = try entry.read(from: file)
            if let bytes { return bytes }
        }
        return nil
    }

    /// The task whose checkpoint was saved last.
    public var checkpoint: TaskIdentity? { newest?.identity }

    public func remove() { unlink(path) }

    private var newest: CheckpointEntry? { newestIndex.flatMap { entries[$0] } }

    private var newestIndex: Int? {
        switch (entries[0], entries[1]) {
        case (nil, nil): return nil
        case (_?, nil): return 0
        case (nil, _?): return 1
        case (let a?, let b?): return a.sequence > b.sequence ? 0 : 1
        }
    }
}

/// Where a checkpoint lies in its rank file and what it is of.
struct CheckpointEntry {
    static let words = 16

    let sequence: UInt64
    let offset: Int
    let length: Int
    /// XXH64 of the state, seeded with the grid.
    let checksum: UInt64
    let task: TaskID
    let identity: TaskIdentity
    /// A hash of the recording times and observables that the state's buffers are laid out for.
    let shape: UInt64
    let grid: UInt64

    init(
        sequence: UInt64, offset: Int, length: Int, checksum: UInt64, task: TaskID, identity: TaskIdentity,
        shape: UInt64, grid: UInt64
    ) {
        self.sequence = sequence
        self.offset = offset
        self.length = length
        self.checksum = checksum
        self.task = task
        self.identity = identity
        self.shape = shape
        self.grid = grid
    }

    /// The entry at `words`; nil when there is none or it is damaged.
    init?(at words: UnsafePointer<UInt64>) {
        guard words[0] != 0, words[0] < 1 << 62, words[11] == Self.seal(words), let offset = Int(exactly: words[1]),
            let length = Int(exactly: words[2]), let method = Int(exactly: words[4]),
            let point = Int(exactly: words[5]), let seed = Int(exactly: words[6])
        else { return nil }
        self.init(
            sequence: words[0], offset: offset, length: length, checksum: words[3],
            task: TaskID(method: method, point: point, seed: seed),
            identity: TaskIdentity(high: words[7], low: words[8]), shape: words[9], grid: words[10])
    }

    func store(at words: UnsafeMutablePointer<UInt64>) {
        let values = [
            sequence, UInt64(offset), UInt64(length), checksum, UInt64(task.method), UInt64(task.point),
            UInt64(task.seed), identity.high, identity.low, shape, grid,
        ]
        for (index, value) in values.enumerated() { words[index] = value }
        words[11] = Self.seal(words)
    }

    /// The state, if it is as it was written.
    func read(from file: DiskFile) throws -> [UInt8]? {
        guard lies(within: try file.size()), try length <= Self.mostSparse * file.storedSize() else { return nil }
        var bytes = [UInt8](repeating: 0, count: length)
        let got = try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: offset) }
        let sum = bytes.withUnsafeBytes { XXH64.hash($0, seed: grid) }
        return got == length && sum == checksum ? bytes : nil
    }

    /// Whether a file of this size can hold the state.
    func lies(within size: Int) -> Bool { offset >= RankFile.pageSize && length >= 0 && offset <= size - length }

    /// How far a file system may pack a state; a file that is all holes holds none.
    private static let mostSparse = 1000

    private static func seal(_ words: UnsafePointer<UInt64>) -> UInt64 {
        XXH64.hash(UnsafeRawBufferPointer(start: words, count: 8 * 11), seed: RankFile.magic)
    }
}
