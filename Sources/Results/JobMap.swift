import Modeling
import Sweep

/// How the tasks of an earlier job lie in the grid of the present one.
final class JobMap {
    private let methods: [(method: Int, map: GridMap)?]
    /// The places of the point that was asked for last: its seeds come one after the other.
    private var last: (method: Int, point: Int, places: [Int])?

    /// - Parameter known: maps of some of the old grids, by their index.
    init(from old: Job, to new: Job, known: [Int: GridMap] = [:]) {
        methods = old.grids.enumerated().map { number, grid in
            guard let index = new.grids.firstIndex(where: { $0.method.name == grid.method.name }) else { return nil }
            return (index, known[number] ?? GridMap(from: grid, to: new.grids[index]))
        }
    }

    /// The map of earlier results.
    ///
    /// - Throws: when the new job is no extension of the old one, as far as it was computed.
    convenience init(from source: RecordSource, to new: Job) throws {
        let (differences, maps) = new.compare(with: source.job) { source.isComputed(method: $0, point: $1) }
        if !differences.isEmpty { throw ResultError.incompatible(path: source.path, differences: differences) }
        self.init(from: source.job, to: new, known: maps)
    }

    /// Where a task of the old job is now: in several places when an axis of the new one does not matter there, in none
    /// when the new one does not have it.
    func tasks(_ task: TaskID) -> [TaskID] {
        guard methods.indices.contains(task.method), let (method, map) = methods[task.method],
            let seed = map.seed(task.seed)
        else { return [] }
        if last?.method != task.method || last?.point != task.point {
            last = (task.method, task.point, map.points(task.point))
        }
        return (last?.places ?? []).map { TaskID(method: method, point: $0, seed: seed) }
    }
}
