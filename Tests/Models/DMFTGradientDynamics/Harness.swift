import DMFTGradientDynamics
import Dynamics
import Foundation
import Modeling
import ModelTesting
import Numerics

let harness = TaskHarness(DMFTGradientDynamics(), salt: 0x4447_4400)

/// The losses (6) to (10) in plain arithmetic on one sample, from the page's formulas; z[l][i] are the fields, teacher[l][j] the
/// teacher's.
struct ReferenceLoss {
    let kind: Loss
    var sigma = 0.0
    var beta = 1.0
    /// Teacher columns that the target depends on.
    var targetTeachers = 1

    init(_ p: Parameters) {
        kind = p.loss
        sigma = p.noise.squareRoot()
        beta = p.beta
        targetTeachers = p.teachers - Set(p.prior.positions ?? []).count
    }

    init(_ kind: Loss, sigma: Double = 0, beta: Double = 1, targetTeachers: Int = 1) {
        self.kind = kind
        self.sigma = sigma
        self.beta = beta
        self.targetTeachers = targetTeachers
    }

    func target(_ teacher: [[Double]], noise: Double = 0) -> [[Double]] {
        let z = teacher[0][0]
        switch kind {
        case .linear: return [[z + sigma * noise]]
        case .logistic: return [[z < 0 ? -1 : 1]]
        case .phase: return [[z * z]]
        case .tokenAverage: return [[mean(teacher.map { [$0[0]] })]]
        case .tiedAttention:
            return attention(
                teacher.map { Array($0[..<targetTeachers]) }, beta / Double(targetTeachers).squareRoot())
        }
    }

    func loss(_ z: [[Double]], _ y: [[Double]]) -> Double {
        switch kind {
        case .linear: return (z[0][0] - y[0][0]) * (z[0][0] - y[0][0]) / 2
        case .logistic: return log1p(exp(-y[0][0] * z[0][0]))
        case .phase:
            let difference = z[0][0] * z[0][0] - y[0][0]
            return difference * difference / 4
        case .tokenAverage:
            let difference = mean(z) - y[0][0]
            return difference * difference / 2
        case .tiedAttention:
            let P = attention(z, beta / Double(z[0].count).squareRoot())
            let E = zip(P.joined(), y.joined()).map { $0 - $1 }
            return dot(E, E) / 2
        }
    }

    func gradient(_ z: [[Double]], _ y: [[Double]]) -> [[Double]] {
        let (L, k) = (z.count, z[0].count)
        switch kind {
        case .linear: return [[z[0][0] - y[0][0]]]
        case .logistic: return [[-y[0][0] / (1 + exp(y[0][0] * z[0][0]))]]
        case .phase: return [[(z[0][0] * z[0][0] - y[0][0]) * z[0][0]]]
        case .tokenAverage:
            let error = mean(z) - y[0][0]
            let scale = error / Double(L * k)
            return z.map { row in row.map { scale * (1 - tanh($0) * tanh($0)) } }
        case .tiedAttention:
            let c = beta / Double(k).squareRoot()
            let P = attention(z, c)
            var D = P
            for l in 0..<L {
                let E = (0..<L).map { P[l][$0] - y[l][$0] }
                let mean = dot(P[l], E)
                for m in 0..<L { D[l][m] = P[l][m] * (E[m] - mean) }
            }
            var g = z
            for l in 0..<L {
                for i in 0..<k {
                    g[l][i] = 0
                    for m in 0..<L { g[l][i] += c * (D[l][m] + D[m][l]) * z[m][i] }
                }
            }
            return g
        }
    }

    private func mean(_ z: [[Double]]) -> Double {
        let values = z.joined().map { tanh($0) }
        return values.reduce(0, +) / Double(values.count)
    }

    private func attention(_ z: [[Double]], _ c: Double) -> [[Double]] {
        z.map { row in
            let weights = z.map { exp(c * dot(row, $0)) }
            let total = weights.reduce(0, +)
            return weights.map { $0 / total }
        }
    }
}

/// The sum of products of two vectors' entries.
func dot(_ a: some Sequence<Double>, _ b: some Sequence<Double>) -> Double {
    var sum = 0.0
    for (x, y) in zip(a, b) { sum += x * y }
    return sum
}

/// Every loss with all its sizes: what it is called, the channel, and the same in plain arithmetic.
let channelCases: [(name: String, channel: any DMFTChannel, reference: ReferenceLoss)] = {
    var cases: [(String, any DMFTChannel, ReferenceLoss)] = [
        ("linear", LinearLoss(sigma: 0.5, teachers: 2), ReferenceLoss(.linear, sigma: 0.5)),
        ("logistic", LogisticLoss(teachers: 1), ReferenceLoss(.logistic)),
        ("phase", PhaseLoss(teachers: 1), ReferenceLoss(.phase)),
    ]
    for L in 1...4 {
        for k in 1...2 {
            cases.append(
                (
                    "token-average L=\(L) k=\(k)", TokenAverageChannel(tokens: L, students: k, teachers: 1),
                    ReferenceLoss(.tokenAverage)
                ))
            for a in 1...2 {
                cases.append(
                    (
                        "attention L=\(L) k=\(k) a=\(a)",
                        TiedAttentionChannel(tokens: L, students: k, teachers: a + 1, positions: 1, beta: 1.3),
                        ReferenceLoss(.tiedAttention, beta: 1.3, targetTeachers: a)
                    ))
            }
        }
    }
    return cases
}()
