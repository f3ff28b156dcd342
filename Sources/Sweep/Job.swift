import Foundation
import Modeling

/// A validated job: what to run, at which points, what to record and where it goes.
public struct Job: Sendable {
    /// The job's name; the file's stem when the job gives none.
    public let name: String
    /// The job file as the user named it.
    public let path: String
    /// The job as written. The same job is rebuilt from it with ``overrides``.
    public let text: String
    /// The `--set` arguments (`KEY=VALUE`), in order.
    public let overrides: [String]
    public let model: any Model
    /// One a method, in the job's order.
    public let grids: [MethodGrid]
    /// The axes of `parameters`, in the job's order; a method's grid has those of them that it depends on.
    public let axes: [Axis]
    /// The recording times; empty when no method has time.
    public let times: RecordingTimes
    /// How many seeds the methods get that have no rule of their own.
    public let seeds: SeedRule
    /// The rules of methods that have one of their own, by name.
    public let ownSeeds: [String: SeedRule]
    /// The result file.
    public let output: String
    public let limits: JobLimits
    public let figure: FigureSpec?
    /// Remarks on what is probably not meant, such as a parameter that no method uses.
    public let notes: [JobError]
    /// Where the job gives each parameter (by canonical name).
    let locations: [String: SourceLocation]
    /// The first flat task index of each grid, and the total.
    private let offsets: [Int]
    /// Of each grid; what it has of both is worked out from its axes.
    private let sizes: [(points: Int, seeds: Int)]

    init(
        name: String, path: String, text: String, overrides: [String], model: any Model, grids: [MethodGrid],
        axes: [Axis], times: RecordingTimes, seeds: SeedRule, ownSeeds: [String: SeedRule], output: String,
        limits: JobLimits, figure: FigureSpec?, notes: [JobError], locations: [String: SourceLocation]
    ) {
        self.name = name
        self.path = path
        self.text = text
        self.overrides = overrides
        self.model = model
        self.grids = grids
        self.axes = axes
        self.times = times
        self.seeds = seeds
        self.ownSeeds = ownSeeds
        self.output = output
        self.limits = limits
        self.figure = figure
        self.notes = notes
        self.locations = locations
        offsets = grids.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.taskCount) }
        sizes = grids.map { ($0.pointCount, $0.seedCount) }
    }

    /// Reads and validates a job.
    ///
    /// - Parameters:
    ///   - text: the YAML text.
    ///   - path: the file's name, for messages and the default of `name`.
    ///   - overrides: `KEY=VALUE` arguments of `--set`; KEY is a parameter or a dotted path (`seeds`, `record.times`).
    ///   - models: the models a job may name.
    ///   - checksOutput: false when an old job is rebuilt only to be compared; its output need not be writable.
    /// - Throws: every mistake found, with its place.
    public static func parse(
        text: String, path: String, overrides: [String] = [], models: [any Model], checksOutput: Bool = true
    ) throws(JobErrors) -> Job {
        var reader = JobReader(path: path, text: text, overrides: overrides, models: models)
        return try reader.read(checksOutput: checksOutput)
    }

    /// Reads and validates a job file, which may be a pipe.
    ///
    /// - Parameter checksOutput: false when nothing is to be written; ``outputProblem`` says then what would be in the way.
    public static func load(
        path: String, overrides: [String] = [], models: [any Model], checksOutput: Bool = true
    ) throws(JobErrors) -> Job {
        func fail(_ location: SourceLocation, _ message: String, _ hint: String?) -> JobErrors {
            JobErrors([JobError(path: path, location: location, message: message, hint: hint)])
        }
        guard let data = read(path, atMost: (64 << 20) + 1) else {
            throw fail(
                .job, errno == ENOENT ? "no such file" : "the file cannot be read: \(String(cString: strerror(errno)))",
                nil)
        }
        guard data.count <= 64 << 20 else { throw fail(.job, "the file is larger than 64 MB; this is not a job", nil) }
        guard let text = String(data: data, encoding: .utf8) else {
            let valid = String(decoding: data, as: UTF8.self).prefix { $0 != "\u{FFFD}" }
            let line = valid.reduce(1) { $1.isNewline ? $0 + 1 : $0 }
            throw fail(.file(line: line, column: 1), "the file is not UTF-8 text", "save it as UTF-8")
        }
        return try parse(text: text, path: path, overrides: overrides, models: models, checksOutput: checksOutput)
    }

    /// The first `limit` bytes of what is at `path`; nil, with `errno`, when it cannot be read. A pipe says no size, and
    /// what has no end (a device) ends at the limit.
    private static func read(_ path: String, atMost limit: Int) -> Data? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var data = Data()
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while data.count < limit {
            let count = Foundation.read(descriptor, &piece, min(piece.count, limit - data.count))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { break }
            data.append(contentsOf: piece[..<count])
        }
        return data
    }

    /// Why the output cannot be written; nil when it can.
    public var outputProblem: String? { JobReader.outputProblem(output) }

    /// Whether the job file can be read again, by other processes: a pipe is empty then.
    public var isReadableAgain: Bool { FileKind.special(at: path) == nil }

    public var methods: [MethodSpec] { grids.map(\.method) }

    /// The same job with its results in another file.
    public func writing(to output: String) -> Job {
        Job(
            name: name, path: path, text: text, overrides: overrides, model: model, grids: grids, axes: axes,
            times: times, seeds: seeds, ownSeeds: ownSeeds, output: output, limits: limits, figure: figure,
            notes: notes, locations: locations)
    }

    // MARK: Seeds

    /// The rule that says how many seeds each point of a method (index into ``grids``) gets.
    public func seedRule(of method: Int) -> SeedRule { ownSeeds[grids[method].method.name] ?? seeds }

    /// All seed rules in words, as result files keep them: what one of them spares is spared as long as they stay.
    public var seedRules: String {
        let own = grids.map(\.method.name).compactMap { name in ownSeeds[name].map { "; \(name): \($0)" } }
        return seeds.description + own.joined()
    }

    // MARK: Tasks

    /// All tasks of all grids, those of excluded points too; at most `UInt32.max`.
    public var taskCount: Int { offsets[grids.count] }

    /// Tasks of points that `where` leaves in.
    public var includedTaskCount: Int { grids.reduce(0) { $0 + $1.includedCount * $1.seedCount } }

    /// A task's number among all of ``taskCount``: by method, then point, then seed.
    public func index(of task: TaskID) -> Int {
        offsets[task.method] + task.point * sizes[task.method].seeds + task.seed
    }

    /// Whether there is a task of these indices.
    public func has(_ task: TaskID) -> Bool {
        grids.indices.contains(task.method) && (0..<sizes[task.method].points).contains(task.point)
            && (0..<sizes[task.method].seeds).contains(task.seed)
    }

    /// The numbers of a method's tasks.
    public func tasks(ofMethod method: Int) -> Range<Int> { offsets[method]..<offsets[method + 1] }

    /// The task with number `index`; the inverse of ``index(of:)``.
    public func task(at index: Int) -> TaskID {
        var method = 0
        while method + 1 < grids.count, index >= offsets[method + 1] { method += 1 }
        let within = index - offsets[method]
        let seedCount = sizes[method].seeds
        return TaskID(method: method, point: within / seedCount, seed: within % seedCount)
    }
}

/// How many seeds each point of a seeded method gets.
public enum SeedRule: Sendable, Hashable, CustomStringConvertible {
    case fixed(SeedRange)
    /// Seeds are added until the standard error of every named observable is small enough, between `minimum` and the
    /// count of `range`.
    case untilPrecise(tolerances: [SeedTolerance], minimum: Int, range: SeedRange)

    /// The rule in words, as result files keep it.
    public var description: String {
        switch self {
        case .fixed(let range): return "\(range.count) seeds from \(range.base)"
        case .untilPrecise(let tolerances, let minimum, let range):
            let errors = tolerances.map { "\($0.observable) <= \($0.standardError)" }.joined(separator: ", ")
            return "\(minimum) to \(range.count) seeds from \(range.base), until standard errors \(errors)"
        }
    }

    /// Whether the rule looks at results: how many seeds it takes is not known before.
    public var isOpen: Bool {
        if case .untilPrecise = self { true } else { false }
    }

    /// All seeds that may be run.
    public var range: SeedRange {
        switch self {
        case .fixed(let range), .untilPrecise(_, _, let range): return range
        }
    }
}

/// The wanted standard error of one observable (at every recording time and component).
public struct SeedTolerance: Sendable, Hashable {
    public let observable: String
    public let standardError: Double

    public init(observable: String, standardError: Double) {
        self.observable = observable
        self.standardError = standardError
    }
}

/// The job's `limits`.
public struct JobLimits: Sendable, Hashable {
    /// The most tasks (points times seeds of all methods, before `where`).
    public var tasks = 100_000_000
    /// The longest a task may run, in seconds; nil: no limit.
    public var taskSeconds: Double?
    /// The memory a task may need, in bytes; nil: no limit.
    public var taskMemory: Int?

    public init() {}
}

/// What `dynsweep-plot` draws when it is not told otherwise.
public struct FigureSpec: Sendable, Hashable {
    public var x: String?
    public var y: String?
    public var hue: String?
    public var panels: String?
    public var xscale: String?
    public var yscale: String?
    /// Values at which other dimensions are held.
    public var at: [Held] = []
    /// Reference lines.
    public var xlines: [Double] = []
    public var ylines: [Double] = []
    /// Only these methods; none: all.
    public var methods: [String] = []
    /// Whether every run is shown as a line.
    public var trajectories: Bool?
    /// Methods and what is their theory.
    public var compare: [Pair] = []

    public struct Held: Sendable, Hashable {
        public let name: String
        public let value: ParameterValue
    }

    public struct Pair: Sendable, Hashable {
        public let method: String
        public let theories: [String]
    }

    public init() {}
}
