import ArgumentParser
import Coordinator
import Foundation
import Logging
import Sweep

/// The job file and what overrides it.
struct JobArguments: ParsableArguments {
    @Argument(help: "The job file (YAML).")
    var path: String

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("Override a key of the job: L=4, seeds=32, record.times=[1,10].", valueName: "key=value"))
    var settings: [String] = []

    @Option(help: "The result file, instead of the job's own.")
    var output: String?

    /// All overrides, in the order they apply. The output's name is meant literally.
    var overrides: [String] { settings + (output.map { [Job.override(forOutput: $0)] } ?? []) }

    /// The validated job; prints what is wrong with it and ends with code 2 otherwise.
    ///
    /// - Parameter checksOutput: false when nothing is to be written.
    func load(checksOutput: Bool = true) throws -> Job {
        do {
            return try Job.load(path: path, overrides: overrides, models: allModels, checksOutput: checksOutput)
        } catch {
            throw FatalUserError("\(error)", code: .badInput, isComplete: true)
        }
    }

    /// As ``load(checksOutput:)``, of a job that other processes are to read too.
    func loadForOthers() throws -> Job {
        let job = try load()
        guard job.isReadableAgain else {
            throw FatalUserError(
                "'\(path)' is no file that other processes can read too: save the job to a file for this",
                code: .badInput)
        }
        return job
    }
}

/// How much is said on standard error.
struct LoggingArguments: ParsableArguments {
    @Flag(help: "Say only what goes wrong.")
    var quiet = false

    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: Logger.Level = .info

    func logger() -> Logger {
        var logger = Logger(label: "dynsweep") { _ in PlainLogHandler() }
        logger.logLevel = quiet ? .warning : logLevel
        return logger
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}

/// An error whose text is for the user as it is, with its exit code.
struct FatalUserError: Error {
    let text: String
    let code: Coordinator.ExitCode
    /// True when the text names file and line itself and needs no prefix.
    let isComplete: Bool

    init(_ text: String, code: Coordinator.ExitCode, isComplete: Bool = false) {
        self.text = text
        self.code = code
        self.isComplete = isComplete
    }
}
