import Foundation

/// An open file: reads and writes at offsets, with errors as values. Closes itself.
final class DiskFile: @unchecked Sendable {
    /// The name it was opened by, or the one it was given since; for messages.
    var path: String
    let descriptor: Int32

    enum Mode { case read, readWrite, createNew, truncate }

    init(_ path: String, _ mode: Mode) throws {
        let flags: Int32
        switch mode {
        case .read: flags = O_RDONLY
        case .readWrite: flags = O_RDWR
        case .createNew: flags = O_RDWR | O_CREAT | O_EXCL
        case .truncate: flags = O_RDWR | O_CREAT | O_TRUNC
        }
        descriptor = uninterrupted { open(path, flags | O_CLOEXEC, 0o644) }
        self.path = path
        if descriptor < 0 { throw ResultError.io(operation: "open", path: path, code: errno) }
    }

    deinit { close(descriptor) }

    func size() throws -> Int {
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw failure("inspect") }
        return Int(info.st_size)
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

    static func directory(of path: String) -> String {
        let parent = (path as NSString).deletingLastPathComponent
        return parent.isEmpty ? "." : parent
    }

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

    static func syncFile(_ path: String) throws {
        let descriptor = uninterrupted { open(path, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw ResultError.io(operation: "open", path: path, code: errno) }
        defer { close(descriptor) }
        guard uninterrupted({ fsync(descriptor) }) == 0 else {
            throw ResultError.io(operation: "sync", path: path, code: errno)
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
