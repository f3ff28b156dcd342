import Foundation
import Modeling
import Results
import Sweep

/// A random walk that can be told to throw or to diverge, so that every fate of a task has a job.
struct WalkModel: Model {
    let name = "walk"
    let summary = "A random walk, for tests."
    let references: [String] = []
    let revision = 1
    let keys: [any ParameterKey] = [Keys.scale, Keys.fate, Keys.bias, Keys.milliseconds, Keys.size]

    enum Keys {
        static let scale = Key<Double>("scale", in: .nonNegative, default: 1, "standard deviation of a step")
        static let fate = Key<Fate>("fate", default: .done, "how it ends")
        static let bias = Key<Double>("bias", in: .any, default: 0, "where a drifting walk goes")
        static let milliseconds = Key<Double>("milliseconds", in: .nonNegative, default: 0.001, "time that it claims")
        static let size = Key<Int>("size", in: 1...1_000_000_000_000, default: 1, "bytes it claims")
    }

    enum Fate: String, CaseIterable {
        case done, `throws`, diverges
        /// It has a bias.
        case drifts
    }

    enum Method: String, ModelMethod {
        case walk, sampled, variance

        var spec: MethodSpec {
            switch self {
            case .walk:
                MethodSpec(
                    self, kind: .simulation, isSeeded: true, time: .steps, observables: [.position, .last, .hit],
                    "walks")
            case .sampled:
                MethodSpec(
                    self, kind: .theory, isSeeded: true, time: .steps, observables: [.position],
                    "a theory by Monte Carlo: it walks too")
            case .variance:
                MethodSpec(
                    self, kind: .theory, isSeeded: false, time: .steps, observables: [.position], "knows")
            }
        }
    }

    /// A walk alone can fail, and a drifting one alone has a bias.
    struct Parameters: ModelParameters {
        let scale: Double
        var fate = Fate.done
        var bias = 0.0
        var milliseconds = 0.001
        var size = 1

        init(_ point: Reader, method: Method) throws {
            scale = try point[Keys.scale]
            guard method == .walk else { return }
            fate = try point[Keys.fate]
            if fate == .drifts { bias = try point[Keys.bias] }
            milliseconds = try point[Keys.milliseconds]
            size = try point[Keys.size]
        }
    }

    func stepsPerTime(of method: Method, at point: Reader) -> Double { 1 }

    func cost(of method: Method, _ p: Parameters, times: [Double]) -> Cost {
        Cost(seconds: p.milliseconds * 1e-3, bytes: Double(p.size))
    }

    func makeRun(_ method: Method, _ p: Parameters, _ request: RunRequest) -> any Run {
        WalkRun(
            scale: method == .variance ? 0 : p.scale, bias: p.bias, fate: p.fate, random: request.random)
    }
}

extension Observable {
    fileprivate static let position = Observable("position", symbol: "x", "position")
    fileprivate static let last = Observable("last", symbol: "x_T", "last position", inTime: false)
    fileprivate static let hit = Observable(
        "hit", symbol: "t_0", "1 when it ends above 0, infinite otherwise", inTime: false)
}

private struct WalkRun: Run {
    let scale: Double
    let bias: Double
    let fate: WalkModel.Fate
    var random: RandomStream
    var step = 0
    var position = 0.0

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        for _ in 0..<quantum {
            if Double(step) >= time { return true }
            step += 1
            position += scale * random.normal() + bias
            if step == 50 {
                if fate == .throws { throw ModelError.notConverged("told to") }
                if fate == .diverges { throw ModelError.diverged(step: step, "told to") }
            }
        }
        return Double(step) >= time
    }

    mutating func observe(into sink: inout ObservationSink) { sink.put(.position, position) }
    mutating func finish(into sink: inout ObservationSink) {
        sink.put(.last, position)
        sink.put(.hit, position > 0 ? 1 : .infinity)
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
