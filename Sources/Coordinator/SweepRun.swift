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
        cplatform_catch_stop_signals()
        do {
            let communicator = try startMPI()
            defer { if let communicator { finish(communicator) } }
            if let communicator, communicator.rank != 0 { return try follow(communicator) }
            return try lead(communicator)
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

    // Rank 0.

    private func lead(_ communicator: Communicator?) throws -> ExitCode {
        let job: Job
        let store: ResultStore
        do {
            job = try Job.load(path: options.jobPath, overrides: options.overrides, models: models)
            store = try ResultStore.open(
                job: job, mode: options.isFresh ? .fresh : .resume,
                provenance: .current(ranks: communicator?.size ?? 1, mpi: Communicator.libraryVersion()))
            _ = try communicator?.broadcast(Array(job.text.utf8))
        } catch {
            // An empty text tells the others to leave.
            _ = try communicator?.broadcast([])
            let code: ExitCode = error is JobErrors || error is StoreRefusal ? .badInput : .internalError
            report(error)
            return code
        }
        for line in store.notices { logger.notice("\(line)") }
        logger.info("\(opening(job, store, communicator?.size ?? 1))")
        let progress = Progress(logger: logger, isQuiet: options.isQuiet, ranks: communicator?.size ?? 1)
        let foreman = Foreman(communicator: communicator, job: job, store: store, progress: progress)
        var code = ExitCode.internalError
        do {
            let isDone = try foreman.run(job: job)
            progress.close()
            let outcome = try store.finish()
            code = isDone ? (outcome.failedCount > 0 ? .someFailed : .allDone) : .stoppedEarly
            logger.info("\(closing(outcome, isDone: isDone, job))")
        } catch {
            progress.close()
            logger.error("\(error)")
            store.closeAfterError()
        }
        try foreman.dismiss(code)
        return code
    }

    private func report(_ error: any Error) {
        if let errors = error as? JobErrors {
            FileHandle.standardError.write(Data((errors.description + "\n").utf8))
        } else {
            logger.error("\(error)")
        }
    }

    private func opening(_ job: Job, _ store: ResultStore, _ ranks: Int) -> String {
        let done = store.finishedCount
        let resumed = done > 0 ? " (\(done) done before)" : ""
        return
            "\(job.name): \(store.taskCount) tasks\(resumed) on \(ranks) rank\(ranks == 1 ? "" : "s") -> \(job.output)"
    }

    private func closing(_ outcome: StoreOutcome, isDone: Bool, _ job: Job) -> String {
        var text = "\(outcome.doneCount) of \(outcome.taskCount) tasks done"
        if outcome.failedCount > 0 {
            text += ", \(outcome.failedCount) failed or diverged (dynsweep status \(job.output) lists them)"
        }
        if !isDone { text += "; stopped early, the same command goes on" }
        return text + ": \(job.output)"
    }

    // Other ranks.

    private func follow(_ communicator: Communicator) throws -> ExitCode {
        let text = try communicator.broadcast([])
        guard !text.isEmpty else { return .badInput }
        let job = try Job.parse(
            text: String(decoding: text, as: UTF8.self), path: options.jobPath, overrides: options.overrides,
            models: models)
        return ExitCode(rawValue: try followForeman(communicator, job: job)) ?? .internalError
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
                + " Under Slurm use 'srun --mpi=pmix'; by hand use 'dynsweep run JOB -n \(tasks)' or mpirun."
        }
    }
}
