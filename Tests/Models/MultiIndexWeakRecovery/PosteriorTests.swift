import Foundation
import ModelTesting
import Modeling
import MultiIndexWeakRecovery
import Numerics
import Testing

/// g_out and its Jacobian of the three links with dynamics (landmark 20).
@Suite struct PosteriorTests {
    private func posterior(_ link: String, _ V: [Double]) throws -> any Posterior {
        switch link {
        case "phase_parity": return try PhaseParityPosterior(V)
        case "committee3": return try SignCount(V)
        default: return try SignProductPosterior(V, contrast: 0.9)
        }
    }

    private func moments(_ posterior: any Posterior, _ w: [Double], _ y: Double) -> Evidence {
        posterior.moments(
            triple(w), label: Lanes(repeating: y), hessian: true)
    }

    private func gradient(_ m: Evidence) -> [Double] { [m.D.x[0], m.D.y[0], m.D.z[0]] }

    private func hessian(_ m: Evidence) -> [[Double]] {
        let H = m.H
        return [[H.xx, H.xy, H.xz], [H.xy, H.yy, H.yz], [H.xz, H.yz, H.zz]].map { $0.map { $0[0] } }
    }

    private func triple(_ w: [Double]) -> Triple {
        Triple(
            x: Lanes(repeating: w[0]), y: Lanes(repeating: w[1]), z: Lanes(repeating: w.count > 2 ? w[2] : 0))
    }

    private func output(_ m: Evidence) -> [Double] { gradient(m).map { $0 / m.Z[0] } }

    private static let links = ["sign_product2", "phase_parity", "committee3"]

    /// dg/d omega = H/Z - g g^T against central differences of g, at covariances with all elements.
    @Test(arguments: links) func theJacobianIsThatOfTheOutputs(link: String) throws {
        let p = link == "sign_product2" ? 2 : 3
        let labels: [Double] =
            link == "sign_product2" ? [1, -1] : link == "committee3" ? [-3, -1, 1, 3] : [-0.6, 0.4, 1.3, 3]
        var random = RandomStream(identity: TaskIdentity(high: 0x3149, low: UInt64(p)))
        for round in 0..<12 {
            let V = randomCovariance(p, top: round % 3 == 0 ? 0.9 : 0.5, &random)
            let channel = try posterior(link, V)
            let w = (0..<3).map { _ in 0.7 * random.normal() }
            for y in labels {
                let m = moments(channel, w, y)
                let g = output(m)
                let H = hessian(m)
                for j in 0..<p {
                    let h = 1e-5
                    var (up, down) = (w, w)
                    up[j] += h
                    down[j] -= h
                    let (above, below) = (output(moments(channel, up, y)), output(moments(channel, down, y)))
                    for i in 0..<p {
                        let difference = (above[i] - below[i]) / (2 * h)
                        let expected = H[i][j] / m.Z[0] - g[i] * g[j]
                        #expect(
                            abs(difference - expected) < 1e-6 * (1 + abs(expected) + g[i] * g[i]),
                            "\(link) \(y) \(i)\(j)")
                    }
                }
            }
        }
    }

    /// D is the gradient of Z where Z is not scaled: quadratures and closed forms agree. Labels exhaust the probability.
    @Test(arguments: ["sign_product2", "committee3"]) func theOutputsAreTheGradientOfTheProbability(link: String) throws
    {
        let p = link == "sign_product2" ? 2 : 3
        var random = RandomStream(identity: TaskIdentity(high: 0x314A, low: UInt64(p)))
        for round in 0..<12 {
            let channel = try posterior(link, randomCovariance(p, top: [0.3, 0.8, 0.97][round % 3], &random))
            let w = (0..<3).map { _ in 0.7 * random.normal() }
            var total = 0.0
            for y in link == "sign_product2" ? [1.0, -1] : [-3, -1, 1, 3] {
                let m = moments(channel, w, y)
                total += m.Z[0]
                let D = gradient(m)
                for j in 0..<p {
                    let h = 1e-5
                    var (up, down) = (w, w)
                    up[j] += h
                    down[j] -= h
                    let slope = (moments(channel, up, y).Z[0] - moments(channel, down, y).Z[0]) / (2 * h)
                    #expect(abs(slope - D[j]) < 1e-7, "\(link) \(y) \(j)")
                }
            }
            #expect(abs(total - 1) < 1e-12)
        }
    }

    /// E[sign z1 sign z2] against Owen's T: P(z1 > 0, z2 > 0) of a bivariate normal, up to strong correlations.
    @Test(arguments: [0, 0.2, -0.5, 0.8, -0.93, 0.99]) func pairsOfSigns(rho: Double) throws {
        let (S11, S22) = (0.7, 1.9)
        let pair = try #require(SignPair(S11, rho * (S11 * S22).squareRoot(), S22))
        var random = RandomStream(identity: TaskIdentity(high: 0x314B, low: 1))
        for _ in 0..<50 {
            let (m1, m2) = (S11.squareRoot() * random.normal(), S22.squareRoot() * random.normal())
            let (h, k) = (-m1 / S11.squareRoot(), -m2 / S22.squareRoot())
            // P(x > h, y > k) by integrating P(y > k | x) phi(x).
            let rule = GaussLegendre(count: 400, from: h, to: max(h, 0) + 12)
            let both = zip(rule.nodes, rule.weights).reduce(0) {
                $0 + $1.1 * normalDensity($1.0) * normalCDF((rho * $1.0 - k) / (1 - rho * rho).squareRoot())
            }
            let expected = 4 * both - 2 * normalCDF(-h) - 2 * normalCDF(-k) + 1
            let E = pair.value(Lanes(repeating: m1), Lanes(repeating: m2)).E[0]
            #expect(abs(E - expected) < (abs(rho) > 0.95 ? 1e-8 : 1e-11), "\(m1) \(m2)")
        }
    }

    /// Posterior means by sampling: V g + omega = E[z|y], for the two links of three directions and a full V.
    @Test func committeeAndPhaseParityAgainstSamples() throws {
        var random = RandomStream(identity: TaskIdentity(high: 0x314C, low: 1))
        let V = randomCovariance(3, top: 0.7, &random)
        let L = try #require(SmallMatrix.cholesky(V, 3, tolerance: 0, allowsZero: false))
        let w = [0.4, -0.7, 0.3]
        let channel = try posterior("committee3", V)
        let phase = try posterior("phase_parity", V)
        var count = [0.0, 0, 0, 0]
        var sums = Array(repeating: [0.0, 0, 0], count: 4)
        // phase_parity: labels in a narrow window about y0.
        let (y0, width) = (1.6, 0.05)
        var window = 0.0
        var windowSum = [0.0, 0, 0]
        let draws = 2_000_000
        for _ in 0..<draws {
            let xi = [random.normal(), random.normal(), random.normal()]
            let z = zip(w, SmallMatrix.product(L, xi, 3, 3, 1)).map { $0 + $1 }
            let k = z.filter { $0 > 0 }.count
            count[k] += 1
            for i in 0..<3 { sums[k][i] += z[i] }
            let s = z[0] * z[1] * z[2] > 0 ? 1.0 : -1
            if abs(z[0] * z[0] + s - y0) < width {
                window += 1
                for i in 0..<3 { windowSum[i] += z[i] }
            }
        }
        func mean(_ m: Evidence) -> [Double] {
            let g = output(m)
            return zip(w, SmallMatrix.product(V, g, 3, 3, 1)).map { $0 + $1 }
        }
        for k in 0..<4 {
            let m = moments(channel, w, 2 * Double(k) - 3)
            #expect(abs(m.Z[0] - count[k] / Double(draws)) < 0.0015)
            for (i, value) in mean(m).enumerated() {
                #expect(abs(value - sums[k][i] / count[k]) < 5 / count[k].squareRoot(), "K = \(k), \(i)")
            }
        }
        for (i, value) in mean(moments(phase, w, y0)).enumerated() {
            #expect(abs(value - windowSum[i] / window) < 5 / window.squareRoot() + 0.003, "phase \(i)")
        }
    }

    /// The committee's P(y) and derivative along u in the unspecialised case, by (30): in
    /// polar coordinates of z_perp the order of thresholds is fixed in a sector of width pi/3.
    @Test(arguments: [0.3, 0.88]) func committeeBySectors(mu: Double) throws {
        let V = (0..<9).map { ($0 % 4 == 0 ? 1 : 0) - mu / 3 }
        let channel = try posterior("committee3", V)
        let s = (1 - mu).squareRoot()
        let angles = GaussLegendre(count: 40, from: 0, to: .pi / 3)
        let radii = GaussLegendre(count: 300, from: 0, to: 9)
        for omega in [-1.1, 0.2, 0.9] {
            var P = [0.0, 0, 0, 0]
            var slope = P
            var trace = P
            for (angle, wa) in zip(angles.nodes, angles.weights) {
                for (r, wr) in zip(radii.nodes, radii.weights) {
                    let z = (0..<3).map { (2.0 / 3).squareRoot() * r * cos(angle - 2 * .pi * Double($0) / 3) }
                    let t = [-Double.infinity] + z.map { -3.0.squareRoot() * $0 }.sorted() + [.infinity]
                    let weight = 6 * wa * wr * r * exp(-0.5 * r * r) / (2 * .pi)
                    for k in 0..<4 {
                        let (low, high) = ((t[k] - omega) / s, (t[k + 1] - omega) / s)
                        let mass = normalCDF(high) - normalCDF(low)
                        P[k] += weight * mass
                        slope[k] += weight * (normalDensity(low) - normalDensity(high)) / s
                        trace[k] += weight * mass * (r * r - 2)
                    }
                }
            }
            for k in 0..<4 {
                let m = moments(channel, Array(repeating: omega / 3.0.squareRoot(), count: 3), 2 * Double(k) - 3)
                #expect(abs(m.Z[0] - P[k]) < 1e-9)
                #expect(abs(gradient(m).reduce(0, +) / 3.0.squareRoot() - slope[k]) < 1e-8)
                let H = hessian(m)
                let along = H.joined().reduce(0, +) / 3
                #expect(abs(H[0][0] + H[1][1] + H[2][2] - along - trace[k]) < 1e-8)
            }
        }
    }

    /// Nishimori: E[g g^T] = E[g (z - omega)^T] V^-1, left by the quadrature of state evolution, right by sampling.
    @Test(arguments: links) func nishimori(link: String) throws {
        let p = link == "sign_product2" ? 2 : 3
        var random = RandomStream(identity: TaskIdentity(high: 0x314D, low: UInt64(p)))
        let M: [Double]
        if link == "phase_parity" {
            M = [0.5, 0, 0, 0, 0.3, 0, 0, 0, 0.2]
        } else {
            let V = randomCovariance(p, top: 0.6, &random)
            M = V.enumerated().map { ($0.offset % (p + 1) == 0 ? 1 : 0) - $0.element }
        }
        let V = M.enumerated().map { ($0.offset % (p + 1) == 0 ? 1 : 0) - $0.element }
        let modelLink = try #require(Link(rawValue: link))
        let exact = try StateEvolution(link: modelLink, alpha: 1).outputInformation(M)
        let channel: any Posterior =
            link == "sign_product2" ? try SignProductPosterior(V, contrast: 1) : try posterior(link, V)
        let root = try #require(SmallMatrix.cholesky(M, p, tolerance: 1e-12, allowsZero: true))
        let rest = try #require(SmallMatrix.cholesky(V, p, tolerance: 0, allowsZero: false))
        let inverse = SmallMatrix.inverse(factor: rest, p)
        var (gg, cross, squares) = (Array(repeating: 0.0, count: p * p), Array(repeating: 0.0, count: p * p), 0.0)
        let draws = 200_000
        for _ in 0..<draws {
            let (w, z) = gaussianPair(root, rest, p, &random)
            let full = zip(w, z).map { $0 + $1 }
            let signs = full.map { $0 > 0 ? 1.0 : -1 }
            let y: Double
            switch link {
            case "phase_parity": y = full[0] * full[0] + signs[0] * signs[1] * signs[2]
            case "committee3": y = signs.reduce(0, +)
            default: y = signs[0] * signs[1]
            }
            let g = output(moments(channel, w, y))
            for i in 0..<p {
                for j in 0..<p {
                    gg[i * p + j] += g[i] * g[j] / Double(draws)
                    cross[i * p + j] += g[i] * z[j] / Double(draws)
                }
            }
            squares += pow(g.reduce(0) { $0 + $1 * $1 }, 2) / Double(draws)
        }
        let right = SmallMatrix.product(cross, inverse, p, p, p)
        let error = (squares / Double(draws)).squareRoot()
        for i in 0..<p * p {
            #expect(abs(gg[i] - exact[i]) < 4 * error, "\(i)")
            #expect(abs(right[i] - exact[i]) < 8 * error, "\(i)")
        }
    }
}
