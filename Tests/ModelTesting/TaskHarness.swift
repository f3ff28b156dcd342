import Foundation
import Modeling
import Numerics

/// True under `make test-long`: for tests that need more than a few seconds.
///
///     @Test(.enabled(if: runsLongTests))
public let runsLongTests = ProcessInfo.processInfo.environment["DYNSWEEP_LONG_TESTS"] == "1"

/// What one task recorded: rows of numbers a time for each observable.
public struct Recording {
    public let sink: ObservationSink

    /// The observable `name`, all times (and its own dimensions) in a row.
    public func callAsFunction(_ name: String) -> [Double] {
        sink.slots.firstIndex { $0.name == name }.map { sink.buffers[$0] } ?? []
    }
}

/// One task of a method, ready to be run, as often as one likes.
public struct PreparedTask {
    public let point: PreparedPoint
    public let isTimed: Bool
    /// Empty, and keeps an audit.
    public let sink: ObservationSink
    public let random: RandomStream

    /// A run at time 0.
    public func makeRun() throws -> any Run {
        try point.makeRun(observables: Set(sink.slots.map(\.name)), random: random)
    }
}

/// As in the program: tests run side by side, and a BLAS with threads of its own would make them wait for each other.
private let isBLASSingleThreaded: Void = BLAS.setSingleThreaded()

/// Makes and runs single tasks of one model as the engine does.
public struct TaskHarness<M: Model>: Sendable {
    public let model: M
    /// Half of every task's identity, so that no two models' tests share random numbers.
    let salt: UInt64
    /// Observables that are recorded only when a test names them.
    let leftOut: Set<String>

    public init(_ model: M, salt: UInt64, leftOut: Set<String> = []) {
        self.model = model
        self.salt = salt
        self.leftOut = leftOut
    }

    func spec(_ method: String) throws -> MethodSpec {
        guard let spec = model.methods.first(where: { $0.name == method }) else {
            throw ModelError.inconsistent("no method \(method)")
        }
        return spec
    }

    /// A point, read and checked: throws what the model says of it.
    public func prepare(
        _ method: String, _ values: Given, times: [Double] = [], unit: TimeUnit = .steps
    ) throws -> PreparedPoint {
        try model.prepare(
            try spec(method), Reader(ParameterPoint(values), known: Set(model.parameters.map(\.name))),
            times: RecordingTimes(unit: unit, values: times))
    }

    /// One task, and the sink for what it records: `observables`, or all but aggregates and those left out.
    public func task(
        _ method: String, _ values: Given, times: [Double], unit: TimeUnit, seed: Int = 1,
        observables: Set<String>? = nil
    ) throws -> PreparedTask {
        _ = isBLASSingleThreaded
        let spec = try spec(method)
        let point = ParameterPoint(values)
        let wanted = spec.observables.filter {
            $0.aggregate == nil && (observables?.contains($0.name) ?? !leftOut.contains($0.name))
        }
        let count = spec.isTimed ? times.count : 0
        return PreparedTask(
            point: try prepare(method, values, times: spec.isTimed ? times : [], unit: unit), isTimed: spec.isTimed,
            sink: ObservationSink(
                slots: wanted.map { .init($0, at: point, timeCount: count) }, timeCount: times.count,
                auditing: Set(spec.observables.map(\.name))),
            random: RandomStream(identity: identity(seed: seed)))
    }

    /// What a task's random numbers are drawn by, for a test that draws the same ones itself.
    public func identity(seed: Int = 1) -> TaskIdentity {
        TaskIdentity(high: salt ^ otherSeeds, low: UInt64(seed) &* 0x9E37_79B9_7F4A_7C15)
    }

    /// Runs one task: advance in quanta, observe at each time, finish.
    ///
    /// - Parameter times: ignored by a method without time.
    /// - Throws: also when the run puts what its method does not declare.
    public func run(
        _ method: String, _ values: Given, times: [Double] = [], unit: TimeUnit = .steps, seed: Int = 1,
        quantum: Int = 1 << 20, observables: Set<String>? = nil
    ) throws -> Recording {
        let task = try task(method, values, times: times, unit: unit, seed: seed, observables: observables)
        var sink = task.sink
        var run = try task.makeRun()
        for (index, time) in task.point.targets.enumerated() {
            while try !run.advance(toward: time, quantum: quantum) {}
            sink.timeIndex = index
            if task.isTimed { try run.observe(into: &sink) }
        }
        try run.finish(into: &sink)
        if let name = sink.audit?.undeclared.first {
            throw ModelError.inconsistent("observable '\(name)' is put and not declared by \(method)")
        }
        return Recording(sink: sink)
    }

    /// The same by the method's case.
    public func run(
        _ method: M.Method, _ values: Given, times: [Double] = [], unit: TimeUnit = .steps, seed: Int = 1,
        quantum: Int = 1 << 20, observables: Set<String>? = nil
    ) throws -> Recording {
        try run(
            method.rawValue, values, times: times, unit: unit, seed: seed, quantum: quantum, observables: observables)
    }

    /// The one number of an observable of a method without time; NaN when it has none.
    public func number(_ method: M.Method, _ name: String, _ values: Given) throws -> Double {
        try run(method, values, observables: [name])(name).first ?? .nan
    }

    /// What a method reads of a point.
    public func parameters(_ method: M.Method, _ values: Given) throws -> M.Parameters {
        try M.Parameters(Reader(ParameterPoint(values)), method: method)
    }
}

/// Other random numbers for all runs of the harness: with DYNSWEEP_TEST_SEEDS=1, 2, ... in the environment, to see which
/// tests hold by the luck of their seeds.
private let otherSeeds = ProcessInfo.processInfo.environment["DYNSWEEP_TEST_SEEDS"].flatMap { UInt64($0) } ?? 0
