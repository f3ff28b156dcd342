import Foundation
import Modeling
import Numerics

/// Method `late-time`: leading asymptotics of training with a fixed decoder on one data set (28) to (35).
///
/// When all gaps are large, L - L* ~ sum_k C_k e^{-g_k} with C_k = (1/n)(-l'(gamma_opt))(gamma_opt - gamma_tau). The gaps of
/// active constraints then settle at g_k = x + ln(C_k/lambda_k) with one growing x; what is left of the start decays in ngd
/// and polyak like exp(-nu_j x), so in gd, where x = ln t, only like t^-nu_j.
package struct LateTimeTheory: Sendable {
    package let margin: Margin
    /// C_k.
    package let C: [Double]
    package let allActive: Bool
    /// lim 2 (1 - corr)|W|^2 of ngd and polyak; nil unless all constraints are active.
    package private(set) var distanceConstant: Double?
    /// gd: max_k lambda_k/C_k, the flow time that must be long past.
    package let transient: Double
    /// sum_k lambda_k bvec_k/sum_k lambda_k with bvec_k = ln(C_k/lambda_k).
    let meanB: Double
    /// ln((1/n) sum_k lambda_k/C_k).
    let logSparsity: Double
    /// With all constraints active: 1^T G^-1 1, 1^T G^-1 bvec, bvec^T G^-1 bvec, and P0, the part of |W_0|^2 off the span.
    private var forms: (one: Double, mixed: Double, b: Double, P0: Double)?

    package init(
        _ data: DataSet, _ margin: Margin, gram: [Double], loss: Loss, W0: [Double]
    ) throws {
        self.margin = margin
        let (lambda, support) = (margin.lambda, margin.problem.support)
        let C = margin.gaps.places.map { place in
            let i = place / data.T
            let best = data.scores[i * data.T + data.opt[i]]
            return exp(loss.logWeight(best)) / Double(data.n) * (best - data.scores[place])
        }
        self.C = C
        let K = C.count
        allActive = support.count == K
        let b = support.map { logarithm(C[$0] / lambda[$0]) }
        let total = margin.problem.squaredNorm
        meanB = zip(support, b).reduce(0) { $0 + lambda[$1.0] * $1.1 } / total
        transient = zip(lambda, C).map { $0 / $1 }.max() ?? 0
        logSparsity = logarithm(support.reduce(0) { $0 + lambda[$1] / C[$1] } / Double(data.n))
        guard allActive else { return }
        // G^-1 bvec and G^-1 g(0) by Cholesky; G^-1 1 = lambda.
        var factor = gram
        guard LAPACK.cholesky(K, &factor, leading: K) == nil else { return }
        let g0 = margin.gaps.gaps(of: W0)
        func inverse(_ x: [Double]) -> [Double] {
            var y = x
            BLAS.solveLower(.none, K, factor, leading: K, &y)
            BLAS.solveLower(.transposed, K, factor, leading: K, &y)
            return y
        }
        let x = inverse(b)
        let P0 = BLAS.dot(W0.count, W0, W0) - BLAS.dot(K, g0, inverse(g0))
        let (mixed, square) = (x.reduce(0, +), BLAS.dot(K, b, x))
        forms = (total, mixed, square, max(P0, 0))
        distanceConstant = square - meanB * meanB * total + max(P0, 0)
    }

    /// gd at flow time s = sum of steps: g_k = ln s + bvec_k.
    package func descent(_ s: Double) -> (norm: Double, correlation: Double) {
        let x = logarithm(s)
        guard let forms else { return (margin.norm * x, .nan) }
        let square = x * x * forms.one + 2 * x * forms.mixed + forms.b + forms.P0
        let norm = square.squareRoot()
        let along = (x + meanB) * margin.norm
        return (norm, along / norm)
    }
}

struct LateTimeRun: Run {
    private let instance: Instance
    /// Nil when the W-SVM is infeasible: nothing is then put but that.
    private let theory: LateTimeTheory?
    private var step = 0
    /// sum of the steps so far.
    private var sum = 0.0

    init(_ p: Parameters, _ request: RunRequest) throws {
        instance = try Instance(request, p, needsGram: true, needsMargin: true)
        if let margin = instance.margin, margin.problem.isFeasible {
            theory = try LateTimeTheory(
                instance.data, margin, gram: instance.gram, loss: p.loss, W0: instance.start())
        } else {
            theory = nil
        }
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...maximumStep)
        try archive.exchange(&sum)
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let rule = instance.parameters.rule
        let target = Int(time)
        if rule.decay == 0 {
            step = target
            sum = rule.size * Double(step)
            return true
        }
        for _ in 0..<min(max(quantum, 1), max(target - step, 0)) {
            sum += rule.stepSize(step)
            step += 1
        }
        return step >= target
    }

    func observe(into sink: inout ObservationSink) throws {
        guard let theory, step > 0 else { return }
        let rule = instance.parameters.rule
        let size = theory.margin.norm
        switch rule.optimizer {
        case .gd:
            guard sum > theory.transient else { return }
            let (norm, correlation) = theory.descent(sum)
            sink.put(.normW, norm)
            sink.put(.corrW, correlation)
            sink.put(.distW, max(2 * (1 - correlation), 0).squareRoot())
            sink.put(.logExcess, 2 * logarithm(size) - logarithm(sum))
            sink.put(.logSparsity, theory.logSparsity - logarithm(sum))
            sink.put(.stepLength, size * rule.stepSize(step) / sum)
        case .ngd, .polyak:
            let isPolyak = rule.optimizer == .polyak
            let norm = isPolyak ? size * Double(step) / rule.polyak : sum
            let predicted = theory.distanceConstant.map { $0.squareRoot() / norm } ?? .nan
            // A distance of the order of 1 is no small angle yet.
            let distance = predicted < 1 ? predicted : .nan
            sink.put(.normW, norm)
            sink.put(.distW, distance)
            sink.put(.corrW, 1 - 0.5 * distance * distance)
            // g_k = x + bvec_k with x + mean of bvec = norm/|W_mm|.
            let x = norm / size - theory.meanB
            sink.put(.logExcess, 2 * logarithm(size) - x)
            sink.put(.logSparsity, theory.logSparsity - x)
            sink.put(.stepLength, isPolyak ? size / rule.polyak : rule.stepSize(step))
        }
    }

    func finish(into sink: inout ObservationSink) throws {
        try instance.finish(into: &sink)
        guard let theory else { return }
        let rule = instance.parameters.rule
        switch rule.optimizer {
        case .gd:
            sink.put(.logExcessSlope, -1)
            sink.put(.gdTransient, theory.transient)
        case .ngd:
            if rule.decay == 0 { sink.put(.logExcessSlope, -rule.size / theory.margin.norm) }
            sink.put(.distConstant, theory.distanceConstant ?? .nan)
        case .polyak:
            sink.put(.logExcessSlope, -1 / rule.polyak)
            sink.put(.distConstant, theory.distanceConstant ?? .nan)
        }
        sink.put(.allActive, theory.allActive ? 1 : 0)
    }
}
