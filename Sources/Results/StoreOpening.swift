import Foundation
import Modeling
import Sweep

/// Finds out what results of a job exist and makes them fit it: the work of ``ResultStore/open(job:models:options:provenance:notice:)``
/// once the lock is held. Whatever fails here leaves the old files as they were.
struct StoreOpening {
    var table: TaskTable
    /// Nil when a complete result file is all there is, and nothing is left to compute.
    private(set) var journal: Journal?
    private(set) var header: JournalHeader
    private(set) var events: [RunEvent] = []
    var notices: [String] = []
    /// Unfinished tasks that have a checkpoint, with the number of the rank file that holds it.
    var checkpoints: [TaskID: Int] = [:]
    let methodOffsets: [Int]

    let job: Job
    private let models: [any Model]
    private let options: ResultStore.Options
    private let provenance: Provenance
    let layouts: [MethodLayout]
    let path: String
    private var journalPath: String { path + ".journal" }

    init(
        job: Job, models: [any Model], options: ResultStore.Options, provenance: Provenance, layouts: [MethodLayout]
    ) throws {
        self.job = job
        self.models = models
        self.options = options
        self.provenance = provenance
        self.layouts = layouts
        path = job.output
        methodOffsets = layouts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.taskCount) }
        table = TaskTable(count: methodOffsets.last ?? 0)
        header = JournalHeader(
            programVersion: provenance.programVersion, jobText: job.text, overrides: job.overrides,
            seedRule: job.seedRules, grid: GridFingerprint(grids: job.grids).value,
            created: Timestamp.now())

        // Left over by a run that died; holding the lock, nobody else uses them.
        for debris in [path + ".publishing", journalPath + ".new"] { try Disk.remove(debris) }
        if options.fresh {
            if let aside = try ResultsAside.move(path) { notices.append(aside) }
            for leftover in RankLeftover.all(of: path) { try leftover.remove() }
        }
        if Disk.exists(journalPath) {
            try openJournal()
        } else if Disk.exists(path) {
            try openFile()
        } else {
            try startJournal()
        }
        try takeLeftovers()
    }

    // MARK: Nothing, or nothing wanted

    private mutating func startJournal() throws {
        let new = try Journal.create(journalPath + ".new", header: header)
        try new.moveDurably(to: journalPath)
        journal = new
        table.markExcluded(layouts)
    }

    private func requireSameNumbers(as version: String) throws {
        guard let difference = provenance.difference(fromVersion: version) else { return }
        throw ResultError.incompatible(path: path, differences: [difference])
    }

    // MARK: A journal

    private mutating func openJournal() throws {
        let found = try Journal.readHeader(journalPath)
        guard let found else { return try openHeadlessJournal() }
        try requireSameNumbers(as: found.programVersion)
        header.created = found.created
        if found.grid == header.grid {
            try takeJournal(found)
        } else {
            let map = try JobMap(
                oldText: found.jobText, overrides: found.overrides, oldGrid: found.grid,
                version: found.programVersion, new: job, models: models, path: path)
            try rebaseJournal(found, map)
        }
    }

    /// Reads a journal of this very grid.
    private mutating func takeJournal(_ found: JournalHeader) throws {
        var latest = found
        let (opened, damage) = try read(found) { latest = $0 }
        journal = opened
        notices += damage.messages(path: journalPath)
        // Records may be published before they are durable in the journal: after the death of the machine the file can
        // hold more than the journal, even one without visible damage.
        try recoverFromFile(into: opened)
        if latest.seedRule != header.seedRule { Self.dropSpared(in: table) }
        if latest.jobText != header.jobText || latest.overrides != header.overrides
            || latest.seedRule != header.seedRule
        {
            try opened.append(header)
        }
        settle()
    }

    private mutating func read(
        _ found: JournalHeader, readOnly: Bool = false, headerFound: (JournalHeader) -> Void
    ) throws -> (journal: Journal, damage: JournalDamage) {
        let table = table
        let layouts = layouts
        let offsets = methodOffsets
        var events: [RunEvent] = []
        var rule = found.seedRule
        let result = try Journal.open(
            journalPath, header: found, maximumBody: layouts.map(\.maximumBody).max() ?? TaskRecord.maximumError,
            visit: { offset, view in
                let task = view.task
                guard layouts.indices.contains(task.method), task.point < layouts[task.method].grid.pointCount,
                    task.seed < layouts[task.method].seedCount
                else { return }
                table.take(
                    offsets[task.method] + task.point * layouts[task.method].seedCount + task.seed, view.status,
                    offset: offset)
            },
            event: { events.append($0) },
            header: { header in
                // From here on the job is another: what its rule for seeds spared before may be needed now.
                if header.seedRule != rule { Self.dropSpared(in: table) }
                rule = header.seedRule
                headerFound(header)
            }, readOnly: readOnly)
        self.events = events
        return result
    }

    /// Both copies of the header are damaged. The records' checksums still tell whether they are of this grid.
    private mutating func openHeadlessJournal() throws {
        _ = try read(header, readOnly: true) { _ in }
        guard table.counts[.pending] < table.count else {
            if try !Journal.holdsTasks(journalPath) { return try replaceEmptyJournal() }
            throw ResultError.unreadable(
                path: journalPath,
                reason: "its beginning is damaged and no record in it is of this job. If the job was changed, undo "
                    + "that and run again; else use --fresh (it moves the old results aside)")
        }
        notices.append("the beginning of \(journalPath) is damaged; its records fit this job and are taken")
        table = TaskTable(count: table.count)
        // Into a new journal, whose header is whole.
        let new = try Journal.create(journalPath + ".new", header: header)
        let old = try Journal.open(
            journalPath, header: header, maximumBody: layouts.map(\.maximumBody).max() ?? TaskRecord.maximumError,
            visit: { _, _ in }, readOnly: true
        ).journal
        try copy(from: old, header: header, map: nil, into: new)
        try recoverFromFile(into: new)
        try new.moveDurably(to: journalPath)
        journal = new
        settle()
    }

    /// The journal was cut within its beginning, or never reached the disk: nothing in it can be lost any more.
    private mutating func replaceEmptyJournal() throws {
        let hasFile = Disk.exists(path)
        notices.append(
            "\(journalPath) is damaged and holds no record; "
                + (hasFile ? "going on from what \(path) holds" : "starting anew"))
        table = TaskTable(count: table.count)
        if hasFile { try openFile() } else { try startJournal() }
        if journal == nil { try Disk.remove(journalPath) }
    }

    /// Rewrites a journal of another grid for this one, beside it, and puts it in its place.
    private mutating func rebaseJournal(_ found: JournalHeader, _ map: JobMap) throws {
        var computed = map.oldLayouts.map { [Bool](repeating: false, count: $0.grid.pointCount) }
        let old = try Journal.open(
            journalPath, header: found, maximumBody: map.maximumBody,
            visit: { _, view in
                let task = view.task
                if computed.indices.contains(task.method), task.point < computed[task.method].count {
                    computed[task.method][task.point] = true
                }
            }, readOnly: true)
        try map.requireExtension { computed[$0][$1] }
        notices += old.damage.messages(path: journalPath)
        let new = try Journal.create(journalPath + ".new", header: header)
        try copy(from: old.journal, header: found, map: map, into: new)
        try finishRebase(new, map)
    }

    private mutating func finishRebase(_ new: Journal, _ map: JobMap) throws {
        let event = RunEvent(
            kind: .extended, time: Timestamp.now(), host: provenance.host, ranks: provenance.ranks,
            programVersion: provenance.programVersion)
        try new.append(event)
        events.append(event)
        try new.moveDurably(to: journalPath)
        journal = new
        let kept = table.count - table.counts[.pending]
        notices.append("the job's grid changed: \(kept) finished task\(kept == 1 ? "" : "s") taken over")
        settle()
    }

    /// Copies all records (and events) of a journal, mapped onto this grid.
    private mutating func copy(from old: Journal, header oldHeader: JournalHeader, map: JobMap?, into new: Journal)
        throws
    {
        var writer = RecordWriter(journal: new, table: table, layouts: layouts, methodOffsets: methodOffsets)
        var failure: (any Error)?
        var rule = oldHeader.seedRule
        var spared: [TaskRecord] = []
        var events: [RunEvent] = []
        _ = try Journal.open(
            old.path, header: oldHeader,
            maximumBody: map?.maximumBody ?? layouts.map(\.maximumBody).max() ?? TaskRecord.maximumError,
            visit: { _, view in
                guard failure == nil else { return }
                do {
                    var record = view.record
                    if let map {
                        guard let task = map.task(record.task) else { return }
                        record.task = task
                    }
                    if record.status == .spared { spared.append(record) } else { try writer.write(record) }
                } catch { failure = error }
            },
            event: { events.append($0) },
            header: { header in
                if header.seedRule != rule { spared.removeAll() }
                rule = header.seedRule
            }, readOnly: true)
        if let failure { throw failure }
        if rule == header.seedRule { for record in spared { try writer.write(record) } }
        try writer.flush()
        for event in events { try new.append(event) }
        self.events += events
    }

    // MARK: A result file

    /// Only a published file is there: a finished sweep, or one whose journal was deleted.
    private mutating func openFile() throws {
        // Nothing stands behind this file: it is read only when its bytes are what was written.
        if let damage = try FileSeal.problem(path) {
            throw ResultError.unreadable(
                path: path, reason: "\(damage). Restore a good copy, or use --fresh (it moves the file aside)")
        }
        let file = try ResultFile(path, isChecked: true)
        try requireSameNumbers(as: file.attribute("program_version") ?? "unknown")
        let old = try file.job()
        let fingerprint = try file.fingerprint()
        header.created = try file.attribute("created") ?? header.created
        let isSameRule = try file.attribute("seed_rule") == header.seedRule
        if fingerprint == header.grid, isSameRule, try takeStatuses(file) { return }

        table = TaskTable(count: table.count)
        if fingerprint == header.grid {
            let new = try Journal.create(journalPath + ".new", header: header)
            try importEvents(of: file, into: new)
            try importRecords(of: file, layouts: layouts, map: nil, keepsSpared: isSameRule, into: new)
            let event = RunEvent(
                kind: .imported, time: Timestamp.now(), host: provenance.host, ranks: provenance.ranks,
                programVersion: provenance.programVersion)
            try new.append(event)
            events.append(event)
            try new.moveDurably(to: journalPath)
            journal = new
            settle()
        } else {
            let map = try JobMap(
                oldText: old.text, overrides: old.overrides, oldGrid: fingerprint ?? 0,
                version: try file.attribute("program_version") ?? "unknown", new: job, models: models, path: path)
            try map.requireExtension { _, _ in true }
            let new = try Journal.create(journalPath + ".new", header: header)
            try importEvents(of: file, into: new)
            try importRecords(of: file, layouts: map.oldLayouts, map: map, keepsSpared: isSameRule, into: new)
            try finishRebase(new, map)
        }
    }

    /// Fills the table from the file's statuses; true when nothing is left to compute.
    private mutating func takeStatuses(_ file: ResultFile) throws -> Bool {
        for (method, layout) in layouts.enumerated() {
            let statuses = try file.statuses(method: layout.grid.method.name)
            guard statuses.count == layout.taskCount else { return false }
            for (task, status) in statuses.enumerated() where status != .pending && status != .excluded {
                table.set(methodOffsets[method] + task, status, offset: 0)
            }
        }
        settle()
        return table.counts.isComplete
    }

    private mutating func importEvents(of file: ResultFile, into new: Journal) throws {
        let old = try file.events()
        for event in old { try new.append(event) }
        events += old
    }

    private mutating func importRecords(
        of file: ResultFile, layouts old: [MethodLayout], map: JobMap?, keepsSpared: Bool, into new: Journal
    ) throws {
        var writer = RecordWriter(journal: new, table: table, layouts: layouts, methodOffsets: methodOffsets)
        try file.forEachRecord(old) { found in
            var record = found
            if let map {
                guard let task = map.task(record.task) else { return }
                record.task = task
            }
            if record.status != .spared || keepsSpared { try writer.write(record) }
        }
        try writer.flush()
    }

    /// What the journal lost may have been published before.
    private mutating func recoverFromFile(into journal: Journal) throws {
        guard table.counts[.pending] > 0, Disk.exists(path), (try? FileSeal.problem(path)) == .some(nil),
            let file = try? ResultFile(path, isChecked: true), (try? file.fingerprint()) == header.grid,
            try holdsMore(file)
        else { return }
        var writer = RecordWriter(journal: journal, table: table, layouts: layouts, methodOffsets: methodOffsets)
        let before = table.counts[.pending]
        let isSameRule = (try? file.attribute("seed_rule")) == header.seedRule
        let table = table
        let layouts = layouts
        let offsets = methodOffsets
        do {
            try file.forEachRecord(layouts) { record in
                let task = record.task
                let index = offsets[task.method] + task.point * layouts[task.method].seedCount + task.seed
                if table.status(index) == .pending, record.status != .spared || isSameRule {
                    try writer.write(record)
                }
            }
        } catch {
            notices.append(
                "'\(path)' is damaged too and could not fill the journal's gaps; it will be rebuilt (\(error))")
        }
        try writer.flush()
        let recovered = before - table.counts[.pending]
        if recovered > 0 { notices.append("\(recovered) records missing in the journal were recovered from \(path)") }
    }

    /// Whether the file says of a task how it ended that is pending here.
    private func holdsMore(_ file: ResultFile) throws -> Bool {
        for (method, layout) in layouts.enumerated() {
            let statuses = try file.statuses(method: layout.grid.method.name)
            guard statuses.count == layout.taskCount else { return false }
            for (task, status) in statuses.enumerated() where ![.pending, .excluded, .spared].contains(status) {
                if table.status(methodOffsets[method] + task) == .pending { return true }
            }
        }
        return false
    }

    /// The flat index of a task in the table.
    func index(of task: TaskID) -> Int {
        methodOffsets[task.method] + task.point * layouts[task.method].seedCount + task.seed
    }

    /// Adds a record to the journal, if there is one, and to the table.
    mutating func append(_ record: TaskRecord) throws {
        guard let journal else { return }
        var writer = RecordWriter(journal: journal, table: table, layouts: layouts, methodOffsets: methodOffsets)
        try writer.write(record)
        try writer.flush()
    }

    // MARK: Statuses that follow from the job

    private func settle() {
        if options.retriesFailed {
            for task in 0..<table.count where table.status(task) == .failed { table.set(task, .pending, offset: 0) }
        }
        table.markExcluded(layouts)
    }

    private static func dropSpared(in table: TaskTable) {
        for task in 0..<table.count where table.status(task) == .spared { table.set(task, .pending, offset: 0) }
    }
}

/// Appends records to a new journal in large pieces and enters them into the table.
private struct RecordWriter {
    let journal: Journal
    let table: TaskTable
    let layouts: [MethodLayout]
    let methodOffsets: [Int]
    private var bytes: [UInt8] = []
    private var entries: [(task: Int, status: TaskStatus, at: Int)] = []

    init(journal: Journal, table: TaskTable, layouts: [MethodLayout], methodOffsets: [Int]) {
        self.journal = journal
        self.table = table
        self.layouts = layouts
        self.methodOffsets = methodOffsets
    }

    mutating func write(_ record: TaskRecord) throws {
        let task = record.task
        let index = methodOffsets[task.method] + task.point * layouts[task.method].seedCount + task.seed
        entries.append((index, record.status, bytes.count))
        record.encode(into: &bytes, grid: journal.header.grid)
        if bytes.count > 1 << 20 { try flush() }
    }

    mutating func flush() throws {
        guard !entries.isEmpty else { return }
        let start = try bytes.withUnsafeBytes { try journal.append($0) }
        for entry in entries { table.take(entry.task, entry.status, offset: start + entry.at) }
        bytes.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
    }
}
