import ArgumentParser
import Coordinator
import Foundation
import Results

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows what of a result file is done, failed and pending; also while a run goes on.",
        discussion: "Exit code 0 when all is done, 1 when all ended but some tasks failed, 75 when there is work left.")

    @Argument(help: "The result file.")
    var file: String

    @Flag(help: "Show it again every two seconds, until nothing is pending.")
    var watch = false

    @Option(help: ArgumentHelp("List at most this many failed tasks of each method.", valueName: "count"))
    var failures: Int = 10

    func run() throws {
        while true {
            let summary: ResultSummary
            do {
                summary = try ResultFile.summary(file, failureLimit: max(0, failures))
            } catch {
                throw FatalUserError("\(error)", code: .badInput)
            }
            if watch { print("\u{1B}[H\u{1B}[2J", terminator: "") }
            show(summary)
            let code = exitCode(summary.counts)
            guard watch, code == .stoppedEarly else { throw ArgumentParser.ExitCode(code.rawValue) }
            sleep(2)
        }
    }

    private func exitCode(_ counts: StatusCounts) -> Coordinator.ExitCode {
        if counts.unfinished > 0 { return .stoppedEarly }
        return counts.failures > 0 ? .someFailed : .allDone
    }

    private func show(_ summary: ResultSummary) {
        print("\(summary.title): model \(summary.model), updated \(summary.updated)")
        if let holder = summary.holder {
            print(
                summary.holderIsAlive == false ? "The run that wrote it is gone: \(holder)" : "Being written: \(holder)"
            )
        }
        if summary.holder == nil, summary.journalBytes != nil {
            print("Interrupted; its journal may hold more than is published. 'dynsweep run' goes on.")
        }
        print("")
        var table = TextTable(["method", "done", "failed", "diverged", "pending", "suspect", "spared", "core time"])
        for method in summary.methods {
            table.add(
                [method.name]
                    + [.done, .failed, .diverged, .pending, .suspect, .spared].map { Text.count(method.counts[$0]) }
                    + [Text.duration(method.wallSeconds)])
        }
        table.print()
        for method in summary.methods { showAxes(method) }
        for method in summary.methods { showFailures(method) }
    }

    /// Along each axis, but only where something is missing: a column of all done says nothing.
    private func showAxes(_ method: ResultSummary.Method) {
        guard method.counts.unfinished > 0 || method.counts.failures > 0 else { return }
        for axis in method.axes where axis.values.count > 1 && axis.name != "seed" {
            print("\n\(method.name) along \(axis.name)")
            var table = TextTable([axis.name, "done", "failed", "diverged", "pending", "suspect"])
            let shown = axis.values.count <= 24 ? axis.values : Array(axis.values.prefix(12) + axis.values.suffix(12))
            for (index, value) in shown.enumerated() {
                if axis.values.count > 24 && index == 12 { table.add(["..."]) }
                table.add(
                    [value.label]
                        + [.done, .failed, .diverged, .pending, .suspect].map { Text.count(value.counts[$0]) })
            }
            table.print()
        }
    }

    private func showFailures(_ method: ResultSummary.Method) {
        guard !method.failures.isEmpty else { return }
        print("\n\(method.name): \(method.counts.failures) tasks failed or diverged")
        for reason in method.reasons.prefix(5) { print("  \(reason.count) x \(reason.error)") }
        for failure in method.failures { print("  \(failure.place): \(failure.status.name), \(failure.error)") }
        if method.counts.failures > method.failures.count {
            print("  ... and \(method.counts.failures - method.failures.count) more (--failures N lists them)")
        }
    }
}
