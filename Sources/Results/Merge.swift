import Foundation
import Modeling
import Sweep

/// Joins results that were computed apart: the same records in one file, as if one run had computed them all.
///
/// Memory is a few bytes a task; records stream through a new journal. The inputs and the output are locked meanwhile.
public struct Merge {
    /// What came of it.
    public struct Outcome: Sendable {
        public let counts: StatusCounts
        /// The job whose grid the output holds: with it `dynsweep run` goes on.
        public let job: Job
        /// What was found damaged, dropped or moved on the way.
        public let notices: [String]
    }

    private let inputs: [String]
    private let output: String
    private let models: [any Model]
    private let provenance: Provenance
    /// The job of the union; nil to find one.
    public var job: Job?
    /// Move results aside that are at the output and are none of the inputs.
    public var fresh = false
    /// Remove the inputs (but not the output) once the output is validated and durable.
    public var removesInputs = false

    /// - Parameters:
    ///   - inputs: result files; those of interrupted runs with their journals beside them. The output may be one.
    ///   - models: the models that the inputs' jobs may name.
    public init(inputs: [String], output: String, models: [any Model], provenance: Provenance) {
        self.output = Disk.resolved(output)
        self.models = models
        self.provenance = provenance
        var seen: Set<String> = []
        self.inputs = inputs.map(Disk.resolved).filter { seen.insert(Self.identity($0)).inserted }
    }

    private static func identity(_ path: String) -> String {
        URL(fileURLWithPath: path).resolvingSymlinksInPath().standardizedFileURL.path
    }

    private var temporary: String { output + ".journal.new" }

    /// Merges.
    ///
    /// - Parameter notice: told at once when it has to wait for a lock.
    /// - Throws: ``MergeError``, or ``ResultError`` when an input cannot be read or the output cannot be written. The
    ///   output is then what it was.
    public func run(notice: (String) -> Void = { _ in }) throws -> Outcome {
        let extendsOutput = inputs.contains { Self.identity($0) == Self.identity(output) }
        try Disk.requireFile(output)
        let exists = Disk.exists(output) || Disk.exists(output + ".journal")
        if exists, !extendsOutput, !fresh { throw MergeError.outputExists(output) }
        try Disk.makeDirectory(Disk.directory(of: output))
        let locks = try MergeLocks(
            output: output, inputs: inputs.filter { Self.identity($0) != Self.identity(output) }, notice: notice)
        defer { locks.release() }
        for debris in [output + ".publishing", temporary] { try Disk.remove(debris) }
        defer { try? Disk.remove(temporary) }

        let sources = try inputs.map { try RecordSource($0, models: models, known: job, remedy: .leaveOut) }
        return try merge(sources, into: try unionJob(of: sources), extendsOutput: extendsOutput, locks)
    }

    // MARK: The grid

    private func unionJob(of inputs: [RecordSource]) throws -> Job {
        if let job {
            for input in inputs {
                let differences = job.incompatibilities(with: input.job)
                guard differences.isEmpty else {
                    throw MergeError.notInJob(job: job.path, input: input.path, differences: differences)
                }
            }
            return job
        }
        do {
            return try Job.union(of: inputs.map(\.job), models: models)
        } catch {
            throw MergeError.differentJobs(
                first: inputs[error.first].path, second: inputs[error.second].path, differences: error.differences)
        }
    }

    // MARK: The records

    private func merge(
        _ sources: [RecordSource], into union: Job, extendsOutput: Bool, _ locks: MergeLocks
    ) throws -> Outcome {
        let job = union.writing(to: output)
        var header = JournalHeader(
            job: job, programVersion: provenance.programVersion,
            created: sources.map(\.header.created).min() ?? Timestamp.now())
        if union.output != output { header.overrides.append(Job.override(forOutput: output)) }
        let journal = try Journal.create(temporary, of: output, header: header)
        for build in builds(of: sources) { try journal.append(build) }
        let table = TaskTable(count: job.taskCount)
        var records = RecordImport(job, journal: journal, table: table, comparing: sources.map(\.path))
        for (number, source) in sources.enumerated() {
            let map = source.header.grid == header.grid ? nil : JobMap(from: source.job, to: job)
            try records.take(source, map: map, number: number) { try locks.heartbeat() }
        }
        try records.requireAgreement()
        table.markExcluded(job)
        var notices = sources.flatMap(\.notices)
        if let mixed = BuildMixture.note(builds(of: sources)) { notices.append(mixed) }
        let counts = try publish(
            job, header, table, journal, sources, extendsOutput: extendsOutput, locks, &notices)
        if removesInputs { try remove(sources.map(\.path)) }
        return Outcome(counts: counts, job: union, notices: notices)
    }

    private func builds(of sources: [RecordSource]) -> [Build] { sources.flatMap(\.builds).uniqued() }

    // MARK: The file

    private func publish(
        _ job: Job, _ header: JournalHeader, _ table: TaskTable, _ journal: Journal, _ sources: [RecordSource],
        extendsOutput: Bool, _ locks: MergeLocks, _ notices: inout [String]
    ) throws -> StatusCounts {
        let event = RunEvent(.merged, provenance, detail: Self.listed(sources.map(\.path)))
        let events = sources.flatMap(\.events).sorted { $0.time < $1.time } + [event]
        for event in events { try journal.append(event) }
        let publisher = Publisher(
            description: ResultDescription(job: job, header: header, provenance: provenance),
            layouts: try job.grids.map(MethodLayout.init(grid:)))
        let old = output + ".journal"
        let counts = try publisher.publish(
            to: output, journal: journal, events: events, builds: builds(of: sources),
            snapshot: { method, range in
                try locks.heartbeat()
                return table.snapshot(range, from: job.tasks(ofMethod: method).lowerBound)
            },
            check: { finished in
                try locks.heartbeat()
                if let problem = ResultFile.validate(finished).first(where: { $0.severity == .error }) {
                    throw ResultError.unreadable(
                        path: output, reason: "the merged file does not read back as written (\(problem)); merge again")
                }
                // A journal counts more than the file beside it, so the old one must be gone before the file appears.
                if extendsOutput, Disk.exists(old) { try journal.moveDurably(to: old) }
                if !extendsOutput, let aside = try ResultsAside.move(output) { notices.append(aside) }
            })
        try Disk.remove(old)
        try Disk.syncDirectory(of: output)
        return counts
    }

    private static func listed(_ paths: [String]) -> String {
        let names = paths.prefix(4).map { PathText.name($0) }
        return "of " + names.joined(separator: ", ") + (paths.count > 4 ? " and \(paths.count - 4) more" : "")
    }

    private func remove(_ paths: [String]) throws {
        for path in paths where Self.identity(path) != Self.identity(output) {
            try Disk.remove(path)
            try Disk.remove(path + ".journal")
            for leftover in RankLeftover.all(of: path) { try leftover.remove() }
            try Disk.syncDirectory(of: path)
        }
    }
}

/// The locks of the output and of all inputs, held while they are merged.
private final class MergeLocks {
    private var locks: [RunLock] = []
    private var lastBeat = ContinuousClock.now

    init(output: String, inputs: [String], notice: (String) -> Void) throws {
        do {
            locks.append(try RunLock.acquire(output: output, notice: notice))
            for input in inputs {
                guard Disk.exists(input) || Disk.exists(input + ".journal") else {
                    throw ResultError.io(operation: "open", path: input, code: ENOENT)
                }
                do {
                    locks.append(try RunLock.acquire(output: input, notice: notice))
                } catch ResultError.io(_, _, let code) where [EACCES, EROFS, EPERM].contains(code) {
                    // Where nobody may write no run writes either, unless somebody else's.
                    if let holder = RunLock.holder(of: input), holder.isAlive != false {
                        throw ResultError.locked(path: input, holder: holder)
                    }
                }
            }
        } catch {
            release()
            throw error
        }
    }

    /// Shows that the holder lives, when it is time to; throws when a lock was taken over meanwhile.
    func heartbeat() throws {
        guard ContinuousClock.now - lastBeat > .seconds(RunLock.beatSeconds) else { return }
        lastBeat = ContinuousClock.now
        for lock in locks { try lock.heartbeat() }
    }

    func release() {
        for lock in locks { lock.release() }
        locks = []
    }
}
