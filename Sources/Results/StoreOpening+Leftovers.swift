import Randomness
import Sweep

/// What the ranks of the last run left: tasks that took their process down, and checkpoints.
extension StoreOpening {
    /// Makes a suspect of a task in whose flight a process died, and a failure of one that did it twice or went over the
    /// job's limits; collects the checkpoints of what is still to be done; removes what is of no more use.
    mutating func takeLeftovers() throws {
        let leftovers = RankLeftover.all(of: path)
        guard !leftovers.isEmpty else { return }
        let places = TaskPlaces(leftovers, job: job, grid: header.grid)
        for leftover in leftovers {
            guard let flight = leftover.flight, let accusation = flight.accusation else { continue }
            for task in places.places(flight.task, identity: flight.identity, grid: flight.grid) {
                try judge(task, flight, accusation)
            }
            try leftover.clearFlight()
        }
        for leftover in leftovers {
            // Of several places one goes on from it.
            if let checkpoint = leftover.checkpoint,
                let task = places.places(checkpoint.task, identity: checkpoint.identity, grid: checkpoint.grid)
                    .first(where: { !table.status(job.index(of: $0)).isFinal && checkpoints[$0] == nil })
            {
                checkpoints[task] = leftover.slot
            } else {
                try leftover.remove()
            }
        }
        if !checkpoints.isEmpty {
            let count = checkpoints.count
            notices.append(
                "\(count) task\(count == 1 ? " goes" : "s go") on from \(count == 1 ? "its" : "their") checkpoint")
        }
    }

    private mutating func judge(_ task: TaskID, _ flight: RankLeftover.Flight, _ accusation: String) throws {
        let status = table.status(job.index(of: task))
        guard !status.isFinal else { return }
        let record: TaskRecord
        switch flight.fate {
        case .overTime:
            record = TaskRecord(
                task: task, status: .failed,
                error:
                    "stopped: it was still running after \(Self.minutes(job.limits.taskSeconds)) minutes and did not "
                    + "look up (limits.task_minutes); raise the limit or shrink the point",
                wallSeconds: job.limits.taskSeconds ?? 0, rank: flight.rank)
        case .overMemory:
            record = TaskRecord(
                task: task, status: .failed,
                error: "stopped: it \(accusation), over limits.task_memory "
                    + "(\((job.limits.taskMemory ?? 0) / 1_000_000) MB); raise the limit or shrink the point",
                rank: flight.rank)
        default:
            let isSecond = status == .suspect
            record = TaskRecord(
                task: task, status: isSecond ? .failed : .suspect,
                error: isSecond
                    ? "took its process down twice: the second time it \(accusation)"
                    : "its process \(accusation); it runs once more when all else is done",
                rank: flight.rank)
        }
        try append(record)
        let place = job.grids[task.method].describe(point: task.point, seed: task.seed)
        notices.append("\(job.grids[task.method].method.name) at \(place): \(record.status.name), \(record.error)")
    }

    private static func minutes(_ seconds: Double?) -> String {
        let minutes = (seconds ?? 0) / 60
        return ResultFile.plain(minutes)
    }
}

/// Finds tasks of an earlier grid in the present one.
struct TaskPlaces {
    private let job: Job
    private let grid: UInt64
    /// Of the tasks that leftovers of other grids are about.
    private var byIdentity: [TaskIdentity: [TaskID]] = [:]

    init(_ leftovers: [RankLeftover], job: Job, grid: UInt64) {
        self.job = job
        self.grid = grid
        let flights = leftovers.compactMap(\.flight).filter { $0.grid != grid }.map(\.identity)
        let wanted = Set(flights + leftovers.compactMap(\.checkpoint).filter { $0.grid != grid }.map(\.identity))
        guard !wanted.isEmpty else { return }
        for (method, grid) in job.grids.enumerated() {
            for point in 0..<grid.pointCount {
                let parameters = grid.point(at: point)
                guard let prepared = try? grid.prepare(at: point) else { continue }
                for seed in 0..<grid.seedCount {
                    let name = grid.recordIdentity(prepared, parameters, seed: seed)
                    guard wanted.contains(name) else { continue }
                    byIdentity[name, default: []].append(TaskID(method: method, point: point, seed: seed))
                }
            }
        }
    }

    /// Where the task is in the present grid: nowhere, or in one or several places.
    func places(_ task: TaskID, identity: TaskIdentity, grid: UInt64) -> [TaskID] {
        grid == self.grid ? (job.has(task) ? [task] : []) : byIdentity[identity] ?? []
    }
}
