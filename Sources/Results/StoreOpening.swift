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
    /// What the results were made with, and this program.
    private(set) var builds: [Build] = []
    var notices: [String] = []
    private(set) var warnings: [String] = []
    /// Unfinished tasks that have a checkpoint, with the number of the rank file that holds it.
    var checkpoints: [TaskID: Int] = [:]
    let job: Job
    let layouts: [MethodLayout]
    let path: String
    private let models: [any Model]
    private let options: ResultStore.Options
    private let provenance: Provenance
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
        table = TaskTable(count: job.taskCount)
        header = JournalHeader(job: job, programVersion: provenance.programVersion)

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
        settle()
        if let journal, !builds.contains(where: { $0.key == provenance.build.key }) {
            builds.append(provenance.build)
            try journal.append(provenance.build)
        }
        try takeLeftovers()
    }

    // MARK: Nothing, or nothing wanted

    private mutating func startJournal() throws {
        let new = try Journal.create(journalPath + ".new", of: path, header: header)
        try new.moveDurably(to: journalPath)
        journal = new
    }

    // MARK: A journal

    private mutating func openJournal() throws {
        guard let found = try Journal.readHeader(journalPath) else { return try openHeadlessJournal() }
        if found.grid == header.grid { return try takeJournal(found) }
        try extend(try RecordSource(path, models: models, remedy: .fresh))
    }

    /// Reads a journal of this very grid, and goes on with it.
    private mutating func takeJournal(_ found: JournalHeader) throws {
        let scan = try JournalScan(journalPath, header: found, job, layouts, into: table, readOnly: false)
        try takeBuilds(scan.builds, of: table)
        header.created = found.created
        events = scan.events
        notices += scan.damage.messages(path: journalPath)
        // Records may be published before they are durable in the journal: after the death of the machine the file can
        // hold more than the journal, even one without visible damage.
        try recoverFromFile(into: scan.journal)
        if scan.header.seedRule != header.seedRule { table.dropSpared() }
        if scan.header.jobText != header.jobText || scan.header.overrides != header.overrides
            || scan.header.seedRule != header.seedRule
        {
            try scan.journal.append(header)
        }
        journal = scan.journal
    }

    /// Both copies of the header are damaged. The records' checksums still tell whether they are of this grid.
    private mutating func openHeadlessJournal() throws {
        let probe = TaskTable(count: table.count)
        _ = try JournalScan(journalPath, header: header, job, layouts, into: probe, readOnly: true)
        guard probe.counts[.pending] < probe.count else {
            if try !Journal.holdsTasks(journalPath) { return try replaceEmptyJournal() }
            if let file = try? RecordSource.wholeFile(path, .fresh) { return try replaceJournal(by: file) }
            throw ResultError.unreadable(
                path: journalPath,
                reason: "its beginning is damaged and no record in it is of this job. If the job was changed, undo "
                    + "that and run again; else use --fresh (it moves the old results aside)")
        }
        notices.append("the beginning of \(journalPath) is damaged; its records fit this job and are taken")
        try take(try RecordSource(path, models: models, known: job, remedy: .fresh), map: nil, as: nil)
    }

    /// The journal was cut within its beginning, or never reached the disk: nothing in it can be lost any more.
    private mutating func replaceEmptyJournal() throws {
        let hasFile = Disk.exists(path)
        notices.append(
            "\(journalPath) is damaged and holds no record; "
                + (hasFile ? "going on from what \(path) holds" : "starting anew"))
        if hasFile { try openFile() } else { try startJournal() }
        if journal == nil { try Disk.remove(journalPath) }
    }

    /// Goes on from an intact file whose journal is damaged beyond use with this job. Remnants in it that are of the
    /// file's grid count too.
    private mutating func replaceJournal(by file: ResultFile) throws {
        let isSameGrid = try file.fingerprint() == header.grid
        let source = try RecordSource(path, models: models, known: isSameGrid ? job : nil, remedy: .fresh)
        notices.append("the beginning of \(journalPath) is damaged; going on from what \(path) holds")
        if isSameGrid {
            try take(source, map: nil, as: .imported, keepsJournal: true)
        } else {
            try extend(source, keepsJournal: true)
        }
    }

    // MARK: A result file

    /// Only a published file is there, or counts: a finished sweep, or one whose journal was deleted.
    private mutating func openFile() throws {
        // Nothing stands behind this file: it is read only when its bytes are what was written.
        let file = try RecordSource.wholeFile(path, .fresh)
        let isSameGrid = try file.fingerprint() == header.grid
        if isSameGrid, try file.attribute("seed_rule") == header.seedRule {
            try file.forEachStatus(of: job, layouts, beside: table, keepsSpared: true) {
                table.set($0, $1, offset: 0)
            }
            settle()
            if table.counts.isComplete {
                builds = try file.builds()
                header.created = try file.attribute("created") ?? header.created
                return
            }
            table = TaskTable(count: table.count)
        }
        let source = try RecordSource(path, models: models, known: job, only: file, remedy: .fresh)
        if isSameGrid { try take(source, map: nil, as: .imported) } else { try extend(source) }
    }

    /// What the journal lost may have been published before.
    private mutating func recoverFromFile(into journal: Journal) throws {
        let results = table.counts[.done] + table.counts[.diverged]
        guard results < table.count, Disk.exists(path), (try? FileSeal.problem(path)) == .some(nil),
            let file = try? ResultFile(path, .done), (try? file.fingerprint()) == header.grid
        else { return }
        let keepsSpared = (try? file.attribute("seed_rule")) == header.seedRule
        var missing = 0
        try file.forEachStatus(of: job, layouts, beside: table, keepsSpared: keepsSpared) { _, status in
            // What was spared is soon spared again.
            if status != .spared { missing += 1 }
        }
        guard missing > 0 else { return }
        let known = Set(builds.map(\.key))
        for build in (try? file.builds()) ?? [] where !known.contains(build.key) {
            builds.append(build)
            try journal.append(build)
        }
        var records = RecordImport(job, journal: journal, table: table)
        var recovered = 0
        do {
            try file.forEachRecord(of: job, layouts, beside: table, keepsSpared: keepsSpared) {
                if !$0.status.isResult || !table.status(job.index(of: $0.task)).isResult {
                    try records.take($0)
                    recovered += 1
                }
            }
        } catch {
            notices.append(
                "'\(path)' is damaged too and could not fill the journal's gaps; it will be rebuilt (\(error))")
        }
        try records.flush()
        if recovered > 0 { notices.append("\(recovered) records missing in the journal were recovered from \(path)") }
    }

    // MARK: Results of another grid, or in another form

    /// Rewrites results of another grid for this one.
    private mutating func extend(_ source: RecordSource, keepsJournal: Bool = false) throws {
        try take(source, map: try JobMap(from: source, to: job), as: .extended, keepsJournal: keepsJournal)
        let kept = table.count - table.counts[.pending]
        notices.append("the job's grid changed: \(kept) finished task\(kept == 1 ? "" : "s") taken over")
    }

    /// Takes earlier results into a new journal, which then takes the place of the old one.
    ///
    /// - Parameter keepsJournal: whether the old one is kept aside, as it holds what could not be read.
    private mutating func take(
        _ source: RecordSource, map: JobMap?, as kind: RunEvent.Kind?, keepsJournal: Bool = false
    ) throws {
        try takeBuilds(source.builds, of: source.table)
        header.created = source.header.created
        let new = try Journal.create(journalPath + ".new", of: path, header: header)
        var records = RecordImport(job, journal: new, table: table)
        try records.take(source, map: map)
        events = source.events
        if let kind { events.append(RunEvent(kind, provenance)) }
        for event in events { try new.append(event) }
        for build in builds { try new.append(build) }
        if keepsJournal { notices.append(try ResultsAside.moveJournal(of: path)) }
        try new.moveDurably(to: journalPath)
        journal = new
        notices += source.notices
    }

    /// Adds a record to the journal, if there is one, and to the table.
    mutating func append(_ record: TaskRecord) throws {
        guard let journal else { return }
        var records = RecordImport(job, journal: journal, table: table)
        try records.take(record)
        try records.flush()
    }

    // MARK: What they were made with

    /// Takes over what results with the statuses of `table` were made with; says so, or refuses, when that is not this
    /// program.
    private mutating func takeBuilds(_ found: [Build], of table: TaskTable) throws {
        builds = found
        let own = provenance.build
        let others = found.filter { $0.key != own.key }
        guard [.done, .failed, .diverged].contains(where: { table.counts[$0] > 0 }),
            found.isEmpty || !others.isEmpty
        else { return }
        let mixture = BuildMixture(path: path, others: others, own: own, revision: job.model.revision)
        if options.requiresSameBuild { throw ResultError.otherBuild(mixture) }
        // Once: from here on this program is one of theirs.
        if others.count == found.count { warnings.append(mixture.warning) }
    }

    // MARK: Statuses that follow from the job

    private func settle() {
        if options.retriesFailed {
            for task in 0..<table.count where table.status(task) == .failed { table.set(task, .pending, offset: 0) }
        }
        table.markExcluded(job)
    }
}
