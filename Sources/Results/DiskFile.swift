import Foundation
import Sweep

/// An open file: reads and writes at offsets, with errors as values. Closes itself.
final class DiskFile: @unchecked Sendable {
    /// The name it was opened by, or the one it was given since; for messages.
    var path: String
    let descriptor: Int32

    enum Mode {
        case read
        /// A file of ours beside the results (a journal, a rank file): never one that a symbolic link leads to.
        case readWrite
        /// Made now, by nobody else; with the rights of the first of the files `like` that is there.
        /// A file or link of that name is an error.
        case new(like: [String] = [])
        /// As `new`, after whatever a dead run left under that name was removed.
        case replacing(like: [String] = [])
    }

    init(_ path: String, _ mode: Mode) throws {
        self.path = path
        switch mode {
        case .read: descriptor = try Disk.openFile(path, O_RDONLY)
        case .readWrite: descriptor = try Disk.openFile(path, O_RDWR | O_NOFOLLOW)
        case .new(let like): descriptor = try Disk.makeFile(path, like: like)
        case .replacing(let like):
            try Disk.remove(path)
            descriptor = try Disk.makeFile(path, like: like)
        }
    }

    deinit { close(descriptor) }

    func size() throws -> Int {
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw failure("inspect") }
        return Int(info.st_size)
    }

    /// The bytes that it takes on the disk.
    func storedSize() throws -> Int {
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw failure("inspect") }
        return 512 * Int(info.st_blocks)
    }

    /// Writes all of `bytes` at `offset`. After an error some of them may have been written.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < bytes.count {
            guard let base = bytes.baseAddress else { return }
            let written = pwrite(descriptor, base + done, bytes.count - done, off_t(offset + done))
            if written < 0 {
                if errno == EINTR { continue }
                throw failure("write")
            }
            if written == 0 { throw ResultError.io(operation: "write", path: path, code: ENOSPC) }
            done += written
        }
    }

    /// Reads up to `buffer.count` bytes at `offset`; fewer only at the end of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
        var done = 0
        while done < buffer.count {
            guard let base = buffer.baseAddress else { break }
            let got = pread(descriptor, base + done, buffer.count - done, off_t(offset + done))
            if got < 0 {
                if errno == EINTR { continue }
                throw failure("read")
            }
            if got == 0 { break }
            done += got
        }
        return done
    }

    /// Whether a name still leads to the file.
    enum Place {
        case here
        /// The name leads nowhere, or to another file.
        case elsewhere
        /// No name leads to it any more: it vanishes when it is closed.
        case removed
    }

    /// Where the file is, seen from the name `path` (its own at first; it may have been renamed).
    func place(of path: String) throws -> Place {
        var own = stat()
        guard fstat(descriptor, &own) == 0 else { throw failure("inspect") }
        if own.st_nlink == 0 { return .removed }
        var named = stat()
        guard stat(path, &named) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return .elsewhere }
            throw failure("inspect")
        }
        return named.st_ino == own.st_ino && named.st_dev == own.st_dev ? .here : .elsewhere
    }

    func truncate(to size: Int) throws {
        guard uninterrupted({ ftruncate(descriptor, off_t(size)) }) == 0 else { throw failure("truncate") }
    }

    /// Makes the file's data durable.
    func sync() throws {
        guard uninterrupted({ fdatasync(descriptor) }) == 0 else { throw failure("sync") }
    }

    /// The first `length` bytes as shared memory; the caller unmaps them. Stores there outlive the process.
    func map(length: Int) throws -> UnsafeMutablePointer<UInt64> {
        let memory = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let memory, memory != MAP_FAILED else { throw failure("map") }
        return memory.bindMemory(to: UInt64.self, capacity: length / 8)
    }

    private func failure(_ operation: String) -> ResultError {
        .io(operation: operation, path: path, code: errno)
    }
}

/// Repeats a system call until it is not interrupted by a signal. (Network file systems mounted with `intr` interrupt
/// any of them.)
private func uninterrupted(_ call: () -> Int32) -> Int32 {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}

/// Operations on names in directories.
enum Disk {
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Opens a regular file. Nothing else is opened, as that could wait for ever (a FIFO) or act on a device.
    fileprivate static func openFile(_ path: String, _ flags: Int32) throws -> Int32 {
        try requireFile(path)
        let descriptor = uninterrupted { open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) }
        if descriptor < 0, errno == ELOOP, flags & O_NOFOLLOW != 0 {
            throw ResultError.unreadable(
                path: path, reason: "it is a symbolic link, where a file of the program's own should be. Remove it")
        }
        guard descriptor >= 0 else { throw ResultError.io(operation: "open", path: path, code: errno) }
        var info = stat()
        guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw ResultError.unreadable(path: path, reason: "it is no longer a regular file")
        }
        return descriptor
    }

    /// Throws when there is something at `path` that is not a regular file.
    static func requireFile(_ path: String) throws {
        var info = stat()
        guard stat(path, &info) == 0, let kind = FileKind.special(info.st_mode) else { return }
        throw ResultError.unreadable(path: path, reason: "it is \(kind), not a file")
    }

    /// Makes a file that was not there, whatever is planted under its name.
    fileprivate static func makeFile(_ path: String, like models: [String]) throws -> Int32 {
        var model = stat()
        let hasModel = models.contains { stat($0, &model) == 0 && model.st_mode & S_IFMT == S_IFREG }
        let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        // Nobody else can open it before it has the rights of its model.
        let descriptor = uninterrupted { open(path, flags, hasModel ? 0o600 : 0o666) }
        guard descriptor >= 0 else { throw ResultError.io(operation: "create", path: path, code: errno) }
        if hasModel { adopt(descriptor, like: model) }
        return descriptor
    }

    /// Gives a new file the group and mode of the one that it stands for or beside (and, to root, its owner). Where the
    /// group cannot be kept, the group it has instead gets no more rights than everybody.
    private static func adopt(_ descriptor: Int32, like model: stat) {
        var mode = model.st_mode & 0o777
        let owner = geteuid() == 0 ? model.st_uid : uid_t.max
        if fchown(descriptor, owner, model.st_gid) != 0 {
            var own = stat()
            if fstat(descriptor, &own) != 0 || own.st_gid != model.st_gid { mode &= 0o707 | (mode & 0o007) << 3 }
        }
        // A file system without modes keeps what it made.
        _ = fchmod(descriptor, mode)
    }

    /// The file that `path` stands for: where a symbolic link leads, be there a file or not; else `path` itself. All that
    /// lies beside results (lock, journal, temporary files) lies beside this one, so that all names of it share them.
    static func resolved(_ path: String) -> String {
        var path = path
        // As many as the system follows.
        for _ in 0..<40 {
            var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
            let count = buffer.withUnsafeMutableBytes { raw in
                raw.bindMemory(to: CChar.self).baseAddress.map { readlink(path, $0, raw.count) } ?? 0
            }
            guard count > 0 else { break }
            let target = String(decoding: buffer[..<count], as: UTF8.self)
            path = target.hasPrefix("/") ? target : directory(of: path) + "/" + target
        }
        return path
    }

    static func directory(of path: String) -> String { PathText.directory(path) }

    static func makeDirectory(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw ResultError.io(operation: "create the directory", path: path, code: errno == 0 ? EACCES : errno)
        }
    }

    /// Replaces `new` by `old` in one step and makes that durable.
    static func rename(_ old: String, to new: String) throws {
        guard Foundation.rename(old, new) == 0 else {
            throw ResultError.io(operation: "rename '\(old)' to", path: new, code: errno)
        }
        try syncDirectory(of: new)
    }

    static func remove(_ path: String) throws {
        guard unlink(path) == 0 || errno == ENOENT else {
            throw ResultError.io(operation: "remove", path: path, code: errno)
        }
    }

    static func syncDirectory(of path: String) throws {
        let folder = directory(of: path)
        let descriptor = uninterrupted { open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw ResultError.io(operation: "open", path: folder, code: errno) }
        defer { close(descriptor) }
        // Some network file systems cannot sync a directory and say EINVAL; their rename is durable by itself.
        guard uninterrupted({ fsync(descriptor) }) == 0 || errno == EINVAL else {
            throw ResultError.io(operation: "sync", path: folder, code: errno)
        }
    }
}
