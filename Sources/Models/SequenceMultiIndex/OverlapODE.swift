import Modeling
import Numerics

/// Method `overlap-ode`: one-pass SGD for large d (18), by Euler's method and an expectation over common Gaussian points:
///
///     dM/dt = -gamma E[delta z*^T] - kappa M
///     dQ/dt = -gamma (E[delta z^T] + E[z delta^T]) + gamma^2 E[delta delta^T] - 2 kappa Q
struct OverlapODE: Run {
    private let parameters: Parameters
    private let samples: Samples
    private var work: Workspace
    private var generalisation: Generalisation?
    /// M, then Q, after `step` Euler steps, and their derivatives there.
    private var state: [Double]
    private var slope: [Double]
    private var step = 0
    /// The time that observables are asked for, between two Euler steps.
    private var time = 0.0
    private var halves: FirstPassage

    init(_ request: RunRequest, _ parameters: Parameters) throws {
        self.parameters = parameters
        samples = Samples(
            parameters.network, count: parameters.samples, random: request.random.substream(Streams.channel))
        work = Workspace(parameters.network)
        generalisation = Generalisation(request, parameters)
        state = parameters.prescribedStart.map { $0.M + $0.Q } ?? []
        slope = Array(repeating: 0, count: state.count)
        halves = FirstPassage(layers: parameters.p)
        try measure()
        halves.note(overlaps(state).cosines, at: 0)
    }

    private func overlaps(_ state: [Double]) -> Overlaps {
        let p = parameters.p
        return Overlaps(M: Array(state[..<(p * p)]), Q: Array(state[(p * p)...]), p: p)
    }

    mutating func advance(toward target: Double, quantum: Int) throws -> Bool {
        let steps = (target / parameters.dt + 1e-9).rounded(.down)
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
        time = target
        return step >= Int(steps)
    }

    /// Sets `slope` from `state`.
    private mutating func measure() throws {
        let (network, p, L) = (parameters.network, parameters.p, parameters.L)
        let now = overlaps(state)
        let isFinite = state.allSatisfy { abs($0) < 1e6 }
        guard isFinite, let factor = Generalisation.factor(M: now.M, Q: now.Q, T: now.T, p) else {
            throw ModelError.diverged(
                step: step, "M = \(now.M), Q = \(now.Q) are no overlaps; step_size or dt may be too large")
        }
        // E[delta z*^T], E[delta z^T], E[delta delta^T], (p, p) each.
        var sums = Array(repeating: 0.0, count: 3 * p * p)
        samples.forEachBlock(network, factor: factor, &work) { _, pair in
            _ = network.backward(network.output(pair.teacherPass), pair.studentPass, pair.delta)
            for k in 0..<p {
                for j in 0..<p {
                    var (a, b, c) = (Lanes.zero, Lanes.zero, Lanes.zero)
                    for l in 0..<L {
                        let gradient = pair.delta[k * L + l]
                        a += gradient * pair.teacher[j * L + l]
                        b += gradient * pair.student[j * L + l]
                        c += gradient * pair.delta[j * L + l]
                    }
                    sums[k * p + j] += a.sum()
                    sums[(p + k) * p + j] += b.sum()
                    sums[(2 * p + k) * p + j] += c.sum()
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
        if generalisation != nil, Generalisation.factor(M: now.M, Q: now.Q, T: now.T, now.p) == nil {
            throw ModelError.diverged(step: step, "M = \(now.M), Q = \(now.Q) are no overlaps; take a smaller dt")
        }
        if let error = try now.put(&generalisation, into: &sink) { sink.put(.loss, error) }
        sink.put(.t, time)
    }

    mutating func finish(into sink: inout ObservationSink) throws { try sink.put(.tHalf, halves.times) }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...Int.max)
        try archive.exchange(&time)
        try archive.exchange(&state)
        try archive.exchange(&slope)
        try archive.exchange(&halves)
    }
}
