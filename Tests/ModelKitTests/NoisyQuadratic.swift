import Foundation
import ModelKit
import Modeling

/// Gradient descent on h |x|^2/2 in d dimensions with Gaussian gradient noise, and its exact mean loss.
struct NoisyQuadratic: Model {
    let name = "noisy-quadratic"
    let summary = "gradient descent on a quadratic with gradient noise"
    let references: [String] = []
    let revision = 1
    let keys: [any ParameterKey] = [Keys.d, Keys.curvature, Keys.noise, Keys.stepSize, Keys.initScale]

    enum Keys {
        static let d = Key.d(in: 1...1_000_000, default: 100, "dimension")
        static let curvature = Key<Double>("curvature", symbol: "h", in: .positive, default: 1, "curvature")
        static let noise = Key.noise(symbol: "Delta", default: 0.1, "variance of the gradient noise")
        static let stepSize = Key.stepSize(symbol: "a", "gradient step")
        static let initScale = Key.initScale(symbol: "x_0", in: .any, default: 1, "every x_i at the start")
    }

    enum Method: String, ModelMethod {
        case gd
        case closedForm = "closed-form"

        var spec: MethodSpec {
            switch self {
            case .gd:
                MethodSpec(
                    self, kind: .simulation, isSeeded: true, time: .steps, observables: [.loss],
                    "noisy gradient descent")
            case .closedForm:
                MethodSpec(
                    self, kind: .theory, isSeeded: false, time: .steps, observables: [.loss], "its mean loss")
            }
        }
    }

    /// A point: the dimension is read by the simulation alone, so that theory is not repeated along its axis.
    struct Parameters: ModelParameters {
        /// d; 1 where the loss per dimension does not depend on it.
        let d: Int
        /// h.
        let curvature: Double
        /// Delta.
        let noise: Double
        /// a, below 2/h.
        let stepSize: Double
        /// x_0.
        let initScale: Double

        init(_ point: Reader, method: Method) throws {
            d = method == .gd ? try point[Keys.d] : 1
            curvature = try point[Keys.curvature]
            noise = try point[Keys.noise]
            stepSize = try point[Keys.stepSize]
            initScale = try point[Keys.initScale]
            guard stepSize * curvature < 2 else {
                throw ModelError.parameter(
                    Keys.stepSize, "times curvature must be below 2 for descent, and is \(stepSize * curvature)")
            }
        }
    }

    /// t = a n is the time of gradient flow.
    func stepsPerTime(of method: Method, at point: Reader) throws -> Double { try 1 / point[Keys.stepSize] }

    func cost(of method: Method, _ p: Parameters, times: [Double]) -> Cost {
        switch method {
        case .gd: Cost(seconds: (times.last ?? 0) * Double(p.d) * 4e-9, bytes: 8 * Double(p.d))
        case .closedForm: Cost(seconds: 1e-6, bytes: 100)
        }
    }

    func makeRun(_ method: Method, _ p: Parameters, _ request: RunRequest) -> any Run {
        switch method {
        case .gd: Descent(p, request.random)
        case .closedForm: ClosedFormCurve { n, sink in sink.put(.loss, p.meanLoss(after: n)) }
        }
    }
}

extension Observable {
    static let loss = Observable("loss", symbol: "\\mathcal{L}", "loss per dimension, h |x|^2/(2 d)")
}

/// x <- x - a (h x + sqrt(Delta) z).
private struct Descent: Run {
    let p: NoisyQuadratic.Parameters
    var step = 0
    var x: [Double]
    var random: RandomStream

    init(_ p: NoisyQuadratic.Parameters, _ random: RandomStream) {
        self.p = p
        self.random = random
        x = Array(repeating: p.initScale, count: p.d)
    }

    mutating func advance(toward time: Double, quantum: Int) -> Bool {
        let (a, h, noise, target) = (p.stepSize, p.curvature, p.noise.squareRoot(), Int(time))
        for _ in 0..<min(max(quantum / x.count, 1), target - step) {
            for i in x.indices { x[i] -= a * (h * x[i] + noise * random.normal()) }
            step += 1
        }
        return step == target
    }

    func observe(into sink: inout ObservationSink) throws {
        let loss = 0.5 * p.curvature * x.reduce(0) { $0 + $1 * $1 } / Double(x.count)
        guard loss.isFinite else { throw ModelError.diverged(step: step, "the loss is not finite") }
        sink.put(.loss, loss)
    }

    // Everything that changes: saved by the engine, restored into a run freshly made from the same point.
    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...maximumStep)
        try archive.exchange(&x)
        try archive.exchange(&random)
    }
}

extension NoisyQuadratic.Parameters {
    /// E x_i = x_0 q^n and Var x_i = a^2 Delta (1 - q^2n)/(1 - q^2) after n steps, q = 1 - a h.
    fileprivate func meanLoss(after n: Double) -> Double {
        let q2 = (1 - stepSize * curvature) * (1 - stepSize * curvature)
        let decay = pow(q2, n)
        let start = initScale * initScale * decay
        return 0.5 * curvature * (start + stepSize * stepSize * noise * (1 - decay) / (1 - q2))
    }
}
