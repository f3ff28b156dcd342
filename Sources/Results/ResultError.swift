import Foundation

/// What can go wrong with result files, journals and locks. Nothing here has been deleted or overwritten when it is thrown.
public enum ResultError: Error, Sendable, CustomStringConvertible {
    /// A call of the operating system failed: what was tried, on which file, `errno`.
    case io(operation: String, path: String, code: Int32)
    /// Another run holds the output.
    case locked(path: String, holder: LockHolder)
    /// A file that this run alone may touch was taken from it while it ran.
    case lost(path: String, reason: String)
    /// The existing results belong to another job; one line a difference.
    case incompatible(path: String, differences: [String])
    /// The existing results are of another program, and were to be of this one.
    case otherBuild(BuildMixture)
    /// The file is no result file of ours, or it is damaged.
    case unreadable(path: String, reason: String)
    /// The grid cannot be laid out as a result file (two variables of one name, say).
    case schema(String)
    /// The HDF5 library refused; its own error stack is part of the text.
    case hdf5(String)
    /// A record does not fit the grid or its own checksum.
    case invalidRecord(String)

    /// True when the user can mend it (another output, another job, a readable file), rather than something of ours
    /// having broken.
    public var isForTheUser: Bool {
        switch self {
        case .io, .locked, .incompatible, .otherBuild, .unreadable, .schema: return true
        default: return false
        }
    }

    public var description: String {
        switch self {
        case .io(let operation, let path, let code):
            return "cannot \(operation) '\(path)': \(String(cString: strerror(code)))"
        case .locked(let path, let holder):
            return
                "another run writes '\(path)': \(holder). Wait for it or stop it; if it is certainly gone, delete "
                + "'\(path).lock'. Runs that share a grid each take a part of it with --shard 1/4, 2/4, ..."
        case .lost(let path, let reason): return "lost '\(path)': \(reason)"
        case .incompatible(let path, let differences):
            return
                "'\(path)' holds results of another job:\n  " + differences.joined(separator: "\n  ")
                + "\nGive another output, undo the change, or use --fresh (it moves the old results aside)"
        case .otherBuild(let mixture): return mixture.refusal
        case .unreadable(let path, let reason):
            return "'\(path)' cannot be used: \(reason)"
        case .schema(let what): return what
        case .hdf5(let what): return what
        case .invalidRecord(let what): return "bad task record: \(what)"
        }
    }
}
