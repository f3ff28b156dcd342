import Modeling
import Sweep

/// How the tasks of an earlier job lie in the grid of the present one.
struct JobMap {
    private let methods: [(method: Int, map: GridMap)?]

    init(from old: Job, to new: Job) {
        methods = old.grids.map { grid in
            guard let index = new.grids.firstIndex(where: { $0.method.name == grid.method.name }) else { return nil }
            return (index, GridMap(from: grid, to: new.grids[index]))
        }
    }

    /// The map of earlier results.
    ///
    /// - Throws: when the new job is no extension of the old one, as far as it was computed.
    init(from source: RecordSource, to new: Job) throws {
        let differences = new.incompatibilities(with: source.job) { source.isComputed(method: $0, point: $1) }
        if !differences.isEmpty { throw ResultError.incompatible(path: source.path, differences: differences) }
        self.init(from: source.job, to: new)
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
