import Foundation

/// What stands under a file's name when it is no file.
public enum FileKind {
    /// In words, from a `st_mode`; nil for regular files.
    public static func special(_ mode: mode_t) -> String? {
        switch mode & S_IFMT {
        case S_IFREG: nil
        case S_IFDIR: "a directory"
        case S_IFIFO: "a FIFO (named pipe)"
        case S_IFSOCK: "a socket"
        case S_IFCHR, S_IFBLK: "a device"
        default: "something else"
        }
    }

    /// As ``special(_:)``, of what is at `path`; nil when nothing is there.
    static func special(at path: String) -> String? {
        var info = stat()
        return stat(path, &info) == 0 ? special(info.st_mode) : nil
    }
}
