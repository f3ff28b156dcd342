import Foundation
import Modeling
import Numerics

/// Method `overlap-ode`: one-pass SGD for large d (sheet, section 3.4), by Euler's method and an expectation over common
/// Gaussian points:
///
///     dM/dt = -gamma E[delta z*^T] - kappa M
///     dQ/dt = -gamma (E[delta z^T] + E[z delta^T]) + gamma^2 E[delta delta^T] - 2 kappa Q
struct SMIOverlapODE: Run {
    private let parameters: SMIParameters
    private let unit: TimeUnit
    private let samples: SMISamples
    private var scratch: [Lanes]
    private var generalisation: SMIGeneralisation?
    /// M, then Q, after `step` Euler steps, and their derivatives there.
    private var state: [Double]
    private var slope: [Double]
    private var step = 0
    /// The time that observables are asked for, between two Euler steps.
    private var time = 0.0
    private var halves: SMIFirstPassage

    init(_ request: RunRequest, _ parameters: SMIParameters) throws {
        self.parameters = parameters
        unit = request.times.unit
        let network = parameters.network
        samples = SMISamples(
            dimension: 2 * network.inputs,
            count: parameters.samples(default: SMIParameters.defaultSamples(request.method)),
            random: request.random.substream(SMIStreams.channel))
        scratch = Array(
            repeating: .zero, count: 3 * network.inputs + 2 * network.scratchCount + network.outputs)
        generalisation = SMIGeneralisation(request, parameters)
        let start = parameters.prescribedStart ?? parameters.typicalStart
        state = start.M + start.Q
        slope = Array(repeating: 0, count: state.count)
        halves = SMIFirstPassage(layers: parameters.p)
        try measure()
        halves.note(overlaps(state).cosines, at: 0)
    }

    private func overlaps(_ state: [Double]) -> SMIOverlaps {
        let p = parameters.p
        return SMIOverlaps(M: Array(state[..<(p * p)]), Q: Array(state[(p * p)...]), p: p)
    }

    mutating func advance(toward target: Double, quantum: Int) throws -> Bool {
        let t = unit == .scaled ? target : target * Double(parameters.batchSize) / Double(parameters.d)
        let steps = (t / parameters.dt + 1e-9).rounded(.down)
        guard steps >= 0, steps < 1e12 else {
            throw ModelError.parameter("record", "time \(target) is \(steps) Euler steps")
        }
        var left = max(1, quantum / samples.count)
        while step < Int(steps), left > 0 {
            for i in state.indices { state[i] += parameters.dt * slope[i] }
            step += 1
            try measure()
            halves.note(overlaps(state).cosines, at: Double(step) * parameters.dt)
            left -= 1
        }
        time = t
        return step >= Int(steps)
    }

    /// Sets `slope` from `state`.
    private mutating func measure() throws {
        let (network, p) = (parameters.network, parameters.p)
        let now = overlaps(state)
        let isFinite = state.allSatisfy { abs($0) < 1e6 }
        guard isFinite, let factor = SMIGeneralisation.factor(M: now.M, Q: now.Q, T: now.T, p) else {
            throw ModelError.diverged(
                step: step, "M = \(now.M), Q = \(now.Q) are no overlaps; step_size or dt may be too large")
        }
        // E[delta z*^T], E[delta z^T], E[delta delta^T], (p, p) each.
        var sums = Array(repeating: 0.0, count: 3 * p * p)
        let samples = samples
        scratch.withUnsafeMutableBufferPointer { scratch in
            guard let teacher = scratch.baseAddress else { return }
            let student = teacher + network.inputs
            let delta = student + network.inputs
            let pass = delta + network.inputs
            let other = pass + network.scratchCount
            samples.values.withUnsafeBufferPointer { normals in
                guard let normals = normals.baseAddress else { return }
                for block in 0..<samples.blocks {
                    smiCorrelate(normals + block * samples.dimension, factor, network, teacher)
                    network.forward(teacher, other)
                    network.forward(student, pass)
                    _ = network.backward(network.output(other), pass, delta)
                    for k in 0..<p {
                        for j in 0..<p {
                            var (a, b, c) = (Lanes.zero, Lanes.zero, Lanes.zero)
                            for l in 0..<network.L {
                                let gradient = delta[k * network.L + l]
                                a += gradient * teacher[j * network.L + l]
                                b += gradient * student[j * network.L + l]
                                c += gradient * delta[j * network.L + l]
                            }
                            sums[k * p + j] += a.sum()
                            sums[(p + k) * p + j] += b.sum()
                            sums[(2 * p + k) * p + j] += c.sum()
                        }
                    }
                }
            }
        }
        let (gamma, kappa, n) = (parameters.stepSize, parameters.weightDecay, Double(samples.count))
        for k in 0..<p {
            for j in 0..<p {
                let at = k * p + j
                let alongQ = (sums[p * p + at] + sums[p * p + j * p + k]) / n
                slope[at] = -gamma * sums[at] / n - kappa * state[at]
                slope[p * p + at] =
                    -gamma * alongQ + gamma * gamma * sums[2 * p * p + at] / n - 2 * kappa * state[p * p + at]
            }
        }
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        let rest = time - Double(step) * parameters.dt
        let now = overlaps(zip(state, slope).map { $0 + rest * $1 })
        try now.put(into: &sink)
        sink.put("t", time)
        guard let error = generalisation?.error(M: now.M, Q: now.Q, T: now.T) else {
            if generalisation == nil { return }
            throw ModelError.diverged(step: step, "M = \(now.M), Q = \(now.Q) are no overlaps; take a smaller dt")
        }
        sink.put("e_gen", error.mean)
        sink.put("loss", error.mean)
    }

    mutating func finish(into sink: inout ObservationSink) throws { try sink.put("t_half", halves.times) }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...Int.max)
        try archive.exchange(&time)
        try archive.exchange(&state)
        try archive.exchange(&slope)
        try archive.exchange(&halves)
    }
}
