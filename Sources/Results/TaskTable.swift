import Sweep

/// What is known of every task: a byte for its status and where its record lies in the journal; 9 bytes a task.
/// Not synchronised; its owner locks.
final class TaskTable {
    let count: Int
    private let statuses: UnsafeMutablePointer<UInt8>
    private let offsets: UnsafeMutablePointer<Int>
    private(set) var counts = StatusCounts()

    init(count: Int) {
        self.count = count
        statuses = .allocate(capacity: max(1, count))
        offsets = .allocate(capacity: max(1, count))
        statuses.initialize(repeating: TaskStatus.pending.rawValue, count: count)
        offsets.initialize(repeating: 0, count: count)
        counts.add(.pending, count: count)
    }

    deinit {
        statuses.deallocate()
        offsets.deallocate()
    }

    func status(_ task: Int) -> TaskStatus {
        precondition(task >= 0 && task < count, "task index")
        return TaskStatus(rawValue: statuses[task]) ?? .pending
    }

    func offset(_ task: Int) -> Int {
        precondition(task >= 0 && task < count, "task index")
        return offsets[task]
    }

    func set(_ task: Int, _ status: TaskStatus, offset: Int) {
        counts.move(from: self.status(task), to: status)
        statuses[task] = status.rawValue
        offsets[task] = offset
    }

    /// Takes in a record that was written after those before, if it counts; returns whether it does.
    @discardableResult
    func take(_ task: Int, _ status: TaskStatus, offset: Int) -> Bool {
        guard RecordRule.counts(status, over: self.status(task), .later) else { return false }
        set(task, status, offset: offset)
        return true
    }

    /// Forgets which seeds were spared: another rule may need them.
    func dropSpared() {
        for task in 0..<count where status(task) == .spared { set(task, .pending, offset: 0) }
    }

    /// Marks what `where` leaves out. A point that was computed before it was left out keeps its results.
    ///
    /// - Parameter job: whose tasks the table is of.
    func markExcluded(_ job: Job) {
        for (method, grid) in job.grids.enumerated() where grid.filter != nil {
            for point in 0..<grid.pointCount where !grid.isIncluded(point) {
                let first = job.index(of: TaskID(method: method, point: point, seed: 0))
                for task in first..<(first + grid.seedCount) where status(task) == .pending {
                    set(task, .excluded, offset: 0)
                }
            }
        }
    }

    /// The state of tasks, counted from task `first`.
    func snapshot(_ range: Range<Int>, from first: Int) -> TaskSnapshot {
        TaskSnapshot(statuses: range.map { status(first + $0) }, offsets: range.map { offset(first + $0) })
    }
}
