import Foundation
import Modeling
import Sweep

/// All results of one job while it runs: takes records in, keeps them in the journal, publishes the result file.
///
/// Rank 0 holds it. `append`, the lookups and `flush` belong to the coordinator's thread; one background thread makes
/// the journal durable (a few times a second), publishes the file when that is due, and shows that the run lives.
public final class ResultStore: @unchecked Sendable {
    /// How to treat what is there already.
    public struct Options: Sendable {
        /// Move old results aside and begin anew.
        public var fresh = false
        /// Compute failed tasks again.
        public var retriesFailed = false
        /// Refuse results that another ``Build`` has a part in.
        public var requiresSameBuild = false
        /// Publishing takes at most this part of the run's time.
        public var publishShare = 0.02
        /// Nothing is published earlier than this after the start, or after the last time, in seconds.
        public var firstPublishSeconds = 2.0
        /// The longest time between a record's arrival and its being durable against the death of the machine, in seconds.
        public var syncSeconds = 0.2

        public init() {}
    }

    /// What ``finish()`` found.
    public struct Outcome: Sendable {
        public let counts: StatusCounts
        /// True when nothing is left to compute; the journal is gone then.
        public var isComplete: Bool { counts.isComplete }
    }

    public let path: String
    /// ``GridFingerprint/value`` of the job: what workers encode records with.
    public let grid: UInt64
    /// What was found and done at the start: damage, extensions, imports.
    public let notices: [String]
    /// What was found that the numbers may suffer from.
    public let warnings: [String]
    /// Unfinished tasks that have a checkpoint, with the number of the ``RankFile`` that holds it.
    public let checkpoints: [TaskID: Int]

    private let job: Job
    private let layouts: [MethodLayout]
    private let publisher: Publisher
    private let options: Options
    private let runLock: RunLock
    /// What this process makes numbers with.
    public let build: Build
    private let provenance: Provenance
    /// What the records were made with.
    private let builds: [Build]

    /// Guards everything below.
    private let condition = SteadyCondition()
    private let table: TaskTable
    /// Nil when the results were complete at the start.
    private let journal: Journal?
    private var events: [RunEvent]
    private var syncedEnd: Int
    private var publishedEnd = 0
    private var backgroundError: (any Error)?
    private var publishError: (any Error)?
    private var isStopping = false
    private var isBackgroundDone = false
    private var isClosed = false
    private var lastSync = 0.0
    private var lastBeat = 0.0
    private var lastLook = 0.0
    private var budget: PublishBudget

    /// Opens the results of `job` at `job.output`: takes the lock, reads what is there, and makes it fit the job.
    ///
    /// - Parameters:
    ///   - models: the models that old job texts may name.
    ///   - notice: told at once when opening has to wait for a lock.
    /// - Throws: ``ResultError/locked(path:holder:)`` when another run holds the output,
    ///   ``ResultError/incompatible(path:differences:)`` when what is there belongs to another job.
    public static func open(
        job: Job, models: [any Model], options: Options = Options(), provenance: Provenance,
        notice: (String) -> Void = { _ in }
    ) throws -> ResultStore {
        let job = job.writing(to: Disk.resolved(job.output))
        let path = job.output
        try Disk.requireFile(path)
        let layouts = try job.grids.map(MethodLayout.init(grid:))
        try Disk.makeDirectory(Disk.directory(of: path))
        let lock = try RunLock.acquire(output: path, notice: notice)
        do {
            let opening = try StoreOpening(
                job: job, models: models, options: options, provenance: provenance, layouts: layouts)
            let store = ResultStore(
                job: job, options: options, provenance: provenance, layouts: layouts, lock: lock, opening)
            try store.begin()
            return store
        } catch {
            try? Disk.remove(path + ".journal.new")
            lock.release()
            throw error
        }
    }

    private init(
        job: Job, options: Options, provenance: Provenance, layouts: [MethodLayout], lock: RunLock,
        _ opening: StoreOpening
    ) {
        path = job.output
        grid = opening.header.grid
        notices = opening.notices
        warnings = opening.warnings
        builds = opening.builds
        checkpoints = opening.checkpoints
        self.job = job
        self.layouts = layouts
        self.options = options
        self.provenance = provenance
        build = provenance.build
        runLock = lock
        table = opening.table
        journal = opening.journal
        events = opening.events
        syncedEnd = opening.journal?.end ?? 0
        publisher = Publisher(
            description: ResultDescription(job: job, header: opening.header, provenance: provenance),
            layouts: layouts)
        budget = PublishBudget(ranks: provenance.ranks, options: options, begun: Self.clock())
    }

    private func begin() throws {
        guard let journal else {
            isBackgroundDone = true
            return
        }
        try record(.started, in: journal)
        try journal.sync()
        syncedEnd = journal.end
        // The start of a run is no reason to publish.
        publishedEnd = Disk.exists(path) ? journal.end : 0
        let thread = Thread { [self] in work(journal) }
        thread.name = "results"
        thread.stackSize = 4 << 20
        thread.start()
    }

    deinit {
        if !isClosed { runLock.release() }
    }

    // MARK: Lookups

    /// True when the results were complete when they were opened: there is nothing to run and nothing to append to.
    public var wasComplete: Bool { journal == nil }

    public func status(_ task: TaskID) -> TaskStatus {
        condition.lock()
        defer { condition.unlock() }
        return table.status(job.index(of: task))
    }

    /// True when the task needs no run: done, failed, diverged, spared, or excluded.
    public func isFinished(_ task: TaskID) -> Bool { status(task).isFinal }

    /// How many tasks have which status now.
    public var counts: StatusCounts {
        condition.lock()
        defer { condition.unlock() }
        return table.counts
    }

    /// How many tasks of a method have which status now; looks at each of them.
    public func counts(method: Int) -> StatusCounts {
        condition.lock()
        defer { condition.unlock() }
        var counts = StatusCounts()
        for task in job.tasks(ofMethod: method) { counts.add(table.status(task)) }
        return counts
    }

    /// The record of a task, read back from the journal; nil when it has none.
    public func record(of task: TaskID) throws -> TaskRecord? {
        let offset = condition.withLock { table.offset(job.index(of: task)) }
        guard offset != 0, let journal else { return nil }
        return try journal.record(at: offset)
    }

    /// One observable of a task, (time, shape...) without padding; nil when there is no such record or observable.
    /// For rules that look at results while they come in.
    public func values(of task: TaskID, observable: String) throws -> [Double]? {
        guard let slot = layouts[task.method].slots.firstIndex(where: { $0.spec.name == observable }),
            let record = try record(of: task), slot < record.buffers.count
        else { return nil }
        return record.buffers[slot]
    }

    // MARK: Records

    /// Takes in one or several encoded records (``TaskRecord/encode(into:grid:)``). When it returns they survive the
    /// death of this process; ``flush()``, or a fraction of a second, makes them survive the death of the machine.
    ///
    /// - Throws: when the disk refuses; nothing was taken in then, and the call may be repeated. Also when an earlier
    ///   write could not be made durable.
    /// - Returns: what the records say, in their order.
    @discardableResult
    public func append(_ bytes: [UInt8]) throws -> [RecordEntry] {
        try bytes.withUnsafeBytes { try append($0) }
    }

    /// As ``append(_:)-([UInt8])``.
    @discardableResult
    public func append(_ bytes: UnsafeRawBufferPointer) throws -> [RecordEntry] {
        guard let journal else { throw ResultError.invalidRecord("the results are complete already") }
        try condition.withLock { if let backgroundError { throw backgroundError } }
        try runLock.requireHeld()
        var entries: [RecordEntry] = []
        var places: [(task: Int, at: Int)] = []
        var at = 0
        while at < bytes.count {
            guard let body = RecordFrame.body(of: bytes, at: at, seed: grid), let view = TaskRecordView(body: body)
            else {
                throw ResultError.invalidRecord("the checksum at byte \(at) of \(bytes.count) does not match")
            }
            if let problem = view.problem(in: job, layouts) { throw ResultError.invalidRecord(problem) }
            places.append((job.index(of: view.task), at))
            entries.append(RecordEntry(task: view.task, status: view.status, wallSeconds: view.wallSeconds))
            at += RecordFrame.size(bodyLength: body.count)
        }
        let start = try journal.append(bytes)
        condition.withLock {
            for (entry, place) in zip(entries, places) {
                table.take(place.task, entry.status, offset: start + place.at)
            }
        }
        return entries
    }

    /// Encodes and takes in one record.
    public func append(_ record: TaskRecord) throws {
        var bytes: [UInt8] = []
        record.encode(into: &bytes, grid: grid)
        try append(bytes)
    }

    /// Makes everything taken in so far durable before it returns.
    public func flush() throws {
        guard let journal else { return }
        let end = journal.end
        try journal.sync()
        condition.withLock { syncedEnd = max(syncedEnd, end) }
    }

    // MARK: The background thread

    private static func clock() -> Double { ProcessInfo.processInfo.systemUptime }

    /// CPU time of the calling thread: what it takes away from the run.
    private static func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
    }

    private func work(_ journal: Journal) {
        condition.lock()
        while !isStopping {
            condition.wait(seconds: options.syncSeconds)
            if isStopping { break }
            condition.unlock()
            tend(journal)
            if journal.end > publishedEnd, budget.isDue(at: Self.clock(), bytes: journal.end) {
                publishInBackground(journal)
            }
            condition.lock()
        }
        isBackgroundDone = true
        condition.broadcast()
        condition.unlock()
    }

    /// What must go on during a long publish too: group commits and signs of life.
    private func tend(_ journal: Journal) {
        let now = Self.clock()
        let (end, isDirty) = condition.withLock { (journal.end, journal.end > syncedEnd) }
        if isDirty, now - lastSync >= options.syncSeconds {
            lastSync = now
            do {
                try journal.sync()
                condition.withLock { syncedEnd = max(syncedEnd, end) }
            } catch {
                condition.withLock { backgroundError = error }
            }
        }
        do {
            if now - lastLook >= 1 {
                lastLook = now
                try journal.requireInPlace()
            }
            if now - lastBeat >= RunLock.beatSeconds {
                lastBeat = now
                try runLock.heartbeat()
            }
        } catch {
            condition.withLock { backgroundError = error }
        }
    }

    private struct Stopped: Error {}

    private func publishInBackground(_ journal: Journal) {
        let begun = Self.threadSeconds()
        let end = journal.end
        do {
            _ = try publisher.publish(
                to: path, journal: journal, events: condition.withLock { events }, builds: builds
            ) {
                [self] method, range in
                if condition.withLock({ isStopping }) { throw Stopped() }
                tend(journal)
                return snapshot(method, range)
            }
            publishedEnd = end
            condition.withLock { publishError = nil }
        } catch is Stopped {
        } catch {
            // The old file is still in place; the next attempt may find the disk emptied.
            condition.withLock { publishError = error }
        }
        condition.withLock { budget.took(Self.threadSeconds() - begun, until: Self.clock(), bytes: end) }
    }

    private func snapshot(_ method: Int, _ range: Range<Int>) -> TaskSnapshot {
        condition.withLock { table.snapshot(range, from: job.tasks(ofMethod: method).lowerBound) }
    }

    /// How long publishing the present state takes, by what it took before; in seconds.
    public var expectedPublishSeconds: Double {
        condition.withLock { budget.expectedSeconds(bytes: journal?.end ?? 0) }
    }

    /// The size of the journal of `output`; nil when there is none.
    public static func journalSize(of output: String) -> Int? {
        try? DiskFile(Disk.resolved(output) + ".journal", .read).size()
    }

    /// Whether there is a published file.
    public static func exists(_ output: String) -> Bool { Disk.exists(output) }

    /// Whether the file at `output` has nothing left to compute of a grid with this ``GridFingerprint/value``; of a share only
    /// whether it is of that grid.
    public static func isComplete(_ output: String, grid: UInt64, isShare: Bool) -> Bool {
        guard let file = try? ResultFile(output), let found = try? file.fingerprint(), found == grid else {
            return false
        }
        return isShare || (try? file.integerAttribute("complete")) == 1
    }

    /// Whether somebody holds the lock of `output`, or left it behind.
    public static func isLocked(_ output: String) -> Bool { Disk.exists(Disk.resolved(output) + ".lock") }

    /// Removes the lock that a run left behind: for whoever started it at `begun` (``Timestamp/now()``) and saw all of it
    /// end. A holder on another host, which nobody could tell dead or alive, needs not be waited for then.
    ///
    /// - Returns: whether there was such a lock.
    public static func breakLock(of output: String, begun: String) -> Bool {
        RunLock.breakLock(of: Disk.resolved(output), begun: begun)
    }

    /// Why the last attempt to publish failed, for the log; nil when it did not. Nothing is lost by it.
    public var publishingProblem: (any Error)? { condition.withLock { publishError } }

    // MARK: The end

    /// Stops the background thread, publishes the final state, and gives the lock back. When the grid is complete the
    /// file is validated before it is published, and the journal is removed.
    ///
    /// - Parameter isShareDone: whether all is computed that this run was to compute, though the grid is not complete; the
    ///   file is then checked and the journal removed too.
    /// - Throws: when the final file cannot be written; the journal is kept, and a later run publishes it.
    public func finish(isShareDone: Bool = false) throws -> Outcome {
        stop()
        defer { close() }
        guard let journal else { return Outcome(counts: counts) }
        try condition.withLock { if let backgroundError { throw backgroundError } }
        try runLock.requireHeld()
        try journal.requireInPlace()
        try record(.stopped, in: journal)
        try journal.sync()
        let counts = try publisher.publish(
            to: path, journal: journal, events: events, builds: builds, snapshot: { snapshot($0, $1) },
            check: { [self] temporary in
                guard table.counts.isComplete || isShareDone else { return }
                if let problem = ResultFile.validate(temporary).first(where: { $0.severity == .error }) {
                    throw ResultError.unreadable(
                        path: path, reason: "the final file does not read back as written (\(problem)); run again")
                }
            })
        if counts.isComplete || isShareDone {
            for leftover in RankLeftover.all(of: path) { try leftover.remove() }
            try Disk.remove(journal.path)
            try Disk.syncDirectory(of: path)
        }
        return Outcome(counts: counts)
    }

    /// Leaves at once: makes the journal durable and gives the lock back, without publishing. The next run goes on.
    ///
    /// - Returns: where the journal was written anew, when somebody removed it while the run went on.
    @discardableResult
    public func abandon() throws -> String? {
        stop()
        defer { close() }
        guard let journal else { return nil }
        if try journal.saveIfRemoved() { return journal.path }
        try journal.sync()
        return nil
    }

    private func stop() {
        condition.lock()
        isStopping = true
        condition.broadcast()
        while !isBackgroundDone { condition.wait() }
        condition.unlock()
    }

    private func close() {
        if !isClosed { runLock.release() }
        isClosed = true
    }

    private func record(_ kind: RunEvent.Kind, in journal: Journal) throws {
        let event = RunEvent(kind, provenance)
        try journal.append(event)
        condition.withLock { events.append(event) }
    }
}
