import Foundation
import Modeling
import Sweep

/// Earlier results as they lie on disk: a published file, the journal of an interrupted run beside it, or both. They
/// are only read.
final class RecordSource {
    let path: String
    /// What they say of themselves, as it was last.
    let header: JournalHeader
    /// The job whose grid they have.
    let job: Job
    let layouts: [MethodLayout]
    /// What is known of every task of ``job``. What a rule for seeds spared that was given up since is pending.
    let table: TaskTable
    /// What has happened to them, as far as they tell.
    let events: [RunEvent]
    /// What they say they were made with.
    let builds: [Build]
    /// What was found damaged and could be done without.
    private(set) var notices: [String] = []
    private let hasJournal: Bool
    /// Of the same grid; where there is a journal, only when it knows of tasks that the journal does not.
    private let file: ResultFile?

    /// What to do about a file that is damaged, with nothing behind it.
    enum Remedy: String {
        case fresh = "Restore a good copy, or use --fresh (it moves the file aside)"
        case leaveOut = "Restore a good copy, or leave it out and run its tasks again"
    }

    /// Reads what there is at `path`; nobody else may write there meanwhile.
    ///
    /// - Parameters:
    ///   - known: a job that is taken for theirs when they have its grid, or when a journal has lost its beginning; else
    ///     their own is read.
    ///   - only: the file, opened before, when a journal beside it does not count.
    /// - Throws: when there are none, when they are damaged beyond what a journal can mend, or when this program does not
    ///   compute what they hold.
    init(_ path: String, models: [any Model], known: Job? = nil, only: ResultFile? = nil, remedy: Remedy) throws {
        let path = Disk.resolved(path)
        self.path = path
        let journalPath = path + ".journal"
        hasJournal = only == nil && Disk.exists(journalPath)
        var file = only
        if file == nil, Disk.exists(path) || !hasJournal {
            do {
                file = try Self.wholeFile(path, remedy)
            } catch let error as ResultError where hasJournal {
                notices.append("\(error); its journal is used")
            }
        }
        let own = known.map { JournalHeader(job: $0, programVersion: "") }
        let ofFile = try file.map { try Self.header(of: $0) }
        // Of a journal without its beginning checksums tell whether its records are of the grid that is tried.
        guard
            let first = try hasJournal
                ? Journal.readHeader(journalPath) ?? Self.fitting([own, ofFile], journalPath) : ofFile
        else {
            throw ResultError.unreadable(
                path: journalPath,
                reason: "its beginning is damaged and there is no good result file beside it. 'dynsweep run' with its "
                    + "job mends it")
        }
        let isKnown = first.grid == own?.grid
        let job: Job = if isKnown, let known { known } else { try first.job(path, models) }
        let layouts = try job.grids.map(MethodLayout.init(grid:))
        let table = TaskTable(count: job.taskCount)
        self.layouts = layouts
        self.table = table
        if file != nil, ofFile?.grid != first.grid { file = nil }
        var last = first
        if hasJournal {
            let scan = try JournalScan(journalPath, header: first, job, layouts, into: table, readOnly: true)
            last = scan.header
            events = scan.events
            builds = try (scan.builds + (file?.builds() ?? [])).uniqued()
            notices += scan.damage.messages(path: journalPath)
        } else {
            events = try file?.events() ?? []
            builds = try file?.builds() ?? []
        }
        header = last
        let isNewText = last.jobText != first.jobText || last.overrides != first.overrides
        self.job = isNewText && !isKnown ? try last.job(path, models) : job
        var isMore = false
        try file?.forEachStatus(of: job, layouts, beside: table, keepsSpared: last.seedRule == ofFile?.seedRule) {
            table.set($0, $1, offset: 0)
            isMore = true
        }
        self.file = isMore ? file : nil
    }

    /// The first header by which records of a journal can be read; the last one when there is none such.
    private static func fitting(_ headers: [JournalHeader?], _ journal: String) throws -> JournalHeader? {
        let known = headers.compactMap { $0 }
        guard known.count > 1 else { return known.first }
        return try known.first { try Journal.holdsRecords(journal, of: $0) } ?? known.last
    }

    /// Opens a file whose bytes are what was written.
    static func wholeFile(_ path: String, _ remedy: Remedy) throws -> ResultFile {
        if Disk.exists(path), let damage = try FileSeal.problem(path) {
            throw ResultError.unreadable(path: path, reason: "\(damage). \(remedy.rawValue)")
        }
        return try ResultFile(path, .done)
    }

    /// What a file says of itself.
    private static func header(of file: ResultFile) throws -> JournalHeader {
        let job = try file.job()
        return JournalHeader(
            programVersion: try file.attribute("program_version") ?? "unknown", model: try file.attribute("model"),
            modelRevision: try file.integerAttribute("model_revision"), jobText: job.text, overrides: job.overrides,
            seedRule: try file.attribute("seed_rule") ?? "", grid: try file.fingerprint() ?? 0,
            created: try file.attribute("created") ?? Timestamp.now())
    }

    /// Whether anything is known of a point.
    func isComputed(method: Int, point: Int) -> Bool {
        let first = job.index(of: TaskID(method: method, point: point, seed: 0))
        return (first..<(first + layouts[method].seedCount)).contains { table.status($0).isRecorded }
    }

    /// Records in the order in which they were written, the file's last. Of one task each counts over those before, but
    /// for a second result, which comes too: it must be the same.
    ///
    /// - Parameter seedRule: what another rule for seeds spared is left out.
    func forEachRecord(seedRule: String, _ body: (TaskRecord) throws -> Void) throws {
        let found = TaskTable(count: job.taskCount)
        if hasJournal {
            var failure: (any Error)?
            _ = try JournalScan(path + ".journal", header: header, job, layouts, into: found, readOnly: true) { view in
                guard failure == nil, view.status != .spared else { return }
                do { try body(view.record) } catch { failure = error }
            }
            if let failure { throw failure }
            if header.seedRule == seedRule {
                // Only now is it known which rule is the last.
                for index in 0..<found.count where found.status(index) == .spared {
                    try body(TaskRecord(task: job.task(at: index), status: .spared))
                }
            }
        }
        guard let file else { return }
        do {
            try file.forEachRecord(of: job, layouts, beside: found, keepsSpared: header.seedRule == seedRule, body)
        } catch let error as ResultError where hasJournal {
            notices.append("\(error); it could not fill the gaps of its journal")
        }
    }
}

extension JournalHeader {
    /// The job of results that say this of themselves.
    ///
    /// - Throws: when this program computes something else from it.
    func job(_ path: String, _ models: [any Model]) throws -> Job {
        let job: Job
        do {
            job = try Job.parse(
                text: jobText, path: "the job in \(path)", overrides: overrides, models: models, checksOutput: false)
        } catch {
            throw ResultError.unreadable(
                path: path,
                reason: revisionDifference(models.first { $0.name == model })
                    ?? "its job, written by version \(programVersion), is no valid job for this version: \(error)")
        }
        if let difference = revisionDifference(job.model) {
            throw ResultError.unreadable(path: path, reason: difference)
        }
        guard GridFingerprint(grids: job.grids).value == grid else {
            throw ResultError.unreadable(
                path: path,
                reason: "it was written by version \(programVersion), for which its job means another grid. Go on with "
                    + "that version, give another output, or use --fresh (it moves the old results aside)")
        }
        return job
    }

    /// What is wrong when the results are of another revision than `current`; nil when they are not.
    private func revisionDifference(_ current: (any Model)?) -> String? {
        guard let current, modelRevision != current.revision else { return nil }
        let its = modelRevision.map { "revision \($0)" } ?? "a version without revisions"
        return "its numbers are of \(its) of model '\(current.name)' (program version \(programVersion)), and this "
            + "program has revision \(current.revision), which computes others. Go on with that program, give another "
            + "output, or use --fresh (it moves the old results aside)"
    }
}

/// One reading of a journal: every good record goes into a table.
struct JournalScan {
    let journal: Journal
    let damage: JournalDamage
    /// The newest header: the job's text may have changed while its grid stayed.
    let header: JournalHeader
    let events: [RunEvent]
    let builds: [Build]

    /// - Parameters:
    ///   - header: from ``Journal/readHeader(_:)``, or another whose grid the records are tried with.
    ///   - record: told of every record that counts over those before, or is a second result.
    init(
        _ path: String, header: JournalHeader, _ job: Job, _ layouts: [MethodLayout], into table: TaskTable,
        readOnly: Bool, record: (TaskRecordView) -> Void = { _ in }
    ) throws {
        var last = header
        var events: [RunEvent] = []
        var builds: [Build] = []
        let maximum = layouts.map(\.maximumBody).max() ?? TaskRecord.maximumError
        (journal, damage) = try Journal.open(
            path, header: header, maximumBody: maximum,
            visit: { offset, view in
                // Of another program, or forged: as good as none.
                guard view.problem(in: job, layouts) == nil else { return }
                let index = job.index(of: view.task)
                let isSecond = table.status(index).isResult && view.status.isResult
                if table.take(index, view.status, offset: offset) || isSecond { record(view) }
            },
            event: { events.append($0) }, build: { builds.append($0) },
            header: {
                // From here on the job is another: what its rule for seeds spared before may be needed now.
                if $0.seedRule != last.seedRule { table.dropSpared() }
                last = $0
            }, readOnly: readOnly)
        self.header = last
        self.events = events
        self.builds = builds.uniqued()
    }
}

extension ResultFile {
    /// Records of the file that count beside what a journal `found`, or are second results.
    func forEachRecord(
        of job: Job, _ layouts: [MethodLayout], beside found: TaskTable, keepsSpared: Bool,
        _ body: (TaskRecord) throws -> Void
    ) throws {
        try forEachRecord(layouts) { record in
            guard keepsSpared || record.status != .spared else { return }
            let old = found.status(job.index(of: record.task))
            if RecordRule.counts(record.status, over: old, .earlier) || old.isResult && record.status.isResult {
                try body(record)
            }
        }
    }

    /// Statuses of the file, by number of the task, that count beside what a journal `found`.
    func forEachStatus(
        of job: Job, _ layouts: [MethodLayout], beside found: TaskTable, keepsSpared: Bool,
        _ body: (Int, TaskStatus) throws -> Void
    ) throws {
        for (method, layout) in layouts.enumerated() {
            let name = layout.grid.method.name
            let statuses = try statuses(method: name)
            guard statuses.count == layout.taskCount else {
                throw ResultError.unreadable(
                    path: path, reason: "it has \(statuses.count) tasks of '\(name)', its job \(layout.taskCount)")
            }
            let first = job.tasks(ofMethod: method).lowerBound
            for (task, status) in statuses.enumerated() where keepsSpared || status != .spared {
                guard RecordRule.counts(status, over: found.status(first + task), .earlier) else { continue }
                try body(first + task, status)
            }
        }
    }
}
