import Foundation
import Modeling

extension SequenceMultiIndex {
    public func cost(of method: Method, _ parameters: Parameters, times: [Double]) -> Cost {
        let (d, L, p) = (Double(parameters.d), Double(parameters.L), Double(parameters.p))
        let (n, B) = (Double(parameters.n), Double(parameters.batchSize))
        let samples = Self.rounded(parameters.samples, groups: 8)
        let last = times.last ?? 0
        // One pass through the network, a sequence; its posterior: a closed form, 64^2 nodes, or draws.
        let pass = p * (p + 3) * L * L * 1.2e-9 + 1e-8
        let posterior: Double =
            p == 1 ? 1e-7 : p == 2 && L == 2 ? 3e-5 : Double(parameters.draws) * (p * L * L * L * 1e-9 + 2e-8)
        let expectation = samples * posterior
        let tests = Self.rounded(parameters.testSize, groups: 8)
        let observation = tests * pass * 2
        let observations = Double(times.count) * observation

        // Points are held twice while they are made.
        let points = 16 * p * L * (samples + tests + 1.2 * max(samples, tests))
        let draws = parameters.network.hasExactPosterior ? 0 : Self.rounded(8 * parameters.draws, groups: 16)
        let held = 4096 + points + 8 * draws * (2.2 * (p - 1) * L + (p * L + 2) / 16)
        switch method {
        case .amp:
            return Cost(
                seconds: n * L * d * (4e-9 + last * 1.5e-9 * p) + last * n * posterior + observations,
                bytes: held + 8 * (n * L * (d + 4 * p + 1) + 6 * d * p))
        case .stateEvolution: return Cost(seconds: last * expectation + observations, bytes: held)
        case .fixedPoint:
            return Cost(
                seconds: min(40, Double(parameters.maximumIterations)) * expectation + observation, bytes: held)
        case .weakRecovery:
            // On the branch the quadrature is finer, the more so where a stronger skip needs a better known last layer.
            let skip = parameters.network.skip
            return Cost(
                seconds: (p == 2 && L == 2 ? 3 + 2 * skip * skip : 1 + 4 * (p - 1)) * expectation, bytes: held * 1.125)
        case .branch: return Cost(seconds: 2 * expectation + observation, bytes: held)
        case .sgd:
            let isFresh = parameters.data == .fresh
            let step = B * L * d * (isFresh ? 1.5e-9 : 0.6e-9) + B * pass * 2 + d * p * 2e-9
            let labels = isFresh ? 0 : n / B * (B / 8).rounded(.up) * 64 * L * L
            return Cost(
                seconds: n * L * d * 2e-9 + last * step + observations,
                bytes: held + 4 * n * L * d + labels + 12 * B * L * p + 56 * d * p)
        case .overlapODE:
            return Cost(seconds: (1 + last / parameters.dt) * samples * pass * 3 + observations, bytes: held)
        }
    }

    /// Points that hold at least `count` in groups of a power of two.
    private static func rounded(_ count: Int, groups: Double) -> Double {
        count == 0 ? 0 : groups * exp2(log2(max(Double(count), 64) / groups).rounded(.up))
    }
}
