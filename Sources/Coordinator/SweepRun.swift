import CPlatform
import Foundation
import Logging
import Modeling
import Results
import Sweep

/// What `dynsweep run` was asked.
public struct RunOptions: Sendable {
    public var jobPath: String
    public var overrides: [String]
    /// Start over: what is there is moved aside.
    public var isFresh: Bool
    public var isQuiet: Bool
    /// The part of the grid to compute; nil: all of it.
    public var shard: Shard?
    /// Compute failed tasks again.
    public var retriesFailed = false
    /// Refuse to go on with results that another build has a part in.
    public var requiresSameBuild = false
    /// Tasks that run longer than this are saved that often, in seconds.
    public var checkpointSeconds = 300.0
    /// When the run must have left; nil: no limit.
    public var deadline: Deadline?
    /// Versions of the libraries that the models compute with, for the result file's provenance.
    public var libraries: [String: String] = [:]

    public init(jobPath: String, overrides: [String] = [], isFresh: Bool = false, isQuiet: Bool = false) {
        self.jobPath = jobPath
        self.overrides = overrides
        self.isFresh = isFresh
        self.isQuiet = isQuiet
    }
}

/// One run of a job, on this rank: alone, or with the ranks that a launcher started beside it.
public struct SweepRun {
    private let options: RunOptions
    private let models: [any Model]
    private let logger: Logger

    public init(options: RunOptions, models: [any Model], logger: Logger) {
        self.options = options
        self.models = models
        self.logger = logger
    }

    /// Runs to the end, or to a stop signal. All ranks return the same code.
    public func run() -> ExitCode {
        let code = runRank()
        ExitNote.leave(code)
        return code
    }

    private func runRank() -> ExitCode {
        StopSignal.take(leavingAtSecondInterrupt: true)
        do {
            let communicator = try startMPI()
            defer { if let communicator { finish(communicator) } }
            let provenance = Provenance.current(ranks: communicator?.size ?? 1, libraries: options.libraries)
            if let communicator { try requireOneBuild(communicator, provenance) }
            if let communicator, communicator.rank != 0 { return try follow(communicator, provenance) }
            return try lead(communicator, provenance)
        } catch let error as LaunchError {
            logger.error("\(error)")
            return .badInput
        } catch {
            logger.error("\(error)")
            return .internalError
        }
    }

    private func startMPI() throws -> Communicator? {
        switch Launcher.detect() {
        case .none: return nil
        case .slurmWithoutMPI(let tasks): throw LaunchError.singletons(tasks)
        case .mpi:
            let communicator = try Communicator()
            if let announced = Launcher.announcedSize(), announced > 1, communicator.size == 1 {
                throw LaunchError.singletons(announced)
            }
            return communicator
        }
    }

    private func finish(_ communicator: Communicator) {
        do { try communicator.finalize() } catch { logger.error("\(error)") }
    }

    /// Ends all ranks when one of them is another program than rank 0: their numbers would mix without a word.
    private func requireOneBuild(_ communicator: Communicator, _ provenance: Provenance) throws {
        let own = provenance.build
        let first = try communicator.broadcast(Array(own.line.utf8))
        guard Array(own.line.utf8) != first else { return }
        logger.error(
            """
            rank \(communicator.rank) on \(provenance.host) is build \(own.line), but rank 0 is build \
            \(String(decoding: first, as: UTF8.self)): all ranks of a run must be one program. Install one on all nodes; \
            where it chooses the level by the processor, DYNSWEEP_LEVEL=x86-64-v3 in the environment sets one for all.
            """)
        communicator.abort(ExitCode.badInput.rawValue)
    }

    // Rank 0.

    private func lead(_ communicator: Communicator?, _ provenance: Provenance) throws -> ExitCode {
        let job: Job
        let store: ResultStore
        let share: Share?
        let keeper: RankKeeper
        do {
            let whole = try Job.load(path: options.jobPath, overrides: options.overrides, models: models)
            job = whole.writing(shard: options.shard)
            share = try options.shard.map {
                try Share($0, of: job, whole: whole.output, retriesFailed: options.retriesFailed, models: models)
            }
            store = try openStore(job, provenance)
            _ = try communicator?.broadcast(Array(job.text.utf8))
            keeper = try self.keeper(job, communicator, checkpoints: store.checkpoints)
        } catch {
            // An empty text tells the others to leave.
            let code = report(error)
            _ = try communicator?.broadcast([])
            try communicator?.dismiss(code)
            return code
        }
        for note in job.notes { logger.notice("\(note)") }
        for notice in store.notices { logger.notice("\(notice)") }
        for warning in store.warnings { logger.warning("\(warning)") }
        let code = sweep(job, store, share, communicator, keeper)
        if code == .internalError {
            // Workers are in the middle of tasks, with records under way that nobody will take: no orderly end.
            communicator?.abort(code.rawValue)
        }
        try communicator?.dismiss(code)
        return code
    }

    private func openStore(_ job: Job, _ provenance: Provenance) throws -> ResultStore {
        var storeOptions = ResultStore.Options()
        storeOptions.fresh = options.isFresh
        storeOptions.retriesFailed = options.retriesFailed
        storeOptions.requiresSameBuild = options.requiresSameBuild
        return try ResultStore.open(
            job: job, models: models, options: storeOptions, provenance: provenance
        ) { logger.notice("\($0)") }
    }

    private func sweep(
        _ job: Job, _ store: ResultStore, _ share: Share?, _ communicator: Communicator?, _ keeper: RankKeeper
    ) -> ExitCode {
        let part = share.map { SharePart($0, store) }
        let progress = Progress(logger: logger, isQuiet: options.isQuiet, ranks: communicator?.size ?? 1, part: part)
        do {
            logger.info("\(opening(job, store.counts, part, communicator?.size ?? 1))")
            var isDone = true
            var hasUnanswered = false
            if !store.wasComplete {
                let foreman = try Foreman(
                    communicator: communicator, job: job, store: store, share: share, progress: progress,
                    keeper: keeper, deadline: options.deadline)
                isDone = try loggingCPU(rank: 0) { try foreman.run(job: job) }
                progress.close()
                // A task that goes on from a checkpoint counts with all its time, so the share would be too high.
                if store.checkpoints.isEmpty, let busy = progress.busy { logger.info("\(busy)") }
                if !isDone { logger.notice("stopping: \(stopReason)") }
                hasUnanswered = foreman.hasUnanswered
            }
            keeper.finish()
            if !isDone, let signal = StopSignal.received, store.expectedPublishSeconds > signal.publishSeconds {
                // The journal has it all; who asked for the end does not wait until a large file is written.
                try store.abandon()
                logger.notice("left \(job.output) as it was published last; the journal beside it holds the rest")
            } else {
                let outcome = try store.finish(isShareDone: share != nil && isDone)
                // Tasks that failed are said with --quiet too.
                logger.log(
                    level: outcome.counts.failures > 0 ? .warning : .info,
                    "\(closing(outcome.counts, isDone: isDone, part, job))")
            }
            if hasUnanswered {
                logger.warning(
                    "some ranks did not answer: they have died, or are deep in a task; they are ended with the rest")
                communicator?.abort(ExitCode.stoppedEarly.rawValue)
            }
            return isDone ? (store.counts.failures > 0 ? .someFailed : .allDone) : .stoppedEarly
        } catch {
            progress.close()
            logger.error("\(error)")
            // What was computed is in the journal; the next run publishes it.
            do {
                if let path = try store.abandon() { logger.notice("what was done was written to \(path) anew") }
            } catch let second where "\(second)" != "\(error)" {
                logger.error("\(second)")
            } catch {}
            logger.notice("once the cause is gone the same command goes on with what is done")
            return .internalError
        }
    }

    private var stopReason: String {
        StopSignal.received.map { "\($0)" }
            ?? options.deadline.flatMap { $0.isPast ? "the time is up (\($0.source))" : nil }
            ?? "another rank was told to"
    }

    /// Says what went wrong at the start, before anything was run: mostly the user's to mend, with its own code.
    private func report(_ error: any Error) -> ExitCode {
        if error is JobErrors {
            Console.log("\(error)\n")
            return .badInput
        }
        logger.error("\(error)")
        return (error as? ResultError)?.isForTheUser == true ? .badInput : .internalError
    }

    private func opening(_ job: Job, _ counts: StatusCounts, _ part: SharePart?, _ ranks: Int) -> String {
        let total = part?.total ?? job.includedTaskCount
        let before = total - (part?.unfinished(counts) ?? counts.unfinished)
        let resumed = before > 0 ? ", \(before) of them done before" : ""
        let share = part.map { "share \($0.shard): \(total) of \(job.includedTaskCount) tasks" } ?? "\(total) tasks"
        return "\(job.name): \(share)\(resumed), on \(ranks) rank\(ranks == 1 ? "" : "s") -> \(job.output)"
    }

    private func closing(_ counts: StatusCounts, isDone: Bool, _ part: SharePart?, _ job: Job) -> String {
        var text = "\(counts[.done]) of \(part?.total ?? job.includedTaskCount) tasks done"
        if let part { text = "share \(part.shard): " + text }
        if counts[.spared] > 0 { text += ", \(counts[.spared]) not needed (seeds.sem is met)" }
        if counts.failures > 0 {
            text += ", \(counts[.failed]) failed and \(counts[.diverged]) diverged"
            text += " (dynsweep status \(job.output) lists them)"
        }
        if !isDone { text += "; stopped early, the same command goes on" }
        return text + ": \(job.output)"
    }

    /// Runs `body` and logs which part of a core it used: a rank that waits should use next to none.
    private func loggingCPU<Result>(rank: Int, _ body: () throws -> Result) rethrows -> Result {
        let (start, used) = (ContinuousClock.now, cplatform_cpu_seconds())
        defer {
            let share = 100 * (cplatform_cpu_seconds() - used) / (ContinuousClock.now - start).seconds
            logger.debug("rank \(rank) used \(String(format: "%.2f", share)) % of a core")
        }
        return try body()
    }

    /// What guards this rank's tasks; rank 0 tells the others which checkpoints there are.
    private func keeper(_ job: Job, _ communicator: Communicator?, checkpoints: [TaskID: Int] = [:]) throws
        -> RankKeeper
    {
        var table = CheckpointTable(slots: checkpoints)
        if let communicator { table = CheckpointTable(bytes: try communicator.broadcast(table.bytes)) }
        return RankKeeper(
            job: job, rank: communicator?.rank ?? 0,
            rules: KeepingRules(checkpointSeconds: options.checkpointSeconds, checkpoints: table.slots), logger: logger)
    }

    // Other ranks.

    private func follow(_ communicator: Communicator, _ provenance: Provenance) throws -> ExitCode {
        let text = try communicator.broadcast([])
        let job =
            text.isEmpty
            ? nil
            : try Job.parse(
                text: String(decoding: text, as: UTF8.self), path: options.jobPath, overrides: options.overrides,
                models: models, checksOutput: false
            ).writing(shard: options.shard)
        // Rank 0 sends its checkpoints when it has found the job good.
        let keeper = try job.map { try self.keeper($0, communicator) }
        defer { keeper?.finish() }
        let code = try loggingCPU(rank: communicator.rank) {
            try followForeman(communicator, job: job, keeper: keeper, build: provenance.build.key)
        }
        return ExitCode(rawValue: code) ?? .internalError
    }
}

/// A start that cannot lead to a sane run.
enum LaunchError: Error, CustomStringConvertible {
    case singletons(Int)

    var description: String {
        switch self {
        case .singletons(let tasks):
            return
                "started as one of \(tasks) processes that do not see each other through MPI, so each would run the whole sweep."
                + " Under Slurm use 'srun --mpi=\(Communicator.slurmPlugin)'; by hand use 'dynsweep run JOB -n \(tasks)', or the mpirun"
                + " of \(Communicator.linkedVersion())."
        }
    }
}
