/// How a run on some ranks would go: its length, and where the ranks' time would go.
public struct ScheduleForecast: Sendable, Hashable {
    /// What keeps ranks from computing, in core seconds. With ``ScheduleForecast/busy`` they make up all ranks' time.
    public struct Losses: Sendable, Hashable {
        /// Starting the processes and MPI; reading the job.
        public var start = 0.0
        /// Waiting until rank 0 has time for a report.
        public var waiting = 0.0
        /// Messages under way, and sleeping ranks that notice them late.
        public var messages = 0.0
        /// Rank 0's time for the others instead of tasks of its own.
        public var service = 0.0
        /// What tasks take beside their run.
        public var overhead = 0.0
        /// Publishing: the file's writer shares rank 0's core during the run, and all wait for the last one.
        public var publishing = 0.0
        /// Ranks without work while the last tasks run.
        public var tail = 0.0

        public var total: Double { start + waiting + messages + service + overhead + publishing + tail }
    }

    public let ranks: Int
    /// Seconds from the start to the final file.
    public let makespan: Double
    /// Core seconds in tasks.
    public let busy: Double
    public let losses: Losses
    /// Seconds of the longest task.
    public let longestTask: Double
    /// Reports that rank 0 took in from others, and records in them.
    public let reports: Int
    public let records: Int

    /// The part of all ranks' time that tasks took.
    public var efficiency: Double { busy / (Double(ranks) * makespan) }
}
