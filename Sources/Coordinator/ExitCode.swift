/// The process's exit codes, as users' scripts rely on them.
public enum ExitCode: Int32, Sendable {
    case allDone = 0
    /// Some tasks failed or diverged; the result file says which and why.
    case someFailed = 1
    /// A bad job file or bad arguments.
    case badInput = 2
    /// An error of ours, or of the machine.
    case internalError = 70
    /// Stopped early by a limit or a signal; the same command goes on.
    case stoppedEarly = 75
}
