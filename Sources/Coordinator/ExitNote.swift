import Foundation

/// The ranks' exit code on a way around mpirun. Open MPI waits one or two seconds over ranks that leave with another code than 0; told
/// not to, it forgets the code. So rank 0 leaves it in a file of its supervisor's as well.
enum ExitNote {
    private static let variable = "DYNSWEEP_EXIT_NOTE"

    /// A new empty note, which processes started from now on find; nil when there is no place for one.
    static func prepare() -> String? {
        var template = Array((NSTemporaryDirectory() + "dynsweep-exit-XXXXXX").utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { return nil }
        close(descriptor)
        let path = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        setenv(variable, path, 1)
        return path
    }

    /// Rank 0 notes its code, if somebody waits for it.
    static func leave(_ code: ExitCode) {
        let environment = ProcessInfo.processInfo.environment
        guard let path = environment[variable], environment["OMPI_COMM_WORLD_RANK"] ?? "0" == "0" else { return }
        // Nobody to tell when it fails; the supervisor then asks the result file.
        try? Data([UInt8(truncatingIfNeeded: code.rawValue)]).write(to: URL(fileURLWithPath: path))
    }

    /// What was noted; removes the note.
    static func collect(_ path: String) -> ExitCode? {
        let code = FileManager.default.contents(atPath: path)?.first.flatMap { ExitCode(rawValue: Int32($0)) }
        unlink(path)
        return code
    }
}
