import Foundation
import Results

/// The ranks' exit code on a way around mpirun, which takes one or two seconds to pass on any code but 0: rank 0 leaves it
/// in a file of its supervisor's as well, when all ranks have left MPI. (Open MPI can be told not to tarry, but then it
/// does not notice either when a rank is killed.)
enum ExitNote {
    private static let variable = "DYNSWEEP_EXIT_NOTE"

    /// A new empty note, which processes started from now on find; nil when there is no place for one.
    static func prepare() -> String? {
        let path = NSTemporaryDirectory() + "dynsweep-exit-" + UUID().uuidString
        guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]) else {
            return nil
        }
        setenv(variable, path, 1)
        return path
    }

    /// Rank 0 notes its code, if somebody waits for it.
    static func leave(_ code: ExitCode) {
        let environment = ProcessInfo.processInfo.environment
        guard let path = environment[variable], environment["OMPI_COMM_WORLD_RANK"] ?? "0" == "0" else { return }
        // Not made anew when the supervisor is gone, and nobody to tell when it fails: the supervisor then waits for mpirun.
        guard let note = FileHandle(forWritingAtPath: path) else { return }
        try? note.write(contentsOf: Data([UInt8(truncatingIfNeeded: code.rawValue)]))
    }

    /// Removes the folder of an mpirun that was not left the time to do it.
    static func removeSession(of mpirun: Int32) {
        let folder = NSTemporaryDirectory() + "ompi.\(LockHolder.hostName()).\(geteuid())/pid.\(mpirun)"
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// What was noted.
    static func read(_ path: String) -> ExitCode? {
        FileManager.default.contents(atPath: path)?.first.flatMap { ExitCode(rawValue: Int32($0)) }
    }
}
