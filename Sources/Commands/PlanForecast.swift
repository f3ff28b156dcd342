import ArgumentParser
import Coordinator
import Sweep

/// Numbers of ranks, as in `--ranks 16,256,4096`.
struct RankList: ExpressibleByArgument {
    static let maximum = 100_000

    let counts: [Int]

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        counts = parts.compactMap { Int($0) }.filter { (1...Self.maximum).contains($0) }
        if counts.isEmpty || counts.count < parts.count { return nil }
    }
}

/// What `plan --ranks` prints: the simulated run, and what follows from it.
struct PlanForecast {
    let job: Job
    let plan: Plan

    /// A simulation takes about a microsecond and ten bytes a task.
    private static let taskLimit = 20_000_000

    func print(ranks counts: [Int]) throws {
        guard plan.tasks <= Self.taskLimit else {
            Commands.print(
                "More than \(Text.count(Self.taskLimit)) tasks are not simulated. At least "
                    + counts.map { "\(Text.duration(plan.wallSeconds(ranks: $0))) on \(Text.count($0))" }
                    .joined(separator: ", ") + " ranks.")
            return
        }
        let simulation = try ScheduleSimulation(job: job)
        let forecasts = try counts.map { try simulation.run(ranks: $0) }
        Commands.print("Simulated; the columns after 'efficiency' are where the rest of the ranks' time goes:\n")
        var table = TextTable([
            "ranks", "time", "efficiency", "start", "waiting", "messages", "rank 0", "overhead", "publishing", "tail",
        ])
        for forecast in forecasts {
            func share(_ seconds: Double) -> String {
                Text.percent(seconds / (Double(forecast.ranks) * forecast.makespan))
            }
            let losses = forecast.losses
            table.add([
                Text.count(forecast.ranks), Text.duration(forecast.makespan), Text.percent(forecast.efficiency),
                share(losses.start), share(losses.waiting), share(losses.messages), share(losses.service),
                share(losses.overhead), share(losses.publishing), share(losses.tail),
            ])
        }
        table.print()
        Commands.print("")
        for line in advice(forecasts) { Commands.print(line) }
    }

    private func advice(_ forecasts: [ScheduleForecast]) -> [String] {
        guard let last = forecasts.max(by: { $0.ranks < $1.ranks }), last.makespan > 0 else { return [] }
        var lines: [String] = []
        let useful = max(1, Int(last.busy / max(last.longestTask, 1e-9)))
        lines.append(
            "The longest task takes \(Text.duration(last.longestTask)): beyond about \(Text.count(useful)) "
                + "rank\(useful == 1 ? "" : "s") it alone decides.")
        let allRanks = Double(last.ranks) * last.makespan
        func advise(_ seconds: Double, _ text: String) {
            if seconds > 0.1 * allRanks {
                lines.append(
                    "On \(Text.count(last.ranks)) ranks \(Text.percent(seconds / allRanks)) goes into \(text).")
            }
        }
        advise(
            last.losses.tail,
            "waiting for the last tasks; fewer ranks, or more tasks in one job, use the allocation better")
        advise(
            last.losses.waiting + last.losses.messages,
            "waiting for rank 0; longer tasks (more steps, fewer recording times) or fewer ranks help")
        advise(last.losses.start, "starting; the job is short for so many ranks")
        advise(last.losses.publishing, "writing the result file; record fewer times or observables")
        advise(last.losses.overhead, "what a task takes beside its run; the tasks are very short")
        return lines
    }
}
