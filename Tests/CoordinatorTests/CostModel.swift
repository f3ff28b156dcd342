import Modeling
import Sweep

/// A model of which only the cost estimates count; its tasks are never run.
struct CostModel: Model {
    let name = "cost"
    let summary = "Costs, for tests of the scheduling."
    let references: [String] = []
    let parameters = [
        ParameterSpec("milliseconds", kind: .real(.positive), default: .required, "what a task takes"),
        ParameterSpec("index", kind: .integer(0...1_000_000_000), default: .value(.integer(0)), "tells points apart"),
        ParameterSpec("width", kind: .integer(1...100_000_000), default: .value(.integer(1)), "numbers it records"),
    ]
    let methods = [
        MethodSpec(
            "work", kind: .simulation, isSeeded: true, isTimed: false,
            observables: [
                ObservableSpec(
                    "value", symbol: "v", "values", inTime: false,
                    dimensions: [ExtraDimension("item", .parameter("width"))])
            ],
            costParameters: ["milliseconds"], "works")
    ]

    func constraints(method: String) -> [Constraint] { [] }
    func parametersUsed(by method: String, in context: JobContext) -> Set<String> {
        ["milliseconds", "index", "width"]
    }
    func cost(method: String, at point: ParameterPoint, times: RecordingTimes) throws -> Cost {
        Cost(seconds: try point.real("milliseconds") * 1e-3, memory: 0)
    }
    func makeRun(_ request: RunRequest) throws -> any Run { throw ModelError.notConverged("only its costs count") }

    /// A job of this model; `text` gives parameters and seeds.
    static func job(_ text: String) throws -> Job {
        try Job.parse(
            text: "model: cost\nmethods: [work]\noutput: out.h5\n\(text)\n", path: "cost.yaml", models: [CostModel()],
            checksOutput: false)
    }
}
