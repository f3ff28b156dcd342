import Foundation
import Modeling

extension DGDParameters {
    /// - Throws: ``ModelError/parameter(_:_:)`` for what no simulation can have.
    func checkSimulation() throws {
        let bytes = DGDSimulationCost.bytes(
            n: Double(samples), d: Double(d), L: Double(tokens), k: Double(students), R: Double(runs), recorded: 0)
        guard bytes < Double(ProcessInfo.processInfo.physicalMemory) else {
            throw ModelError.parameter(
                "d", "is too large with this alpha, L and runs: the simulation would hold \(bytes / 1e9) GB")
        }
    }
}

/// What a simulation takes.
enum DGDSimulationCost {
    /// Parameters that ``cost(method:at:times:)`` reads.
    static let parameters = ["alpha", "d", "L", "width", "runs", "step_size", "batch_fraction", "loss"]

    static func bytes(n: Double, d: Double, L: Double, k: Double, R: Double, recorded: Double) -> Double {
        let columns = k * R
        // Inputs; W, its copy, its gradient and what is kept for C; targets and weights; scratch of a block.
        return 4 * (n + 8) * L * d + columns * d * (16 + 8 * recorded) + 8 * (n + 8) * (L * L + 2 * R) + 4e6
            + columns * L * 16 * max(16, 131072 / (d * L))
    }

    static func cost(method: String, at point: ParameterPoint, times: RecordingTimes) throws -> Cost {
        let d = Double(try point.integer("d"))
        let n = max((try point.real("alpha") * d).rounded(), 1)
        let L = Double(try point.integer("L"))
        let k = Double(try point.integer("width"))
        let R = Double(try point.integer("runs"))
        let last = times.values.last ?? 0
        let eta = try point.real("step_size")
        let steps = times.unit == .steps ? last : eta > 0 ? last / eta : 0
        let b = method == "gd" ? 1 : try point.real("batch_fraction")
        let loss: DGDLoss = try point.choice("loss")
        let columns = k * R
        // One pass reads the inputs from memory once; columns then share them.
        let multiply = n * L * d * (0.09e-9 + 0.06e-9 * columns)
        let function = loss == .tiedAttention ? 4e-9 * L * (L + k) : loss == .linear || loss == .phase ? 1e-9 : 4e-9 * L
        let channel = n * R * (k * L * 1e-9 + function)
        // Nodes of the test loss, and a training loss that a step of sgd cannot share.
        let test = loss == .tiedAttention || loss == .tokenAverage ? 1.5e-3 : 0.1e-3
        let observations = Double(times.values.count) * (R * test + (method == "gd" ? 0 : multiply + channel))
        return Cost(
            seconds: n * L * d * 1e-9 + 10 * test + steps * ((b < 1 ? max(b, 0.1) : 1) * multiply + channel)
                + observations,
            memory: Int(
                min(
                    bytes(n: n, d: d, L: L, k: k, R: R, recorded: Double(times.values.count)), 1e18)))
    }
}
