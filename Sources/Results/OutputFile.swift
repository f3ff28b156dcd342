import Foundation

/// A file that is made for the user, such as a table.
public enum OutputFile {
    /// Writes a file that appears under its name, or where that links to, when it is whole. One that is there keeps its
    /// mode and group; what is no file is refused.
    public static func write(_ path: String, _ body: (FileHandle) throws -> Void) throws {
        let path = Disk.resolved(path)
        try Disk.requireFile(path)
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
}
