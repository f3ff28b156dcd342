import Foundation
import Modeling
import Numerics

/// Method `gd`: full-batch training of W in R^{d x d_q}, and of the decoder when `joint`, (15) to (17).
///
/// A step is one product Z = Q W^T, token-wise products X_i z_i, the contraction of tokens to v_i = -sum_tau beta x_tau, and
/// one product V^T Q: 2 (2 n d d_q) + 2 (2 n T d) flops, and nothing of size n T d^2.
package struct FullTraining: Stepping {
    private let instance: Instance
    /// W_mm/|W_mm|; empty when infeasible or not wanted.
    private let direction: [Double]
    /// The W-SVM of the tokens selected last, kept because it seldom changes. Recomputed after a restart.
    private var selection: (opt: [Int], norm: Double, direction: [Double])?
    private var W: [Double]
    private var u: [Double]
    package var step = 0

    // Scratch: all follows from W and u.
    private var pass: Pass
    private var Z: [Double]
    private var logits: [Double]
    private var scores: [Double]
    private var V: [Double]
    private var D: [Double]
    private var Du: [Double]
    private var tokenWeights: [Double]

    package init(_ p: Parameters, _ request: RunRequest) throws {
        instance = try Instance(p, request)
        let data = instance.data
        let wantsDirection = request.wants(.corrW) || request.wants(.distW)
        direction = wantsDirection ? instance.margin?.direction() ?? [] : []
        W = try instance.start()
        u = data.u
        pass = Pass(n: data.n, T: data.T, loss: p.loss)
        Z = Array(repeating: 0, count: data.n * data.d)
        V = Z
        logits = Array(repeating: 0, count: data.n * data.T)
        scores = data.scores
        tokenWeights = logits
        D = Array(repeating: 0, count: W.count)
        Du = Array(repeating: 0, count: p.isJoint ? data.d : 0)
    }

    package mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...maximumStep)
        try archive.exchange(&W)
        try archive.exchange(&u)
    }

    package mutating func move() throws {
        let scale = try nextStep()
        if scale.w != 0 { BLAS.axpy(W.count, scale.w, D, &W) }
        if scale.u != 0 { BLAS.axpy(u.count, scale.u, Du, &u) }
    }

    /// Logits, scores and the softmax at the present W and u.
    private mutating func forward() throws {
        let data = instance.data
        let (n, T, d) = (data.n, data.T, data.d)
        data.project(W, &Z)
        withPointers(data.X, Z, &logits) { X, Z, logits in
            for i in 0..<n {
                BLAS.gemv(rows: T, columns: d, X + i * T * d, leading: d, Z + i * d, logits + i * T)
            }
        }
        if instance.parameters.isJoint { scores = data.scores(of: u) }
        try pass.evaluate(logits: logits, scores: scores, step: step)
    }

    /// The scaled directions D and D_u at the present W and u, and how far the optimizer goes along them.
    private mutating func nextStep() throws -> Step {
        try forward()
        let (data, p) = (instance.data, instance.parameters)
        let (n, T, d) = (data.n, data.T, data.d)
        withPointers(data.X, pass.beta, &V) { X, beta, V in
            for i in 0..<n {
                BLAS.gemv(
                    .transposed, rows: T, columns: d, alpha: -1, X + i * T * d, leading: d, beta + i * T, V + i * d)
            }
        }
        data.outer(V, &D)
        let norm = pass.sigma > -.infinity ? BLAS.dot(D.count, D, D).squareRoot() : 0
        var decoder: (norm: Double, omega: Double)?
        if p.isJoint {
            // -dL/du = (1/n) sum_i w_i y_i X_i^T s_i, with e^omega the largest w_i.
            let omega = pass.logWeights.max() ?? 0
            for i in 0..<n {
                let weight = exp(pass.logWeights[i] - omega) * data.y[i] / Double(n)
                for k in (i * T)..<((i + 1) * T) { tokenWeights[k] = weight * pass.attention[k] }
            }
            BLAS.gemv(.transposed, rows: n * T, columns: d, data.X, leading: d, tokenWeights, &Du)
            decoder = (BLAS.dot(d, Du, Du).squareRoot(), omega)
        }
        return try Step(p.rule, t: step, norm: norm, sigma: pass.sigma, decoder: decoder) {
            pass.logExcess(scores: scores, opt: data.opt, isJoint: p.isJoint)
        }
    }

    package mutating func observe(into sink: inout ObservationSink) throws {
        if sink.wants(.stepLength) {
            let scale = try nextStep()
            sink.put(.stepLength, scale.w * BLAS.dot(D.count, D, D).squareRoot())
        } else {
            try forward()
        }
        instance.observe(pass, scores: scores, u: u, into: &sink)
        try observeSelection(into: &sink)
        let (norm, correlation, distance) = directions(W, direction)
        sink.put(.normW, norm)
        sink.put(.corrW, correlation)
        sink.put(.distW, distance)
    }

    /// W against the W-SVM of the tokens that it selects.
    private mutating func observeSelection(into sink: inout ObservationSink) throws {
        guard sink.wants(.corrWSelected) || sink.wants(.normWmmSelected) else { return }
        if selection?.opt != pass.selected {
            let gaps = Gaps(instance.data, opt: pass.selected)
            let margin = try Margin(gaps, gram: try gaps.gram())
            selection = (pass.selected, margin.norm, margin.direction())
        }
        guard let selection else { return }
        sink.put(.normWmmSelected, selection.norm)
        if !selection.direction.isEmpty { sink.put(.corrWSelected, directions(W, selection.direction).correlation) }
    }

    package mutating func finish(into sink: inout ObservationSink) throws { try instance.finish(into: &sink) }

    /// L, dL/dW and dL/du at W and u, as steps use them: to test gradients.
    package mutating func lossAndGradients(
        W: [Double], u: [Double]
    ) throws -> (loss: Double, W: [Double], u: [Double]) {
        (self.W, self.u) = (W, u)
        _ = try nextStep()
        let omega = pass.logWeights.max() ?? 0
        return (pass.lossValue, D.map { -$0 * exp(pass.sigma) }, Du.map { -$0 * exp(omega) })
    }
}
