import Foundation
import ModelTesting
import Numerics
import SequenceMultiIndex
import Testing

@Suite struct ChannelTests {
    private struct Moments {
        var mean: [Double]
        var covariance: [Double]
        var pairs: [Double]
        var logEvidence: Double
    }

    /// The channel's answer for one sequence (means over its halves).
    private func moments(
        _ network: Network, V: [Double], u: [Double], omega: [Double], draws: Int = 1 << 15, sample: Int = 0
    ) throws -> Moments {
        var channel = try Channel(network, draws: draws, random: testStream(11))
        let (p, L) = (network.layers, network.L)
        return try channel.withPosterior(variance: V) { posterior in
            #expect(posterior.evaluate(u: u, omega: omega, sample: sample))
            func mean(_ path: (PosteriorMoments) -> UnsafeMutablePointer<Double>, _ count: Int) -> [Double] {
                (0..<count).map { 0.5 * (path(posterior.first)[$0] + path(posterior.second)[$0]) }
            }
            return Moments(
                mean: mean(\.mean, p * L), covariance: mean(\.covariance, p * p), pairs: mean(\.pairs, p * L * L),
                logEvidence: posterior.first.logEvidence.pointee)
        }
    }

    /// Two layers and two tokens by the plainest means: a fine sum over z1 for a general V, term by term.
    private func plain(c: Double, V: [Double], u: [Double], omega: [Double], K: Int) -> Moments {
        let (s1, det) = (V[0].squareRoot(), V[0] * V[3] - V[1] * V[2])
        let inverse = [V[3] / det, -V[1] / det, -V[2] / det, V[0] / det]
        var (Z, mean, second, pairs) = (0.0, [0.0, 0, 0, 0], [0.0, 0, 0, 0], Array(repeating: 0.0, count: 8))
        let h = 16 * s1 / Double(K)
        for i in 0..<K {
            for j in 0..<K {
                let z1 = [omega[0] - 8 * s1 + h * Double(i), omega[2] - 8 * s1 + h * Double(j)]
                let a = 1 / (1 + exp(z1[0] * (z1[1] - z1[0])))
                let b = 1 / (1 + exp(z1[1] * (z1[0] - z1[1])))
                let A = [a + c, 1 - a, 1 - b, b + c]
                let D = A[0] * A[3] - A[1] * A[2]
                for sign in [-1.0, 1] {
                    let z2 = [
                        sign * (A[3] * u[0] - A[1] * u[1]) / D, sign * (A[0] * u[1] - A[2] * u[0]) / D,
                    ]
                    var exponent = 0.0
                    for l in 0..<2 {
                        let (x, y) = (z1[l] - omega[2 * l], z2[l] - omega[2 * l + 1])
                        exponent -= 0.5 * (inverse[0] * x * x + 2 * inverse[1] * x * y + inverse[3] * y * y)
                    }
                    let w = exp(exponent) / abs(D) * h * h / (4 * Double.pi * Double.pi * det)
                    Z += w
                    for l in 0..<2 {
                        let z = [z1[l], z2[l]]
                        for k in 0..<2 {
                            mean[2 * l + k] += w * z[k]
                            for m in 0..<2 {
                                pairs[4 * k + 2 * l + m] += w * (k == 0 ? z1[l] * z1[m] : z2[l] * z2[m])
                            }
                        }
                        second[0] += w * z[0] * z[0]
                        second[1] += w * z[0] * z[1]
                        second[3] += w * z[1] * z[1]
                    }
                }
            }
        }
        mean = mean.map { $0 / Z }
        second = second.map { $0 / Z }
        second[0] -= mean[0] * mean[0] + mean[2] * mean[2]
        second[1] -= mean[0] * mean[1] + mean[2] * mean[3]
        second[3] -= mean[1] * mean[1] + mean[3] * mean[3]
        second[2] = second[1]
        return Moments(mean: mean, covariance: second, pairs: pairs.map { $0 / Z }, logEvidence: log(Z))
    }

    static let cases: [(c: Double, V: [Double], u: [Double], omega: [Double])] = [
        (1, [1, 0, 0, 1], [0.7, -1.4], [0, 0, 0, 0]),
        (0.3, [1, 0, 0, 0.4], [1.1, 0.2], [0, 0.5, 0, -0.3]),
        (1, [0.6, 0.1, 0.1, 0.5], [-0.4, 2.3], [0.4, 0.6, -0.9, 0.7]),
        (2, [0.5, -0.2, -0.2, 0.3], [3.1, -2.5], [-0.2, 1.1, 0.3, -0.6]),
    ]

    @Test(arguments: 0..<4) func theQuadratureIsExact(index: Int) throws {
        let (c, V, u, omega) = Self.cases[index]
        let ours = try moments(Network(layers: 2, L: 2, skip: c), V: V, u: u, omega: omega)
        let exact = plain(c: c, V: V, u: u, omega: omega, K: 400)
        // The rule ends at five widths of z1, which leaves some 1e-6.
        #expect(largestDifference(ours.mean, exact.mean) < 3e-6)
        #expect(largestDifference(ours.covariance, exact.covariance) < 3e-5)
        #expect(largestDifference(ours.pairs, exact.pairs) < 3e-5)
        #expect(abs(ours.logEvidence - exact.logEvidence) < 3e-6)
        // What is even in z1 is summed over half of the nodes; the same without that shortcut.
        var moved = omega
        moved[0] += 1e-13
        let whole = try moments(Network(layers: 2, L: 2, skip: c), V: V, u: u, omega: moved)
        #expect(largestDifference(ours.mean, whole.mean) < 1e-8 && largestDifference(ours.pairs, whole.pairs) < 1e-8)
    }

    @Test func drawsKnowUUpToItsSign() throws {
        let network = Network(layers: 2, L: 3, skip: 1)
        let omega = [0.2, 0.5, -0.3, 0.1, 0.4, -0.6]
        let V = [0.9, 0, 0, 0.6]
        let one = try moments(network, V: V, u: [0.5, -0.8, 1.4], omega: omega)
        let other = try moments(network, V: V, u: [-0.5, 0.8, -1.4], omega: omega)
        // u and -u are the same datum.
        #expect(largestDifference(one.mean, other.mean) < 1e-12)
        #expect(largestDifference(one.pairs, other.pairs) < 1e-12)
        // Other draws give the same within their noise.
        let third = try moments(network, V: V, u: [0.5, -0.8, 1.4], omega: omega, sample: 5)
        #expect(largestDifference(one.mean, third.mean) < 0.05 && largestDifference(one.mean, third.mean) > 0)
    }

    /// Three layers and two tokens by (15) term by term: plain draws of z1 and z2, B = A2 A1, z3 = +-B^-1 u, 1/|det B|.
    @Test func drawsSumThePosterior() throws {
        let c = 0.2
        let (u, v) = ([0.9, -1.3], [0.8, 0.7, 0.5])
        let omega = [0.5, -0.4, 0.3, -0.7, 0.6, -0.5]
        func attention(_ q: [Double]) -> [Double] {
            let a = 1 / (1 + exp(q[0] * (q[1] - q[0])))
            let b = 1 / (1 + exp(q[1] * (q[0] - q[1])))
            return [a + c, 1 - a, 1 - b, b + c]
        }
        var random = testStream(21)
        var (Z, mean, square) = (0.0, Array(repeating: 0.0, count: 6), 0.0)
        let count = 400_000
        for _ in 0..<count {
            let z = (0..<2).map { k in (0..<2).map { omega[3 * $0 + k] + v[k].squareRoot() * random.normal() } }
            let A = attention(z[0])
            let P = attention([A[0] * z[1][0] + A[1] * z[1][1], A[2] * z[1][0] + A[3] * z[1][1]])
            let B = [
                P[0] * A[0] + P[1] * A[2], P[0] * A[1] + P[1] * A[3], P[2] * A[0] + P[3] * A[2],
                P[2] * A[1] + P[3] * A[3],
            ]
            let D = B[0] * B[3] - B[1] * B[2]
            for sign in [-1.0, 1] {
                let x = [sign * (B[3] * u[0] - B[1] * u[1]) / D, sign * (B[0] * u[1] - B[2] * u[0]) / D]
                let distance = pow(x[0] - omega[2], 2) + pow(x[1] - omega[5], 2)
                let w = exp(-0.5 * distance / v[2]) / (2 * Double.pi * v[2] * abs(D)) / Double(count)
                Z += w
                for l in 0..<2 {
                    for k in 0..<2 { mean[3 * l + k] += w * z[k][l] }
                    mean[3 * l + 2] += w * x[l]
                }
                square += w * (x[0] * x[0] + x[1] * x[1])
            }
        }
        let ours = try moments(
            Network(layers: 3, L: 2, skip: c), V: [v[0], 0, 0, 0, v[1], 0, 0, 0, v[2]], u: u, omega: omega)
        #expect(largestDifference(ours.mean, mean.map { $0 / Z }) < 0.02, "\(ours.mean) \(mean.map { $0 / Z })")
        #expect(abs(ours.logEvidence - log(Z)) < 0.02, "\(ours.logEvidence) \(log(Z))")
        #expect(abs(ours.pairs[8] + ours.pairs[11] - square / Z) < 0.05, "\(ours.pairs) \(square / Z)")
    }

    /// With z1 and z2 known, z3 is +-A1^-1 A2^-1 u, in this order.
    @Test func theLayersAreUndoneInTheirOrder() throws {
        let (c, u, known) = (0.1, [0.9, -1.3], [[2, 0.5], [-1, 1.5]])
        func attention(_ q: [Double]) -> [Double] {
            let a = 1 / (1 + exp(q[0] * (q[1] - q[0])))
            let b = 1 / (1 + exp(q[1] * (q[0] - q[1])))
            return [a + c, 1 - a, 1 - b, b + c]
        }
        func solve(_ A: [Double], _ x: [Double]) -> [Double] {
            let D = A[0] * A[3] - A[1] * A[2]
            return [(A[3] * x[0] - A[1] * x[1]) / D, (A[0] * x[1] - A[2] * x[0]) / D]
        }
        let A = attention(known[0])
        let P = attention([
            A[0] * known[1][0] + A[1] * known[1][1], A[2] * known[1][0] + A[3] * known[1][1],
        ])
        let x = solve(A, solve(P, u))
        let ours = try moments(
            Network(layers: 3, L: 2, skip: c), V: [1e-8, 0, 0, 0, 1e-8, 0, 0, 0, 1], u: u,
            omega: [2, -1, 0, 0.5, 1.5, 0], draws: 256)
        let exact = [x[0] * x[0], x[0] * x[1], x[0] * x[1], x[1] * x[1]]
        #expect(largestDifference((8..<12).map { ours.pairs[$0] }, exact) < 1e-2 * (exact[0] + exact[3]))
        // The other order is another vector.
        let other = solve(P, solve(A, u))
        #expect(abs(abs(x[0]) - abs(other[0])) > 0.05 * abs(x[0]), "\(x) \(other)")
    }

    /// One layer: Z is u or -u with odds exp(2 u.Omega/V).
    @Test func oneLayerIsClosed() throws {
        let (u, omega, V) = ([0.7, -1.2, 0.4], [0.3, -0.2, 0.9], 0.6)
        let m = try moments(Network(layers: 1, L: 3, skip: 0), V: [V], u: u, omega: omega)
        let t = tanh((0.21 + 0.24 + 0.36) / V)
        let square = 0.49 + 1.44 + 0.16
        #expect(largestDifference(m.mean, u.map { $0 * t }) < 1e-14)
        #expect(abs(m.covariance[0] - square * (1 - t * t)) < 1e-14)
        #expect(abs(m.pairs[1] + 0.84) < 1e-14)
        func density(_ s: Double) -> Double {
            zip(u, omega).reduce(1) { $0 * exp(-0.5 * pow(s * $1.0 - $1.1, 2) / V) / (2 * Double.pi * V).squareRoot() }
        }
        #expect(abs(m.logEvidence - log(density(1) + density(-1))) < 1e-13)
    }

    @Test func aVarianceOutOfReachIsAnError() throws {
        var channel = try Channel(Network(layers: 2, L: 2, skip: 1), draws: 0, random: testStream(1))
        #expect(throws: (any Error).self) { try channel.withPosterior(variance: [1, 0, 0, 1e-9]) { _ in } }
        #expect(throws: (any Error).self) { try channel.withPosterior(variance: [1, 0, 0, -0.1]) { _ in } }
    }
}
