import Foundation
import Modeling
import Sweep

/// One of the results that are merged: a published file, the journal of an interrupted run beside it, or both.
final class MergeInput {
    let path: String
    /// The job that made it, as it was last.
    let job: Job
    let grid: UInt64
    let programVersion: String
    let created: String
    let layouts: [MethodLayout]
    /// What was found damaged and could be done without.
    private(set) var notices: [String] = []
    /// What has happened to it, as far as it tells.
    let events: [RunEvent]
    private let journal: JournalHeader?
    private let file: ResultFile?

    private var journalPath: String { path + ".journal" }

    /// Opens the results at `path`; nobody else may write them meanwhile.
    ///
    /// - Throws: when there are none, or when they are damaged beyond what a journal can mend.
    init(_ path: String, models: [any Model]) throws {
        self.path = path
        let hasJournal = Disk.exists(path + ".journal")
        var file: ResultFile?
        if Disk.exists(path) || !hasJournal {
            do {
                if Disk.exists(path), let damage = try FileSeal.problem(path) {
                    throw ResultError.unreadable(
                        path: path, reason: "\(damage). Restore a good copy, or leave it out and run its tasks again")
                }
                file = try ResultFile(path)
            } catch let error as ResultError where hasJournal {
                notices.append("\(error); its journal is used")
            }
        }
        let found = hasJournal ? try Self.lastHeader(path + ".journal") : nil
        events = try found?.events ?? file?.events() ?? []
        if let found = found?.header {
            journal = found
            job = try Self.job(found.jobText, found.overrides, found.programVersion, path, models)
            grid = found.grid
            programVersion = found.programVersion
            created = found.created
        } else if let file {
            let old = try file.job()
            let version = try file.attribute("program_version") ?? "unknown"
            job = try Self.job(old.text, old.overrides, version, path, models)
            grid = try file.fingerprint() ?? 0
            programVersion = version
            created = try file.attribute("created") ?? Timestamp.now()
            // Without its beginning, its records are known by their checksums alone: those of the file's grid are good.
            journal =
                hasJournal
                ? JournalHeader(
                    programVersion: version, jobText: old.text, overrides: old.overrides,
                    seedRule: job.seedRules, grid: grid, created: created) : nil
        } else {
            throw ResultError.unreadable(
                path: path + ".journal",
                reason: "its beginning is damaged and there is no good result file beside it. 'dynsweep run' with its "
                    + "job mends it")
        }
        self.file = file
        guard GridFingerprint(grids: job.grids).value == grid else {
            throw ResultError.unreadable(
                path: path,
                reason: "it was written by version \(programVersion), for which its job text means another grid; merge "
                    + "with that version")
        }
        layouts = try job.grids.map(MethodLayout.init(grid:))
    }

    /// The newest header of a journal, whose text may have changed while its grid stayed, and its events.
    private static func lastHeader(_ path: String) throws -> (header: JournalHeader, events: [RunEvent])? {
        guard let first = try Journal.readHeader(path) else { return nil }
        var last = first
        var events: [RunEvent] = []
        _ = try Journal.open(
            path, header: first, maximumBody: 1 << 30, visit: { _, _ in }, event: { events.append($0) },
            header: { last = $0 }, readOnly: true)
        return (last, events)
    }

    private static func job(
        _ text: String, _ overrides: [String], _ version: String, _ path: String, _ models: [any Model]
    ) throws -> Job {
        do {
            return try Job.parse(
                text: text, path: "the job in \(path)", overrides: overrides, models: models, checksOutput: false)
        } catch {
            throw ResultError.unreadable(
                path: path,
                reason: "its job, written by version \(version), is no valid job for this version: \(error)")
        }
    }

    /// All records, in any order; a task may have several, the best of which counts.
    func forEachRecord(_ body: (TaskRecord) throws -> Void) throws {
        if let journal {
            var failure: (any Error)?
            let layouts = layouts
            let (_, damage) = try Journal.open(
                journalPath, header: journal,
                maximumBody: layouts.map(\.maximumBody).max() ?? TaskRecord.maximumError,
                visit: { _, view in
                    guard failure == nil, Self.has(view.task, layouts) else { return }
                    do { try body(view.record) } catch { failure = error }
                }, readOnly: true)
            if let failure { throw failure }
            if damage.isNone { return }
            notices.append(
                "\(journalPath) has \(damage.tailBytes + damage.skippedBytes) damaged bytes; "
                    + "every other record is taken")
        }
        // The published file is older than the journal; it counts alone, or for what the journal lost.
        if let file, try file.fingerprint() == grid { try file.forEachRecord(layouts, body) }
    }

    /// All statuses that are known, in any order; a task may have several.
    func forEachStatus(_ body: (TaskID, TaskStatus) -> Void) throws {
        if let journal {
            let layouts = layouts
            _ = try Journal.open(
                journalPath, header: journal,
                maximumBody: layouts.map(\.maximumBody).max() ?? TaskRecord.maximumError,
                visit: { _, view in if Self.has(view.task, layouts) { body(view.task, view.status) } }, readOnly: true)
        }
        guard let file, try file.fingerprint() == grid else { return }
        for (method, layout) in layouts.enumerated() {
            for (index, status) in try file.statuses(method: layout.grid.method.name).enumerated() {
                body(
                    TaskID(method: method, point: index / layout.seedCount, seed: index % layout.seedCount), status)
            }
        }
    }

    private static func has(_ task: TaskID, _ layouts: [MethodLayout]) -> Bool {
        layouts.indices.contains(task.method) && task.point < layouts[task.method].grid.pointCount
            && task.seed < layouts[task.method].seedCount
    }
}
