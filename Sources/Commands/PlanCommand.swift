import ArgumentParser
import Coordinator
import Foundation
import Results
import Sweep

struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Says what a job will take, and what of it is done; runs nothing.",
        discussion: "Times are the models' estimates for one core of 2024; expect a factor of two.")

    @OptionGroup var job: JobArguments

    @Option(
        name: [.customShort("n"), .customLong("ranks")],
        help: ArgumentHelp(
            "Simulate the run on so many ranks (1 to 100000); several numbers, with commas, make a table.",
            valueName: "ranks"))
    var ranks: RankList?

    func run() throws {
        let job = try self.job.load(checksOutput: false)
        let plan: Plan
        do { plan = try Plan(job) } catch { throw FatalUserError("\(error)", code: .badInput, isComplete: true) }
        let problem = job.outputProblem
        if let problem {
            let text = "warning: the output '\(job.output)' cannot be written, so that a run would refuse: \(problem)"
            Console.log("\(text)\n")
        }
        for note in job.notes { Console.log("\(note)\n") }
        print("\(job.name): model \(job.model.name), results in \(job.output)\n")
        var table = TextTable(
            ["method", "points", "seeds", "tasks", "core time", "longest", "memory", "data", "axes"], endsInText: true)
        for share in plan.shares {
            table.add([
                share.method.name, Text.count(share.points - share.excluded),
                share.method.isSeeded ? String(share.seeds) : "-",
                Text.count(share.tasks), Text.duration(share.seconds), Text.duration(share.longestSeconds),
                Text.bytes(share.memory), Text.bytes(share.recordedBytes),
                share.axes.map { "\($0.name)(\($0.count))" }.joined(separator: " ")
                    + (share.excluded > 0 ? " less \(Text.count(share.excluded)) by where" : ""),
            ])
        }
        table.print()
        print("\nTogether \(Text.count(plan.tasks)) tasks, \(Text.duration(plan.seconds)) of one core.")
        if let ranks {
            try PlanForecast(job: job, plan: plan).print(ranks: ranks.counts)
        } else {
            let cores = ProcessInfo.processInfo.activeProcessorCount
            print(
                "At least \(Text.duration(plan.wallSeconds(ranks: cores))) on \(cores) rank\(cores == 1 ? "" : "s");"
                    + " --ranks simulates the run.")
        }
        for share in plan.shares {
            for beyond in [share.beyondMemory, share.beyondTime].compactMap({ $0 }) {
                Self.warning(beyond, of: share).forEach { print($0) }
            }
        }
        if problem == nil { try printDone(job) }
    }

    /// What will become of the tasks that do not fit the job's limits, and what helps.
    private static func warning(_ beyond: Plan.Beyond, of share: Plan.Share) -> [String] {
        let isMemory = if case .memory = beyond.largest { true } else { false }
        let stopped = beyond.tasks - beyond.refused
        let fate: String
        if stopped == 0 {
            fate = "A run does not begin \(beyond.tasks == 1 ? "it: it fails" : "them: they fail") at once."
        } else if beyond.refused == 0 {
            fate = "A run stops what takes longer; \(beyond.tasks == 1 ? "it fails" : "they fail") then."
        } else {
            fate =
                "A run does not begin the \(Text.count(beyond.refused)) of more than twice the limit: they fail at once. "
                + "Others that take longer are stopped and fail."
        }
        let largest = "The largest would \(beyond.largest.text)" + (beyond.place.isEmpty ? "" : ", at \(beyond.place)")
        let remedy =
            (beyond.remedy.map { $0 + ", or " } ?? "") + "raise limits.\(isMemory ? "task_memory" : "task_minutes")"
        return Text.wrapped(
            "\(share.method.name): \(Text.count(beyond.tasks)) of \(Text.count(share.tasks)) tasks "
                + (isMemory
                    ? "need more than limits.task_memory" : "are expected to take longer than limits.task_minutes")
                + ". \(largest). \(fate) To mend it, \(remedy).", width: 110)
    }

    private func printDone(_ job: Job) throws {
        guard FileManager.default.fileExists(atPath: job.output) else {
            let hasJournal = ResultStore.journalSize(of: job.output) != nil
            print(hasJournal ? "A run has begun; nothing is published yet." : "Nothing is computed yet.")
            return
        }
        let summary: ResultSummary
        do {
            summary = try ResultFile(job.output).summary(failureLimit: 0)
        } catch {
            throw FatalUserError("\(error)", code: .badInput)
        }
        let counts = summary.counts
        print(
            "\(job.output) holds \(Text.count(counts[.done])) tasks done"
                + (counts.failures > 0 ? ", \(Text.count(counts.failures)) failed or diverged" : "")
                + (counts.unfinished > 0 ? ", \(Text.count(counts.unfinished)) pending of its own grid" : "")
                + ". 'dynsweep run' computes what is missing of this job.")
    }
}
