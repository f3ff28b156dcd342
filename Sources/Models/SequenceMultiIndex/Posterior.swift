import Foundation
import Modeling
import Numerics

/// What the channel says of one sequence: moments of its projections Z given +-u (12).
/// Token-major: number l p + k for token l and layer k.
package struct PosteriorMoments {
    /// E Z, (L, p).
    package let mean: UnsafeMutablePointer<Double>
    /// The sum over tokens of Cov Z_l, (p, p).
    package let covariance: UnsafeMutablePointer<Double>
    /// E Z_k Z_k^T over tokens, (p, L, L).
    package let pairs: UnsafeMutablePointer<Double>
    /// The logarithm of the density of {u, -u}.
    package let logEvidence: UnsafeMutablePointer<Double>

    static func count(_ network: Network) -> Int {
        network.inputs + network.layers * network.layers + network.layers * network.outputs + 1
    }

    init(_ base: UnsafeMutablePointer<Double>, _ network: Network) {
        mean = base
        covariance = mean + network.inputs
        pairs = covariance + network.layers * network.layers
        logEvidence = pairs + network.layers * network.outputs
    }
}

/// The posterior of Z given +-u for rows Z_l ~ N(Omega_l, V): closed form for one layer, a quadrature for two layers and
/// two tokens, importance sampling by draws of the prior else.
package struct Channel: Sendable {
    package let network: Network
    /// Independent sets of importance draws; samples take one after the other, so that errors of draws average out.
    package static let drawGroups = 8

    /// Of the quadrature.
    private var storage: [Double] = []
    private var drawn: Draws?
    private var moments: [Double]

    /// `draws` importance draws a sequence, half of them in each half; not read where the posterior is exact.
    ///
    /// - Throws: ``ModelError/parameter(_:_:)`` for more draws than can be.
    package init(_ network: Network, draws count: Int, random: RandomStream) throws {
        self.network = network
        moments = Array(repeating: 0, count: 2 * PosteriorMoments.count(network))
        guard !network.hasExactPosterior else { return }
        var random = random
        let dimension = (network.layers - 1) * network.L
        let points = GaussianPoints(
            dimension: dimension, count: max(count, 16) * Self.drawGroups, groups: 2 * Self.drawGroups, random: &random)
        guard let points else { throw ModelError.parameter("draws", "cannot be \(count)") }
        drawn = Draws(network, points)
    }

    /// Lends the posterior for the row covariance `variance` (p x p) to `body`.
    ///
    /// - Throws: ``ModelError/notConverged(_:)`` when the covariance is not positive definite or too small for the quadrature.
    package mutating func withPosterior<Result>(
        variance: [Double], _ body: (Posterior) throws -> Result
    ) throws -> Result {
        let p = network.layers
        guard let factor = SmallMatrix.cholesky(variance, p, tolerance: 0, allowsZero: false) else {
            throw ModelError.notConverged("the covariance V of the projections is not positive definite: \(variance)")
        }
        let network = network
        return try moments.withUnsafeMutableBufferPointer { moments in
            let base = moments.baseAddress.unsafelyUnwrapped
            let first = PosteriorMoments(base, network)
            let second = PosteriorMoments(base + PosteriorMoments.count(network), network)
            if p == 2, network.L == 2 {
                return try Quadrature.lend(skip: network.skip, variance: variance, on: &storage) { quadrature in
                    try body(Posterior(network: network, first: first, second: first, kind: .quadrature(quadrature)))
                }
            }
            let sampled = try drawn?.withCore(factor: factor) { core in
                try body(Posterior(network: network, first: first, second: second, kind: .draws(core)))
            }
            return try sampled
                ?? body(Posterior(network: network, first: first, second: first, kind: .single(variance: variance[0])))
        }
    }
}

/// The posterior for one V, on lent storage.
package struct Posterior {
    enum Kind {
        case single(variance: Double)
        case quadrature(Quadrature)
        case draws(DrawsCore)
    }

    let network: Network
    /// The moments of the last sequence, and an independent estimate of them: the same where they are exact.
    package let first: PosteriorMoments
    package let second: PosteriorMoments
    let kind: Kind

    /// Sets ``first`` and ``second`` from u (L) and Omega (L, p); sequence number `sample` chooses its draws.
    /// False when no draw has any weight.
    package func evaluate(u: UnsafePointer<Double>, omega: UnsafePointer<Double>, sample: Int) -> Bool {
        switch kind {
        case .single(let variance):
            single(u, omega, variance)
            return true
        case .quadrature(let quadrature): return quadrature.evaluate(u: u, omega: omega, into: first)
        case .draws(let core):
            let group = sample % Channel.drawGroups
            return core.evaluate(u: u, omega: omega, set: 2 * group, into: first)
                && core.evaluate(u: u, omega: omega, set: 2 * group + 1, into: second)
        }
    }

    /// One layer: Z is u or -u (13).
    private func single(_ u: UnsafePointer<Double>, _ omega: UnsafePointer<Double>, _ variance: Double) {
        let L = network.L
        var (along, squares) = (0.0, 0.0)
        for l in 0..<L {
            along += u[l] * omega[l]
            squares += u[l] * u[l] + omega[l] * omega[l]
        }
        let t = tanh(along / variance)
        var sum = 0.0
        for l in 0..<L {
            first.mean[l] = t * u[l]
            sum += u[l] * u[l] * (1 - t * t)
            for m in 0..<L { first.pairs[l * L + m] = u[l] * u[m] }
        }
        first.covariance[0] = sum
        let cosh = abs(along / variance) + log1p(exp(-2 * abs(along / variance)))
        first.logEvidence.pointee =
            cosh - 0.5 * squares / variance - 0.5 * Double(L) * log(2 * Double.pi * variance)
    }
}
