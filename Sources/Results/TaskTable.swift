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

    /// Takes a record in. A task that is done stays done; of any others the last word counts.
    func take(_ task: Int, _ status: TaskStatus, offset: Int) {
        if self.status(task) == .done, status != .done { return }
        set(task, status, offset: offset)
    }

    /// Marks what `where` leaves out. A point that was computed before it was left out keeps its results.
    ///
    /// - Parameter layouts: of all methods, whose tasks follow each other in the table.
    func markExcluded(_ layouts: [MethodLayout]) {
        var first = 0
        for layout in layouts {
            if layout.grid.filter != nil {
                for point in 0..<layout.grid.pointCount where !layout.grid.isIncluded(point) {
                    for task in (first + point * layout.seedCount)..<(first + (point + 1) * layout.seedCount)
                    where status(task) == .pending { set(task, .excluded, offset: 0) }
                }
            }
            first += layout.taskCount
        }
    }

    func snapshot(_ range: Range<Int>) -> TaskSnapshot {
        TaskSnapshot(statuses: range.map(status), offsets: range.map(offset))
    }
}
