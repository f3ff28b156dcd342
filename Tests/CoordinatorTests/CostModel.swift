import Modeling
import Sweep

/// A model of which only the cost estimates count; its tasks are never run.
struct CostModel: Model {
    let name = "cost"
    let summary = "Costs, for tests of the scheduling."
    let references: [String] = []
    let revision = 1
    let keys: [any ParameterKey] = [Keys.milliseconds, Keys.index, Keys.width]

    enum Keys {
        static let milliseconds = Key<Double>("milliseconds", in: .positive, "what a task takes")
        static let index = Key<Int>("index", in: 0...1_000_000_000, default: 0, "tells points apart")
        static let width = Key<Int>("width", in: 1...100_000_000, default: 1, "numbers it records")
    }

    enum Method: String, ModelMethod {
        case work

        var spec: MethodSpec {
            MethodSpec(
                self, kind: .simulation, isSeeded: true, time: .none,
                observables: [
                    Observable(
                        "value", symbol: "v", "values", inTime: false,
                        dimensions: [ExtraDimension("item", .value(of: Keys.width))])
                ], "works")
        }
    }

    struct Parameters: ModelParameters {
        let milliseconds: Double

        init(_ point: Reader, method: Method) throws {
            milliseconds = try point[Keys.milliseconds]
            _ = try point[Keys.index]
            _ = try point[Keys.width]
        }
    }

    func cost(of method: Method, _ p: Parameters, times: [Double]) -> Cost {
        Cost(seconds: p.milliseconds * 1e-3, bytes: 0)
    }

    func makeRun(_ method: Method, _ p: Parameters, _ request: RunRequest) throws -> any Run {
        throw ModelError.notConverged("only its costs count")
    }

    /// A job of this model; `text` gives parameters and seeds.
    static func job(_ text: String) throws -> Job {
        try Job.parse(
            text: "model: cost\nmethods: [work]\noutput: out.h5\n\(text)\n", path: "cost.yaml", models: [CostModel()],
            checksOutput: false)
    }
}
