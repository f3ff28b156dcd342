/// A point of one method, read and checked: what its result depends on, what a task there costs, and how to run it.
public final class PreparedPoint: Sendable {
    /// What names the tasks at the point: each value that the result is a function of, sorted by name.
    public let readings: [Reader.Reading]
    /// What recorded numbers depend on besides, through the job's time unit; sorted by name.
    public let clockReadings: [Reader.Reading]
    /// The parameters that the method looks at here, given or not, those for the time unit too; empty when the ``Reader``
    /// did not know the model's names, since only surveys of a grid ask for it.
    public let touched: [String]
    /// Recording times in the method's own unit, and steps in t = 1 where they had to be converted.
    private let times: [Double]
    private let stepsPerTime: Double?
    private let costOf: @Sendable ([Double]) throws -> Cost
    private let makeRun: @Sendable (RunRequest) throws -> any Run

    fileprivate init<M: Model>(
        _ model: M, _ method: M.Method, spec: MethodSpec, times: RecordingTimes, _ reader: Reader
    ) throws {
        let parameters = try M.Parameters(reader, method: method)
        var stepsPerTime: Double?
        if spec.isTimed {
            let clock = try reader.readingClock { try Clock(model, method, spec, times.unit, reader) }
            self.times = try clock.isOwn ? times.values : times.values.map(clock.convert)
            stepsPerTime = clock.stepsPerTime
        } else {
            self.times = []
        }
        self.stepsPerTime = stepsPerTime
        readings = reader.readings
        clockReadings = reader.clockReadings
        touched = reader.touched
        costOf = { try model.cost(of: method, parameters, times: $0) }
        makeRun = { try model.makeRun(method, parameters, $0) }
    }

    /// The expected cost of one task here.
    ///
    /// - Parameter recordingTimes: how many of the recording times are recorded, from the first; nil: all.
    public func cost(recordingTimes: Int? = nil) throws -> Cost {
        try costOf(recordingTimes.map { Array(times.prefix($0)) } ?? times)
    }

    /// A run, ready at time 0.
    public func makeRun(observables: Set<String>, random: RandomStream) throws -> any Run {
        try makeRun(
            RunRequest(times: times, stepsPerTime: stepsPerTime, observables: observables, random: random))
    }

    /// When the run has to be where: its recording times, or its own end.
    public var targets: [Double] { times.isEmpty ? [.infinity] : times }
}

/// Turns the job's recording times into the method's own.
private struct Clock {
    let stepsPerTime: Double?
    private let unit: TimeUnit
    private let own: MethodSpec.Time

    init<M: Model>(
        _ model: M, _ method: M.Method, _ spec: MethodSpec, _ unit: TimeUnit, _ reader: Reader
    ) throws {
        self.unit = unit
        own = spec.time
        switch (spec.time, unit) {
        case (.iterations, .scaled):
            throw ModelError.parameter(
                "record", "gives times in t; \(spec.name) counts iterations: leave out time_unit")
        case (.steps, .scaled), (.scaled, .steps):
            stepsPerTime = try model.stepsPerTime(of: method, at: reader)
        default: stepsPerTime = nil
        }
    }

    /// Whether the job's times are the method's own as they are.
    var isOwn: Bool { own == .scaled && unit == .scaled }

    func convert(_ time: Double) throws -> Double {
        switch (own, unit) {
        case (.scaled, .scaled), (.none, _): return time
        case (.scaled, .steps): return time / (stepsPerTime ?? 1)
        case (.steps, _), (.iterations, _):
            let steps = (time * (stepsPerTime ?? 1)).rounded()
            guard steps >= 0, steps < Double(maximumStep) else {
                throw ModelError.parameter("record", "time \(time) is \(steps) steps, outside 0 to 2^62")
            }
            return steps
        }
    }
}

extension Model {
    /// Reads and checks a point.
    ///
    /// - Parameters:
    ///   - spec: one of ``methods``.
    ///   - reader: of the point; what it notes is there also when this throws.
    ///   - times: the job's recording times; ignored by methods without time.
    /// - Throws: what the model says of the point.
    public func prepare(_ spec: MethodSpec, _ reader: Reader, times: RecordingTimes) throws -> PreparedPoint {
        guard let method = Method(rawValue: spec.name) else {
            throw ModelError.inconsistent("\(name) has no method '\(spec.name)'")
        }
        return try PreparedPoint(self, method, spec: spec, times: times, reader)
    }
}
