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
        guard Disk.exists(path) || Disk.exists(path + ".journal") else { return nil }
        let input = try MergeInput(path, models: models)
        var map: JobMap?
        if input.grid != GridFingerprint(grids: job.grids).value {
            let its = try JobMap(
                oldText: input.job.text, overrides: input.job.overrides, oldGrid: input.grid,
                version: input.programVersion, new: job, models: models, path: path)
            try its.requireExtension { _, _ in true }
            map = its
        }
        // Seeds that another rule spared may be needed by this one.
        let trustsSpared = input.job.seedRules == job.seedRules
        var finished = Array(repeating: false, count: job.taskCount)
        try input.forEachStatus { task, status in
            guard status.isFinal, status != .excluded, status != .failed || countsFailed,
                status != .spared || trustsSpared,
                let task = map == nil ? task : map?.task(task)
            else { return }
            finished[job.index(of: task)] = true
        }
        return finished
    }
}
