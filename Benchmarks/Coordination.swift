import Coordinator
import Foundation
import Models
import Results
import Sweep

/// What rank 0 pays for the other ranks: the constants of `ScheduleCosts`, under the same names, in nanoseconds. Single
/// calls are timed after the caches were filled with something else, as they are between two slices of a task; medians.
func benchmarkCoordination() throws -> [String: Double] {
    let communicator = try Communicator()
    defer { try? communicator.finalize() }
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("coordination-\(getpid())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var thrash = Thrash()
    var results: [String: Double] = [:]

    results["poll"] = try thrash.median { _ = try communicator.poll() }

    // A report from its message to the journal and the queue's notes: alone, with many records, and with long ones.
    let few = try Scene(folder: folder, name: "few", times: 2, points: 300_000)
    results["queueing"] = few.queueingSeconds / 300_000
    let single = try few.reportSeconds(records: 1, communicator, &thrash)
    let many = try few.reportSeconds(records: 200, communicator, &thrash)
    results["record"] = (many - single) / 199
    let long = try Scene(folder: folder, name: "long", times: 2001, points: 2000)
    let added = 8.0 * 1999
    results["byte"] =
        (try long.reportSeconds(records: 20, communicator, &thrash) - single - 19 * (many - single) / 199)
        / (20 * added)
    results["message"] = single - (many - single) / 199

    let one = try few.assignmentSeconds(items: 1, communicator, &thrash)
    let hundred = try few.assignmentSeconds(items: 100, communicator, &thrash)
    results["item"] = (hundred - one) / 99
    results["assignment"] = one - (hundred - one) / 99

    results["publishedByte"] = try few.publishSecondsPerByte()
    _ = try long.publishSecondsPerByte()
    return Dictionary(uniqueKeysWithValues: results.map { ("coordination.\($0.key)_ns", $0.value * 1e9) })
}

/// Fills the caches with something else before each timed call.
private struct Thrash {
    private var memory = [UInt64](repeating: 1, count: 1 << 18)

    /// The median seconds of `body`, each time after `prepare`.
    mutating func median(
        repeats: Int = 301, prepare: () throws -> Void = {}, _ body: () throws -> Void
    ) rethrows -> Double {
        var times: [Double] = []
        for _ in 0..<repeats {
            try prepare()
            for index in memory.indices { memory[index] &+= 1 }
            times.append(try ContinuousClock().measure(body) / .seconds(1))
        }
        return times.sorted()[repeats / 2]
    }
}

/// A job with its queue and its results, and records to fill them with.
private final class Scene {
    private let job: Job
    private let store: ResultStore
    private let dispatcher: Dispatcher
    private let values: [[Double]]
    private var nextPoint = 0
    private var bytes = 0
    let queueingSeconds: Double

    init(folder: String, name: String, times: Int, points: Int) throws {
        let text = """
            model: sequence-single-index
            methods: [overlap-chain]
            parameters: {d: 20, L: 2, init_scale: 0.1, step_size: {logspace: [0.001, 1, \(points)]}}
            record: {times: {linspace: [0, \(times - 1), \(times)]}, observables: [overlap]}
            output: \(folder)/\(name).h5
            """
        job = try Job.parse(text: text, path: name, models: allModels)
        store = try ResultStore.open(job: job, models: allModels, provenance: .current(ranks: 1, libraries: [:]))
        let clock = ContinuousClock()
        let start = clock.now
        dispatcher = Dispatcher(queue: try TaskQueue(job: job, ledger: store), ranks: 2)
        queueingSeconds = (clock.now - start) / .seconds(1)
        values = job.grids[0].slots(at: 0).map { slot in
            Array(repeating: 0.5, count: slot.shape.reduce(slot.isRecordedInTime ? times : 1, *))
        }
    }

    func reportSeconds(records: Int, _ communicator: Communicator, _ thrash: inout Thrash) throws -> Double {
        try thrash.median(repeats: 61) {
            var report = Report(isCutShort: false, records: [])
            for _ in 0..<records { encodeNext(into: &report.records) }
            bytes += report.records.count
            try communicator.send(report.bytes, to: 0, tag: 2)
        } _: {
            guard let message = try communicator.poll() else { return }
            dispatcher.answered(by: 1)
            for entry in try store.append(Report(bytes: message.bytes).records) {
                try dispatcher.finished(entry.task, seconds: entry.wallSeconds)
            }
        }
    }

    private func encodeNext(into records: inout [UInt8]) {
        TaskRecord(
            task: TaskID(method: 0, point: nextPoint, seed: 0), status: .done, wallSeconds: 1e-5, buffers: values
        ).encode(into: &records, grid: store.grid)
        nextPoint += 1
    }

    func assignmentSeconds(items: Int, _ communicator: Communicator, _ thrash: inout Thrash) throws -> Double {
        // The speed model knows by now that a task takes 10 us and a little.
        let each = dispatcher.queue.speed.expectedSeconds(method: 0, point: 0)
        return try thrash.median(repeats: 61) {
            while try communicator.poll() != nil {}
        } _: {
            guard let assignment = try dispatcher.queue.nextAssignment(seconds: each * (Double(items) - 0.5)) else {
                return
            }
            try communicator.send(assignment.bytes, to: 0, tag: 1)
        }
    }

    func publishSecondsPerByte() throws -> Double {
        // Whole: a file of mostly nothing says little about the bytes.
        while nextPoint < job.grids[0].pointCount {
            var records: [UInt8] = []
            for _ in 0..<min(1000, job.grids[0].pointCount - nextPoint) { encodeNext(into: &records) }
            bytes += records.count
            try store.append(records)
        }
        let clock = ContinuousClock()
        let start = clock.now
        _ = try store.finish()
        return (clock.now - start) / .seconds(1) / Double(max(1, bytes))
    }
}
