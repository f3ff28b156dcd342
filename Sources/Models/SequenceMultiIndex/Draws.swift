import Foundation
import Numerics

/// The posterior for any number of layers and tokens: draws of z_1 ... z_{p-1} from the prior N(Omega, V), z_p = +-B^-1 u,
/// and weights N(z_p | its prior given the draw)/|det B| (15).
struct Draws: Sendable {
    private let network: Network
    /// Draws in a set, a multiple of 8.
    private let count: Int
    /// The draws, set after set, block after block, (layer, token) within.
    private let normals: [Lanes]
    private var values: [Double]
    private var scratch: [Lanes]

    init(_ network: Network, _ points: GaussianPoints) {
        self.network = network
        let width = (network.layers - 1) * network.L
        count = max(8, points.groupSize)
        let sets = points.groups
        var normals = Array(repeating: Lanes.zero, count: sets * count / 8 * width)
        for set in 0..<sets {
            for draw in 0..<count {
                for i in 0..<width {
                    let at = (set * points.groupSize + draw % points.groupSize) * width + i
                    normals[((set * count + draw) / 8) * width + i][draw % 8] = points.values[at]
                }
            }
        }
        self.normals = normals
        values = Array(repeating: 0, count: count * (network.inputs + 2))
        let before = Network(layers: network.layers - 1, L: network.L, skip: network.skip)
        scratch = Array(repeating: .zero, count: network.outputs + network.L + network.inputs + before.scratchCount)
    }

    mutating func withCore<Result>(factor: [Double], _ body: (DrawsCore) throws -> Result) throws -> Result {
        let (network, count) = (network, count)
        func lend(
            _ factor: UnsafePointer<Double>, _ normals: UnsafePointer<Lanes>, _ values: UnsafeMutablePointer<Double>,
            _ scratch: UnsafeMutablePointer<Lanes>
        ) throws -> Result {
            try body(
                DrawsCore(
                    network: network, count: count, factor: factor, normals: normals, values: values, scratch: scratch))
        }
        return try lend(factor, normals, &values, &scratch)
    }
}

/// The draws of one sequence on lent storage.
struct DrawsCore {
    let network: Network
    let count: Int
    /// The lower factor of V.
    let factor: UnsafePointer<Double>
    let normals: UnsafePointer<Lanes>
    /// Of every draw: (token, layer) of z with the sign of z_p free, logarithm of the weight, E of that sign.
    let values: UnsafeMutablePointer<Double>
    let scratch: UnsafeMutablePointer<Lanes>

    /// Sets `moments` from the draws number `set`.
    func evaluate(u: UnsafePointer<Double>, omega: UnsafePointer<Double>, set: Int, into moments: PosteriorMoments)
        -> Bool
    {
        let (p, L) = (network.layers, network.L)
        let logs = values + network.inputs * count
        let signs = logs + count
        let width = (p - 1) * L
        let last = factor[p * p - 1]
        let precision = 1 / (last * last)
        let A = scratch
        let x = A + L * L
        let z = x + L
        let passed = z + network.inputs
        let before = Network(layers: p - 1, L: L, skip: network.skip)
        for block in 0..<count / 8 {
            let draw = normals + (set * count / 8 + block) * width
            var logDet = Lanes.zero
            for k in 0..<p - 1 {
                for l in 0..<L {
                    var value = Lanes(repeating: omega[l * p + k])
                    for j in 0...k { value += factor[k * p + j] * draw[j * L + l] }
                    z[k * L + l] = value
                    store(value, values + (l * p + k) * count, block)
                }
            }
            // B = A_{p-1} ... A_1: solve for its factors one by one.
            before.forward(z, passed)
            for l in 0..<L { x[l] = Lanes(repeating: u[l]) }
            for k in (0..<p - 1).reversed() {
                for i in 0..<(L * L) { A[i] = passed[k * L * L + i] }
                for l in 0..<L { A[l * L + l] += network.skip }
                logDet += solve(A, x)
            }
            var (along, size) = (Lanes.zero, Lanes.zero)
            for l in 0..<L {
                var mean = Lanes(repeating: omega[l * p + p - 1])
                for j in 0..<p - 1 { mean += factor[(p - 1) * p + j] * draw[j * L + l] }
                along += mean * x[l]
                size += mean * mean + x[l] * x[l]
                store(x[l], values + (l * p + p - 1) * count, block)
            }
            along *= precision
            let magnitude = along.replacing(with: -along, where: along .< Lanes.zero)
            let log = magnitude + softplus(-2 * magnitude) - 0.5 * precision * size - logDet
            store(log.replacing(with: -.infinity, where: log .!= log), logs, block)
            store(hyperbolicTangent(along), signs, block)
        }
        guard let weights = ImportanceWeights(normalising: logs, count: count) else { return false }
        summarise(logs, signs, moments)
        moments.logEvidence.pointee =
            weights.logEvidence + 0.5 * Double(L) * Foundation.log(precision / (2 * Double.pi))
        return true
    }

    /// x = A^-1 x by elimination with row pivots, A destroyed. Returns log|det A|.
    @inline(__always)
    private func solve(_ A: UnsafeMutablePointer<Lanes>, _ x: UnsafeMutablePointer<Lanes>) -> Lanes {
        let L = network.L
        var det = Lanes(repeating: 1)
        for k in 0..<L {
            for i in (k + 1)..<max(L, k + 1) {
                // The larger of the two moves up, lane by lane.
                let isLarger = A[i * L + k] * A[i * L + k] .> A[k * L + k] * A[k * L + k]
                for j in k..<L { exchange(&A[k * L + j], &A[i * L + j], where: isLarger) }
                exchange(&x[k], &x[i], where: isLarger)
                let factor = A[i * L + k] / A[k * L + k]
                for j in (k + 1)..<max(L, k + 1) { A[i * L + j] -= factor * A[k * L + j] }
                x[i] -= factor * x[k]
            }
            det *= A[k * L + k]
        }
        for k in (0..<L).reversed() {
            for j in (k + 1)..<max(L, k + 1) { x[k] -= A[k * L + j] * x[j] }
            x[k] /= A[k * L + k]
        }
        var logDet = Lanes.zero
        for lane in 0..<8 { logDet[lane] = log(abs(det[lane])) }
        return logDet
    }

    @inline(__always)
    private func exchange(_ a: inout Lanes, _ b: inout Lanes, where mask: SIMDMask<SIMD8<Int64>>) {
        let old = a
        a = a.replacing(with: b, where: mask)
        b = b.replacing(with: old, where: mask)
    }

    /// Moments under normalised weights; E z_p = sum w tanh z_p over the two signs.
    private func summarise(
        _ weights: UnsafePointer<Double>, _ signs: UnsafePointer<Double>, _ moments: PosteriorMoments
    ) {
        let (p, L) = (network.layers, network.L)
        let last = p - 1
        for l in 0..<L {
            for k in 0..<p {
                let z = values + (l * p + k) * count
                moments.mean[l * p + k] =
                    k == last ? product(weights, signs, z) : ImportanceWeights.mean(weights, z, count: count)
            }
        }
        for i in 0..<(p * p) { moments.covariance[i] = 0 }
        for l in 0..<L {
            for k in 0..<p {
                for j in 0...k {
                    let (a, b) = (values + (l * p + k) * count, values + (l * p + j) * count)
                    let isMixed = k == last && j < last
                    let second = isMixed ? product(weights, signs, a, b) : product(weights, a, b)
                    let covariance = second - moments.mean[l * p + k] * moments.mean[l * p + j]
                    moments.covariance[k * p + j] += covariance
                    if j < k { moments.covariance[j * p + k] += covariance }
                }
            }
        }
        for k in 0..<p {
            for l in 0..<L {
                for m in 0...l {
                    let pair = product(weights, values + (l * p + k) * count, values + (m * p + k) * count)
                    moments.pairs[(k * L + l) * L + m] = pair
                    moments.pairs[(k * L + m) * L + l] = pair
                }
            }
        }
    }

    @inline(__always)
    private func product(
        _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ c: UnsafePointer<Double>
    ) -> Double {
        var sum = Lanes.zero
        for block in 0..<count / 8 { sum += lanes(a, block) * lanes(b, block) * lanes(c, block) }
        return sum.sum()
    }

    @inline(__always)
    private func product(
        _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ c: UnsafePointer<Double>, _ d: UnsafePointer<Double>
    ) -> Double {
        var sum = Lanes.zero
        for block in 0..<count / 8 { sum += lanes(a, block) * lanes(b, block) * (lanes(c, block) * lanes(d, block)) }
        return sum.sum()
    }
}
