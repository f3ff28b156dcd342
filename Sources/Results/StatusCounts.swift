/// How many tasks have which status.
public struct StatusCounts: Sendable, Hashable {
    /// By raw value: a long axis has counts for each of its values, none of which is to be an allocation.
    private var counts = SIMD8<Int>()

    public init() {}

    public subscript(status: TaskStatus) -> Int { counts[Int(status.rawValue)] }

    public mutating func add(_ status: TaskStatus, count: Int = 1) { counts[Int(status.rawValue)] += count }

    mutating func move(from old: TaskStatus, to new: TaskStatus) {
        counts[Int(old.rawValue)] -= 1
        counts[Int(new.rawValue)] += 1
    }

    public mutating func add(_ other: StatusCounts) {
        counts &+= other.counts
    }

    /// All tasks of the grid, those that `where` leaves out included.
    public var total: Int { counts.wrappedSum() }

    /// Tasks that ended without a result: failed and diverged.
    public var failures: Int { self[.failed] + self[.diverged] }

    /// Tasks that are still to be computed: pending and suspect.
    public var unfinished: Int { self[.pending] + self[.suspect] }

    /// True when nothing is left to compute.
    public var isComplete: Bool { unfinished == 0 }

    func write(to group: HDF5Group) throws {
        try group.setAttribute("tasks_total", total)
        for status in TaskStatus.allCases { try group.setAttribute("tasks_\(status.name)", self[status]) }
        try group.setAttribute("complete", Int8(isComplete ? 1 : 0))
    }
}
