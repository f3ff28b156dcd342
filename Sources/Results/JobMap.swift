import Modeling
import Sweep

/// How the tasks of an earlier job lie in the grid of the present one.
struct JobMap {
    let oldLayouts: [MethodLayout]
    private let methods: [(method: Int, map: GridMap)?]
    private let old: Job
    private let new: Job
    private let path: String

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
        self.old = old
        self.new = new
        self.path = path
        methods = old.grids.map { grid in
            guard let index = new.grids.firstIndex(where: { $0.method.name == grid.method.name }) else { return nil }
            return (index, GridMap(from: grid, to: new.grids[index]))
        }
    }

    /// Throws when the new job is no extension of the old one.
    ///
    /// - Parameter isComputed: whether anything is known of a point of the old grid.
    func requireExtension(isComputed: (_ method: Int, _ point: Int) -> Bool) throws {
        let differences = new.incompatibilities(with: old, isComputed: isComputed)
        if !differences.isEmpty { throw ResultError.incompatible(path: path, differences: differences) }
    }

    /// Where a task of the old job is now: in several places when an axis of the new one does not matter there, in none
    /// when the new one does not have it.
    func tasks(_ task: TaskID) -> [TaskID] {
        guard methods.indices.contains(task.method), let (method, map) = methods[task.method],
            let seed = map.seed(task.seed)
        else { return [] }
        return map.points(task.point).map { TaskID(method: method, point: $0, seed: seed) }
    }
}
