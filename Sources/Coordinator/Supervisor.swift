import CPlatform
import Foundation
import Logging
import Results
import Sweep

/// Starts the ranks as a child process and starts them again when one of them dies: a launcher ends all ranks with the
/// first that does. What was in flight then is a suspect, which the ranks leave for last (``ResultStore/open``), so one
/// command finishes all good tasks.
public struct Supervisor {
    /// What starts the ranks.
    public enum Launch: Sendable {
        /// One rank, without MPI.
        case alone
        /// Open MPI's mpirun.
        case mpirun(ranks: Int)
        /// A line for the shell, to which the program and its arguments are added.
        case line(String)
    }

    private let launch: Launch
    private let output: String
    private let grid: UInt64
    private let isShare: Bool
    private let logger: Logger

    /// Deaths in a row that bring nothing further, after which it gives up.
    private static let futileLimit = 3

    /// - Parameter job: what the ranks are to compute, or a share of it.
    public init(launch: Launch, job: Job, isShare: Bool, logger: Logger) {
        self.launch = launch
        output = job.output
        grid = GridFingerprint(grids: job.grids).value
        self.isShare = isShare
        self.logger = logger
    }

    /// Runs until the ranks end by themselves or a stop signal came; returns their exit code.
    ///
    /// - Parameter arguments: of the ranks, by whether this is a restart.
    public func run(arguments: (_ isRestart: Bool) -> [String]) -> ExitCode {
        // A stop signal goes on to the ranks; the second Ctrl-C ends everything.
        StopSignal.take(leavingAtSecondInterrupt: false)
        setenv("OPENBLAS_NUM_THREADS", "1", 1)
        if isatty(STDERR_FILENO) == 1 { setenv(Progress.terminalVariable, "1", 1) }
        var futile = 0
        var isRestart = false
        while true {
            let begun = ContinuousClock.now
            let ending: Ending
            do {
                ending = try runOnce(arguments(isRestart))
            } catch {
                logger.error("\(error)")
                return .badInput
            }
            switch ending {
            case .code(let code):
                return code
            case .stopped:
                return .stoppedEarly
            case .died(let how):
                let accused = accuse(wasWitnessed: how.isOfARank)
                // After a while it is no longer the start that fails.
                let wasLong = (ContinuousClock.now - begun).seconds > 60
                futile = accused > 0 || wasLong ? 0 : futile + 1
                guard futile < Self.futileLimit else {
                    let text =
                        "the ranks died \(futile) times in a row without having done anything (\(how)); giving up. What "
                        + "was done before is kept; see what the launcher says above"
                    logger.error("\(text)")
                    return .internalError
                }
                let suspects = accused > 0 ? "; what it was at is left for last" : ""
                logger.warning("\(how), starting the ranks again\(suspects)")
                isRestart = true
            }
        }
    }

    private enum Ending {
        case code(ExitCode)
        case stopped
        case died(Death)
    }

    private struct Death: CustomStringConvertible {
        /// True when the launcher lived to report the death of a rank; false when it was itself killed.
        let isOfARank: Bool
        let description: String
    }

    private struct StartError: Error, CustomStringConvertible {
        let description: String
    }

    private func runOnce(_ arguments: [String]) throws -> Ending {
        let line = try commandLine(arguments)
        var pointers: [UnsafeMutablePointer<CChar>?] = line.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        let begun = Timestamp.now()
        let note = isUnderOpenMPI ? ExitNote.prepare() : nil
        let child = cplatform_spawn(pointers, 1)
        guard child > 0 else {
            throw StartError(
                description: "cannot start \(line[0]) (\(String(cString: strerror(-child)))): install Open MPI "
                    + "(openmpi-bin), or run without -n")
        }
        defer { if let note { unlink(note) } }
        let (status, wasStopped, noted) = wait(for: child, note: note)
        if let noted { return .code(noted) }
        let code = (status >> 8) & 0xFF
        // Launchers answer for themselves too: Open MPI with 1 for a failed start, and for ranks that ended without a word;
        // what starts nothing, or does not wait for it, with 0.
        let own = ExitCode(rawValue: code).flatMap { [.allDone, .someFailed].contains($0) && !isComplete ? nil : $0 }
        if status & 0x7F == 0, let own { return .code(own) }
        // The ranks give their lock back before they leave.
        let isLeftLocked = ResultStore.breakLock(of: output, begun: begun)
        if wasStopped { return .stopped }
        let signal = status & 0x7F
        if signal != 0 {
            return .died(Death(isOfARank: isAlone, description: "\(line[0]) died (\(Self.name(of: signal)))"))
        }
        if code > 128 {
            return .died(Death(isOfARank: true, description: "a rank died (\(Self.name(of: code - 128)))"))
        }
        if isLeftLocked {
            return .died(Death(isOfARank: true, description: "a rank died (\(line[0]) ended with code \(code))"))
        }
        let name = if case .line(let text) = launch { "'\(text)'" } else { line[0] }
        let what =
            isComplete
            ? ""
            : ", and '\(output)' does not hold what the job computes: it started no ranks, or did not wait for them"
        logger.error("\(name) ended with code \(code)\(what)")
        return .code(.internalError)
    }

    /// Whether a whole result file of this job is all there is.
    private var isComplete: Bool {
        guard ResultStore.exists(output), ResultStore.journalSize(of: output) == nil else { return false }
        return ResultStore.isComplete(output, grid: grid, isShare: isShare)
    }

    /// Whether the launcher is the one that tarries over codes other than 0.
    private var isUnderOpenMPI: Bool {
        if case .mpirun = launch { return Communicator.isOpenMPI }
        return false
    }

    private var isAlone: Bool {
        if case .alone = launch { return true }
        return false
    }

    /// Waits for the child and passes on what the user wants. Returns the child's wait status, and whether it had been
    /// told to stop; or the code that rank 0 noted, when that is all there is to wait for.
    private func wait(for child: Int32, note: String?) -> (status: Int32, wasStopped: Bool, noted: ExitCode?) {
        var status: Int32 = 0
        var hasPassedOn = false
        while true {
            let ended = waitpid(child, &status, WNOHANG)
            if ended == child || (ended < 0 && errno != EINTR) {
                return (status, hasPassedOn, nil)
            }
            // All ranks have left as they were told to: mpirun has nothing more to do but tarry.
            if hasPassedOn, let note, let code = ExitNote.read(note) {
                kill(child, SIGKILL)
                waitpid(child, &status, 0)
                ExitNote.removeSession(of: child)
                return (status, true, code)
            }
            if StopSignal.interruptCount > 1 {
                // At once: the journal holds all that was finished.
                kill(child, SIGKILL)
                kill(-child, SIGKILL)
                if let note { unlink(note) }
                _exit(ExitCode.stoppedEarly.rawValue)
            }
            if StopSignal.isReceived, !hasPassedOn {
                // The one signal that launchers pass on without setting a time limit.
                kill(child, SIGUSR1)
                hasPassedOn = true
            }
            usleep(10_000)
        }
    }

    /// Notes in the rank files what has died without a word; returns how many tasks are accused of a death.
    private func accuse(wasWitnessed: Bool) -> Int {
        var accused = 0
        for leftover in RankLeftover.all(of: output) {
            guard let flight = leftover.flight else { continue }
            if flight.accusation != nil {
                accused += 1
            } else if wasWitnessed, flight.fate == .none {
                do {
                    try leftover.markKilled()
                    accused += 1
                } catch { logger.warning("\(error)") }
            }
        }
        return accused
    }

    private func commandLine(_ arguments: [String]) throws -> [String] {
        let program = try ProgramVersion.path()
        switch launch {
        case .alone: return [program] + arguments
        case .mpirun(let ranks): return Launcher.mpirun(ranks: ranks, program: program, arguments: arguments)
        case .line(let text): return ["/bin/sh", "-c", "exec \(text) \"$@\"", "sh", program] + arguments
        }
    }

    private static func name(of signal: Int32) -> String {
        switch signal {
        case SIGKILL: return "killed"
        case SIGSEGV: return "segmentation fault"
        case SIGBUS: return "bus error"
        case SIGILL, SIGTRAP: return "a failed check in the program"
        case SIGABRT: return "aborted"
        case SIGFPE: return "arithmetic error"
        default: return "signal \(signal)"
        }
    }
}
