import Modeling
import Sweep

/// A model with kernels, and with a theory that depends on a seed. It computes nothing.
struct KernelModel: Model {
    let name = "memory"
    let summary = "For tests."
    let references: [String] = []

    let parameters: [ParameterSpec] = [
        ParameterSpec("d", kind: .integer(2...1_000_000), default: .value(.integer(10)), "dimension"),
        ParameterSpec("samples", kind: .integer(1...Int.max), default: .value(.integer(100)), "Monte Carlo samples"),
        ParameterSpec("width", symbol: "k", kind: .integer(1...64), default: .value(.integer(1)), "student columns"),
        ParameterSpec("mesh", kind: .real(.positive), default: .value(.real(0.1)), "distance of quadrature points"),
    ]

    static let loss = ObservableSpec("loss", symbol: "e", "loss")
    static let C = ObservableSpec(
        "C", symbol: "C", "correlation",
        dimensions: [ExtraDimension("time_prime", .recordingTimes), ExtraDimension("student", .parameter("width"))],
        byDefault: false)
    static let R = ObservableSpec(
        "R", symbol: "R", "response", dimensions: [ExtraDimension("time_prime", .recordingTimes)], byDefault: false)
    static let norm = ObservableSpec("norm", symbol: "q", "norm", byDefault: false)

    let methods: [MethodSpec] = [
        MethodSpec(
            "gd", kind: .simulation, isSeeded: true, isTimed: true, observables: [loss, norm, C],
            costParameters: ["d"], "simulation"),
        MethodSpec(
            "dmft", kind: .theory, isSeeded: true, isTimed: true, observables: [loss, C, R],
            costParameters: ["samples", "mesh"], "theory by Monte Carlo"),
        MethodSpec(
            "flow", kind: .theory, isSeeded: false, isTimed: true, observables: [loss], costParameters: [], "theory"),
    ]

    func constraints(method: String) -> [Constraint] { [] }

    func parametersUsed(by method: String, in context: JobContext) -> Set<String> {
        switch method {
        case "gd": return ["d", "width"]
        case "dmft": return ["samples", "width", "mesh"]
        default: return []
        }
    }

    func cost(method: String, at point: ParameterPoint, times: RecordingTimes) throws -> Cost {
        let steps = Double(times.values.count)
        switch method {
        case "gd":
            let d = try point.integer("d")
            return Cost(seconds: 1e-6 * Double(d) * steps, memory: 8 * d)
        case "dmft":
            let samples = try point.integer("samples")
            return Cost(
                seconds: 1e-8 * steps * steps * Double(samples) / (try point.real("mesh")),
                memory: 8 * samples * times.values.count)
        default: return Cost(seconds: 1e-6, memory: 0)
        }
    }

    func makeRun(_ request: RunRequest) throws -> any Run { throw ModelError.inconsistent("it does not run") }
}

/// Reads a job of this model after its first line; its output is not checked.
func kernelJob(_ text: String, set overrides: [String] = []) throws(JobErrors) -> Job {
    try Job.parse(
        text: "model: memory\n" + text, path: "job.yaml", overrides: overrides, models: [KernelModel()],
        checksOutput: false)
}

/// The whole answer to a job with mistakes; "accepted" when there are none.
func answer(_ text: String, set overrides: [String] = []) -> String {
    do {
        _ = try kernelJob(text, set: overrides)
        return "accepted"
    } catch {
        return error.description
    }
}
