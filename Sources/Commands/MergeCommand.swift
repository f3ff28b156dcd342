import ArgumentParser
import Coordinator
import Foundation
import Results
import Sweep

struct MergeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "Joins result files of one model that were computed apart into one.",
        discussion: """
            Files of one grid (shards) and files of different grids (other values, seeds or methods) are joined; the \
            numbers are those of one run over the union, for which nothing is computed. Exit code 0 when the file was \
            written, 1 when inputs hold different results of the same task, 2 when they cannot be joined or read.
            """)

    @Argument(help: "The result files; those of interrupted runs with their journals beside them.")
    var inputs: [String]

    @Option(name: [.short, .customLong("output")], help: "The merged file; it may be one of the inputs.")
    var output: String

    @Option(
        name: .customLong("job"),
        help: ArgumentHelp("A job whose grid holds all inputs, instead of the union of theirs.", valueName: "file"))
    var jobPath: String?

    @Flag(help: "Write although the output exists; it is moved aside, never deleted.")
    var fresh = false

    @Flag(help: "Remove the inputs once the merged file is checked and on disk.")
    var removeInputs = false

    @OptionGroup var logging: LoggingArguments

    func run() throws {
        let logger = logging.logger()
        var merge = Merge(
            inputs: inputs, output: output, models: allModels,
            provenance: .current(ranks: 1, libraries: linkedLibraries))
        merge.fresh = fresh
        merge.removesInputs = removeInputs
        do {
            if let jobPath {
                merge.job = try Job.load(path: jobPath, overrides: ["output=\(output)"], models: allModels)
            }
            let outcome = try merge.run { logger.notice("\($0)") }
            for notice in outcome.notices { logger.notice("\(notice)") }
            logger.info("\(summary(outcome))")
        } catch let error as JobErrors {
            throw FatalUserError("\(error)", code: .badInput, isComplete: true)
        } catch MergeError.conflicts(let count, let first) {
            throw FatalUserError("\(MergeError.conflicts(count: count, first: first))", code: .someFailed)
        } catch let error as MergeError {
            throw FatalUserError("\(error)", code: .badInput)
        } catch let error as ResultError {
            throw FatalUserError("\(error)", code: error.isForTheUser ? .badInput : .internalError)
        }
    }

    private func summary(_ outcome: Merge.Outcome) -> String {
        let counts = outcome.counts
        var text = "\(output): \(counts[.done]) of \(counts.total - counts[.excluded]) tasks done"
        if counts[.spared] > 0 { text += ", \(counts[.spared]) not needed (seeds.sem is met)" }
        if counts.failures > 0 { text += ", \(counts[.failed]) failed and \(counts[.diverged]) diverged" }
        if counts[.pending] > 0 { text += ", \(counts[.pending]) pending" }
        let changes = outcome.job.overrides.filter { !$0.hasPrefix("output=") }.map { change in
            // The whole of it is in the file's attribute 'overrides'.
            "--set '" + (change.count > 200 ? change.prefix(200) + " ..." : change) + "'"
        }
        if !changes.isEmpty {
            text += "; its grid is that of \(outcome.job.path) with " + changes.joined(separator: " ")
        }
        return text
    }
}
