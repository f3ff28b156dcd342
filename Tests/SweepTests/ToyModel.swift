import Modeling
import Sweep

/// A model that computes nothing, with every kind of parameter.
struct ToyModel: Model {
    let name = "toy"
    let summary = "For tests."
    let references: [String] = []

    let parameters: [ParameterSpec] = [
        ParameterSpec("d", kind: .integer(2...Int.max), default: .required, "token dimension"),
        ParameterSpec("L", kind: .integer(1...64), default: .value(.integer(1)), "sequence length"),
        ParameterSpec(
            "step_size", symbol: "gamma", aliases: ["lr"], kind: .real(.positive), default: .required, "step size"),
        ParameterSpec("noise", symbol: "Delta", kind: .real(.nonNegative), default: .value(.real(0)), "label noise"),
        ParameterSpec("bias", kind: .real(.any), default: .value(.real(0)), "offset of the target"),
        ParameterSpec(
            "mixing", symbol: "omega", kind: .real(RealRange(0, 1)), default: .value(.real(0.5)), "target mixing"),
        ParameterSpec(
            "student", kind: .choice(["tied", "untied", "attention"]), default: .value(.text("tied")), "architecture"),
        ParameterSpec("random_sign", kind: .flag, default: .value(.flag(false)), "random signs of the initial overlap"),
        ParameterSpec("M0", kind: .array(dimensions: 1...2), default: .derived("zero"), "initial overlaps"),
        ParameterSpec("init_scale", kind: .real(.any), default: .derived("1/sqrt(d)"), "initial overlap"),
    ]

    static let loss = ObservableSpec("test_loss", symbol: "\\mathcal{R}", "population loss")
    static let overlap = ObservableSpec("overlap", symbol: "m", "overlap with the teacher")
    static let escape = ObservableSpec("escape_time", symbol: "t_*", "first time above threshold", inTime: false)
    static let vector = ObservableSpec(
        "overlap_vec", symbol: "m_l", "overlap of each token", dimensions: [ExtraDimension("token", .parameter("L"))],
        byDefault: false)
    static let escaped = ObservableSpec(
        "p_escape", symbol: "P", "share of seeds that escape", inTime: false, aggregate: .seedMean(of: "escape_time"),
        byDefault: false)

    let methods: [MethodSpec] = [
        MethodSpec(
            "sgd", kind: .simulation, isSeeded: true, isTimed: true,
            observables: [loss, overlap, vector, escape, escaped], costParameters: ["d", "L"], "simulation"),
        MethodSpec(
            "ode", kind: .theory, isSeeded: false, isTimed: true, observables: [loss, overlap],
            costParameters: ["step_size"], "theory"),
        MethodSpec(
            "closed-form", kind: .theory, isSeeded: false, isTimed: false,
            observables: [ObservableSpec("critical_step", symbol: "\\gamma_c", "largest stable step", inTime: false)],
            costParameters: [], "thresholds"),
    ]

    func constraints(method: String) -> [Constraint] {
        [
            Constraint(["student", "L"]) { point in
                guard (try? point.text("student")) == "attention", (try? point.integer("L")) == 1 else { return nil }
                return "attention needs L >= 2"
            }
        ]
    }

    /// The ODE sees `d` only when it has to turn steps into time; the closed form sees the student and L alone.
    func parametersUsed(by method: String, in context: JobContext) -> Set<String> {
        switch method {
        case "sgd": return Set(parameters.map(\.name))
        case "ode":
            let rest: Set = ["L", "step_size", "noise", "student", "init_scale", "mixing"]
            return context.timeUnit == .steps ? rest.union(["d"]) : rest
        default: return ["L", "student"]
        }
    }

    func cost(method: String, at point: ParameterPoint, times: RecordingTimes) throws -> Cost {
        switch method {
        case "sgd":
            let size = Double(try point.integer("d") * (try point.integer("L")))
            return Cost(seconds: 1e-9 * size * (times.values.last ?? 1), memory: 8 * Int(size))
        case "ode": return Cost(seconds: 1e-3 / (try point.real("step_size")), memory: 1000)
        default: return Cost(seconds: 1e-6, memory: 100)
        }
    }

    func makeRun(_ request: RunRequest) throws -> any Run { throw ModelError.inconsistent("a toy does not run") }
}

/// Reads a job of the toy model; its output is not checked.
func job(_ text: String, set overrides: [String] = [], path: String = "job.yaml") throws -> Job {
    try Job.parse(text: text, path: path, overrides: overrides, models: [ToyModel()], checksOutput: false)
}
