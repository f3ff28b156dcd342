import Modeling
import Sweep

/// A model with kernels, and with a theory that depends on a seed. It computes nothing.
struct KernelModel: Model {
    let name = "memory"
    let summary = "For tests."
    let references: [String] = []
    let revision = 1
    let keys: [any ParameterKey] = [Keys.d, Keys.samples, Keys.width, Keys.mesh]

    static let loss = Observable("loss", symbol: "e", "loss")
    static let C = Observable(
        "C", symbol: "C", "correlation",
        dimensions: [
            ExtraDimension("time_prime", .recordingTimes),
            ExtraDimension("student", .value(of: Keys.width)),
        ], byDefault: false)
    static let R = Observable(
        "R", symbol: "R", "response", dimensions: [ExtraDimension("time_prime", .recordingTimes)], byDefault: false)
    static let norm = Observable("norm", symbol: "q", "norm", byDefault: false)

    enum Keys {
        static let d = Key<Int>("d", in: 2...1_000_000, default: 10, "dimension")
        static let samples = Key<Int>("samples", in: 1...Int.max, default: 100, "Monte Carlo samples")
        static let width = Key<Int>("width", symbol: "k", in: 1...64, default: 1, "student columns")
        static let mesh = Key<Double>("mesh", in: .positive, default: 0.1, "distance of quadrature points")
    }

    enum Method: String, ModelMethod {
        case gd, dmft, flow

        var spec: MethodSpec {
            switch self {
            case .gd:
                MethodSpec(
                    self, kind: .simulation, isSeeded: true, time: .steps,
                    observables: [KernelModel.loss, KernelModel.norm, KernelModel.C],
                    "simulation")
            case .dmft:
                MethodSpec(
                    self, kind: .theory, isSeeded: true, time: .steps,
                    observables: [KernelModel.loss, KernelModel.C, KernelModel.R],
                    "theory by Monte Carlo")
            case .flow:
                MethodSpec(
                    self, kind: .theory, isSeeded: false, time: .steps, observables: [KernelModel.loss], "theory")
            }
        }
    }

    struct Parameters: ModelParameters {
        var d = 0
        var samples = 0
        var mesh = 1.0

        init(_ point: Reader, method: Method) throws {
            switch method {
            case .gd:
                d = try point[Keys.d]
                _ = try point[Keys.width]
            case .dmft:
                samples = try point[Keys.samples]
                mesh = try point[Keys.mesh]
                _ = try point[Keys.width]
            case .flow: break
            }
        }
    }

    func cost(of method: Method, _ p: Parameters, times: [Double]) -> Cost {
        let steps = Double(times.count)
        switch method {
        case .gd: return Cost(seconds: 1e-6 * Double(p.d) * steps, bytes: 8 * Double(p.d))
        case .dmft:
            let samples = Double(p.samples)
            return Cost(seconds: 1e-8 * steps * steps * samples / p.mesh, bytes: 8 * samples * steps)
        case .flow: return Cost(seconds: 1e-6, bytes: 0)
        }
    }

    func makeRun(_ method: Method, _ p: Parameters, _ request: RunRequest) throws -> any Run {
        throw ModelError.inconsistent("it does not run")
    }
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
