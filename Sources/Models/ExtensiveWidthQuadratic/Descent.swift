import ModelKit
import Modeling
import Numerics

/// The loss of students S = W^T W/m_s, several on one data set (19). Weights are W (m_s x d) of each run.
package struct NetworkLoss: FactorProblem {
    private let scale: ErrorScale
    private let width: Int
    private let runs: Int
    private let samples: Int
    package let target: [Double]
    /// 1, or for minus the log posterior, whose likelihood is (1/(2 Delta)) sum_i e_i^2/kappa.
    private let stretch: Double
    private var pass: Gradient

    package init(_ p: Parameters, _ data: DataSet) {
        (scale, width, runs) = (ErrorScale(data.sizes), p.studentWidth, p.descent.runs)
        (samples, target) = (data.sizes.samples, data.target)
        let isLangevin = p.descent.isLangevin
        stretch = isLangevin ? 1 / (p.noise * (2 + p.noise)) : 1
        // The posterior knows the noise, descent does not.
        pass = Gradient(data, width: width, runs: runs, noiseMean: isLangevin ? p.noise : 0)
    }

    static func bytes(_ p: Parameters) -> Double {
        let d = Double(p.sizes.dimension)
        return Gradient.bytes(p.sizes, width: p.studentWidth, runs: p.descent.runs)
            + p.descent.bytes(weights: Double(p.studentWidth) * d, entries: d * d)
    }

    package var weightCount: Int { width * scale.d }
    package var trainErrors: [Double] { pass.trainErrors }
    package var work: Int { 1 + samples / 100 * (runs * weightCount) / 100 }
    package func error(_ square: Double) -> Double { scale.R(square) }

    package mutating func move(to weights: [Double]) {}
    package mutating func evaluate(_ weights: [Double]) { pass.evaluate(weights) }

    package mutating func gradient(of run: Int, _ weights: [Double], into gradient: inout [Double]) {
        let first = run * gradient.count
        for i in gradient.indices { gradient[i] = stretch * pass.gradient[first + i] }
    }

    package func meanSquare(_ weights: [Double]) -> Double {
        BLAS.dot(weights.count, weights, weights) / Double(weights.count)
    }

    package func matrices(_ weights: [Double]) -> [Double] {
        (0..<runs).flatMap { run in
            DataSet.square(
                Array(weights[run * weightCount..<(run + 1) * weightCount]), d: scale.d, width: width)
        }
    }

    /// The sum over runs at once: W^T W over all their rows.
    package func add(_ weights: [Double], to sum: inout [Double]) {
        let d = scale.d
        BLAS.gemm(
            .transposed, .none, m: d, n: d, k: runs * width, alpha: Double(runs) / Double(width * runs), weights,
            leadingA: d, weights, leadingB: d, beta: 1, &sum, leadingC: d)
    }

    package func observe(_ S: [Double], _ result: RunAverage, into sink: inout ObservationSink) {
        let targetTrace = scale.trace(target)
        let traces = (0..<runs).map { scale.trace(S, at: $0 * target.count) }
        let tests = zip(result.errors, traces).map {
            scale.testError(R: scale.R($0), traceDifference: $1 - targetTrace)
        }
        sink.put(.trace, traces.reduce(0, +) / Double(runs))
        sink.put(.testError, tests.reduce(0, +) / Double(runs))
    }
}

extension FactorDescent<NetworkLoss> {
    /// Methods `gd` and `langevin` on a given data set; starts come from `random`.
    package init(_ p: Parameters, _ data: DataSet, _ random: RandomStream) {
        self.init(NetworkLoss(p, data), p.descent, Observable.errors, random)
    }
}
