import Modeling
import Numerics

/// Common Gaussian points in blocks of eight sequences: block b has `dimension` numbers of eight lanes each.
package struct Samples: Sendable {
    let dimension: Int
    let groups = 8
    /// Blocks in one group.
    let groupBlocks: Int
    let values: [Lanes]

    var blocks: Int { groups * groupBlocks }
    package var count: Int { 8 * blocks }

    /// At least `count` points for a student and a teacher, in eight groups of a multiple of eight.
    init(_ network: Network, count: Int, random: RandomStream) {
        var random = random
        dimension = 2 * network.inputs
        // Fails for sizes that the parameters' ranges exclude.
        guard
            let points = GaussianPoints(
                dimension: dimension, count: max(count, 64), groups: groups, random: &random)
        else { preconditionFailure("samples of dimension \(dimension)") }
        groupBlocks = points.groupSize / 8
        var values = Array(repeating: Lanes.zero, count: points.count / 8 * dimension)
        for i in 0..<points.count {
            for j in 0..<dimension { values[i / 8 * dimension + j][i % 8] = points.values[i * dimension + j] }
        }
        self.values = values
    }

    /// Teacher's and student's projections on every block of sequences, with the lower `factor` (2p, 2p) of their covariance,
    /// both passed through the network; `body` gets the number of the block's group too.
    @inline(__always)
    func forEachBlock(
        _ network: Network, factor: [Double], _ work: inout Workspace, _ body: (_ group: Int, Workspace.Pair) -> Void
    ) {
        let (n, L) = (2 * network.layers, network.L)
        work.withPair { pair in
            values.withUnsafeBufferPointer { values in
                guard let values = values.baseAddress else { return }
                for block in 0..<blocks {
                    let x = values + block * dimension
                    for k in 0..<n {
                        for l in 0..<L {
                            var sum = Lanes.zero
                            for j in 0...k { sum += factor[k * n + j] * x[j * L + l] }
                            pair.teacher[k * L + l] = sum
                        }
                    }
                    network.forward(pair.teacher, pair.teacherPass)
                    network.forward(pair.student, pair.studentPass)
                    body(block / groupBlocks, pair)
                }
            }
        }
    }
}

/// The generalisation error (5) of the plug-in predictor, for tokens whose projections on teacher and estimate are jointly
/// Gaussian with covariance [[T, M^T], [M, Q]].
package struct Generalisation: Sendable {
    private let network: Network
    private let samples: Samples
    private var work: Workspace

    package init(_ network: Network, samples count: Int, random: RandomStream) {
        self.network = network
        samples = Samples(network, count: count, random: random)
        work = Workspace(network)
    }

    /// Nil when neither e_gen nor the loss of the ODE is wanted.
    init?(_ request: RunRequest, _ parameters: Parameters) {
        guard request.wants(.eGen) || request.wants(.loss) else { return nil }
        self.init(parameters.network, samples: parameters.testSize, random: request.random.substream(Streams.test))
    }

    /// The lower factor of the covariance of (teacher, estimate), (2p, 2p); nil when there is none.
    static func factor(M: [Double], Q: [Double], T: [Double], _ p: Int) -> [Double]? {
        let n = 2 * p
        var gram = Array(repeating: 0.0, count: n * n)
        for i in 0..<p {
            for j in 0..<p {
                gram[i * n + j] = T[i * p + j]
                gram[(p + i) * n + p + j] = 0.5 * (Q[i * p + j] + Q[j * p + i])
                gram[(p + i) * n + j] = M[i * p + j]
                gram[j * n + p + i] = M[i * p + j]
            }
        }
        return SmallMatrix.cholesky(gram, n, tolerance: 1e-9, allowsZero: true)
    }

    /// The error and its standard error; nil when the overlaps are not those of any vectors.
    package mutating func error(M: [Double], Q: [Double], T: [Double]) -> (mean: Double, error: Double)? {
        guard let factor = Self.factor(M: M, Q: Q, T: T, network.layers) else { return nil }
        var sums = Array(repeating: Lanes.zero, count: samples.groups)
        let network = network
        samples.forEachBlock(network, factor: factor, &work) { group, pair in
            let (y, other) = (network.output(pair.teacherPass), network.output(pair.studentPass))
            for i in 0..<network.outputs { sums[group] += (y[i] - other[i]) * (y[i] - other[i]) }
        }
        var means = GroupedMeans(outputs: 1, groups: samples.groups)
        for (group, sum) in sums.enumerated() {
            means.add([sum.sum()], group: group, count: 8 * samples.groupBlocks)
        }
        let estimate = means.estimate
        return (estimate.means[0], estimate.errors[0])
    }
}
