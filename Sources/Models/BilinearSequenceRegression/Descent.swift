import ModelKit
import Modeling
import Numerics

/// The loss of students S = U V/sqrt(r_s), several on one data set (23). Weights are U (m x r_s), then V (r_s x M), of each
/// run.
package struct ProductLoss: FactorProblem {
    private let sizes: Sizes
    private let rank: Int
    private let runs: Int
    package let target: [Double]
    /// Of S in e_i S/sqrt(r_s p): 1/2 for the loss (1/4) sum_i e_i^2, 1/Delta for minus the log posterior.
    private let stretch: Double
    private var pass: Gradient

    // Follows from the weights.
    private var S: [Double]
    private var differences: [Float]
    /// Scratch of one run.
    private var G: [Double]

    package init(_ p: Parameters, _ data: DataSet) {
        (sizes, rank, runs, target) = (data.sizes, p.studentRank, p.descent.runs, data.target)
        stretch = p.descent.isLangevin ? p.noise : 2
        pass = Gradient(data, runs: runs)
        S = Array(repeating: 0, count: runs * sizes.entries)
        differences = Array(repeating: 0, count: runs * sizes.entries)
        G = Array(repeating: 0, count: sizes.entries)
    }

    static func bytes(_ p: Parameters) -> Double {
        let (m, M) = (Double(p.sizes.short), Double(p.sizes.long))
        return Gradient.bytes(p.sizes, runs: p.descent.runs) + m * M * (4 * Double(p.descent.runs) + 8)
            + p.descent.bytes(weights: Double(p.studentRank) * (m + M), entries: m * M)
    }

    package var weightCount: Int { rank * (sizes.short + sizes.long) }
    package var trainErrors: [Double] { pass.trainErrors }
    package var work: Int { 1 + sizes.samples * sizes.entries / 5000 * (1 + runs / 2) }
    package func error(_ square: Double) -> Double { square / Double(sizes.entries) }

    /// Calls `body` with U and V of one run.
    private func factors(
        _ weights: [Double], _ run: Int, _ body: (UnsafePointer<Double>, UnsafePointer<Double>) -> Void
    ) {
        weights.withUnsafeBufferPointer { weights in
            guard let u = weights.baseAddress.map({ $0 + run * weightCount }) else { return }
            body(u, u + sizes.short * rank)
        }
    }

    /// S = U V/sqrt(r_s) of all runs, and what it differs from the target by.
    package mutating func move(to weights: [Double]) {
        let (m, M, r, runs, target) = (sizes.short, sizes.long, rank, runs, target)
        let (entries, scale) = (target.count, 1 / Double(r).squareRoot())
        // Taken out, since the rest is used while they change; nothing is copied.
        var (S, differences) = ([Double](), [Float]())
        swap(&S, &self.S)
        swap(&differences, &self.differences)
        S.withUnsafeMutableBufferPointer { S in
            differences.withUnsafeMutableBufferPointer { differences in
                for run in 0..<runs {
                    guard let s = S.baseAddress.map({ $0 + run * entries }) else { return }
                    factors(weights, run) { u, v in
                        BLAS.gemm(m: m, n: M, k: r, alpha: scale, u, leadingA: r, v, leadingB: M, s, leadingC: M)
                    }
                    for j in target.indices { differences[run * entries + j] = Float(s[j] - target[j]) }
                }
            }
        }
        swap(&S, &self.S)
        swap(&differences, &self.differences)
    }

    package mutating func evaluate(_ weights: [Double]) { pass.evaluate(differences) }

    /// G V^T/(2 sqrt(r p)) and U^T G/(2 sqrt(r p)) (langevin: over Delta in place of 2).
    package mutating func gradient(of run: Int, _ weights: [Double], into gradient: inout [Double]) {
        let (m, M, r, entries) = (sizes.short, sizes.long, rank, sizes.entries)
        let sums = pass.gradient
        G.withUnsafeMutableBufferPointer { G in
            for j in G.indices { G[j] = Double(sums[run * entries + j]) }
        }
        let scale = 1 / (stretch * (Double(r) * Double(entries)).squareRoot())
        gradient.withUnsafeMutableBufferPointer { gradient in
            factors(weights, run) { u, v in
                guard let stepU = gradient.baseAddress else { return }
                BLAS.gemm(
                    .none, .transposed, m: m, n: r, k: M, alpha: scale, G, leadingA: M, v, leadingB: M, stepU,
                    leadingC: r)
                BLAS.gemm(
                    .transposed, .none, m: r, n: M, k: m, alpha: scale, u, leadingA: r, G, leadingB: M, stepU + m * r,
                    leadingC: M)
            }
        }
    }

    package func meanSquare(_ weights: [Double]) -> Double { S.reduce(0) { $0 + $1 * $1 } / Double(S.count) }
    package func matrices(_ weights: [Double]) -> [Double] { S }

    package func add(_ weights: [Double], to sum: inout [Double]) {
        for run in 0..<runs { for j in sum.indices { sum[j] += S[run * sum.count + j] } }
    }

    package func observe(_ S: [Double], _ result: RunAverage, into sink: inout ObservationSink) {
        sink.put(.norm, error(result.norm))
    }
}

extension FactorDescent<ProductLoss> {
    /// Methods `gd` and `langevin` on a given data set; starts come from `random`.
    package init(_ p: Parameters, _ data: DataSet, _ random: RandomStream) {
        self.init(ProductLoss(p, data), p.descent, Observable.errors, random)
    }
}
