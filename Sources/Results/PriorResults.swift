import Modeling
import Sweep

/// What results at another place already hold of a job's tasks.
public enum PriorResults {
    /// For each task of `job` (by ``Job/index(of:)``) whether the results at `path` have it finished; nil when there
    /// are none. They are only looked at, also while they are being written.
    ///
    /// - Parameter countsFailed: whether failed tasks count as finished.
    /// - Throws: ``ResultError`` when they are damaged, or of a job that `job` does not go on with.
    public static func finished(_ job: Job, at path: String, countsFailed: Bool, models: [any Model]) throws -> [Bool]?
    {
        let path = Disk.resolved(path)
        guard Disk.exists(path) || Disk.exists(path + ".journal") else { return nil }
        let source = try RecordSource(path, models: models, known: job, remedy: .leaveOut)
        let map =
            source.header.grid == GridFingerprint(grids: job.grids).value ? nil : try JobMap(from: source, to: job)
        // Seeds that another rule spared may be needed by this one.
        let trustsSpared = source.header.seedRule == job.seedRules
        var finished = Array(repeating: false, count: job.taskCount)
        for index in 0..<source.table.count {
            let status = source.table.status(index)
            guard status.isFinal, status != .excluded, status != .failed || countsFailed,
                status != .spared || trustsSpared
            else { continue }
            let task = source.job.task(at: index)
            for place in map?.tasks(task) ?? [task] { finished[job.index(of: place)] = true }
        }
        return finished
    }
}
