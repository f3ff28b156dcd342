import Numerics

/// A model of learning dynamics: its parameters, its methods, and how to run one of them at one grid point.
///
/// A model is a value without state. It knows nothing of MPI, files or YAML: parameters come in as a
/// ``ParameterPoint``, randomness as a `RandomStream`, and results leave through an ``ObservationSink``.
public protocol Model: Sendable {
    /// The name in job files, e.g. `sequence-single-index`.
    var name: String { get }
    /// One line for `dynsweep models`.
    var summary: String { get }
    /// Where the model comes from (papers).
    var references: [String] { get }
    var parameters: [ParameterSpec] { get }
    var methods: [MethodSpec] { get }
    /// Conditions that tie several parameters of one method.
    func constraints(method: String) -> [Constraint]
    /// The parameters that the result of `method` depends on; the axes of all others are left out of its grid.
    /// May look at which parameters the job gives and at its time unit, so that theory is not repeated along
    /// axes it does not see (an ODE in t = steps/d along d, say).
    func parametersUsed(by method: String, in context: JobContext) -> Set<String>
    /// The expected cost of one task; only the ratios between points matter for scheduling.
    /// Depends on the parameters of ``MethodSpec/costParameters`` alone.
    func cost(method: String, at point: ParameterPoint, times: RecordingTimes) throws -> Cost
    /// A run, ready at time 0. Throws ``ModelError`` for parameters it cannot run with.
    func makeRun(_ request: RunRequest) throws -> any Run
}

/// What a model may look at when it says which parameters a method depends on.
public struct JobContext: Sendable {
    public let timeUnit: TimeUnit
    /// The parameters that the job gives for this method (canonical names); all others have their defaults.
    public let given: Set<String>
    /// Given parameters that are one fixed value, with that value; axes are absent here.
    public let fixed: ParameterPoint

    public init(timeUnit: TimeUnit, given: Set<String>, fixed: ParameterPoint) {
        self.timeUnit = timeUnit
        self.given = given
        self.fixed = fixed
    }
}

/// One method of a model: a simulation or a theory.
public struct MethodSpec: Sendable {
    public enum Kind: String, Sendable { case simulation, theory }

    public let name: String
    public let kind: Kind
    public let summary: String
    /// True when results depend on a random seed: the method's grid then has a seed dimension.
    public let isSeeded: Bool
    /// True when the method has recording times.
    public let isTimed: Bool
    public let observables: [ObservableSpec]
    /// The parameters that ``Model/cost(method:at:times:)`` reads.
    public let costParameters: [String]

    public init(
        _ name: String, kind: Kind, isSeeded: Bool, isTimed: Bool, observables: [ObservableSpec],
        costParameters: [String], _ summary: String
    ) {
        self.name = name
        self.kind = kind
        self.isSeeded = isSeeded
        self.isTimed = isTimed
        self.observables = observables
        self.costParameters = costParameters
        self.summary = summary
    }
}

/// An estimate before the fact.
public struct Cost: Sendable, Hashable {
    /// Seconds on a core of 2024; scheduling calibrates it by measured times.
    public var seconds: Double
    /// Bytes that the run holds.
    public var memory: Int

    public init(seconds: Double, memory: Int) {
        self.seconds = seconds
        self.memory = memory
    }
}

/// All that a model gets to make a run.
public struct RunRequest: Sendable {
    public let method: String
    public let point: ParameterPoint
    /// Parameters that the method said it does not use: their values in ``point`` only stand in, and no number that is
    /// recorded may depend on them.
    public let standIns: Set<String>
    public let times: RecordingTimes
    /// The names of the requested observables.
    public let observables: Set<String>
    /// The task's random stream; unseeded methods get one too (for quasi-Monte Carlo shifts and the like).
    public let random: RandomStream

    public init(
        method: String, point: ParameterPoint, standIns: Set<String> = [], times: RecordingTimes,
        observables: Set<String>, random: RandomStream
    ) {
        self.method = method
        self.point = point
        self.standIns = standIns
        self.times = times
        self.observables = observables
        self.random = random
    }
}

/// One task in progress. The engine calls ``advance(toward:quantum:)`` until a recording time is reached, then
/// ``observe(into:)``, for each recording time in turn; then ``finish(into:)`` once. Between calls it may look after
/// messages and signals, so a call should end after about `quantum` elementary steps.
///
/// Also between any two calls the engine may save the run's state (`Resumable`), throw the run away, and later, in
/// another process, put the state into a run freshly made by ``Model/makeRun(_:)`` from the same request. So only what
/// changes while the run advances or observes need be exchanged, but all of that: whatever `finish` uses, too. Going on
/// from a restored state must give the same bits as never having stopped, and saving must not change what follows.
public protocol Run: Sendable, Resumable {
    /// Moves towards `time` (in the unit of the request's recording times; a discrete method goes to the nearest whole
    /// step) by at most `quantum` elementary steps. Returns true when it is there. Recording times come in increasing
    /// order and may start at 0; a method without time is called with infinity and returns true at its own end. The trajectory must not depend on how it is cut into calls, nor on the recording times.
    mutating func advance(toward time: Double, quantum: Int) throws -> Bool
    /// Puts the time-dependent observables at the present time.
    mutating func observe(into sink: inout ObservationSink) throws
    /// Puts the observables that have one value a task.
    mutating func finish(into sink: inout ObservationSink) throws
}

extension Run {
    public mutating func finish(into sink: inout ObservationSink) throws {}
}

/// What a model or its run can answer instead of a result.
public enum ModelError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A parameter's value does not fit: its name, and what is wrong.
    case parameter(String, String)
    /// The run left the numbers (NaN, infinity, a norm beyond its bound) at this step; the task becomes `diverged`.
    case diverged(step: Int, String)
    /// A numerical method did not reach its tolerance.
    case notConverged(String)
    /// The model contradicts its own declaration.
    case inconsistent(String)

    public var description: String {
        switch self {
        case .parameter(let name, let what): return "parameter '\(name)' \(what)"
        case .diverged(let step, let what): return "diverged at step \(step): \(what)"
        case .notConverged(let what): return "did not converge: \(what)"
        case .inconsistent(let what): return "internal: \(what)"
        }
    }
}
