import Foundation
import Modeling
import Numerics

/// Gradient descent on h |x|^2/2 in d dimensions with Gaussian gradient noise, and its exact mean loss.
struct NoisyQuadratic: Model {
    let name = "noisy-quadratic"
    let summary = "gradient descent on a quadratic with gradient noise"
    let references: [String] = []

    let parameters = [
        ParameterSpec("d", kind: .integer(1...1_000_000), default: .value(.integer(100)), "dimension"),
        ParameterSpec("curvature", symbol: "h", kind: .real(.positive), default: .value(.real(1)), "curvature"),
        ParameterSpec("noise", symbol: "Delta", kind: .real(.nonNegative), default: .value(.real(0.1)), "its variance"),
        ParameterSpec("step_size", symbol: "a", kind: .real(.positive), default: .required, "gradient step"),
        ParameterSpec(
            "init_scale", symbol: "x_0", kind: .real(.any), default: .value(.real(1)), "every x_i at the start"),
    ]
    private static let loss = ObservableSpec("loss", symbol: "\\mathcal{L}", "loss per dimension, h |x|^2/(2 d)")
    let methods = [
        MethodSpec(
            "gd", kind: .simulation, isSeeded: true, isTimed: true, observables: [loss], costParameters: ["d"],
            "noisy gradient descent"),
        MethodSpec(
            "closed-form", kind: .theory, isSeeded: false, isTimed: true, observables: [loss], costParameters: [],
            "its mean loss"),
    ]

    func constraints(method: String) -> [Constraint] {
        [
            Constraint(["step_size", "curvature"]) { point in
                guard let a = try? point.real("step_size"), let h = try? point.real("curvature"), a * h >= 2 else {
                    return nil
                }
                return "descent needs step_size * curvature < 2, not \(a * h)"
            }
        ]
    }

    // The mean loss per dimension does not depend on d.
    func parametersUsed(by method: String, in context: JobContext) -> Set<String> {
        Set(parameters.map(\.name)).subtracting(method == "gd" ? [] : ["d"])
    }

    func cost(method: String, at point: ParameterPoint, times: RecordingTimes) throws -> Cost {
        guard method == "gd" else { return Cost(seconds: 1e-6, memory: 100) }
        let d = try point.integer("d")
        return Cost(seconds: (times.values.last ?? 0) * Double(d) * 4e-9, memory: 8 * d)
    }

    func makeRun(_ request: RunRequest) throws -> any Run {
        guard request.times.unit == .steps else { throw ModelError.parameter("record", "has no time unit but steps") }
        return request.method == "gd" ? try Descent(request) : try MeanLoss(request)
    }

    private struct Descent: Run {
        private let (h, a, noise): (Double, Double, Double)
        private var step = 0
        private var x: [Double]
        private var random: RandomStream

        init(_ request: RunRequest) throws {
            let point = request.point
            (h, a) = (try point.real("curvature"), try point.real("step_size"))
            noise = try point.real("noise").squareRoot()
            x = Array(repeating: try point.real("init_scale"), count: try point.integer("d"))
            random = request.random
        }

        mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
            let target = Int(time.rounded())
            for _ in 0..<min(max(quantum / x.count, 1), target - step) {
                for i in x.indices { x[i] -= a * (h * x[i] + noise * random.normal()) }
                step += 1
            }
            return step == target
        }

        func observe(into sink: inout ObservationSink) throws {
            let loss = 0.5 * h * x.reduce(0) { $0 + $1 * $1 } / Double(x.count)
            guard loss.isFinite else { throw ModelError.diverged(step: step, "the loss is not finite") }
            sink.put("loss", loss)
        }

        // Everything that changes: saved by the engine, restored into a run freshly made from the same request.
        mutating func exchange(with archive: inout StateArchive) throws {
            try archive.exchange(&step)
            try archive.exchange(&x)
            try archive.exchange(&random)
        }
    }

    /// E x_i = x_0 q^n and Var x_i = a^2 Delta (1 - q^2n)/(1 - q^2) after n steps, q = 1 - a h.
    private struct MeanLoss: Run {
        private let (h, a, noise, start): (Double, Double, Double, Double)
        private var n = 0.0

        init(_ request: RunRequest) throws {
            let point = request.point
            (h, a) = (try point.real("curvature"), try point.real("step_size"))
            (noise, start) = (try point.real("noise"), try point.real("init_scale"))
        }

        mutating func advance(toward time: Double, quantum: Int) -> Bool {
            n = time.rounded()
            return true
        }

        func observe(into sink: inout ObservationSink) {
            let q2 = (1 - a * h) * (1 - a * h)
            let decay = pow(q2, n)
            sink.put("loss", 0.5 * h * (start * start * decay + a * a * noise * (1 - decay) / (1 - q2)))
        }

        mutating func exchange(with archive: inout StateArchive) throws { try archive.exchange(&n) }
    }
}
