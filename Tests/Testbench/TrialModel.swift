import Foundation
import Modeling
import Numerics

/// A random walk of any length whose process can be made to end in every way a task can: for tests of the engine.
struct TrialModel: Model {
    let name = "trial"
    let summary = "a random walk that can fail in every way"
    let references: [String] = []
    let parameters = [
        ParameterSpec("index", kind: .integer(0...1_000_000_000), default: .value(.integer(0)), "tells points apart"),
        ParameterSpec(
            "fate", kind: .choice(["done", "throw", "diverge", "segfault", "trap", "kill", "hang", "eat", "mixed"]),
            default: .value(.text("done")),
            "how it ends, half way; mixed: by index, 1 % throw, 0.1 % each of segfault, hang and eat"),
        ParameterSpec(
            "milliseconds", kind: .real(.nonNegative), default: .value(.real(0)), units: "ms",
            "wall time that it takes at least"),
        ParameterSpec(
            "walkers", kind: .integer(1...1_000_000_000), default: .value(.integer(1)), "walkers: the size of the state"
        ),
        ParameterSpec(
            "deaf", kind: .flag, default: .value(.flag(false)), "one slice a recording time: answers no stop signal"),
    ]
    private static let observables = [
        ObservableSpec("position", symbol: "x", "mean position of the walkers"),
        ObservableSpec("last", symbol: "x_T", "last mean position", inTime: false),
    ]
    let methods = [
        MethodSpec(
            "walk", kind: .simulation, isSeeded: true, isTimed: true,
            observables: observables + [
                ObservableSpec(
                    "product", symbol: "x x'", "products of mean positions at two times, and their squares",
                    dimensions: [ExtraDimension("time_prime", .recordingTimes), ExtraDimension("power", .fixed(2))],
                    byDefault: false)
            ], costParameters: ["milliseconds", "walkers"], "walks"),
        MethodSpec(
            "sampled", kind: .theory, isSeeded: true, isTimed: true, observables: observables,
            costParameters: ["milliseconds", "walkers"], "walks for a theory: its seeds are Monte Carlo runs"),
    ]

    func constraints(method: String) -> [Constraint] { [] }
    func parametersUsed(by method: String, in context: JobContext) -> Set<String> { Set(parameters.map(\.name)) }

    func cost(method: String, at point: ParameterPoint, times: RecordingTimes) throws -> Cost {
        let steps = times.values.last ?? 0
        let walkers = Double(try point.integer("walkers"))
        return Cost(
            seconds: try point.real("milliseconds") * 1e-3 + steps * walkers * 20e-9, memory: 8 * Int(walkers))
    }

    func makeRun(_ request: RunRequest) throws -> any Run {
        let index = try request.point.integer("index")
        let fate = try request.point.text("fate")
        return TrialRun(
            fate: fate == "mixed" ? Self.mixed(index) : fate,
            end: Int(request.times.values.last ?? 0), seconds: try request.point.real("milliseconds") * 1e-3,
            isDeaf: try request.point.flag("deaf"), random: request.random,
            positions: Array(repeating: 0, count: try request.point.integer("walkers")))
    }

    private static func mixed(_ index: Int) -> String {
        switch index % 1000 {
        case 13: return "segfault"
        case 113: return "hang"
        case 213: return "eat"
        default: return index % 100 == 57 ? "throw" : "done"
        }
    }
}

private struct TrialRun: Run {
    let fate: String
    let end: Int
    let seconds: Double
    let isDeaf: Bool
    var random: RandomStream
    var positions: [Double]
    /// The mean positions at the recording times so far.
    var means: [Double] = []
    var step = 0

    init(fate: String, end: Int, seconds: Double, isDeaf: Bool, random: RandomStream, positions: [Double]) {
        self.fate = fate
        self.end = end
        self.seconds = seconds
        self.isDeaf = isDeaf
        self.random = random
        self.positions = positions
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let start = ContinuousClock.now
        let before = step
        let target = min(Int(time), isDeaf ? Int(time) : step + quantum)
        while step < target {
            step += 1
            for index in positions.indices { positions[index] += random.normal() }
            if 2 * step == end || 2 * step == end + 1 { try meetFate() }
        }
        let share = seconds * Double(step - before) / Double(max(1, end))
        // Asleep: what it stands for is a task that takes long, not one that takes a core from other tests.
        while case let rest = .seconds(share) - (ContinuousClock.now - start), rest > .zero {
            usleep(UInt32(min(1e6, rest / .microseconds(1))) + 1)
        }
        return Double(step) >= time
    }

    private func meetFate() throws {
        switch fate {
        case "throw": throw ModelError.notConverged("told to")
        case "diverge": throw ModelError.diverged(step: step, "told to")
        case "segfault": UnsafeMutablePointer<Int>(bitPattern: 8)?.pointee = 1
        case "trap": fatalError("told to")
        case "kill": kill(getpid(), SIGKILL)
        case "hang": while true { usleep(1000) }
        case "eat":
            var eaten: [[UInt8]] = []
            while true { eaten.append([UInt8](repeating: UInt8(truncatingIfNeeded: eaten.count), count: 1 << 24)) }
        default: break
        }
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        let mean = positions.reduce(0, +) / Double(positions.count)
        sink.put("position", mean)
        means.append(mean)
        guard sink.wants("product") else { return }
        // Both halves: an earlier time's row did not know this time yet.
        for (index, other) in means.enumerated() {
            let values = [mean * other, mean * mean * other * other]
            try sink.put("product", values, atTime: sink.timeIndex, index: [index])
            try sink.put("product", values, atTime: index, index: [sink.timeIndex])
        }
    }

    mutating func finish(into sink: inout ObservationSink) {
        sink.put("last", positions.reduce(0, +) / Double(positions.count))
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&random)
        try archive.exchange(&positions)
        try archive.exchange(resizing: &means)
        try archive.exchange(&step)
    }
}
