import Modeling
import Numerics

/// One expectation a layer, with standard errors, and its means over the independent groups of points: noise of two layers
/// is not independent, so the error of what follows from both comes from the groups.
package struct SMIResponses: Sendable {
    package let means: [Double]
    package let errors: [Double]
    /// (layer, group).
    package let groupMeans: [[Double]]
}

/// Expectations over the channel (sheet, section 4): Qhat of the state evolution and the response F of its branches, at
/// overlaps Q = diag(q) (signs per layer keep Q diagonal), from common points.
package struct SMIExpectations: Sendable {
    package let network: SMINetwork
    /// Added to V.
    package let reg: Double
    private let samples: SMISamples
    private var channel: SMIChannel
    private var scratch: [Lanes]

    package init(_ network: SMINetwork, reg: Double, samples: Int, draws: Int, random: RandomStream) throws {
        self.network = network
        self.reg = reg
        self.samples = SMISamples(dimension: 2 * network.inputs, count: samples, random: random.substream(1))
        channel = try SMIChannel(network, draws: draws, random: random.substream(2))
        scratch = Array(repeating: .zero, count: 2 * network.inputs + network.scratchCount)
    }

    /// One sequence at a time: moments of its posterior, and what it was drawn from. omega, z, u token by token.
    private struct Sample {
        let moments: SMIMoments
        let other: SMIMoments
        let omega: UnsafePointer<Double>
        let z: UnsafePointer<Double>
    }

    /// The diagonal of V.
    private func variance(_ q: [Double]) -> [Double] { q.map { 1 - $0 + reg } }

    private mutating func forEachSample(
        q: [Double], _ body: (_ group: Int, _ sample: Sample) throws -> Void
    ) throws {
        let (p, L) = (network.layers, network.L)
        let v = variance(q)
        var V = Array(repeating: 0.0, count: p * p)
        for k in 0..<p { V[k * p + k] = v[k] }
        let (network, samples) = (network, samples)
        // omega, z, u of one sequence.
        var row = Array(repeating: 0.0, count: 2 * network.inputs + L)
        var scratch = self.scratch
        try channel.withPosterior(variance: V) { posterior in
            for block in 0..<samples.blocks {
                for k in 0..<p {
                    let (s, w) = (q[k].squareRoot(), v[k].squareRoot())
                    for l in 0..<L {
                        // What the last layers have in common with omega matters most: it comes first.
                        let at = block * samples.dimension + 2 * ((p - 1 - k) * L + l)
                        let omega = s * samples.values[at]
                        scratch[k * L + l] = omega
                        scratch[network.inputs + k * L + l] = omega + w * samples.values[at + 1]
                    }
                }
                try scratch.withUnsafeMutableBufferPointer { scratch in
                    guard let omega = scratch.baseAddress else { return }
                    let z = omega + network.inputs
                    let pass = z + network.inputs
                    network.forward(z, pass)
                    let u = network.index(pass)
                    try row.withUnsafeMutableBufferPointer { row in
                        guard let base = row.baseAddress else { return }
                        for lane in 0..<8 {
                            for l in 0..<L {
                                for k in 0..<p {
                                    base[l * p + k] = omega[k * L + l][lane]
                                    base[network.inputs + l * p + k] = z[k * L + l][lane]
                                }
                                base[2 * network.inputs + l] = u[l][lane]
                            }
                            // Draws of its own for each group: errors from the groups then count the noise of the draws.
                            let group = block / samples.groupBlocks
                            guard posterior.evaluate(u: base + 2 * network.inputs, omega: base, sample: group) else {
                                throw ModelError.notConverged(
                                    "no draw of the channel has any weight at Q = \(q): give more draws")
                            }
                            try body(
                                group,
                                Sample(
                                    moments: posterior.first, other: posterior.second, omega: base,
                                    z: base + network.inputs))
                        }
                    }
                }
            }
        }
    }

    /// E sum_l g_l,k^2 of every layer k (Qhat_kk = alpha times that) with standard errors.
    package mutating func responses(q: [Double]) throws -> SMIResponses {
        try controlledMeans(q: q) { _ in false }
    }

    /// Of the layers with q_k = 0: F_kk = E |E[z_k z_k^T]/V - I|^2/V^2, so that around q the layer grows from zero by alpha F_kk
    /// an iteration. Of the others E sum_l g^2. With standard errors.
    package mutating func growth(q: [Double]) throws -> SMIResponses {
        try controlledMeans(q: q) { q[$0] == 0 }
    }

    private mutating func controlledMeans(q: [Double], isMatrix: (Int) -> Bool) throws -> SMIResponses {
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
        return SMIResponses(
            means: results.map(\.mean), errors: results.map(\.error), groupMeans: results.map(\.groupMeans))
    }

    /// g^2 with the controls g.(z - omega)/V - g^2 (the Nishimori identity) and the norms of z - omega and omega.
    private static func vectorRow(
        _ network: SMINetwork, _ sample: Sample, _ k: Int, _ q: Double, _ v: Double, _ row: inout [Double]
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

    /// |That|^2, That = E[z z^T]/V - I, with the controls t.That - |That|^2 and |t|^2 - L(L+1), t = z z^T/V - I
    /// (section 4.2). With coefficients 2 and -1 they make the residual estimator.
    private static func matrixRow(
        _ network: SMINetwork, _ sample: Sample, _ k: Int, _ v: Double, _ row: inout [Double]
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

    /// The Nishimori identity E sum_l g^2 = E sum_l g (z - omega)/V of every layer: both sides, without control variates.
    package mutating func nishimori(q: [Double]) throws -> (squares: [Double], products: [Double]) {
        let (p, L) = (network.layers, network.L)
        let v = variance(q)
        var (squares, products) = (Array(repeating: 0.0, count: p), Array(repeating: 0.0, count: p))
        let n = Double(samples.count)
        try forEachSample(q: q) { _, sample in
            for k in 0..<p {
                for l in 0..<L {
                    let at = l * p + k
                    let a = sample.moments.mean[at] - sample.omega[at]
                    let b = sample.other.mean[at] - sample.omega[at]
                    squares[k] += a * b / (v[k] * v[k] * n)
                    products[k] += 0.5 * (a + b) * (sample.z[at] - sample.omega[at]) / (v[k] * v[k] * n)
                }
            }
        }
        return (squares, products)
    }
}
