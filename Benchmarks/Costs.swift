import Foundation
import ModelExamples
import Modeling
import Models
import Numerics
import Randomness
import Sweep

/// How far measured times are from what models say their tasks cost, at random points of every method: the largest factor
/// from the method's own middle, since schedules are calibrated by measured times and plans by the machine.
@Sendable
func benchmarkCosts() throws -> [String: Double] {
    BLAS.setSingleThreaded()
    var results: [String: Double] = [:]
    var random = RandomStream(identity: TaskIdentity(high: 1, low: 0x636f_7374))
    for examples in allExamples {
        for (method, large) in examples.large.sorted(by: { $0.key < $1.key }) {
            var ratios: [(Double, String)] = []
            for _ in 0..<60 where ratios.count < 8 {
                guard let sample = try measuredCost(examples, method, large, &random) else { continue }
                ratios.append(sample)
            }
            ratios.sort { $0.0 < $1.0 }
            guard let middle = ratios.isEmpty ? nil : ratios[ratios.count / 2].0 else { continue }
            let worst = ratios.max { abs(log($0.0 / middle)) < abs(log($1.0 / middle)) }
            guard let worst else { continue }
            let name = "cost.\(examples.model).\(method)"
            results[name + "_factor"] = exp(abs(log(worst.0 / middle)))
            results[name + "_middle"] = middle
            if results[name + "_factor"] ?? 0 > 2 {
                FileHandle.standardError.write(
                    Data("\(name): measured over estimated \(worst.0), middle \(middle), at \(worst.1)\n".utf8))
            }
        }
    }
    return results
}

/// Seconds of one task over what the model says, at a random point; nil when the point is not valid.
private func measuredCost(
    _ examples: ModelExamples, _ method: String, _ large: ModelExamples.Large, _ random: inout RandomStream
) throws -> (Double, String)? {
    func one(_ texts: [String]) -> String { texts[min(Int(random.uniform() * Double(texts.count)), texts.count - 1)] }
    let given = large.parameters.sorted { $0.key < $1.key }.map { "\($0.key): \(one($0.value))" }
        .joined(separator: ", ")
    let times = one(large.times)
    let isTimed = allModels.first { $0.name == examples.model }?.methods.first { $0.name == method }?.isTimed ?? false
    let record = isTimed ? "record: {times: \(times), time_unit: \(large.unit)}" : ""
    let text = """
        model: \(examples.model)
        methods: [\(method)]
        parameters: {\(given)}
        \(record)
        output: /tmp/none.h5
        """
    guard let job = try? Job.parse(text: text, path: "job.yaml", models: allModels, checksOutput: false) else {
        return nil
    }
    let grid = job.grids[0]
    let prepared = try grid.prepare(at: 0)
    let cost = try grid.cost(at: 0)
    let identity = try grid.identity(point: 0, seed: 0)
    var sink = ObservationSink(slots: grid.slots(at: 0), timeCount: grid.times.values.count)
    func run() throws {
        var run = try grid.makeRun(prepared, random: RandomStream(identity: identity))
        for (index, time) in prepared.targets.enumerated() {
            while try !run.advance(toward: time, quantum: 1 << 16) {}
            sink.timeIndex = index
            if isTimed { try run.observe(into: &sink) }
        }
        try run.finish(into: &sink)
    }
    // A task that diverges or does not converge ends early, and says nothing of the cost of one that does not.
    guard (try? run()) != nil else { return nil }
    let seconds = try shortestSeconds(repeats: 2, run)
    return (seconds / max(cost.seconds, 1e-12), "{\(given)}, times \(times)")
}
