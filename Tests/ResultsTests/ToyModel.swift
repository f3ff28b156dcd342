import Foundation
import Modeling
import Results
import Sweep
import Testing

/// A model with every kind of parameter and shape of observable. It does not run: tests make up its results.
struct ToyModel: Model {
    let name = "toy"
    let summary = "For tests."
    let references: [String] = []

    let parameters: [ParameterSpec] = [
        ParameterSpec("d", kind: .integer(2...Int.max), default: .value(.integer(10)), "token dimension"),
        ParameterSpec("L", kind: .integer(1...64), default: .value(.integer(2)), "sequence length"),
        ParameterSpec("step_size", symbol: "gamma", kind: .real(.positive), default: .value(.real(0.1)), "step size"),
        ParameterSpec(
            "student", kind: .choice(["tied", "untied"]), default: .value(.text("tied")), "architecture"),
        ParameterSpec("signed", kind: .flag, default: .value(.flag(false)), "random signs"),
        ParameterSpec("M0", kind: .array(dimensions: 1...2), default: .derived("zero"), "initial overlaps"),
    ]

    let methods: [MethodSpec] = [
        MethodSpec(
            "sgd", kind: .simulation, isSeeded: true, isTimed: true,
            observables: [
                ObservableSpec("test_loss", symbol: "\\mathcal{R}", "population loss"),
                ObservableSpec(
                    "overlap_vec", symbol: "m_l", "overlap of each token",
                    dimensions: [ExtraDimension("token", .parameter("L"))]),
                ObservableSpec(
                    "correlation", symbol: "C", "correlation of two times, a token",
                    dimensions: [
                        ExtraDimension("time_prime", .recordingTimes), ExtraDimension("token", .parameter("L")),
                    ], byDefault: false),
                ObservableSpec("escape_time", symbol: "t_*", "first time above threshold", inTime: false),
                ObservableSpec(
                    "mean_escape_time", symbol: "P", "its mean", inTime: false,
                    aggregate: .seedMean(of: "escape_time")),
            ], costParameters: [], "simulation"),
        MethodSpec(
            "ode", kind: .theory, isSeeded: false, isTimed: true,
            observables: [ObservableSpec("test_loss", symbol: "\\mathcal{R}", "population loss")], costParameters: [],
            "theory"),
        MethodSpec(
            "closed-form", kind: .theory, isSeeded: false, isTimed: false,
            observables: [ObservableSpec("critical_step", symbol: "c", "largest stable step", inTime: false)],
            costParameters: [], "thresholds"),
    ]

    func constraints(method: String) -> [Constraint] { [] }

    func parametersUsed(by method: String, in context: JobContext) -> Set<String> {
        switch method {
        case "sgd": return Set(parameters.map(\.name))
        case "ode": return ["L", "step_size", "student", "signed", "M0"]
        default: return ["student"]
        }
    }

    func cost(method: String, at point: ParameterPoint, times: RecordingTimes) throws -> Cost {
        Cost(seconds: 1e-6, memory: 100)
    }

    func makeRun(_ request: RunRequest) throws -> any Run { throw ModelError.inconsistent("a toy does not run") }
}

let toyModels: [any Model] = [ToyModel()]

/// A small job over every kind of axis.
let wideJob = """
    model: toy
    methods: [sgd, ode, closed-form]
    parameters:
      d: [10, 20]
      L: [1, 3]
      step_size: {expr: "0.1 * L"}
      student: [tied, untied]
      signed: true
      M0: {value: [[0.5, -0.25]]}
    seeds: 3
    record: {times: [0, 1, 10]}
    """

/// A directory that is removed when the test is over.
final class TemporaryDirectory {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "results-tests-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }
    func contents() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
}

func toyJob(_ text: String, output: String, overrides: [String] = []) throws -> Job {
    try Job.parse(
        text: text + "\noutput: \(output)\n", path: "toy.yaml", overrides: overrides, models: toyModels)
}

/// A background thread that never publishes by itself: tests say when.
var quiet: ResultStore.Options {
    var options = ResultStore.Options()
    options.firstPublishSeconds = 1e6
    return options
}

let testProvenance = Provenance(programVersion: "0.0-test", gitCommit: "abc", host: "testhost")

func openStore(_ job: Job, _ options: ResultStore.Options = quiet) throws -> ResultStore {
    try ResultStore.open(job: job, models: toyModels, options: options, provenance: testProvenance)
}

/// A result that depends on what the task is (its identity), as real ones do, and not on where it lies in a grid.
func toyRecord(_ job: Job, _ task: TaskID) -> TaskRecord {
    let grid = job.grids[task.method]
    let identity = grid.identity(point: task.point, seed: task.seed)
    var state = identity.low ^ identity.high
    func next() -> Double {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(state >> 11) * 0x1p-53
    }
    let buffers = grid.slots(at: task.point).map { slot in
        (0..<(slot.width * (slot.isRecordedInTime ? grid.times.values.count : 1))).map { _ in next() }
    }
    return TaskRecord(
        task: task, status: .done, wallSeconds: Double(identity.low % 1000) / 1000, rank: Int(identity.low % 4),
        buffers: buffers)
}

func includedTasks(_ job: Job) -> [TaskID] {
    (0..<job.taskCount).map(job.task(at:)).filter { job.grids[$0.method].isIncluded($0.point) }
}

/// The `checksum` attributes of all datasets that do not depend on when and where they were computed.
func checksums(_ path: String) throws -> [String: String] {
    try ResultFile(path).checksums().filter {
        !$0.key.hasSuffix("/wall_seconds") && !$0.key.hasSuffix("/mpi_rank")
    }
}

/// A generator with a fixed seed (SplitMix64).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
