import Foundation
import Sweep

/// The size of an allocation: what was asked for, and what suits the job's estimate where nothing was.
public struct SubmissionSize: Sendable, Hashable {
    public let ranks: Int
    public let time: SlurmTime
    /// Bytes a rank.
    public let memory: Int
    /// Seconds before the time limit at which Slurm warns.
    public let warning: Int
    /// How the numbers came about, a sentence each.
    public let notes: [String]

    /// Without better knowledge a job should end within this, in seconds.
    private static let usualSeconds = 3600.0
    private static let mostRanks = 64
    private static let leastMinutes = 10
    /// A requeued job needs no more at a time.
    private static let requeuedMinutes = 1440

    public init(_ plan: Plan, limits: JobLimits, request: SubmissionRequest) {
        var notes: [String] = []
        let allocations = request.array ?? 1
        let seconds = plan.seconds / Double(allocations)
        let tasks = max(1, plan.tasks / allocations)
        let longest = plan.shares.map(\.longestSeconds).max() ?? 0
        // With more ranks than this the longest task alone decides when the run ends.
        let useful = max(1, min(Double(tasks), longest > 0 ? (seconds / longest).rounded(.up) : 1))
        let each = allocations > 1 ? " an allocation" : ""

        if let asked = request.ranks {
            ranks = asked
            if Double(asked) > useful {
                notes.append(
                    "\(Text.count(asked)) ranks\(each) are more than can be of use:"
                        + " \(Text.count(Int(useful))) end as early, with the longest task"
                        + " (\(Text.duration(longest))).")
            }
        } else {
            let target = request.time.map { Double($0.minutes) * 30 } ?? Self.usualSeconds
            let needed = min((seconds / target).rounded(.up), Double(Self.mostRanks))
            ranks = max(1, Int(min(needed, useful)), request.nodes ?? 1)
            notes.append(
                "Ranks\(each): \(ranks), for \(Text.duration(seconds)) of one core by the models' estimate (-n asks for others)."
            )
        }

        let estimate = max(seconds / Double(ranks), longest)
        if let asked = request.time {
            time = asked
            if Double(asked.minutes) * 60 < estimate {
                notes.append(
                    "The time limit is below the estimate of \(Text.duration(estimate))"
                        + (request.isRequeued ? "; the job will be queued again until it is done." : "."))
            }
        } else {
            let twice = max(Self.leastMinutes, Int(min(2 * estimate / 60, 5e6).rounded(.up)))
            let isCut = request.isRequeued && twice > Self.requeuedMinutes
            time = SlurmTime(minutes: isCut ? Self.requeuedMinutes : twice)
            notes.append(
                isCut
                    ? "Time limit: \(time) at a time, queued again until done; the estimate is \(Text.duration(estimate))."
                    : "Time limit: \(time), twice the estimate of \(Text.duration(estimate)) and no less than"
                        + " \(Self.leastMinutes) minutes.")
        }
        // At least 10 s to stop in; a minute is plenty, and Slurm adds up to another one by itself.
        warning = min(60, max(10, time.minutes * 3))

        if let asked = request.memory {
            memory = asked
        } else {
            let task = max(limits.taskMemory ?? 0, 2 * plan.memory)
            // The program itself, and on rank 0 the table of tasks.
            let needed = Double(task) + 5e8 + 256 * Double(plan.tasks)
            memory = Int(max(1e9, (needed / 1e8).rounded(.up) * 1e8))
            notes.append("Memory a rank: \(Text.bytes(memory)), for tasks of up to \(Text.bytes(plan.memory)).")
        }
        self.notes = notes
    }
}
