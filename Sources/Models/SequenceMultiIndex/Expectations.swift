import Modeling
import Numerics

/// One expectation a layer, with standard errors, and its means over the independent groups of points: noise of two layers
/// is not independent, so the error of what follows from both comes from the groups.
package struct Responses: Sendable {
    package let means: [Double]
    package let errors: [Double]
    /// (layer, group).
    package let groupMeans: [[Double]]
}

/// Expectations over the channel: those of state evolution (19) and the response F of its branches (23), at overlaps
/// Q = diag(q) (signs per layer keep Q diagonal), from common points.
package struct Expectations: Sendable {
    package let network: Network
    /// Added to V.
    package let reg: Double
    private let samples: Samples
    private var channel: Channel

    package init(_ network: Network, reg: Double, samples: Int, draws: Int, random: RandomStream) throws {
        self.network = network
        self.reg = reg
        self.samples = Samples(network, count: samples, random: random.substream(1))
        channel = try Channel(network, draws: draws, random: random.substream(2))
    }

    /// On `share` of the sequences of the method.
    init(_ request: RunRequest, _ parameters: Parameters, share: Double = 1) throws {
        try self.init(
            parameters.network, reg: parameters.reg, samples: Int(share * Double(parameters.samples)),
            draws: parameters.draws, random: request.random.substream(Streams.channel))
    }

    /// How many sequences there are.
    package var count: Int { samples.count }

    /// One sequence: moments of its posterior, and what it was drawn from, token by token.
    package struct Sample {
        package let moments: PosteriorMoments
        /// An independent estimate of the moments, or the same where they are exact.
        package let other: PosteriorMoments
        package let omega: UnsafePointer<Double>
        package let z: UnsafePointer<Double>
    }

    /// The diagonal of V.
    package func variance(_ q: [Double]) -> [Double] { q.map { 1 - $0 + reg } }

    /// Calls `body` with every sequence, and the number of its group.
    package mutating func forEachSample(
        q: [Double], _ body: (_ group: Int, _ sample: Sample) throws -> Void
    ) throws {
        let (network, samples) = (network, samples)
        let (p, L, inputs) = (network.layers, network.L, network.inputs)
        let v = variance(q)
        var lanes = Array(repeating: Lanes.zero, count: 2 * inputs + network.scratchCount)
        // omega, z, u of one sequence.
        var row = Array(repeating: 0.0, count: 2 * inputs + L)
        try channel.withPosterior(variance: diagonal(v)) { posterior in
            try lanes.withUnsafeMutableBufferPointer { lanes in
                try row.withUnsafeMutableBufferPointer { row in
                    guard let omega = lanes.baseAddress, let base = row.baseAddress else { return }
                    let z = omega + inputs
                    let pass = z + inputs
                    for block in 0..<samples.blocks {
                        for k in 0..<p {
                            let (s, w) = (q[k].squareRoot(), v[k].squareRoot())
                            for l in 0..<L {
                                // What the last layers have in common with omega matters most: it comes first.
                                let at = block * samples.dimension + 2 * ((p - 1 - k) * L + l)
                                omega[k * L + l] = s * samples.values[at]
                                z[k * L + l] = omega[k * L + l] + w * samples.values[at + 1]
                            }
                        }
                        network.forward(z, pass)
                        let u = network.index(pass)
                        // Draws of its own for each group: errors from the groups then count the noise of the draws.
                        let group = block / samples.groupBlocks
                        for lane in 0..<8 {
                            for l in 0..<L {
                                for k in 0..<p {
                                    base[l * p + k] = omega[k * L + l][lane]
                                    base[inputs + l * p + k] = z[k * L + l][lane]
                                }
                                base[2 * inputs + l] = u[l][lane]
                            }
                            guard posterior.evaluate(u: base + 2 * inputs, omega: base, sample: group) else {
                                throw ModelError.notConverged(
                                    "no draw of the channel has any weight at Q = \(q): give more draws")
                            }
                            try body(
                                group,
                                Sample(
                                    moments: posterior.first, other: posterior.second, omega: base, z: base + inputs))
                        }
                    }
                }
            }
        }
    }

    /// E sum_l g_l,k^2 of every layer k (Qhat_kk = alpha times that) with standard errors.
    package mutating func responses(q: [Double]) throws -> Responses {
        try controlledMeans(q: q) { _ in false }
    }

    /// Of the layers with q_k = 0: F_kk = E |E[z_k z_k^T]/V - I|^2/V^2, so that around q the layer grows from zero by alpha F_kk
    /// an iteration. Of the others E sum_l g^2. With standard errors.
    package mutating func growth(q: [Double]) throws -> Responses {
        try controlledMeans(q: q) { q[$0] == 0 }
    }

    private mutating func controlledMeans(q: [Double], isMatrix: (Int) -> Bool) throws -> Responses {
        let (p, network) = (network.layers, network)
        let kinds = (0..<p).map(isMatrix)
        let v = variance(q)
        var means = (0..<p).map { ControlledMean(controls: !kinds[$0] && q[$0] > 0 ? 3 : 2, groups: samples.groups) }
        var row = [0.0, 0.0, 0.0, 0.0]
        try forEachSample(q: q) { group, sample in
            for k in 0..<p {
                if kinds[k] {
                    Self.matrixRow(network, sample, k, v[k], &row)
                } else {
                    Self.vectorRow(network, sample, k, q[k], v[k], &row)
                }
                means[k].add(row, group: group)
            }
        }
        let results = means.map(\.result)
        return Responses(
            means: results.map(\.mean), errors: results.map(\.error), groupMeans: results.map(\.groupMeans))
    }

    /// g^2 with the controls (20): g.(z - omega)/V - g^2 (the Nishimori identity) and the norms of z - omega and omega.
    private static func vectorRow(
        _ network: Network, _ sample: Sample, _ k: Int, _ q: Double, _ v: Double, _ row: inout [Double]
    ) {
        let (p, L) = (network.layers, network.L)
        var (square, along, noise, known) = (0.0, 0.0, 0.0, 0.0)
        for l in 0..<L {
            let at = l * p + k
            let (omega, difference) = (sample.omega[at], sample.z[at] - sample.omega[at])
            let (a, b) = (sample.moments.mean[at] - omega, sample.other.mean[at] - omega)
            square += a * b
            along += 0.5 * (a + b) * difference
            noise += difference * difference
            known += omega * omega
        }
        row[0] = (along - square) / (v * v)
        row[1] = noise / v - Double(L)
        if q > 0 { row[2] = known / q - Double(L) }
        row[q > 0 ? 3 : 2] = square / (v * v)
    }

    /// |That|^2, That = E[z z^T]/V - I, with the controls (25): t.That - |That|^2 and |t|^2 - L(L+1), t = z z^T/V - I. With
    /// coefficients 2 and -1 they make the residual estimator.
    private static func matrixRow(
        _ network: Network, _ sample: Sample, _ k: Int, _ v: Double, _ row: inout [Double]
    ) {
        let (p, L) = (network.layers, network.L)
        var (square, along, norm) = (0.0, 0.0, 0.0)
        for l in 0..<L {
            for m in 0..<L {
                let identity = l == m ? 1.0 : 0
                let t = sample.z[l * p + k] * sample.z[m * p + k] / v - identity
                let a = sample.moments.pairs[(k * L + l) * L + m] / v - identity
                let b = sample.other.pairs[(k * L + l) * L + m] / v - identity
                square += a * b
                along += 0.5 * (a + b) * t
                norm += t * t
            }
        }
        row[0] = (along - square) / (v * v)
        row[1] = norm - Double(L * (L + 1))
        row[2] = square / (v * v)
    }
}
