import Modeling
import Sweep

/// A model that computes nothing, with every kind of parameter.
struct ToyModel: Model {
    let name = "toy"
    let summary = "For tests."
    let references: [String] = []
    var revision = 1
    let keys: [any ParameterKey] = [
        Keys.d, Keys.L, Keys.stepSize, Keys.noise, Keys.bias, Keys.mixing, Keys.student, Keys.normMode,
        Keys.randomSign, Keys.M0, Keys.initScale,
    ]

    enum Keys {
        static let d = Key<Int>("d", in: 2...Int.max, "token dimension")
        static let L = Key<Int>("L", in: 1...64, default: 1, "sequence length")
        static let stepSize = Key<Double>("step_size", symbol: "gamma", aliases: ["lr"], in: .positive, "step size")
        static let noise = Key<Double>("noise", symbol: "Delta", in: .nonNegative, default: 0, "label noise")
            .or("noise_std", "its square root") { $0 * $0 }
        static let bias = Key<Double>("bias", in: .any, default: 0, "offset of the target")
        static let mixing = Key<Double>("mixing", symbol: "omega", in: RealRange(0, 1), default: 0.5, "target mixing")
        static let student = Key<Student>("student", default: .tied, "architecture")
        static let normMode = Key<NormMode>("norm_mode", default: .global, "what an untied student normalises")
        static let randomSign = Key<Bool>("random_sign", default: false, "random signs of the initial overlap")
        static let M0 = Key<ArrayValue>("M0", dimensions: 1...2, derived: "zero", "initial overlaps")
        static let initScale = Key<Double>("init_scale", in: .any, derived: "1/sqrt(d)", "initial overlap")
    }

    enum Student: String, CaseIterable { case tied, untied, attention }
    enum NormMode: String, CaseIterable { case global, token }

    enum Method: String, ModelMethod {
        case sgd, ode
        case closedForm = "closed-form"

        var spec: MethodSpec {
            switch self {
            case .sgd:
                MethodSpec(
                    self, kind: .simulation, isSeeded: true, time: .steps,
                    observables: [.loss, .overlap, .vector, .escape, .escaped], "simulation")
            case .ode:
                MethodSpec(
                    self, kind: .theory, isSeeded: false, time: .scaled, observables: [.loss, .overlap], "theory")
            case .closedForm:
                MethodSpec(
                    self, kind: .theory, isSeeded: false, time: .none,
                    observables: [
                        Observable("critical_step", symbol: "\\gamma_c", "largest stable step", inTime: false)
                    ], "thresholds")
            }
        }
    }

    /// The ODE sees `d` only when it has to turn steps into time; the closed form sees the student and L alone.
    struct Parameters: ModelParameters {
        var size = 1.0
        var stepSize = 1.0

        init(_ point: Reader, method: Method) throws {
            let student = try point[Keys.student]
            let L = try point[Keys.L]
            if student == .attention, L == 1 { throw ModelError.conflict(Keys.student, "attention needs L >= 2") }
            if student == .untied { _ = try point[Keys.normMode] }
            if method == .closedForm { return }
            stepSize = try point[Keys.stepSize]
            _ = try point[Keys.noise]
            _ = try point[Keys.mixing]
            guard method == .sgd else {
                _ = try point.read(Keys.initScale, or: 0.1)
                return
            }
            let d = try point[Keys.d]
            size = Double(d * L)
            _ = try point[Keys.bias]
            _ = try point[Keys.randomSign]
            _ = try point.given(Keys.M0)
            _ = try point.read(Keys.initScale, or: 1 / Double(try point[Keys.d]).squareRoot())
        }
    }

    func stepsPerTime(of method: Method, at point: Reader) throws -> Double { Double(try point[Keys.d]) }

    func cost(of method: Method, _ p: Parameters, times: [Double]) -> Cost {
        switch method {
        case .sgd: Cost(seconds: 1e-9 * p.size * (times.last ?? 1), bytes: 8 * p.size)
        case .ode: Cost(seconds: 1e-3 / p.stepSize, bytes: 1000)
        case .closedForm: Cost(seconds: 1e-6, bytes: 100)
        }
    }

    func makeRun(_ method: Method, _ p: Parameters, _ request: RunRequest) throws -> any Run {
        throw ModelError.inconsistent("a toy does not run")
    }
}

extension Observable {
    fileprivate static let loss = Observable("test_loss", symbol: "\\mathcal{R}", "population loss")
    fileprivate static let overlap = Observable("overlap", symbol: "m", "overlap with the teacher")
    fileprivate static let escape = Observable(
        "escape_time", symbol: "t_*", "first time above threshold", inTime: false)
    fileprivate static let vector = Observable(
        "overlap_vec", symbol: "m_l", "overlap of each token",
        dimensions: [ExtraDimension("token", .value(of: ToyModel.Keys.L))], byDefault: false)
    fileprivate static let escaped = Observable(
        "p_escape", symbol: "P", "share of seeds that escape", inTime: false, aggregate: .mean(.escape),
        byDefault: false)
}

/// Reads a job of the toy model; its output is not checked.
func job(_ text: String, set overrides: [String] = [], path: String = "job.yaml") throws -> Job {
    try Job.parse(text: text, path: path, overrides: overrides, models: [ToyModel()], checksOutput: false)
}

extension ParameterPoint {
    func integer(_ name: String) throws -> Int {
        guard case .integer(let value)? = self[name] else { throw ModelError.needed(name) }
        return value
    }

    func real(_ name: String) throws -> Double {
        guard case .real(let value)? = self[name] else { throw ModelError.needed(name) }
        return value
    }
}
