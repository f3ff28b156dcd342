import Foundation
import Results
import Sweep

/// Runs assignments; the same on every rank. What happens between two slices is the caller's.
struct Worker {
    private var runner: TaskRunner
    private let rank: Int
    private let fingerprint: UInt64

    /// - Parameter build: ``Build/key`` of this program.
    init(job: Job, rank: Int, keeper: RankKeeper, build: UInt32) {
        self.rank = rank
        fingerprint = GridFingerprint(grids: job.grids).value
        runner = TaskRunner(job: job, keeper: keeper, build: build)
    }

    /// Runs the assignment's tasks in order. `pause` answers true to abandon the task in flight and the rest.
    mutating func run(_ assignment: Assignment, pause: () throws -> Bool) throws -> Report {
        var records: [UInt8] = []
        for item in assignment.items {
            for offset in 0..<item.seedCount {
                guard let record = try runner.run(item.task(offset), rank: rank, pause: pause) else {
                    return Report(isCutShort: true, records: records)
                }
                record.encode(into: &records, grid: fingerprint)
            }
        }
        return Report(isCutShort: false, records: records)
    }
}

/// Sleeps that grow while nothing happens: a blocked MPI call would burn the core, and yielding does not sleep.
struct Pause {
    private var microseconds: UInt32 = 50
    private let cap: UInt32

    init(capMicroseconds: UInt32) { cap = capMicroseconds }

    mutating func rest() {
        usleep(microseconds)
        microseconds = min(cap, microseconds + microseconds / 2)
    }

    mutating func reset() { microseconds = 50 }
}

/// The life of every rank but 0: run what is assigned, report, leave when told. Returns the agreed exit code.
/// Without a job (rank 0 found it to be bad) there is nothing to run, only the code to wait for.
func followForeman(_ communicator: Communicator, job: Job?, keeper: RankKeeper?, build: UInt32) throws -> Int32 {
    var worker = job.flatMap { job in
        keeper.map { Worker(job: job, rank: communicator.rank, keeper: $0, build: build) }
    }
    var queue: [Assignment] = []
    var isStopping = false
    var end: Int32?
    var pause = Pause(capMicroseconds: 10_000)

    func readMail() throws {
        while let message = try communicator.poll() {
            switch Tag(rawValue: message.tag) {
            case .assignment: queue.append(Assignment(bytes: message.bytes))
            case .stop: isStopping = true
            case .end: end = Int32(message.bytes.first ?? UInt8(ExitCode.internalError.rawValue))
            default: break
            }
        }
        if StopSignal.isReceived { isStopping = true }
    }

    while true {
        try readMail()
        if let end {
            while try !communicator.isFlushed() { pause.rest() }
            return end
        }
        guard !queue.isEmpty, worker != nil else {
            pause.rest()
            continue
        }
        pause.reset()
        let assignment = queue.removeFirst()
        var report = Report(isCutShort: true, records: [])
        if !isStopping {
            report =
                try worker?.run(assignment) {
                    try readMail()
                    return isStopping
                } ?? report
        }
        try communicator.send(report.bytes, to: 0, tag: Tag.results.rawValue)
    }
}
