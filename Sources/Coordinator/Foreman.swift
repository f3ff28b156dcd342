import CPlatform
import Results
import Sweep

/// Rank 0: hands out work, takes in records, and between its own slices looks after the others. With one rank there
/// are no others, and nothing else differs.
final class Foreman {
    private let communicator: Communicator?
    private let queue: TaskQueue
    private let store: ResultStore
    private let progress: Progress
    private let ranks: Int
    /// Assignments in flight, by rank (0 is ourselves).
    private var outstanding: [[Flight]]
    private var isStopping = false

    private struct Flight {
        let seconds: Double
    }

    /// A bundle is long beside a message's way and short beside the run.
    private static let bundleSeconds = 0.1
    /// Assignments shorter than this are doubled up, so that a worker has the next one before it asks.
    private static let prefetchBelow = 0.05

    init(communicator: Communicator?, job: Job, store: ResultStore, progress: Progress) throws {
        self.communicator = communicator
        self.store = store
        self.progress = progress
        ranks = communicator?.size ?? 1
        queue = try TaskQueue(job: job, store: store)
        outstanding = Array(repeating: [], count: ranks)
    }

    /// Runs the whole sweep. Returns true when all was done, false when a stop signal came first.
    func run(job: Job) throws -> Bool {
        var worker = Worker(job: job, rank: 0)
        var pause = Pause(capMicroseconds: 10_000)
        while true {
            try serve()
            if isStopping { break }
            if let assignment = try assign(to: 0) {
                pause.reset()
                let report = try worker.run(assignment) {
                    try serve()
                    return isStopping
                }
                try take(report, from: 0)
            } else if outstanding.allSatisfy(\.isEmpty) && queue.isEmpty {
                progress.update(queue: queue, store: store, force: true)
                return true
            } else {
                pause.rest()
            }
        }
        try collectAfterStop()
        return false
    }

    /// Reads the mail, hands out work, and shows progress; called between slices, so it must be cheap when nothing is.
    private func serve() throws {
        if let communicator {
            while let message = try communicator.poll() {
                if Tag(rawValue: message.tag) == .results {
                    try take(Report(bytes: message.bytes), from: message.source)
                }
            }
            if cplatform_stop_signal() != 0 && !isStopping { try stop() }
            if !isStopping {
                for rank in 1..<ranks {
                    while let assignment = try assign(to: rank) {
                        try communicator.send(assignment.bytes, to: rank, tag: Tag.assignment.rawValue)
                    }
                }
            }
        } else if cplatform_stop_signal() != 0 {
            isStopping = true
        }
        progress.update(queue: queue, store: store, force: false)
    }

    /// The next assignment for `rank`, or nil when it has enough or nothing is left.
    private func assign(to rank: Int) throws -> Assignment? {
        let flights = outstanding[rank]
        let mayPrefetch = rank != 0 && flights.count == 1 && flights[0].seconds < Self.prefetchBelow
        guard flights.isEmpty || mayPrefetch else { return nil }
        // Guided: towards the end the bundles shrink, so that all ranks end together.
        let share = queue.speed.remainingSeconds / Double(4 * ranks)
        let target = min(Self.bundleSeconds, share)
        guard let assignment = try queue.nextAssignment(seconds: target) else { return nil }
        let seconds = assignment.items.reduce(0.0) {
            $0 + queue.speed.expectedSeconds(method: $1.method, point: $1.point) * Double($1.seedCount)
        }
        outstanding[rank].append(Flight(seconds: seconds))
        return assignment
    }

    private func take(_ report: Report, from rank: Int) throws {
        if !outstanding[rank].isEmpty { outstanding[rank].removeFirst() }
        for entry in try store.append(report.records) {
            try queue.finished(entry.task, seconds: entry.wallSeconds)
            progress.count(entry)
        }
        if report.isCutShort && !isStopping { try stop() }
    }

    private func stop() throws {
        isStopping = true
        guard let communicator else { return }
        for rank in 1..<ranks { try communicator.send([], to: rank, tag: Tag.stop.rawValue) }
    }

    /// After a stop every rank answers what it was given, at the latest at the end of its present slice.
    private func collectAfterStop() throws {
        guard let communicator else { return }
        outstanding[0] = []
        var pause = Pause(capMicroseconds: 1000)
        while !outstanding.allSatisfy(\.isEmpty) {
            guard let message = try communicator.poll() else {
                pause.rest()
                continue
            }
            if Tag(rawValue: message.tag) == .results { try take(Report(bytes: message.bytes), from: message.source) }
        }
    }
}
