import Foundation
import ModelExamples
import Modeling
import Models
import Numerics
import Randomness
import Sweep

/// How far measured times are from what models say their tasks cost, at random points of every method: the largest factor
/// from the method's own middle, since schedules are calibrated by measured times and plans by the machine. COSTS_SEED in
/// the environment, a number, makes other points.
@Sendable
func benchmarkCosts() throws -> [String: Double] {
    BLAS.setSingleThreaded()
    var results: [String: Double] = [:]
    let seed = ProcessInfo.processInfo.environment["COSTS_SEED"].flatMap(UInt64.init) ?? 1
    var random = RandomStream(identity: TaskIdentity(high: seed, low: 0x636f_7374))
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
    let seconds = try shortestOwnSeconds(repeats: 3, run)
    return (seconds / max(cost.seconds, 1e-12), "{\(given)}, times \(times)")
}

/// The shortest of `repeats` runs of `body`, in seconds of this thread's processor time: other programs take part of the
/// machine, and not of these.
private func shortestOwnSeconds(repeats: Int, _ body: () throws -> Void) rethrows -> Double {
    func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
    }
    var best = Double.infinity
    for _ in 0..<repeats {
        let start = now()
        try body()
        best = min(best, now() - start)
    }
    return best
}
