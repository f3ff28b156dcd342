import Foundation
import Sweep
import Synchronization

/// Who holds an output, as its lock file says.
public struct LockHolder: Codable, Sendable, Hashable, CustomStringConvertible {
    public var host: String
    public var pid: Int32
    /// The process' start in kernel ticks since boot, so that a recycled pid is not mistaken for the holder.
    public var processStart: UInt64
    public var bootID: String
    /// The batch job's id, empty outside one.
    public var jobID: String
    /// When the lock was taken (ISO 8601).
    public var since: String
    /// Distinguishes two locks of one process.
    public var token: String

    public var description: String {
        "process \(pid) on \(host)" + (jobID.isEmpty ? "" : " (job \(jobID))") + " since \(since)"
    }

    /// The holder that this process would be.
    static func current() -> LockHolder {
        let environment = ProcessInfo.processInfo.environment
        let pid = getpid()
        return LockHolder(
            host: hostName(), pid: pid, processStart: startTicks(of: pid) ?? 0, bootID: currentBootID(),
            jobID: environment["SLURM_JOB_ID"] ?? environment["PBS_JOBID"] ?? "", since: Timestamp.now(),
            token: UUID().uuidString)
    }

    /// Whether the process still runs; nil when that cannot be known from here (another host).
    var isAlive: Bool? {
        guard host == Self.hostName() else { return nil }
        if bootID != Self.currentBootID() { return false }
        if Self.isGone(pid) { return false }
        if let start = Self.startTicks(of: pid), processStart != 0 { return start == processStart }
        return true
    }

    /// Whether no such process runs on this host. One that has died and that nobody has asked for yet (a zombie; in
    /// containers they may stay for ever) does not run.
    static func isGone(_ pid: Int32) -> Bool {
        if kill(pid, 0) != 0, errno == ESRCH { return true }
        return ["Z", "X"].contains(statFields(of: pid)?.first)
    }

    public static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "unknown" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func currentBootID() -> String {
        let text = (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)) ?? ""
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Field 22 of /proc/PID/stat.
    private static func startTicks(of pid: Int32) -> UInt64? {
        guard let fields = statFields(of: pid), fields.count > 19 else { return nil }
        return UInt64(fields[19])
    }

    /// The fields of /proc/PID/stat from the third (the state) on. They are counted after the command's closing
    /// parenthesis, as the command may itself hold spaces.
    private static func statFields(of pid: Int32) -> [Substring]? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let close = text.lastIndex(of: ")")
        else { return nil }
        return text[text.index(after: close)...].split(separator: " ")
    }
}

/// The lock that keeps two runs off one output: a file beside it, because advisory locks are absent on many cluster
/// file systems. A holder on another host proves that it lives by touching the file; see ``heartbeat()``.
final class RunLock: @unchecked Sendable {
    /// How often the holder touches the file, and after which silence a holder on another host counts as dead. Attribute
    /// caches of network file systems (up to 60 s) lie between the two.
    static let beatSeconds = 10.0
    static let patienceSeconds = 75.0
    /// How long a living holder on this host is given to end.
    static let dyingSeconds = 4.0

    /// A holder that was stopped for longer than this (suspended, say) may have been taken for dead: it looks at the
    /// lock before it writes again.
    static let trustSeconds = 30.0

    private let path: String
    private let holder: LockHolder
    private let lastSeen = Mutex(ContinuousClock.now)

    private init(path: String, holder: LockHolder) {
        self.path = path
        self.holder = holder
    }

    /// What a lock file says.
    private enum Content {
        case absent
        /// Nobody's: empty or garbage.
        case debris
        case holder(LockHolder)
    }

    /// Takes the lock of the output `output`.
    ///
    /// A dead holder on this host is replaced at once; a living one is refused after ``dyingSeconds``. A holder on another host is watched for at most
    /// ``patienceSeconds``: if its file is touched meanwhile it lives, else it is replaced. Both times are counted in
    /// pauses, not read from a clock, which may be set while we wait.
    /// - Parameter notice: told once when that wait begins.
    static func acquire(output: String, patience: Double = patienceSeconds, notice: (String) -> Void) throws -> RunLock
    {
        let path = output + ".lock"
        let holder = LockHolder.current()
        let candidate = "\(path).\(holder.host)-\(holder.pid)"
        let text = Array(try JSONEncoder().encode(holder))
        defer { unlink(candidate) }
        let file = try DiskFile(candidate, .replacing())
        try text.withUnsafeBytes { try file.write($0, at: 0) }
        try file.sync()

        var pauses = 0
        for _ in 0..<1000 {
            // link() either makes the name or fails, on NFS too; open(O_EXCL) is not that reliable there.
            if link(candidate, path) == 0 {
                removeDebris(path, host: holder.host)
                return RunLock(path: path, holder: holder)
            }
            guard errno == EEXIST else { throw ResultError.io(operation: "create the lock", path: path, code: errno) }
            guard case .holder(let other) = try look(path) else {
                // Vanished, or debris: half a second later we know which.
                usleep(500_000)
                if case .debris = try look(path) { try setAside(path, expected: nil) }
                continue
            }
            switch other.isAlive {
            case true?:
                // Ranks whose mpirun was killed live on for about a second.
                guard Double(pauses) * 0.1 < dyingSeconds else {
                    throw ResultError.locked(path: output, holder: other)
                }
                if pauses == 0 { notice("waiting up to \(Int(dyingSeconds)) s for \(other) to end") }
                pauses += 1
                usleep(100_000)
            case false?: try setAside(path, expected: other)
            case nil:
                notice("waiting up to \(Int(patience)) s to see whether \(other) still lives")
                if try staysSilent(path, holder: other, seconds: patience) {
                    try setAside(path, expected: other)
                } else {
                    throw ResultError.locked(path: output, holder: other)
                }
            }
        }
        throw ResultError.unreadable(path: path, reason: "the lock file keeps changing hands; try again")
    }

    /// Shows processes on other hosts that this one lives.
    ///
    /// - Throws: ``ResultError/lost(path:reason:)`` when the lock is no longer ours.
    func heartbeat() throws {
        // A lock that cannot be read just now (a server that restarts) is no sign that it was taken.
        let content = (try? Self.look(path)) ?? .debris
        switch content {
        case .absent: throw ResultError.lost(path: path, reason: "it was removed")
        case .holder(let other) where other.token != holder.token:
            throw ResultError.lost(
                path: path,
                reason: "\(other) took it over, because this process gave no sign of life for more than a minute")
        default: break
        }
        utimes(path, nil)
        lastSeen.withLock { $0 = ContinuousClock.now }
    }

    /// To be called before the journal is written to: throws as ``heartbeat()`` when this process did not run for so long
    /// that another may hold the lock now.
    func requireHeld() throws {
        if ContinuousClock.now - lastSeen.withLock({ $0 }) > .seconds(Self.trustSeconds) { try heartbeat() }
    }

    /// Gives the lock back, unless somebody else took it over.
    func release() {
        guard case .holder(let other)? = try? Self.look(path), other.token == holder.token else { return }
        Self.removeDebris(path, host: holder.host)
        unlink(path)
    }

    /// Who holds the lock of `output` now; nil when nobody does.
    static func holder(of output: String) -> LockHolder? {
        guard case .holder(let holder)? = try? look(output + ".lock") else { return nil }
        return holder
    }

    /// Removes the lock of a run that began at `begun` or belongs to this batch job, unless its holder lives here.
    static func breakLock(of output: String, begun: String) -> Bool {
        guard let holder = holder(of: output), holder.isAlive != true else { return false }
        let isOfThisJob = !holder.jobID.isEmpty && holder.jobID == LockHolder.current().jobID
        guard holder.since >= begun || isOfThisJob else { return false }
        unlink(output + ".lock")
        return true
    }

    /// - Throws: when the file is there and cannot be read: then nothing is known about its holder.
    private static func look(_ path: String) throws -> Content {
        do {
            let file = try DiskFile(path, .read)
            var bytes = [UInt8](repeating: 0, count: 1 << 16)
            let count = try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
            let holder = try? JSONDecoder().decode(LockHolder.self, from: Data(bytes[..<count]))
            return holder.map { .holder($0) } ?? .debris
        } catch ResultError.io(_, _, let code) where code == ENOENT || code == ESTALE {
            return .absent
        }
    }

    /// What runs left that died while they took this lock.
    private static func removeDebris(_ path: String, host: String) {
        let folder = Disk.directory(of: path)
        let prefixes = [
            "\(PathText.name(path)).\(host)-", "\(PathText.name(path)).stale-",
        ]
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            for prefix in prefixes where name.hasPrefix(prefix) {
                guard let pid = Int32(name.dropFirst(prefix.count)), LockHolder.isGone(pid) else { continue }
                unlink(folder + "/" + name)
            }
        }
    }

    /// True when the file is not touched for `seconds`.
    private static func staysSilent(_ path: String, holder: LockHolder, seconds: Double) throws -> Bool {
        let first = modification(of: path)
        for _ in 0..<Int(seconds * 4) {
            usleep(250_000)
            guard let now = modification(of: path), case .holder(let other) = try look(path),
                other.token == holder.token
            else { return true }
            if now != first { return false }
        }
        return true
    }

    private static func modification(of path: String) -> Double? {
        // Opening makes a network file system ask its server instead of its cache.
        var info = stat()
        guard let file = try? DiskFile(path, .read), fstat(file.descriptor, &info) == 0 else { return nil }
        return Double(info.st_mtim.tv_sec) + 1e-9 * Double(info.st_mtim.tv_nsec)
    }

    /// Moves a stale lock away. Between judging and moving somebody else may have done the same and locked anew; then
    /// what was moved is theirs and goes back.
    private static func setAside(_ path: String, expected: LockHolder?) throws {
        let aside = "\(path).stale-\(getpid())"
        guard rename(path, aside) == 0 else {
            if errno == ENOENT { return }
            throw ResultError.io(operation: "replace the stale lock", path: path, code: errno)
        }
        if case .holder(let moved)? = try? look(aside), moved.token != expected?.token { link(aside, path) }
        unlink(aside)
    }
}

/// Times as ISO 8601 in UTC, to the second.
public enum Timestamp {
    public static func now() -> String { text(Date()) }

    static func text(_ date: Date) -> String { formatted(date, "%Y-%m-%dT%H:%M:%SZ") }

    /// `YYYYmmdd-HHMMSS`, for file names.
    static func compact(_ date: Date = Date()) -> String { formatted(date, "%Y%m%d-%H%M%S") }

    private static func formatted(_ date: Date, _ format: String) -> String {
        var seconds = time_t(date.timeIntervalSince1970)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        var buffer = [CChar](repeating: 0, count: 64)
        let length = strftime(&buffer, buffer.count, format, &parts)
        return String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
