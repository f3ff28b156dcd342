import Foundation

/// A file that is made for the user, such as a table.
public enum OutputFile {
    /// Writes a file that appears under its name, or where that links to, when it is whole. One that is there keeps its
    /// mode and group; what is no file is refused.
    public static func write(_ path: String, _ body: (FileHandle) throws -> Void) throws {
        let path = Disk.resolved(path)
        try Disk.requireFile(path)
        guard try !holdsResults(path) else {
            throw ResultError.unreadable(
                path: path,
                reason: "it holds results, and they would be lost: give another name for what is to be written")
        }
        let partial = path + ".part"
        let file = try DiskFile(partial, .replacing(like: [path]))
        do {
            try body(FileHandle(fileDescriptor: file.descriptor, closeOnDealloc: false))
            try file.sync()
            try Disk.rename(partial, to: path)
        } catch {
            try? Disk.remove(partial)
            throw error
        }
    }

    /// Whether a file is a result file, or any other of HDF5, or a journal.
    private static func holdsResults(_ path: String) throws -> Bool {
        guard Disk.exists(path) else { return false }
        let file = try DiskFile(path, .read)
        var start = [UInt8](repeating: 0, count: 8)
        let count = try start.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
        let journal = withUnsafeBytes(of: RecordFrame.magic.littleEndian) { Array($0) }
        return count == 8 && (start == [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A] || start.starts(with: journal))
    }
}
