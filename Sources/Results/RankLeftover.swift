import Foundation
import Randomness
import Sweep

/// A rank file of a run that has ended, as the next run finds it.
public struct RankLeftover: Sendable {
    /// The task that was in flight when the process ended.
    public struct Flight: Sendable, Hashable {
        public let task: TaskID
        public let identity: TaskIdentity
        public let grid: UInt64
        public let fate: RankFile.Fate
        public let signal: Int32
        public let detail: UInt64
        public let rank: Int
        /// When the process took the task up.
        public let since: Date
    }

    /// Which task a whole checkpoint in the file is of.
    public struct Checkpoint: Sendable, Hashable {
        public let task: TaskID
        public let identity: TaskIdentity
        public let grid: UInt64

        public init(task: TaskID, identity: TaskIdentity, grid: UInt64) {
            self.task = task
            self.identity = identity
            self.grid = grid
        }
    }

    public let slot: Int
    public let path: String
    public let flight: Flight?
    public let checkpoint: Checkpoint?

    /// All rank files beside `output`, by number. What cannot be read counts as empty.
    public static func all(of output: String) -> [RankLeftover] {
        let output = Disk.resolved(output)
        return slots(of: output).map { RankLeftover(slot: $0, path: RankFile.path(of: output, slot: $0)) }
    }

    /// What is in flight beside `output`, without a look at checkpoints: for a run that still goes on.
    static func flights(of output: String) -> [Flight] {
        slots(of: output).compactMap { slot in
            (try? DiskFile(RankFile.path(of: output, slot: slot), .read)).flatMap { flight(page(of: $0)) }
        }
    }

    private static func slots(of output: String) -> [Int] {
        let folder = Disk.directory(of: output)
        let prefix = PathText.name(output) + ".rank-"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        // Only names as we write them: others of the same number would be taken for it.
        return names.compactMap { name in
            name.hasPrefix(prefix)
                ? Int(name.dropFirst(prefix.count)).flatMap { name == prefix + "\($0)" ? $0 : nil } : nil
        }.filter { $0 >= 0 }.sorted()
    }

    private static func page(of file: DiskFile) -> [UInt64] {
        var words = [UInt64](repeating: 0, count: RankFile.pageSize / 8)
        _ = try? words.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
        return words
    }

    private static func flight(_ words: [UInt64]) -> Flight? {
        func word(_ name: RankFile.Word) -> UInt64 { words[name.rawValue] }
        guard word(.magic) == RankFile.magic, word(.isRunning) == 1, let method = Int(exactly: word(.method)),
            let point = Int(exactly: word(.point)), let seed = Int(exactly: word(.seed))
        else { return nil }
        return Flight(
            task: TaskID(method: method, point: point, seed: seed),
            identity: TaskIdentity(high: word(.identityHigh), low: word(.identityLow)), grid: word(.grid),
            fate: RankFile.Fate(rawValue: word(.fate)) ?? .none, signal: Int32(truncatingIfNeeded: word(.signal)),
            detail: word(.detail), rank: Int(truncatingIfNeeded: word(.rank)),
            since: Date(timeIntervalSince1970: Double(word(.since)) / 1000))
    }

    private init(slot: Int, path: String) {
        self.slot = slot
        self.path = path
        guard let file = try? DiskFile(path, .read) else {
            (flight, checkpoint) = (nil, nil)
            return
        }
        let words = Self.page(of: file)
        flight = Self.flight(words)
        let entries = words.withUnsafeBufferPointer { all -> [CheckpointEntry] in
            guard let base = all.baseAddress, words[RankFile.Word.magic.rawValue] == RankFile.magic else { return [] }
            return [32, 48].compactMap { CheckpointEntry(at: base + $0) }
        }
        checkpoint = entries.sorted { $0.sequence > $1.sequence }.first { entry in
            (try? entry.read(from: file)) != nil
        }.map { Checkpoint(task: $0.task, identity: $0.identity, grid: $0.grid) }
    }

    /// Notes that the process died without a word while a supervisor lived on: what it was at is a suspect.
    public func markKilled() throws { try write(.fate, RankFile.Fate.killed.rawValue) }

    /// Forgets the flight, once it has been looked at.
    func clearFlight() throws { try write(.isRunning, 0) }

    func remove() throws { try Disk.remove(path) }

    private func write(_ word: RankFile.Word, _ value: UInt64) throws {
        let file = try DiskFile(path, .readWrite)
        try withUnsafeBytes(of: value.littleEndian) { try file.write($0, at: 8 * word.rawValue) }
    }
}

extension RankLeftover.Flight {
    /// How the process ended, as a person reads it; nil when that says nothing against the task.
    public var accusation: String? {
        switch fate {
        case .none, .stopped: return nil
        case .crashed: return "crashed (\(Self.name(of: signal)))"
        case .overTime: return "was still running when its time was over"
        case .overMemory: return "held \(detail / 1_000_000) MB"
        case .killed: return "was killed (out of memory?)"
        }
    }

    private static func name(of signal: Int32) -> String {
        switch signal {
        case SIGSEGV: return "SIGSEGV, a bad memory access or a full stack"
        case SIGBUS: return "SIGBUS, a bad memory access or a disk that vanished"
        case SIGILL, SIGTRAP: return "\(signal == SIGILL ? "SIGILL" : "SIGTRAP"), a failed check in the program"
        case SIGFPE: return "SIGFPE, an arithmetic error"
        case SIGABRT: return "SIGABRT, it gave itself up"
        default: return "signal \(signal)"
        }
    }
}
