/// A model of learning dynamics: its parameters, its methods, and how to run one of them at one grid point.
///
/// A model is a value without state. It knows nothing of MPI, files or YAML: parameters come in through a ``Reader``,
/// randomness as a `RandomStream`, and results leave through an ``ObservationSink``. A model says each thing once: a
/// parameter is a ``Key``, an observable an ``Observable``, a method a case of ``Method``; what a method depends on
/// follows from what ``Parameters`` reads.
public protocol Model: Sendable {
    /// What it can run.
    associatedtype Method: ModelMethod
    /// What a run and its cost need of a point.
    associatedtype Parameters: ModelParameters where Parameters.Method == Method

    /// The name in job files, e.g. `sequence-single-index`.
    var name: String { get }
    /// One line for `dynsweep models`.
    var summary: String { get }
    /// Where the model comes from (papers).
    var references: [String] { get }
    /// Goes up when the model's numbers change: results of another revision are not mixed with those of this one.
    var revision: Int { get }
    /// All parameters, in the order of `dynsweep models NAME`.
    var keys: [any ParameterKey] { get }

    /// How many algorithm steps the scaled time t = 1 is, of methods that know both (``MethodSpec/Time``). Asked only
    /// when the job's recording times are not in the method's own unit; what it reads makes axes and enters no name.
    func stepsPerTime(of method: Method, at point: Reader) throws -> Double
    /// The expected cost of one task; only the ratios between points matter for scheduling.
    ///
    /// - Parameter times: recording times in the method's own unit; empty for methods without time.
    func cost(of method: Method, _ parameters: Parameters, times: [Double]) throws -> Cost
    /// A run, ready at time 0. Throws ``ModelError`` for parameters it cannot run with.
    func makeRun(_ method: Method, _ parameters: Parameters, _ request: RunRequest) throws -> any Run
}

/// The methods of a model: an enumeration whose raw values are their names.
public protocol ModelMethod: RawRepresentable<String>, CaseIterable, Sendable, Hashable {
    /// What the engine knows of the method.
    var spec: MethodSpec { get }
}

/// One grid point of a model, checked, with all defaults worked out.
public protocol ModelParameters: Sendable {
    /// The methods of the model that they belong to.
    associatedtype Method: ModelMethod
    /// Reads what `method` needs at `point`, and nothing else.
    ///
    /// - Throws: ``ModelError/needed(_:)`` for what is missing, ``ModelError/parameter(_:_:)`` for what does not fit.
    init(_ point: Reader, method: Method) throws
}

extension Model {
    /// All methods, in the order of their enumeration.
    public var methods: [MethodSpec] { Method.allCases.map(\.spec) }
    /// All parameters, those that stand in place of others too.
    public var parameters: [ParameterSpec] { keys.flatMap(\.specs) }

    /// A model whose methods know one time only has nothing to convert.
    public func stepsPerTime(of method: Method, at point: Reader) throws -> Double {
        throw ModelError.inconsistent("\(method.rawValue) has no scaled time")
    }
}

/// What the engine knows of one method of a model: a simulation or a theory.
public struct MethodSpec: Sendable {
    /// Simulations are drawn as dots, theories as lines.
    public enum Kind: String, Sendable { case simulation, theory }

    /// The time that a run counts in.
    public enum Time: Sendable, Hashable {
        /// It has no recording times and runs to its own end.
        case none
        /// Iterations; it has no other time.
        case iterations
        /// Algorithm steps; recording times in t are converted.
        case steps
        /// The scaled time t of the model's limit; recording times in steps are converted.
        case scaled
    }

    /// The name in job and result files.
    public let name: String
    /// Simulation or theory.
    public let kind: Kind
    /// One line for `dynsweep models NAME`.
    public let summary: String
    /// True when results depend on a random seed: the method's grid then has a seed dimension.
    public let isSeeded: Bool
    /// What its runs count in.
    public let time: Time
    /// All that it can record.
    public let observables: [Observable]

    /// The method with the name of an enumeration's case; arguments as the properties.
    public init(
        _ method: some RawRepresentable<String>, kind: Kind, isSeeded: Bool, time: Time, observables: [Observable],
        _ summary: String
    ) {
        name = method.rawValue
        self.kind = kind
        self.isSeeded = isSeeded
        self.time = time
        self.observables = observables
        self.summary = summary
    }

    /// True when the method has recording times.
    public var isTimed: Bool { time != .none }
}

/// An estimate before the fact.
public struct Cost: Sendable, Hashable {
    /// Seconds on a core of 2024; scheduling calibrates it by measured times.
    public let seconds: Double
    /// Bytes that the run holds.
    public let memory: Int

    /// - Parameters:
    ///   - seconds: of one core. What is not a number, or negative, is 0.
    ///   - bytes: that the run holds; what is recorded is added by the engine. Held below 2^60.
    public init(seconds: Double, bytes: Double) {
        self.seconds = seconds > 0 ? min(seconds, 1e300) : 0
        memory = bytes > 0 ? Int(min(bytes, 0x1p60)) : 0
    }

    /// The cost with `bytes` more memory.
    public func adding(bytes: Double) -> Cost { Cost(seconds: seconds, bytes: Double(memory) + bytes) }
}

/// All that a run gets besides its parameters.
public struct RunRequest: Sendable {
    /// Recording times in the method's own unit, increasing; empty for methods without time.
    public let times: [Double]
    /// Steps in t = 1, when the job's times had to be converted; nil else: then a run that counts in t knows no steps.
    public let stepsPerTime: Double?
    /// The names of the requested observables.
    public let observables: Set<String>
    /// The task's random stream; unseeded methods get one too (for quasi-Monte Carlo shifts and the like).
    public let random: RandomStream

    /// A request; arguments as the properties.
    public init(times: [Double], stepsPerTime: Double? = nil, observables: Set<String>, random: RandomStream) {
        self.times = times
        self.stepsPerTime = stepsPerTime
        self.observables = observables
        self.random = random
    }

    /// Whether the job wants `observable`.
    public func wants(_ observable: Observable) -> Bool { observables.contains(observable.name) }
}

/// One task in progress. The engine calls ``advance(toward:quantum:)`` until a recording time is reached, then
/// ``observe(into:)``, for each recording time in turn; then ``finish(into:)`` once. Between calls it may look after
/// messages and signals, so a call should end after about `quantum` elementary steps.
///
/// Also between any two calls the engine may save the run's state (`Resumable`), throw the run away, and later, in
/// another process, put the state into a run freshly made by ``Model/makeRun(_:_:_:)`` from the same arguments. So only what
/// changes while the run advances or observes need be exchanged, but all of that: whatever `finish` uses, too. Going on
/// from a restored state must give the same bits as never having stopped, and saving must not change what follows.
public protocol Run: Sendable, Resumable {
    /// Moves towards `time`, in the method's own unit, by at most `quantum` elementary steps. Returns true when it is
    /// there. Recording times come in increasing order and may start at 0; of methods that count steps or iterations
    /// they are whole numbers up to ``maximumStep``. A method without time is called with infinity and returns true at its own end.
    /// The trajectory must not depend on how it is cut into calls, nor on the recording times.
    mutating func advance(toward time: Double, quantum: Int) throws -> Bool
    /// Puts the time-dependent observables at the present time.
    mutating func observe(into sink: inout ObservationSink) throws
    /// Puts the observables that have one value a task.
    mutating func finish(into sink: inout ObservationSink) throws
}

extension Run {
    /// Puts nothing: a run may have no such observable.
    public mutating func finish(into sink: inout ObservationSink) throws {}
}

/// The most steps a simulation counts.
public let maximumStep = 1 << 62

/// What a model or its run can answer instead of a result.
public enum ModelError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A parameter that the method cannot do without is not given: its name.
    case needed(String)
    /// A parameter's value does not fit: its name, and what is wrong.
    case parameter(String, String)
    /// Parameters do not fit together: the name of one to point at, and a whole sentence.
    case conflict(String, String)
    /// The run left the numbers (NaN, infinity, a norm beyond its bound) at this step; the task becomes `diverged`.
    case diverged(step: Int, String)
    /// A numerical method did not reach its tolerance.
    case notConverged(String)
    /// The model contradicts its own declaration.
    case inconsistent(String)

    /// What is wrong, as a sentence without a full stop.
    public var description: String {
        switch self {
        case .needed(let name): return "parameter '\(name)' is needed and not given"
        case .parameter(let name, let what): return "parameter '\(name)' \(what)"
        case .conflict(_, let sentence): return sentence
        case .diverged(let step, let what): return "diverged at step \(step): \(what)"
        case .notConverged(let what): return "did not converge: \(what)"
        case .inconsistent(let what): return "internal: \(what)"
        }
    }

    /// A parameter's value that does not fit: what is wrong, after the parameter's name ("must be below 2").
    public static func parameter<Value>(_ key: Key<Value>, _ what: String) -> ModelError { .parameter(key.name, what) }

    /// Parameters that do not fit together: one to point at, and a whole sentence.
    public static func conflict<Value>(_ key: Key<Value>, _ sentence: String) -> ModelError {
        .conflict(key.name, sentence)
    }
}
