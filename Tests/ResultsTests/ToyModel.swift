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
    /// Of the numbers; tests have models of two revisions.
    var revision = 1
    let keys: [any ParameterKey] = [
        Keys.d, Keys.L, Keys.stepSize, Keys.student, Keys.normMode, Keys.signed, Keys.M0,
    ]

    enum Keys {
        static let d = Key<Int>("d", in: 2...Int.max, default: 10, "token dimension")
        static let L = Key<Int>("L", in: 1...64, default: 2, "sequence length")
        static let stepSize = Key<Double>(
            "step_size", symbol: "gamma", aliases: ["lr"], in: .positive, default: 0.1, "step size"
        ).or("step_rate", in: .positive, "its inverse") { 1 / $0 }
        static let student = Key<Student>("student", default: .tied, "architecture")
        static let normMode = Key<NormMode>("norm_mode", default: .global, "what an untied student normalises")
        static let signed = Key<Bool>("signed", default: false, "random signs")
        static let M0 = Key<ArrayValue>("M0", dimensions: 1...2, derived: "zero", "initial overlaps")
    }

    enum Student: String, CaseIterable { case tied, untied }
    enum NormMode: String, CaseIterable { case global, token }

    enum Method: String, ModelMethod {
        case sgd, ode
        case closedForm = "closed-form"

        var spec: MethodSpec {
            switch self {
            case .sgd:
                MethodSpec(
                    self, kind: .simulation, isSeeded: true, time: .steps,
                    observables: [
                        .testLoss,
                        Observable(
                            "overlap_vec", symbol: "m_l", "overlap of each token",
                            dimensions: [ExtraDimension("token", .value(of: Keys.L))]),
                        Observable(
                            "correlation", symbol: "C", "correlation of two times, a token",
                            dimensions: [
                                ExtraDimension("time_prime", .recordingTimes),
                                ExtraDimension("token", .value(of: Keys.L)),
                            ], byDefault: false),
                        Observable("escape_time", symbol: "t_*", "first time above threshold", inTime: false),
                        Observable(
                            "mean_escape_time", symbol: "P", "its mean", inTime: false,
                            aggregate: .seedMean(of: "escape_time")),
                    ], "simulation")
            case .ode:
                MethodSpec(
                    self, kind: .theory, isSeeded: false, time: .steps, observables: [.testLoss], "theory")
            case .closedForm:
                MethodSpec(
                    self, kind: .theory, isSeeded: false, time: .none,
                    observables: [Observable("critical_step", symbol: "c", "largest stable step", inTime: false)],
                    "thresholds")
            }
        }
    }

    /// What a method reads; only an untied student has a norm.
    struct Parameters: ModelParameters {
        init(_ point: Reader, method: Method) throws {
            if try point[Keys.student] == .untied { _ = try point[Keys.normMode] }
            if method == .closedForm { return }
            if method == .sgd { _ = try point[Keys.d] }
            _ = try point[Keys.L]
            _ = try point[Keys.stepSize]
            _ = try point[Keys.signed]
            _ = try point.given(Keys.M0)
        }
    }

    func stepsPerTime(of method: Method, at point: Reader) throws -> Double { Double(try point[Keys.d]) }
    func cost(of method: Method, _ p: Parameters, times: [Double]) -> Cost { Cost(seconds: 1e-6, bytes: 100) }

    func makeRun(_ method: Method, _ p: Parameters, _ request: RunRequest) throws -> any Run {
        throw ModelError.inconsistent("a toy does not run")
    }
}

extension Observable {
    fileprivate static let testLoss = Observable("test_loss", symbol: "\\mathcal{R}", "population loss")
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
func toyRecord(_ job: Job, _ task: TaskID) throws -> TaskRecord {
    let grid = job.grids[task.method]
    let identity = try grid.identity(point: task.point, seed: task.seed)
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
            && !$0.key.hasSuffix("/build")
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
