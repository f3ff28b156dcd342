import Foundation
import Modeling
import Numerics

/// The leading asymptotics of training with a fixed decoder on one data set, (28) to (35).
///
/// When all gaps are large, L - L* ~ sum_k C_k e^{-g_k}. The gaps of active constraints then settle at g_k = x + bvec_k with
/// one growing x and bvec_k = ln(C_k/lambda_k); what is left of the start decays in ngd and polyak like exp(-nu_j x), so in
/// gd, where x = ln t, only like t^-nu_j.
struct LateTimeTheory: Sendable {
    /// |W_mm|.
    let size: Double
    let allActive: Bool
    /// lim 2 (1 - corr)|W|^2 of ngd and polyak; nil unless all constraints are active.
    private(set) var distanceConstant: Double?
    /// gd: max_k lambda_k/C_k, the flow time that must be long past.
    let transient: Double
    /// sum_k lambda_k bvec_k/sum_k lambda_k.
    let meanB: Double
    /// ln((1/n) sum_k lambda_k/C_k).
    let logSparsity: Double
    /// With all constraints active: 1^T G^-1 1, 1^T G^-1 bvec, bvec^T G^-1 bvec, and P0, the part of |W_0|^2 off the span.
    private var forms: (one: Double, mixed: Double, b: Double, P0: Double)?

    init(_ data: DataSet, _ margin: Margin, gram: [Double], loss: Loss, W0: [Double]) {
        size = margin.norm
        let (lambda, support) = (margin.lambda, margin.problem.support)
        let C = margin.gaps.places.map { place in
            let i = place / data.T
            let best = data.scores[i * data.T + data.opt[i]]
            return exp(loss.logWeight(best)) / Double(data.n) * (best - data.scores[place])
        }
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
        let P0 = max(BLAS.dot(W0.count, W0, W0) - BLAS.dot(K, g0, inverse(g0)), 0)
        let (mixed, square) = (x.reduce(0, +), BLAS.dot(K, b, x))
        forms = (total, mixed, square, P0)
        distanceConstant = square - meanB * meanB * total + P0
    }

    /// gd with g_k = x + bvec_k.
    func descent(_ x: Double) -> (norm: Double, correlation: Double) {
        guard let forms else { return (size * x, .nan) }
        let norm = (x * x * forms.one + 2 * x * forms.mixed + forms.b + forms.P0).squareRoot()
        return (norm, (x + meanB) * size / norm)
    }
}

/// Method `late-time`.
struct LateTimeRun: Run {
    private let instance: Instance
    /// Nil when the W-SVM is infeasible: nothing is then put but that.
    private let theory: LateTimeTheory?
    private let rule: StepRule
    private var step = 0
    /// sum of the steps so far.
    private var sum = 0.0

    init(_ p: Parameters, _ request: RunRequest) throws {
        let instance = try Instance(p, request, needsGram: true, needsMargin: true)
        theory = try instance.margin.flatMap { margin in
            guard margin.problem.isFeasible else { return nil }
            let W0 = try instance.start()
            return LateTimeTheory(instance.data, margin, gram: instance.gram, loss: p.loss, W0: W0)
        }
        (self.instance, rule) = (instance, p.rule)
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...maximumStep)
        try archive.exchange(&sum)
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
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
        let size = theory.size
        let (x, norm, correlation, distance, length): (Double, Double, Double, Double, Double)
        switch rule.optimizer {
        case .gd:
            guard sum > theory.transient else { return }
            x = logarithm(sum)
            (norm, correlation) = theory.descent(x)
            distance = max(2 * (1 - correlation), 0).squareRoot()
            length = size * rule.stepSize(step) / sum
        case .ngd, .polyak:
            let isPolyak = rule.optimizer == .polyak
            norm = isPolyak ? size * Double(step) / rule.polyak : sum
            // x + mean of bvec = norm/|W_mm|.
            x = norm / size - theory.meanB
            let predicted = theory.distanceConstant.map { $0.squareRoot() / norm } ?? .nan
            // A distance of the order of 1 is no small angle yet.
            distance = predicted < 1 ? predicted : .nan
            correlation = 1 - 0.5 * distance * distance
            length = isPolyak ? size / rule.polyak : rule.stepSize(step)
        }
        sink.put(.normW, norm)
        sink.put(.corrW, correlation)
        sink.put(.distW, distance)
        sink.put(.logExcess, 2 * logarithm(size) - x)
        sink.put(.logSparsity, theory.logSparsity - x)
        sink.put(.stepLength, length)
    }

    func finish(into sink: inout ObservationSink) throws {
        try instance.finish(into: &sink)
        guard let theory else { return }
        switch rule.optimizer {
        case .gd: sink.put(.logExcessSlope, -1)
        case .ngd: if rule.decay == 0 { sink.put(.logExcessSlope, -rule.size / theory.size) }
        case .polyak: sink.put(.logExcessSlope, -1 / rule.polyak)
        }
        if rule.optimizer == .gd {
            sink.put(.gdTransient, theory.transient)
        } else {
            sink.put(.distConstant, theory.distanceConstant ?? .nan)
        }
        sink.put(.allActive, theory.allActive ? 1 : 0)
    }
}
