import Foundation
import Modeling
import Numerics
import Results
import Sweep

/// A random walk that can be told to throw or to diverge, so that every fate of a task has a job.
struct WalkModel: Model {
    let name = "walk"
    let summary = "A random walk, for tests."
    let references: [String] = []
    let parameters = [
        ParameterSpec("scale", kind: .real(.nonNegative), default: .value(.real(1)), "standard deviation of a step"),
        ParameterSpec(
            "fate", kind: .choice(["done", "throws", "diverges"]), default: .value(.text("done")), "how it ends"),
        ParameterSpec(
            "milliseconds", kind: .real(.nonNegative), default: .value(.real(0.001)), "time that it claims"),
        ParameterSpec("size", kind: .integer(1...1_000_000_000_000), default: .value(.integer(1)), "bytes it claims"),
    ]
    let methods = [
        MethodSpec(
            "walk", kind: .simulation, isSeeded: true, isTimed: true,
            observables: [
                ObservableSpec("position", symbol: "x", "position"),
                ObservableSpec("last", symbol: "x_T", "last position", inTime: false),
                ObservableSpec("hit", symbol: "t_0", "1 when it ends above 0, infinite otherwise", inTime: false),
            ], costParameters: ["size", "milliseconds"], "walks"),
        MethodSpec(
            "sampled", kind: .theory, isSeeded: true, isTimed: true,
            observables: [ObservableSpec("position", symbol: "x", "position")], costParameters: [],
            "a theory by Monte Carlo: it walks too"),
        MethodSpec(
            "variance", kind: .theory, isSeeded: false, isTimed: true,
            observables: [ObservableSpec("position", symbol: "x", "mean position")], costParameters: [], "knows"),
    ]

    func constraints(method: String) -> [Constraint] { [] }
    func parametersUsed(by method: String, in context: JobContext) -> Set<String> {
        method == "walk" ? ["scale", "fate", "size", "milliseconds"] : ["scale"]
    }

    func cost(method: String, at point: ParameterPoint, times: RecordingTimes) throws -> Cost {
        Cost(seconds: try point.real("milliseconds") * 1e-3, memory: try point.integer("size"))
    }

    func makeRun(_ request: RunRequest) throws -> any Run {
        WalkRun(
            scale: request.method == "variance" ? 0 : try request.point.real("scale"),
            fate: try request.point.text("fate"), random: request.random)
    }
}

private struct WalkRun: Run {
    let scale: Double
    let fate: String
    var random: RandomStream
    var step = 0
    var position = 0.0

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        for _ in 0..<quantum {
            if Double(step) >= time { return true }
            step += 1
            position += scale * random.normal()
            if step == 50 {
                if fate == "throws" { throw ModelError.notConverged("told to") }
                if fate == "diverges" { throw ModelError.diverged(step: step, "told to") }
            }
        }
        return Double(step) >= time
    }

    mutating func observe(into sink: inout ObservationSink) { sink.put("position", position) }
    mutating func finish(into sink: inout ObservationSink) {
        sink.put("last", position)
        sink.put("hit", position > 0 ? 1 : .infinity)
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&random)
        try archive.exchange(&step)
        try archive.exchange(&position)
    }
}

/// A folder that goes away with the test.
final class Folder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "coordinator-tests-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a job of the walk model with its output in this folder; returns its path.
    func job(_ text: String, output: String = "out.h5") throws -> String {
        let file = path + "/job.yaml"
        try "model: walk\noutput: \(path)/\(output)\n\(text)".write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }
}
