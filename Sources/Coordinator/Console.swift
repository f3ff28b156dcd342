import CPlatform
import Foundation

/// What a person reads of a running program.
public enum Console {
    /// Writes to standard error. What cannot be written there (a full disk, a reader that has gone away) is lost: a log is
    /// no reason to end a run.
    public static func log(_ text: String) { draw(Text.visible(text)) }

    /// As ``log(_:)``, of a text of our own that may steer the terminal.
    static func draw(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { cplatform_log($0.baseAddress, $0.count) }
        }
    }

    /// Writes to standard output; ends the process when it cannot.
    public static func write(_ text: String) {
        var text = text
        let isWritten = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { cplatform_print($0.baseAddress, $0.count) }
        }
        if isWritten == 0 { requireOutput() }
    }

    /// Ends the process once standard output is written: with `code`, or 70 when it could not be.
    public static func exit(_ code: ExitCode) -> Never {
        requireOutput()
        Foundation.exit(code.rawValue)
    }

    /// Writes out what is buffered for standard output; ends the process when it cannot.
    public static func requireOutput() {
        let problem = cplatform_flush_output()
        // `... | head` has what it wanted.
        if problem == EPIPE { cplatform_end_by_broken_pipe() }
        guard problem != 0 else { return }
        log("dynsweep: error: cannot write to standard output: \(String(cString: strerror(problem)))\n")
        _exit(ExitCode.internalError.rawValue)
    }
}
