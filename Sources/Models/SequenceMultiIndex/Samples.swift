import Numerics

/// Common Gaussian points in blocks of eight sequences: block b has `dimension` numbers of eight lanes each.
struct SMISamples: Sendable {
    let dimension: Int
    let groups: Int
    /// Blocks in one group.
    let groupBlocks: Int
    let values: [Lanes]

    var blocks: Int { groups * groupBlocks }
    var count: Int { 8 * blocks }

    /// At least `count` points in eight groups of a multiple of eight.
    init(dimension: Int, count: Int, random: RandomStream) {
        var random = random
        let groups = 8
        // Fails for sizes that the parameters' ranges exclude.
        guard
            let points = GaussianPoints(
                dimension: dimension, count: max(count, 64), groups: groups, random: &random)
        else { preconditionFailure("samples of dimension \(dimension)") }
        self.dimension = dimension
        self.groups = groups
        groupBlocks = points.groupSize / 8
        var values = Array(repeating: Lanes.zero, count: points.count / 8 * dimension)
        for i in 0..<points.count {
            for j in 0..<dimension { values[i / 8 * dimension + j][i % 8] = points.values[i * dimension + j] }
        }
        self.values = values
    }
}

/// The generalisation error E |g(z*) - g(z)|_F^2 of the plug-in predictor (sheet, section 2), for tokens whose
/// projections (z, z*) on estimate and teacher are jointly Gaussian with covariance [[Q, M], [M^T, T]].
package struct SMIGeneralisation: Sendable {
    let network: SMINetwork
    private let samples: SMISamples
    private var scratch: [Lanes]

    package init(_ network: SMINetwork, samples count: Int, random: RandomStream) {
        self.network = network
        samples = SMISamples(dimension: 2 * network.inputs, count: count, random: random)
        scratch = Array(repeating: .zero, count: 2 * network.inputs + 2 * network.scratchCount)
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
        let p = network.layers
        guard let factor = Self.factor(M: M, Q: Q, T: T, p) else { return nil }
        var sums = GroupedMeans(outputs: 1, groups: samples.groups)
        let (network, samples) = (network, samples)
        scratch.withUnsafeMutableBufferPointer { scratch in
            guard let z = scratch.baseAddress else { return }
            let estimate = z + network.inputs
            let teacherScratch = estimate + network.inputs
            let studentScratch = teacherScratch + network.scratchCount
            samples.values.withUnsafeBufferPointer { normals in
                guard let normals = normals.baseAddress else { return }
                for group in 0..<samples.groups {
                    var sum = Lanes.zero
                    for block in 0..<samples.groupBlocks {
                        let x = normals + (group * samples.groupBlocks + block) * samples.dimension
                        smiCorrelate(x, factor, network, z)
                        network.forward(z, teacherScratch)
                        network.forward(estimate, studentScratch)
                        let (y, other) = (network.output(teacherScratch), network.output(studentScratch))
                        for i in 0..<network.outputs { sum += (y[i] - other[i]) * (y[i] - other[i]) }
                    }
                    sums.add([sum.sum()], group: group, count: 8 * samples.groupBlocks)
                }
            }
        }
        let estimate = sums.estimate
        return (estimate.means[0], estimate.errors[0])
    }
}

/// z (2p, L) from independent normals x (2p, L): token by token with the lower factor (2p, 2p).
@inline(__always)
func smiCorrelate(
    _ x: UnsafePointer<Lanes>, _ factor: [Double], _ network: SMINetwork, _ z: UnsafeMutablePointer<Lanes>
) {
    let n = 2 * network.layers
    for k in 0..<n {
        for l in 0..<network.L {
            var sum = Lanes.zero
            for j in 0...k { sum += factor[k * n + j] * x[j * network.L + l] }
            z[k * network.L + l] = sum
        }
    }
}
