import ArgumentParser
import Coordinator
import Dynamics
import Foundation
import Logging
import Numerics
import Sweep

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs a job, or goes on with it.",
        discussion: """
            Alone this uses one core and no MPI; with -n it starts mpirun; under your own mpirun or srun it uses the \
            ranks it finds. A job that was interrupted, or whose grid has grown, goes on where it was.
            """)

    @OptionGroup var job: JobArguments

    @Option(name: .customShort("n"), help: ArgumentHelp("Start this many ranks under mpirun.", valueName: "ranks"))
    var ranks: Int?

    @Flag(help: "Start over; an existing result file is moved aside, never deleted.")
    var fresh = false

    @Flag(help: "Go on with what is there (the default).")
    var resume = false

    @OptionGroup var logging: LoggingArguments

    func validate() throws {
        if fresh && resume { throw ValidationError("--fresh and --resume exclude each other") }
        if let ranks, ranks < 1 { throw ValidationError("-n takes a number of ranks from 1 up, not \(ranks)") }
    }

    func run() throws {
        if let ranks, Launcher.detect() == .none {
            // A bad job is answered here, before anything is started.
            _ = try job.load()
            try replaceByMPIRun(ranks: ranks)
        }
        var options = RunOptions(
            jobPath: job.path, overrides: job.overrides, isFresh: fresh, isQuiet: logging.quiet)
        options.libraries = ["openblas": BLAS.linkedVersion, "sundials": AdaptiveODE.linkedVersion]
        let code = SweepRun(options: options, models: allModels, logger: logging.logger()).run()
        throw ArgumentParser.ExitCode(code.rawValue)
    }

    /// Becomes mpirun; returns only when that fails.
    private func replaceByMPIRun(ranks: Int) throws {
        var arguments = Array(CommandLine.arguments.dropFirst())
        if let at = arguments.firstIndex(of: "-n") {
            arguments.removeSubrange(at..<min(at + 2, arguments.count))
        } else {
            arguments.removeAll { $0.hasPrefix("-n") && Int($0.dropFirst(2)) != nil }
        }
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let line = Launcher.mpirun(ranks: ranks, program: program, arguments: arguments)
        setenv("OPENBLAS_NUM_THREADS", "1", 1)
        var pointers: [UnsafeMutablePointer<CChar>?] = line.map { strdup($0) }
        pointers.append(nil)
        execvp("mpirun", &pointers)
        throw FatalUserError(
            "cannot start mpirun (\(String(cString: strerror(errno)))): install Open MPI (openmpi-bin), or run without -n",
            code: .badInput)
    }
}
