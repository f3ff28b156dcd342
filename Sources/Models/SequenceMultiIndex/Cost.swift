import Foundation
import Modeling

extension SequenceMultiIndex {
    public func cost(of method: Method, _ parameters: Parameters, times: [Double]) -> Cost {
        let (d, L, p) = (Double(parameters.d), Double(parameters.L), Double(parameters.p))
        let (n, B, last) = (Double(parameters.n), Double(parameters.batchSize), times.last ?? 0)
        let samples = Self.rounded(parameters.samples, groups: 8)
        let tests = Self.rounded(parameters.testSize, groups: 8)
        let draws = parameters.network.hasExactPosterior ? 0 : Self.rounded(8 * parameters.draws, groups: 16)

        // Points: what is made of 8 or 16 scrambled sets, by the number, and by the dimension of a set (measured). They are held
        // twice while they are made.
        let points = 2 * p * L
        let setUp =
            (points * (samples + tests) + (p - 1) * L * draws) * 2.2e-8
            + min(64, points) * 8 * 3.5e-6 * (samples > 0 ? 2 : 1)
            + (draws > 0 ? min(64, (p - 1) * L) * 16 * 3.5e-6 : 0)
        let held =
            4096 + 8 * points * (samples + tests + 1.2 * max(samples, tests))
            + 8 * draws * (2.2 * (p - 1) * L + (p * L + 2) / 16)

        // One pass of a sequence through the network, and one posterior.
        let pass = p * (p + 3) * L * L * 0.28e-9 + 2.5e-9
        let observations = Double(times.count) * tests * 2 * pass
        let expectation = samples * posterior(parameters, draws: draws / 8, last: parameters.lastOverlap)
        switch method {
        case .amp:
            let iteration =
                n * L * d * (0.2e-9 + 0.2e-9 * p) + n * posterior(parameters, draws: draws / 8, last: 0)
            return Cost(
                seconds: setUp + n * L * d * 1.5e-9 + last * iteration + observations,
                bytes: held + 8 * (n * L * (d + 4 * p + 1) + 6 * d * p))
        case .stateEvolution: return Cost(seconds: setUp + last * expectation + observations, bytes: held)
        case .fixedPoint:
            let iterations = min(-4 * log(max(parameters.tolerance, 1e-300)), Double(parameters.maximumIterations))
            return Cost(seconds: setUp + (iterations + p + 1) * expectation + 2 * tests * pass, bytes: held)
        case .weakRecovery:
            // At 0, some ten evaluations of an eighth (of 64 sequences at least) and two or three whole ones for each other
            // layer, where a stronger skip needs a better known last layer.
            let critical = 0.15 / (1 + 5.8 * pow(parameters.network.skip, 1.4))
            let sequences = 10 * max(samples / 8, 64) + 2.25 * samples
            let onBranch = sequences * posterior(parameters, draws: draws / 8, last: 1 - critical)
            return Cost(
                seconds: setUp + samples * posterior(parameters, draws: draws / 8, last: 0) + (p - 1) * onBranch,
                bytes: held * 1.125)
        case .branch: return Cost(seconds: setUp + expectation + 2 * tests * pass, bytes: held)
        case .sgd:
            let (step, set) = descent(parameters, times: Double(times.count))
            let size = parameters.data == .fresh ? 4 * B * L * d : 4 * n * L * d
            let labels = parameters.data == .fresh ? 0 : n / B * (B / 8).rounded(.up) * 64 * L * L
            return Cost(
                seconds: setUp + set + last * step + observations,
                bytes: held + size + labels + 12 * B * L * p + 56 * d * p)
        case .overlapODE:
            return Cost(
                seconds: setUp + (1 + last / parameters.dt) * samples * pass * 3 + observations, bytes: held)
        }
    }

    /// Seconds of a step of sgd, and of all that is done with reused data beside steps: their normals, their labels, and the loss
    /// over all of them at each of so many recording times. Counted are, for one batch: the weights' conversions; tokens read
    /// (from a cache while all fit) and multiplied; projections gathered, number by number; networks, eight sequences at a
    /// time however few a batch has, of p L^2 exponentials and p (p - 1)/2 products of L x L, and twice that backwards. The
    /// constants were fitted to 334 runs (d 100 to 1000, batches of 1 to 100, one to three layers).
    private func descent(_ parameters: Parameters, times: Double) -> (step: Double, set: Double) {
        let (d, L, p) = (Double(parameters.d), Double(parameters.L), Double(parameters.p))
        let (n, B) = (Double(parameters.n), Double(min(parameters.batchSize, parameters.n)))
        let isFresh = parameters.data == .fresh
        let size = isFresh ? 0 : 4 * n * L * d
        let read = 80e-9 + 3.1e-9 * p * d + B * L * d * (0.6e-9 * size / (size + 16e6) + 0.01e-9 * p)
        let network = (B / 8).rounded(.up) * L * L * (7e-9 * p + 0.2e-9 * p * (p - 1))
        let forward = network + 8e-9 * B * L * p
        let loss = read + (isFresh ? 2 : 1) * forward + 2 * network
        let step = loss + 80e-9 * p + B * L * d * ((isFresh ? 0.9e-9 : 0) + 0.01e-9 * p)
        let batches = (n / B).rounded(.up)
        return (step, isFresh ? 0 : 0.9e-9 * n * L * d + batches * (read + forward + times * loss))
    }

    /// Seconds of one posterior, and what is done with it, where the last layer has the overlap `last` and the others none.
    private func posterior(_ parameters: Parameters, draws: Double, last: Double) -> Double {
        let (L, p) = (Double(parameters.L), Double(parameters.p))
        if p == 1 { return 1e-7 }
        guard parameters.network.hasExactPosterior else {
            return draws * (8e-9 * p * L + 1e-9 * p * L * L + 0.1e-9 * (p - 1) * L * L * L)
        }
        // Half of the nodes where nothing is known of the first layer.
        let reg = parameters.reg
        let nodes = Quadrature.nodeCount(s1: (1 + reg).squareRoot(), s2: (1 - last + reg).squareRoot())
        return 2.6e-5 * (nodes / 64) * (nodes / 64) * (last > 0 ? 0.5 : 1)
    }

    /// Points that hold at least `count` in groups of a power of two.
    private static func rounded(_ count: Int, groups: Double) -> Double {
        count == 0 ? 0 : groups * exp2(log2(max(Double(count), 64) / groups).rounded(.up))
    }
}
