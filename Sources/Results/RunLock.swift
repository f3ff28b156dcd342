import Foundation

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
        if kill(pid, 0) != 0, errno == ESRCH { return false }
        if let start = Self.startTicks(of: pid), processStart != 0 { return start == processStart }
        return true
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

    /// Field 22 of /proc/PID/stat; fields are counted after the command's closing parenthesis, which may itself hold spaces.
    private static func startTicks(of pid: Int32) -> UInt64? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let close = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: close)...].split(separator: " ")
        return fields.count > 19 ? UInt64(fields[19]) : nil
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

    private let path: String
    private let holder: LockHolder

    private init(path: String, holder: LockHolder) {
        self.path = path
        self.holder = holder
    }

    /// Takes the lock of the output `output`.
    ///
    /// A dead holder on this host is replaced at once; a living one is refused after ``dyingSeconds``. A holder on another host is watched for at most
    /// ``patienceSeconds``: if its file is touched meanwhile it lives, else it is replaced.
    /// - Parameter notice: told once when that wait begins.
    static func acquire(output: String, patience: Double = patienceSeconds, notice: (String) -> Void) throws -> RunLock
    {
        let path = output + ".lock"
        let holder = LockHolder.current()
        let candidate = "\(path).\(holder.host)-\(holder.pid)"
        let text = Array(try JSONEncoder().encode(holder))
        let file = try DiskFile(candidate, .truncate)
        try text.withUnsafeBytes { try file.write($0, at: 0) }
        try file.sync()
        defer { unlink(candidate) }

        let givingUp = Date().addingTimeInterval(dyingSeconds)
        var hasWaited = false
        for _ in 0..<1000 {
            // link() either makes the name or fails, on NFS too; open(O_EXCL) is not that reliable there.
            if link(candidate, path) == 0 { return RunLock(path: path, holder: holder) }
            guard errno == EEXIST else { throw ResultError.io(operation: "create the lock", path: path, code: errno) }
            guard let other = read(path) else {
                // Vanished, or unreadable: half a second later it is whole or it is debris.
                usleep(500_000)
                if Disk.exists(path), read(path) == nil { try setAside(path, expected: nil) }
                continue
            }
            switch other.isAlive {
            case true?:
                // Ranks whose mpirun was killed live on for about a second.
                guard Date() < givingUp else { throw ResultError.locked(path: output, holder: other) }
                if !hasWaited { notice("waiting up to \(Int(dyingSeconds)) s for \(other) to end") }
                hasWaited = true
                usleep(100_000)
            case false?: try setAside(path, expected: other)
            case nil:
                notice("waiting up to \(Int(patience)) s to see whether \(other) still lives")
                if staysSilent(path, holder: other, seconds: patience) {
                    try setAside(path, expected: other)
                } else {
                    throw ResultError.locked(path: output, holder: other)
                }
            }
        }
        throw ResultError.unreadable(path: path, reason: "the lock file keeps changing hands; try again")
    }

    /// Shows holders on other hosts that this process lives.
    func heartbeat() { utimes(path, nil) }

    /// Gives the lock back, unless somebody else took it over.
    func release() {
        if Self.read(path)?.token == holder.token { unlink(path) }
    }

    /// Who holds the lock of `output` now; nil when nobody does.
    static func holder(of output: String) -> LockHolder? { read(output + ".lock") }

    private static func read(_ path: String) -> LockHolder? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return try? JSONDecoder().decode(LockHolder.self, from: data)
    }

    /// True when the file is not touched for `seconds`.
    private static func staysSilent(_ path: String, holder: LockHolder, seconds: Double) -> Bool {
        let first = modification(of: path)
        let end = Date().addingTimeInterval(seconds)
        while Date() < end {
            usleep(250_000)
            guard let now = modification(of: path), read(path)?.token == holder.token else { return true }
            if now != first { return false }
        }
        return true
    }

    private static func modification(of path: String) -> Double? {
        // Opening makes a network file system ask its server instead of its cache.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { return nil }
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
        if let moved = read(aside), moved.token != expected?.token { link(aside, path) }
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
