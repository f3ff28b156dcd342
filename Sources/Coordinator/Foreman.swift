import Foundation
import Results
import Sweep

/// Rank 0: hands out work, takes in records, and between its own slices looks after the others. With one rank there
/// are no others, and nothing else differs.
final class Foreman {
    private let communicator: Communicator?
    private let dispatcher: Dispatcher
    private let store: ResultStore
    private let progress: Progress
    private let keeper: RankKeeper
    private let deadline: Deadline?
    private let ranks: Int
    private var isStopping = false
    /// True when ranks did not answer after a stop: they are deep in a slice that does not end.
    private(set) var hasUnanswered = false

    init(
        communicator: Communicator?, job: Job, store: ResultStore, share: Share?, progress: Progress,
        keeper: RankKeeper, deadline: Deadline?
    ) throws {
        self.keeper = keeper
        self.deadline = deadline
        self.communicator = communicator
        self.store = store
        self.progress = progress
        ranks = communicator?.size ?? 1
        let ledger: any TaskLedger = share.map { ShareLedger($0, store) } ?? store
        dispatcher = Dispatcher(queue: try TaskQueue(job: job, ledger: ledger), ranks: ranks)
    }

    /// Runs the whole sweep. Returns true when all was done, false when a stop signal came first.
    func run(job: Job) throws -> Bool {
        var worker = Worker(job: job, rank: 0, keeper: keeper, build: store.build.key)
        var pause = Pause(capMicroseconds: 10_000)
        while true {
            try serve()
            if isStopping { break }
            if let assignment = try dispatcher.assign(to: 0) {
                pause.reset()
                let report = try worker.run(assignment) {
                    try serve()
                    return isStopping
                }
                try take(report, from: 0)
            } else if dispatcher.isDone {
                progress.update(queue: dispatcher.queue, store: store, force: true)
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
                    // At once: behind it the reports of thousands of ranks may wait.
                    try handOut(communicator)
                }
            }
            if mustStop && !isStopping { try stop() }
            try handOut(communicator)
        } else if mustStop {
            isStopping = true
        }
        progress.update(queue: dispatcher.queue, store: store, force: false)
    }

    private func handOut(_ communicator: Communicator) throws {
        while !isStopping, let (rank, assignment) = try dispatcher.next() {
            try communicator.send(assignment.bytes, to: rank, tag: Tag.assignment.rawValue)
        }
    }

    private var mustStop: Bool {
        StopSignal.isReceived || deadline?.isDue(publishSeconds: store.expectedPublishSeconds) == true
    }

    private func take(_ report: Report, from rank: Int) throws {
        dispatcher.answered(by: rank)
        for entry in try store.append(report.records) {
            try dispatcher.finished(entry.task, seconds: entry.status == .failed ? nil : entry.wallSeconds)
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
        dispatcher.forget(0)
        var pause = Pause(capMicroseconds: 1000)
        let start = ContinuousClock.now
        while dispatcher.isWaiting {
            let limit = StopSignal.received?.answerSeconds ?? StopSignal.calmAnswerSeconds
            if (ContinuousClock.now - start).seconds > limit {
                hasUnanswered = true
                return
            }
            guard let message = try communicator.poll() else {
                pause.rest()
                continue
            }
            if Tag(rawValue: message.tag) == .results { try take(Report(bytes: message.bytes), from: message.source) }
        }
    }
}
