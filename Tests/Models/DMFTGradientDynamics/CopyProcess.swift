import DMFTGradientDynamics
import Foundation
import Modeling
import ModelTesting
import Numerics

/// Copies of the effective process of one sample in Langevin form, (17) to (19), in plain loops,
/// driven by given kernels: noise of covariance Cg by a Cholesky factor, memory by Gamma. What its averages say about the
/// kernels must be what the kernels are.
struct CopyProcess {
    let p: Parameters
    /// Kernels of the theory at steps 0...T, each [t][s] -> k x k, and M_t (k x a).
    let Gamma: [[[Double]]]
    let Cg: [[[Double]]]
    let overlap: [[Double]]
    private let reference: ReferenceLoss
    /// Lower triangle of the factor of Cg, (T k) x (T k).
    private let factor: [Double]

    init(_ p: Parameters, Gamma: [[[Double]]], Cg: [[[Double]]], overlap: [[Double]]) {
        self.p = p
        self.Gamma = Gamma
        self.Cg = Cg
        self.overlap = overlap
        reference = ReferenceLoss(p)
        let (T, k) = (Cg.count, p.students)
        let n = T * k
        var L = Array(repeating: 0.0, count: n * n)
        for row in 0..<n {
            for column in 0...row {
                var sum = Cg[row / k][column / k][row % k * k + column % k]
                if row == column { sum *= 1 + 1e-9 }
                for c in 0..<column { sum -= L[row * n + c] * L[column * n + c] }
                L[row * n + column] =
                    row == column ? max(sum, 1e-14).squareRoot() : sum / L[column * n + column]
            }
        }
        factor = L
    }

    /// Sums over the copies, divided by their number.
    struct Means {
        /// alpha E sum_l g_t Z_s^T, for s <= t, k x k; and alpha E sum_l g_t g_s^T.
        var gZ: [[[Double]]]
        var gg: [[[Double]]]
        /// alpha E sum_l g_t z*^T, k x a.
        var mu: [[Double]]
        var loss: [Double]
    }

    /// Fields and gradients of one copy, L x k at each step, its mean-free teacher fields, and its losses.
    private func trajectory(
        _ random: inout RandomStream, _ weights: [Double]
    ) -> (Z: [[[Double]]], g: [[[Double]]], teacher: [[Double]], losses: [Double]) {
        let (L, k, a, T) = (p.tokens, p.students, p.teachers, Cg.count)
        let n = T * k
        func normals(_ count: Int) -> [Double] { (0..<count).map { _ in random.normal() } }
        var teacher: [[Double]] = []
        var Zp: [[[Double]]] = [[]]
        var noise: [[Double]] = []
        for _ in 0..<L {
            let x = normals(a)
            teacher.append((0..<a).map { j in (0...j).reduce(0) { $0 + p.prior.teacherFactor[j * a + $1] * x[$1] } })
            let start = normals(k)
            Zp[0].append((0..<k).map { i in (0...i).reduce(0) { $0 + p.prior.startFactor[i * k + $1] * start[$1] } })
            let xi = normals(n)
            noise.append((0..<n).map { row in (0...row).reduce(0) { $0 + factor[row * n + $1] * xi[$1] } })
        }
        let means = (0..<L).map { l in
            (0..<a).map { j in p.prior.positions.map { p.prior.teacherGram[$0[l] * a + j] } ?? 0 }
        }
        let y = reference.target(
            zip(teacher, means).map { zip($0, $1).map { $0 + $1 } }, noise: p.noise > 0 ? random.normal() : 0)
        var (Z, g, losses): ([[[Double]]], [[[Double]]], [Double]) = ([], [], [])
        for t in 0..<T {
            let onTeacher = p.prior.regression(overlap[t])
            Z.append(
                (0..<L).map { l in
                    (0..<k).map { i in
                        let mean = p.prior.positions.map { overlap[t][i * a + $0[l]] } ?? 0
                        return Zp[t][l][i] + mean + (0..<a).reduce(0) { $0 + onTeacher[i * a + $1] * teacher[l][$1] }
                    }
                })
            losses.append(reference.loss(Z[t], y))
            g.append(reference.gradient(Z[t], y).map { $0.map { $0 * weights[t] } })
            Zp.append(
                (0..<L).map { l in
                    (0..<k).map { i in
                        var change = noise[l][t * k + i] + g[t][l][i]
                        for s in 0...t { for j in 0..<k { change += Gamma[t][s][i * k + j] * Zp[s][l][j] } }
                        return (1 - p.stepSize * p.ridge) * Zp[t][l][i] - p.stepSize * change
                    }
                })
        }
        let full = zip(teacher, means).map { zip($0, $1).map { $0 + $1 } }
        return (Z, g, full, losses)
    }

    /// Averages over `copies` copies, whose batches are those of `weights` (T x copies).
    func means(copies: Int, weights: [[Double]], random: RandomStream) -> Means {
        let (L, k, a, T) = (p.tokens, p.students, p.teachers, Cg.count)
        let empty = Array(repeating: Array(repeating: Array(repeating: 0.0, count: k * k), count: T), count: T)
        var result = Means(
            gZ: empty, gg: empty, mu: Array(repeating: Array(repeating: 0, count: k * a), count: T),
            loss: Array(repeating: 0, count: T))
        var random = random
        let factor = p.alpha / Double(copies)
        for copy in 0..<copies {
            let (Z, g, teacher, losses) = trajectory(&random, weights.map { $0[copy] })
            for t in 0..<T {
                result.loss[t] += losses[t] / Double(copies)
                for l in 0..<L {
                    for i in 0..<k {
                        for j in 0..<a { result.mu[t][i * a + j] += factor * g[t][l][i] * teacher[l][j] }
                        for s in 0...t {
                            for j in 0..<k {
                                result.gZ[t][s][i * k + j] += factor * g[t][l][i] * Z[s][l][j]
                                result.gg[t][s][i * k + j] += factor * g[t][l][i] * g[s][l][j]
                            }
                        }
                    }
                }
            }
        }
        return result
    }
}
