import Foundation
import Modeling
import Sweep

/// Takes records of one or several sources into a journal and a table: the one way in, for opening, recovering and
/// merging.
struct RecordImport {
    let table: TaskTable
    let journal: Journal
    private let job: Job
    /// Nil with one source.
    private var comparison: Comparison?
    private var bytes: [UInt8] = []
    private var entries: [(task: Int, status: TaskStatus, at: Int)] = []

    /// What is kept to compare sources: 10 bytes a task.
    private struct Comparison {
        let names: [String]
        /// A hash of what came out of each task, so that most records need not be read again to be compared.
        var fates: [UInt64]
        /// The source each record is from.
        var origins: [UInt16]
        var count = 0
        /// The first conflicts, in words.
        var first: [String] = []

        static let listed = 5
    }

    /// - Parameters:
    ///   - job: whose tasks journal and table are of.
    ///   - names: of several sources, for messages; their results of one task must be the same. Nil: there is one.
    init(_ job: Job, journal: Journal, table: TaskTable, comparing names: [String]? = nil) {
        self.job = job
        self.journal = journal
        self.table = table
        comparison = names.map {
            Comparison(
                names: $0, fates: Array(repeating: 0, count: table.count),
                origins: Array(repeating: 0, count: table.count))
        }
    }

    /// Takes in all records of a source, each in all its places.
    ///
    /// - Parameters:
    ///   - map: nil when its grid is this one.
    ///   - number: which of several it is.
    ///   - beat: called from time to time.
    mutating func take(
        _ source: RecordSource, map: JobMap?, number: Int = 0, beat: () throws -> Void = {}
    ) throws {
        var count = 0
        try source.forEachRecord(seedRule: journal.header.seedRule) { record in
            count += 1
            if count % 1024 == 0 { try beat() }
            guard let map else { return try take(record, from: number) }
            var record = record
            for task in map.tasks(record.task) {
                record.task = task
                try take(record, from: number)
            }
        }
        try flush()
    }

    /// Takes in one record, if it counts.
    mutating func take(_ record: TaskRecord, from number: Int = 0) throws {
        let index = job.index(of: record.task)
        let old = table.status(index)
        if old.isResult, record.status.isResult { return try compare(record, index, number) }
        let order: RecordRule.Order =
            comparison.map { $0.origins[index] == UInt16(truncatingIfNeeded: number) } ?? true ? .later : .elsewhere
        guard RecordRule.counts(record.status, over: old, order) else { return }
        table.set(index, record.status, offset: journal.end + bytes.count)
        if comparison != nil {
            comparison?.origins[index] = UInt16(truncatingIfNeeded: number)
            if record.status.isResult { comparison?.fates[index] = Self.fate(record) }
        }
        record.encode(into: &bytes, grid: journal.header.grid)
        if bytes.count > 1 << 20 { try flush() }
    }

    /// Hands what is buffered to the journal.
    mutating func flush() throws {
        guard !bytes.isEmpty else { return }
        _ = try bytes.withUnsafeBytes { try journal.append($0) }
        bytes.removeAll(keepingCapacity: true)
    }

    // MARK: Conflicts

    /// - Throws: ``MergeError/conflicts(count:first:)`` when sources say differently what came out of a task.
    func requireAgreement() throws {
        guard let comparison, comparison.count > 0 else { return }
        throw MergeError.conflicts(count: comparison.count, first: comparison.first)
    }

    private mutating func compare(_ record: TaskRecord, _ index: Int, _ number: Int) throws {
        guard let known = comparison, known.fates[index] != Self.fate(record) else { return }
        comparison?.count += 1
        guard known.first.count < Comparison.listed else { return }
        try flush()
        let other = try journal.record(at: table.offset(index))
        let (one, two) = (known.names[Int(known.origins[index])], known.names[number])
        let grid = job.grids[record.task.method]
        let place = grid.describe(point: record.task.point, seed: record.task.seed)
        comparison?.first.append(
            "\(grid.method.name) \(place): \(try Self.difference(other, record, one, two, grid))")
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

    private static func difference(
        _ one: TaskRecord, _ two: TaskRecord, _ first: String, _ second: String, _ grid: MethodGrid
    ) throws -> String {
        func said(_ left: String, _ right: String) -> String { "\(left) in '\(first)', \(right) in '\(second)'" }
        guard one.status == two.status else { return said(one.status.name, two.status.name) }
        for (slot, (left, right)) in zip(try MethodLayout(grid: grid).slots, zip(one.buffers, two.buffers)) {
            guard left.count == right.count else { return said("\(left.count) values", "\(right.count)") }
            for (at, (a, b)) in zip(left, right).enumerated()
            where a.bitPattern != b.bitPattern && !(a.isNaN && b.isNaN) {
                let time = slot.hasTime ? grid.times.values[at * slot.timeCount / left.count] : nil
                let when = time.map { " at \(grid.times.unit.rawValue) \(ParameterValue.real($0).text)" } ?? ""
                return "\(slot.spec.name)\(when) is " + said("\(a)", "\(b)")
            }
        }
        return said("with values", "without")
    }
}
