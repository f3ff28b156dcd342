/// What coordination takes, in seconds: the constants of ``ScheduleSimulation``.
///
/// Measured on one core of 2024 by `Benchmarks/run.py coordination`, where the same names are: the median of single
/// calls with cold caches, as rank 0 meets them between two slices of a task. What one machine cannot show is an
/// assumption, and says so.
package struct ScheduleCosts: Sendable {
    /// Rank 0 looks into an empty mailbox.
    package var poll = 0.2e-6
    /// Rank 0 takes a report in, whatever is in it: probe, receive, write to the journal.
    package var message = 2.7e-6
    /// One record of a report: checks, notes, the speed model.
    package var record = 0.55e-6
    /// One byte of a report: receive, checksum, journal.
    package var byte = 0.3e-9
    /// Rank 0 makes an assignment and sends it.
    package var assignment = 0.5e-6
    /// One item of an assignment.
    package var item = 0.35e-6
    /// A task beside its run, on the rank that runs it: parameters, streams, encoding the record.
    package var task = 1.5e-6
    /// Rank 0 reads the job and queues one task, at the start.
    package var queueing = 0.65e-6
    /// Between two slices of a task, rank 0 looks after the others.
    package var slice = 1e-3
    /// A sleep takes longer than it was asked to.
    package var oversleep = 60e-6
    /// One byte of journal takes to publish.
    package var publishedByte = 10e-9
    /// Assumption: what a message takes of rank 0, sent or received, beyond one that it sends to itself.
    package var transport = 2e-6
    /// Assumption: one way between two nodes (5 us for InfiniBand, 20 us for Ethernet with TCP).
    package var latency = 5e-6
    /// Assumption: bytes a second between two nodes.
    package var bandwidth = 5e9
    /// Assumption: the disk's bytes a second, and how much the operating system holds back before it makes us wait.
    package var diskBandwidth = 300e6
    package var diskBuffer = 256e6
    /// Assumption: starting the processes and MPI, alone and for each further rank.
    package var start = 0.3
    package var startOfRank = 0.2e-3

    package init() {}

    /// Seconds until the ranks ask for work.
    func startSeconds(ranks: Int, tasks: Int) -> Double {
        (ranks > 1 ? start + startOfRank * Double(ranks) : 0) + queueing * Double(tasks)
    }
}
