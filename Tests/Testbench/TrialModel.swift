import Foundation
import Modeling

/// A random walk of any length whose process can be made to end in every way a task can: for tests of the engine.
struct TrialModel: Model {
    let name = "trial"
    let summary = "a random walk that can fail in every way"
    let references: [String] = []
    let revision = 1
    let keys: [any ParameterKey] = [Keys.index, Keys.fate, Keys.milliseconds, Keys.walkers, Keys.deaf]

    enum Keys {
        static let index = Key<Int>("index", in: 0...1_000_000_000, default: 0, "tells points apart")
        static let fate = Key<Fate>(
            "fate", default: .done,
            "how it ends, half way; mixed: by index, 1 % throw, 0.1 % each of segfault, hang and eat")
        static let milliseconds = Key<Double>(
            "milliseconds", in: .nonNegative, default: 0, units: "ms", "wall time that it takes at least")
        static let walkers = Key<Int>(
            "walkers", in: 1...1_000_000_000, default: 1, "walkers: the size of the state")
        static let deaf = Key<Bool>("deaf", default: false, "one slice a recording time: answers no stop signal")
    }

    enum Fate: String, CaseIterable {
        case done, `throw`, diverge, segfault, trap, kill, hang, eat, mixed

        /// Of a task of mixed fate.
        init(mixed index: Int) {
            switch index % 1000 {
            case 13: self = .segfault
            case 113: self = .hang
            case 213: self = .eat
            default: self = index % 100 == 57 ? .throw : .done
            }
        }
    }

    enum Method: String, ModelMethod {
        case walk, sampled

        var spec: MethodSpec {
            switch self {
            case .walk:
                MethodSpec(
                    self, kind: .simulation, isSeeded: true, time: .steps, observables: [.position, .last, .product],
                    "walks")
            case .sampled:
                MethodSpec(
                    self, kind: .theory, isSeeded: true, time: .steps, observables: [.position, .last],
                    "walks for a theory: its seeds are Monte Carlo runs")
            }
        }
    }

    struct Parameters: ModelParameters {
        let fate: Fate
        let seconds: Double
        let walkers: Int
        let isDeaf: Bool

        init(_ point: Reader, method: Method) throws {
            let index = try point[Keys.index]
            let fate = try point[Keys.fate]
            self.fate = fate == .mixed ? Fate(mixed: index) : fate
            seconds = try point[Keys.milliseconds] * 1e-3
            walkers = try point[Keys.walkers]
            isDeaf = try point[Keys.deaf]
        }
    }

    /// A walk has no other time: t is a step.
    func stepsPerTime(of method: Method, at point: Reader) -> Double { 1 }

    func cost(of method: Method, _ p: Parameters, times: [Double]) -> Cost {
        let walkers = Double(p.walkers)
        return Cost(seconds: p.seconds + (times.last ?? 0) * walkers * 20e-9, bytes: 8 * walkers)
    }

    func makeRun(_ method: Method, _ p: Parameters, _ request: RunRequest) -> any Run {
        TrialRun(p, end: Int(request.times.last ?? 0), random: request.random)
    }
}

extension Observable {
    fileprivate static let position = Observable("position", symbol: "x", "mean position of the walkers")
    fileprivate static let last = Observable("last", symbol: "x_T", "last mean position", inTime: false)
    fileprivate static let product = Observable(
        "product", symbol: "x x'", "products of mean positions at two times, and their squares",
        dimensions: [ExtraDimension("time_prime", .recordingTimes), ExtraDimension("power", .fixed(2))],
        byDefault: false)
}

private struct TrialRun: Run {
    let p: TrialModel.Parameters
    let end: Int
    var random: RandomStream
    var positions: [Double]
    /// The mean positions at the recording times so far.
    var means: [Double] = []
    var step = 0

    init(_ p: TrialModel.Parameters, end: Int, random: RandomStream) {
        self.p = p
        self.end = end
        self.random = random
        positions = Array(repeating: 0, count: p.walkers)
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let start = ContinuousClock.now
        let before = step
        let target = min(Int(time), p.isDeaf ? Int(time) : step + quantum)
        while step < target {
            step += 1
            for index in positions.indices { positions[index] += random.normal() }
            if 2 * step == end || 2 * step == end + 1 { try meetFate() }
        }
        let share = p.seconds * Double(step - before) / Double(max(1, end))
        // Asleep: what it stands for is a task that takes long, not one that takes a core from other tests.
        while case let rest = .seconds(share) - (ContinuousClock.now - start), rest > .zero {
            usleep(UInt32(min(1e6, rest / .microseconds(1))) + 1)
        }
        return Double(step) >= time
    }

    private func meetFate() throws {
        switch p.fate {
        case .throw: throw ModelError.notConverged("told to")
        case .diverge: throw ModelError.diverged(step: step, "told to")
        case .segfault: UnsafeMutablePointer<Int>(bitPattern: 8)?.pointee = 1
        case .trap: fatalError("told to")
        case .kill: kill(getpid(), SIGKILL)
        case .hang: while true { usleep(1000) }
        case .eat:
            var eaten: [[UInt8]] = []
            while true { eaten.append([UInt8](repeating: UInt8(truncatingIfNeeded: eaten.count), count: 1 << 24)) }
        case .done, .mixed: break
        }
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        let mean = positions.reduce(0, +) / Double(positions.count)
        sink.put(.position, mean)
        means.append(mean)
        guard sink.wants(.product) else { return }
        // Both halves: an earlier time's row did not know this time yet.
        for (index, other) in means.enumerated() {
            let values = [mean * other, mean * mean * other * other]
            try sink.put(.product, values, atTime: sink.timeIndex, index: [index])
            try sink.put(.product, values, atTime: index, index: [sink.timeIndex])
        }
    }

    mutating func finish(into sink: inout ObservationSink) {
        sink.put(.last, positions.reduce(0, +) / Double(positions.count))
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&random)
        try archive.exchange(&positions)
        try archive.exchange(resizing: &means)
        try archive.exchange(&step)
    }
}
