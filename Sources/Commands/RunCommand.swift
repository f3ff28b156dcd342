import ArgumentParser
import Coordinator
import Foundation
import Logging
import Sweep

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs a job, or goes on with it.",
        discussion: """
            Alone this uses one core and no MPI; with -n it starts and supervises ranks under mpirun; under your own mpirun \
            or srun it uses the ranks it finds. A job that was interrupted, or whose grid has grown, goes on where it was.
            """)

    @OptionGroup var job: JobArguments

    @Option(
        name: .customShort("n"),
        help: ArgumentHelp("Start this many ranks under mpirun, and again when one dies.", valueName: "ranks"))
    var ranks: Int?

    @Option(
        help: ArgumentHelp(
            "Start the ranks with this line instead of mpirun, such as 'srun --mpi=pmix'.", valueName: "line"))
    var launcher: String?

    @Option(
        help: ArgumentHelp(
            "Compute part I of K, into a file of its own; 'dynsweep merge' joins the parts.", valueName: "I/K"))
    var shard: Shard?

    @Flag(help: "Start over; an existing result file is moved aside, never deleted.")
    var fresh = false

    @Flag(help: "Go on with what is there (the default).")
    var resume = false

    @Flag(help: "Compute failed tasks again.")
    var retryFailed = false

    @Flag(help: "Refuse to go on with results that another build of this program has a part in.")
    var sameBuild = false

    @Option(
        help: ArgumentHelp(
            "Save tasks that run longer than this so often, and whenever the run stops.", valueName: "seconds"))
    var checkpointEvery: Double = 300

    @Option(
        help: ArgumentHelp(
            "Stop in time, resumable: 11.5h, 30min, 18:00, 2026-01-31T18:00. Under Slurm the allocation's end is known.",
            valueName: "time"),
        transform: { text in
            guard let deadline = Deadline(text) else {
                throw ValidationError("'\(text)' is no time (90s, 30min, 11.5h, 18:00, 2026-01-31T18:00)")
            }
            // Of dates; seconds since 1970 come from a supervisor, whose ranks may begin once more when the time is up.
            if deadline.wasPast, text.contains(where: { $0 == "T" || $0 == " " }) {
                throw ValidationError("'\(text)' is past")
            }
            return deadline
        })
    var until: Deadline?

    @OptionGroup var logging: LoggingArguments

    func validate() throws {
        if fresh && resume { throw ValidationError("--fresh and --resume exclude each other") }
        if ranks != nil && launcher != nil { throw ValidationError("-n and --launcher exclude each other") }
        if !(checkpointEvery > 0) { throw ValidationError("--checkpoint-every takes seconds above 0") }
        if let ranks, ranks < 1 { throw ValidationError("-n takes a number of ranks from 1 up, not \(ranks)") }
    }

    func run() throws {
        let logger = logging.logger()
        if let launch, Launcher.detect() == .none {
            // A bad job is answered here, before anything is started.
            let job = try self.job.loadForOthers().writing(shard: shard)
            let supervisor = Supervisor(launch: launch, job: job, isShare: shard != nil, logger: logger)
            throw ArgumentParser.ExitCode(supervisor.run(arguments: rankArguments).rawValue)
        }
        var options = RunOptions(
            jobPath: job.path, overrides: job.overrides, isFresh: fresh, isQuiet: logging.quiet)
        options.shard = shard
        options.retriesFailed = retryFailed
        options.requiresSameBuild = sameBuild
        options.checkpointSeconds = checkpointEvery
        options.deadline = until ?? allocationDeadline(logger)
        options.libraries = linkedLibraries
        let code = SweepRun(options: options, models: allModels, logger: logger).run()
        throw ArgumentParser.ExitCode(code.rawValue)
    }

    /// The deadline of the allocation that this runs in. Variables of one that is over, in a shell that outlived it, are no
    /// reason to stop before the first task.
    private func allocationDeadline(_ logger: Logger) -> Deadline? {
        guard let deadline = Deadline.ofAllocation() else { return nil }
        guard deadline.wasPast else { return deadline }
        logger.warning("SLURM_JOB_END_TIME is past: the variables are of an allocation that is over, and it is ignored")
        return nil
    }

    /// How the ranks are to be started under supervision; nil when this process is to be one.
    private var launch: Supervisor.Launch? {
        if let launcher { return .line(launcher) }
        return ranks.map { $0 == 1 ? .alone : .mpirun(ranks: $0) }
    }

    /// The command line of the ranks. What is done once, at the first start, is not done again at a restart.
    private func rankArguments(isRestart: Bool) -> [String] {
        var arguments = ["run", job.path]
        // In one word each: a value may begin with a dash.
        for setting in job.settings { arguments.append("--set=\(setting)") }
        if let output = job.output { arguments.append("--output=\(output)") }
        if let shard { arguments += ["--shard", "\(shard.index)/\(shard.count)"] }
        if fresh && !isRestart { arguments.append("--fresh") }
        if retryFailed && !isRestart { arguments.append("--retry-failed") }
        if sameBuild { arguments.append("--same-build") }
        arguments += ["--checkpoint-every", "\(checkpointEvery)"]
        if let until { arguments += ["--until", "\(until.epoch)"] }
        if logging.quiet { arguments.append("--quiet") }
        return arguments + ["--log-level", logging.logLevel.rawValue]
    }
}

extension Shard: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}
