import Foundation
import Numerics

/// Test errors E[(y - y_hat)^2]/2 at overlap M (= Q, Bayes consistent), as limits of large d. For a component with
/// overlap 0 the plug-in's sign is taken as random, the limit of a small overlap.
package struct TestErrors: Sendable {
    package let link: Link
    package let contrast: Double

    package init(link: Link, contrast: Double = 1) { (self.link, self.contrast) = (link, contrast) }

    /// (2/pi) asin(correlation): E[sign x sign y] of a normal pair.
    private func signs(_ correlation: Double) -> Double { 2 / .pi * asin(max(-1, min(1, correlation))) }

    /// Of the plug-in y_hat = g(omega).
    package func plugIn(_ M: [Double]) -> Double {
        func root(_ i: Int, _ p: Int) -> Double { max(M[i * p + i], 0).squareRoot() }
        switch link {
        case .committee3:
            // E sign z_i sign omega_j: correlation M_ij/sqrt M_jj; E sign omega_i sign omega_j: M_ij/sqrt(M_ii M_jj).
            var (cross, own) = (0.0, 0.0)
            for i in 0..<3 {
                for j in 0..<3 {
                    let (ri, rj) = (root(i, 3), root(j, 3))
                    if rj > 0 { cross += signs(M[3 * i + j] / rj) }
                    own += i == j ? 1 : ri * rj > 0 ? signs(M[3 * i + j] / (ri * rj)) : 0
                }
            }
            return 0.5 * (3 - 2 * cross + own)
        case .phaseParity:
            let a = M[0]
            let agreement = (0..<3).reduce(1) { $0 * signs(root($1, 3)) }
            return 0.5 * (3 - 2 * a - a * a) + 1 - agreement
        default: return 1 - contrast * agreement(M).plugIn
        }
    }

    /// Of the Bayes predictor: sign E[y|omega] for labels +-1, E[y|omega] for the others.
    package func bayes(_ M: [Double]) -> Double {
        switch link {
        case .committee3: return 0.5 * (3 - M.reduce(0) { $0 + signs($1) })
        case .phaseParity:
            return 0.5 * (3 - 2 * M[0] * M[0] - signs(M[0]) * signs(M[4]) * signs(M[8]))
        default: return 1 - contrast * agreement(M).bayes
        }
    }

    /// E[sign(omega_1 omega_2) E] and E|E| for sign(z1 z2), E = E[sign(z1 z2)|omega].
    private func agreement(_ M: [Double]) -> (plugIn: Double, bayes: Double) {
        let off = 0.5 * (M[1] + M[2])
        guard off != 0, M[0] > 0, let pair = SignPair(1 - M[0], -off, 1 - M[3]) else {
            let both = signs(max(M[0], 0).squareRoot()) * signs(max(M[3], 0).squareRoot())
            return (both, both)
        }
        // Panels end where a sign changes: omega_1 = 0 (half of the plane is enough), omega_2 = 0.
        let (slope, rest) = (off / M[0], max(M[3] - off * off / M[0], 0).squareRoot())
        let outer = GaussLegendre(count: 64, from: 0, to: 8)
        let unit = GaussLegendre(count: 48, from: 0, to: 1)
        var (plugIn, bayes) = (0.0, 0.0)
        for (x, weight) in zip(outer.nodes, outer.weights) {
            let first = M[0].squareRoot() * x
            let cut = rest > 0 ? max(-8, min(8, -slope * first / rest)) : -8
            for (low, high) in [(-8, cut), (cut, 8.0)] where high > low {
                for start in stride(from: 0, to: 48, by: 8) {
                    var (second, w) = (Lanes.zero, Lanes.zero)
                    for i in 0..<8 {
                        let zeta = low + (high - low) * unit.nodes[start + i]
                        second[i] = slope * first + rest * zeta
                        w[i] = (high - low) * unit.weights[start + i] * normalDensity(zeta)
                    }
                    let E = pair.value(Lanes(repeating: first), second).E
                    let total = 2 * weight * normalDensity(x)
                    plugIn += total * (w * E).sum() * (low >= cut ? 1 : -1)
                    bayes += total * (w * E.replacing(with: -E, where: E .< Lanes.zero)).sum()
                }
            }
        }
        return (plugIn, bayes)
    }
}
