import Foundation
import Modeling
import Sweep

/// The records of the union while they come in: the best one of each task goes to the new journal, and what two
/// inputs say differently of one task is noted. 19 bytes a task.
struct MergeTable {
    let tasks: TaskTable
    let journal: Journal
    private(set) var conflictCount = 0
    /// The first conflicts, in words.
    private(set) var conflicts: [String] = []

    private let layouts: [MethodLayout]
    private let offsets: [Int]
    private let names: [String]
    /// A hash of what came out of each task, so that most records need not be read again to be compared.
    private var fates: [UInt64]
    /// The input each record is from.
    private var origins: [UInt16]
    private var bytes: [UInt8] = []

    private static let listed = 5

    /// - Parameter names: of the inputs, for messages.
    init(layouts: [MethodLayout], journal: Journal, names: [String]) {
        self.layouts = layouts
        self.journal = journal
        self.names = names
        offsets = layouts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.taskCount) }
        let count = offsets.last ?? 0
        tasks = TaskTable(count: count)
        fates = Array(repeating: 0, count: count)
        origins = Array(repeating: 0, count: count)
    }

    /// How much a status says: results before everything, and what was tried before what was not.
    private static func weight(_ status: TaskStatus) -> Int {
        switch status {
        case .done, .diverged: return 4
        case .spared: return 3
        case .failed: return 2
        default: return status == .pending || status == .excluded ? 0 : 1
        }
    }

    /// Takes in a record of input number `origin`, whose task is one of the union's.
    mutating func take(_ record: TaskRecord, from origin: Int) throws {
        let task = record.task
        let index = offsets[task.method] + task.point * layouts[task.method].seedCount + task.seed
        let (old, new) = (Self.weight(tasks.status(index)), Self.weight(record.status))
        if old == 4, new == 4 {
            if fates[index] != Self.fate(record) { try addConflict(index, record, origin) }
            return
        }
        // Of equals, a later word of the same journal counts: a failed task was tried again.
        guard new > old || (new == old && new > 0 && Int(origins[index]) == origin) else { return }
        tasks.set(index, record.status, offset: journal.end + bytes.count)
        if new == 4 { fates[index] = Self.fate(record) }
        origins[index] = UInt16(truncatingIfNeeded: origin)
        record.encode(into: &bytes, grid: journal.header.grid)
        if bytes.count > 1 << 20 { try flush() }
    }

    /// Hands what is buffered to the journal.
    mutating func flush() throws {
        guard !bytes.isEmpty else { return }
        _ = try bytes.withUnsafeBytes { try journal.append($0) }
        bytes.removeAll(keepingCapacity: true)
    }

    /// Equal for equal results. Which NaN it is does not count, nor do values that are all NaN: a file does not tell
    /// them from none.
    private static func fate(_ record: TaskRecord) -> UInt64 {
        var hash = UInt64(record.status.rawValue)
        guard record.buffers.contains(where: { $0.contains { !$0.isNaN } }) else { return hash }
        for buffer in record.buffers {
            let plain = buffer.contains(where: \.isNaN) ? buffer.map { $0.isNaN ? .nan : $0 } : buffer
            hash = plain.withUnsafeBytes { XXH64.hash($0, seed: hash) }
        }
        return hash
    }

    // MARK: Conflicts

    private mutating func addConflict(_ index: Int, _ record: TaskRecord, _ origin: Int) throws {
        conflictCount += 1
        guard conflicts.count < Self.listed else { return }
        try flush()
        let other = try journal.record(at: tasks.offset(index))
        let (one, two) = (names[Int(origins[index])], names[origin])
        conflicts.append("\(place(record.task)): \(difference(other, record, one, two))")
    }

    /// `sgd L=4 step_size=0.1 seed=3`.
    private func place(_ task: TaskID) -> String {
        let grid = layouts[task.method].grid
        var parts = [grid.method.name]
        for (axis, index) in zip(grid.axes, grid.indices(of: task.point)) {
            for coordinate in axis.coordinates { parts.append("\(coordinate.name)=\(coordinate.values[index].text)") }
        }
        if let seeds = grid.seeds { parts.append("seed=\(seeds.base + task.seed)") }
        return parts.joined(separator: " ")
    }

    private func difference(_ one: TaskRecord, _ two: TaskRecord, _ first: String, _ second: String) -> String {
        func said(_ left: String, _ right: String) -> String { "\(left) in '\(first)', \(right) in '\(second)'" }
        guard one.status == two.status else { return said(one.status.name, two.status.name) }
        let layout = layouts[one.task.method]
        for (slot, (left, right)) in zip(layout.slots, zip(one.buffers, two.buffers)) {
            guard left.count == right.count else { return said("\(left.count) values", "\(right.count)") }
            for (at, (a, b)) in zip(left, right).enumerated()
            where a.bitPattern != b.bitPattern && !(a.isNaN && b.isNaN) {
                let time = slot.hasTime ? layout.grid.times.values[at * slot.timeCount / left.count] : nil
                let when = time.map { " at \(layout.grid.times.unit.rawValue) \(ParameterValue.real($0).text)" } ?? ""
                return "\(slot.spec.name)\(when) is " + said("\(a)", "\(b)")
            }
        }
        return said("with values", "without")
    }
}
