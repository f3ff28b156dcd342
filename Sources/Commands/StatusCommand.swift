import ArgumentParser
import Coordinator
import Foundation
import Results
import Sweep

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows what of a result file is done, failed and pending; also while a run goes on.",
        discussion: "Exit code 0 when all is done, 1 when all ended but some tasks failed, 75 when there is work left.")

    @Argument(help: "The result file.")
    var file: String

    @Flag(help: "Show it again every --every seconds, until nothing is pending; waits for the file of a new run.")
    var watch = false

    @Option(help: ArgumentHelp("With --watch: seconds from one look to the next.", valueName: "seconds"))
    var every = 2.0

    @Option(help: ArgumentHelp("List at most this many failed tasks of each method.", valueName: "count"))
    var failures: Int = 10

    @Option(help: ArgumentHelp("List so many of the slowest tasks of each method.", valueName: "count"))
    var slowest: Int = 3

    func validate() throws {
        if !(0.1...86_400).contains(every) { throw ValidationError("--every takes 0.1 to 86400 seconds") }
    }

    func run() throws {
        var pace = Pace()
        while true {
            let summary: ResultSummary
            let left: WorkLeft
            do {
                let results = try ResultFile(file)
                summary = try results.summary(failureLimit: max(0, failures), slowestLimit: max(0, slowest))
                left = try WorkLeft(of: results, job: job(of: results), isComplete: summary.counts.isComplete)
            } catch {
                guard watch, isAwaited else { throw FatalUserError("\(error)", code: .badInput) }
                print("'\(file)': a run has begun ('\(file).lock' is there), and has not published anything yet")
                pause()
                continue
            }
            pace.note(summary)
            if watch, isatty(STDOUT_FILENO) == 1 { Console.write("\u{1B}[H\u{1B}[2J") }
            show(summary, left, pace)
            let code = exitCode(summary.counts)
            guard watch, code == .stoppedEarly else { throw ArgumentParser.ExitCode(code.rawValue) }
            print("")
            pause()
        }
    }

    private func pause() {
        Console.requireOutput()
        usleep(UInt32(every * 1e6))
    }

    /// Whether the file is missing because a run has only just begun.
    private var isAwaited: Bool {
        !ResultStore.exists(file) && ResultStore.isLocked(file)
    }

    /// The file's own job, where this program knows its model.
    private func job(of results: ResultFile) -> Job? {
        guard let own = try? results.job() else { return nil }
        return try? Job.parse(
            text: own.text, path: file, overrides: own.overrides, models: allModels, checksOutput: false)
    }

    private func exitCode(_ counts: StatusCounts) -> Coordinator.ExitCode {
        if counts.unfinished > 0 { return .stoppedEarly }
        return counts.failures > 0 ? .someFailed : .allDone
    }

    private func show(_ summary: ResultSummary, _ left: WorkLeft, _ pace: Pace) {
        print("\(summary.title): model \(summary.model), updated \(summary.updated)")
        if let holder = summary.holder {
            print(
                summary.holderIsAlive == false ? "The run that wrote it is gone: \(holder)" : "Being written: \(holder)"
            )
        }
        if summary.holder == nil, summary.journalBytes != nil {
            print("Interrupted; its journal may hold more than is published. 'dynsweep run' goes on.")
        }
        for line in buildLines(summary.builds) { print(line) }
        print("")
        var table = TextTable([
            "method", "done", "running", "pending", "failed", "diverged", "suspect", "spared", "core time", "left",
        ])
        for method in summary.methods {
            let running = summary.running.count { $0.method == method.name }
            let unfinished = method.counts[.pending] - min(running, method.counts[.pending])
            table.add(
                [method.name, Text.count(method.counts[.done]), Text.count(running), Text.count(unfinished)]
                    + [.failed, .diverged, .suspect, .spared].map { Text.count(method.counts[$0]) }
                    + [
                        method.wallSeconds == 0 ? "-" : Text.duration(method.wallSeconds),
                        method.counts.isComplete ? "-" : left.seconds[method.name].map(Text.duration) ?? "?",
                    ])
        }
        table.print()
        if summary.counts.unfinished > 0 { showProspect(summary, left, pace) }
        for method in summary.methods where !method.slowest.isEmpty {
            let tasks = method.slowest.map {
                "\(Text.duration($0.seconds))" + ($0.place.isEmpty ? "" : " at \($0.place)")
            }
            print("\nSlowest of \(method.name): " + tasks.joined(separator: "; "))
        }
        for method in summary.methods { showAxes(method) }
        for method in summary.methods { showFailures(method) }
    }

    /// How fast it goes, and when it will be done.
    private func showProspect(_ summary: ResultSummary, _ left: WorkLeft, _ pace: Pace) {
        print("")
        let ranks = summary.running.count
        var parts = [
            summary.holder == nil || summary.holderIsAlive == false
                ? "Nothing runs" : "\(ranks) task\(ranks == 1 ? " runs" : "s run")"
        ]
        if let rate = pace.perMinute { parts.append(String(format: "%.3g tasks/min", rate)) }
        if let total = left.total {
            parts.append(
                "\(Text.duration(total)) of core time left (\(String(format: "%.3g", total / 3600)) core-hours)")
            if ranks > 0 { parts.append("about \(Text.duration(total / Double(ranks))) with these ranks") }
        }
        print(parts.joined(separator: "; ") + ".")
        for task in summary.running.prefix(5) {
            let seconds = max(0, Date().timeIntervalSince(task.since))
            print("  rank \(task.rank): \(task.method) \(task.place), for \(Text.duration(seconds))")
        }
        if ranks > 5 { print("  ... and \(ranks - 5) more") }
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

/// The rate at which tasks end, over the last looks.
private struct Pace {
    private var looks: [(time: Date, ended: Int)] = []
    private static let window = 120.0

    mutating func note(_ summary: ResultSummary) {
        let now = Date()
        looks.append((now, summary.counts.total - summary.counts.unfinished))
        // One look from before the window is kept: its far end.
        while looks.count > 2, now.timeIntervalSince(looks[1].time) > Self.window { looks.removeFirst() }
    }

    /// Nil before anything has ended between two looks.
    var perMinute: Double? {
        guard let first = looks.first, let last = looks.last, last.ended > first.ended else { return nil }
        return 60 * Double(last.ended - first.ended) / last.time.timeIntervalSince(first.time)
    }
}
