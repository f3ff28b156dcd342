import Modeling
import Sweep

/// How the tasks of an earlier job lie in the grid of the present one.
struct JobMap {
    let oldLayouts: [MethodLayout]
    private let methods: [Int?]

    /// No record of the old grid is longer.
    var maximumBody: Int { oldLayouts.map(\.maximumBody).max() ?? TaskRecord.maximumError }

    /// Rebuilds the old job from its text and compares it with the new one.
    init(
        oldText: String, overrides: [String], oldGrid: UInt64, version: String, new: Job, models: [any Model],
        path: String
    ) throws {
        let old: Job
        do {
            old = try Job.parse(
                text: oldText, path: "the job in \(path)", overrides: overrides, models: models, checksOutput: false)
        } catch {
            throw ResultError.incompatible(
                path: path,
                differences: ["its job, written by version \(version), is no valid job for this version: \(error)"])
        }
        guard GridFingerprint(grids: old.grids).value == oldGrid else {
            throw ResultError.incompatible(
                path: path,
                differences: [
                    "it was written by version \(version), for which the same job text means another grid; go on with "
                        + "that version"
                ])
        }
        oldLayouts = try old.grids.map(MethodLayout.init(grid:))
        methods = []
    }

    /// Where a task of the old job is now; nil when the new one does not have it.
    func task(_ old: TaskID) -> TaskID? { nil }
}
