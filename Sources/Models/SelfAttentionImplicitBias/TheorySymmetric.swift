import Foundation
import Modeling
import Numerics

/// Method `symmetric`: the scalar recursion (g, a, b) of (21) to (26): all gaps equal g, W = g W_mm, and
/// u = a S + b sum_{i, tau != opt} y_i x_{i,tau}. Exact for `orthogonal` data, the limit d -> infinity for `gaussian`.
struct SymmetricRecursion: Stepping {
    private let p: Parameters
    private let n: Double
    /// ln(T - 1).
    private let logT: Double
    /// K = n (T - 1).
    private let K: Double
    /// The row sum of G: lambda_k = 1/kappa.
    private let kappa: Double
    /// |W_mm| = sqrt(K/kappa).
    private let normWmm: Double
    var step = 0
    private var g = 0.0
    private var a = 0.0
    private var b = 0.0

    /// Attention, margins and gradient at a state, with logarithms where numbers underflow.
    private struct Point {
        /// ln s_opt and ln of each other token's s.
        var logOpt = 0.0
        var logOther = 0.0
        /// ln(1 - s_opt).
        var logSparsity = 0.0
        var margin = 0.0
        var logExcess = 0.0
        /// gamma_o - gamma_n.
        var scoreGap = 0.0
        var logWeight = 0.0
        /// ln |c|; c has the sign of scoreGap.
        var logC = -Double.infinity
    }

    init(_ p: Parameters) {
        self.p = p
        n = Double(p.n)
        let t = Double(p.T - 1)
        logT = logarithm(t)
        K = n * t
        let (A2, B2) = (p.A2, p.B2)
        switch p.query {
        case .opt: kappa = A2 * ((p.geometry == .orthogonal ? n / 2 : n) * t * A2 + B2)
        case .external: kappa = t * A2 + B2
        case .noise, .first, .prompt: kappa = B2 * (t * A2 + B2)
        }
        normWmm = (K / kappa).squareRoot()
        if p.start.isAlongMargin { g = (p.start == .mm ? p.initScale : -p.initScale) / normWmm }
        if !p.isJoint { a = 1 / A2 }
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...maximumStep)
        try archive.exchange(&g)
        try archive.exchange(&a)
        try archive.exchange(&b)
    }

    private func point() -> Point {
        var q = Point()
        let optScore = a * p.A2
        q.scoreGap = optScore - b * p.B2
        // ln(1 + (T-1) e^-g).
        let logZ = softplus(logT - g)
        q.logOpt = -logZ
        q.logOther = -g - logZ
        q.logSparsity = logT + q.logOther
        let delta = exp(q.logSparsity) * q.scoreGap
        // From the side that attention is on.
        q.margin = g > logT ? optScore - delta : b * p.B2 + exp(q.logOpt) * q.scoreGap
        q.logWeight = p.loss.logWeight(q.margin)
        if q.scoreGap != 0 {
            q.logC = q.logWeight - logarithm(n) + logarithm(abs(q.scoreGap)) + q.logOpt + q.logOther
        }
        q.logExcess =
            p.isJoint
            ? p.loss.logValue(q.margin)
            : p.loss.logExcess(optScore, delta: delta, logDelta: q.logSparsity + logarithm(q.scoreGap))
        return q
    }

    /// What the next step adds to g, a and b; old values on all right-hand sides.
    private func increments() throws -> (g: Double, a: Double, b: Double) {
        let q = point()
        let (so, sn) = (exp(q.logOpt), exp(q.logOther))
        let (S2, h) = p.geometry == .orthogonal ? (p.A2 / 2, 0.5) : (p.A2, 1)
        // |dL/dW| = |c| sqrt(K kappa); |dL/du| = w sqrt(s_o^2 S2 + s_n^2 K B2/n^2).
        let decoder = (so * so * S2 + sn * sn * K * p.B2 / (n * n)).squareRoot()
        let scale = try Step(
            p.rule, t: step, norm: q.scoreGap == 0 ? 0 : (K * kappa).squareRoot(), sigma: q.logC,
            decoder: p.isJoint ? (decoder, q.logWeight) : nil
        ) { q.logExcess }
        return (q.scoreGap < 0 ? -scale.w * kappa : scale.w * kappa, scale.u * so * h, scale.u * sn / n)
    }

    mutating func move() throws {
        let change = try increments()
        g += change.g
        a += change.a
        b += change.b
        guard (g + a + b).isFinite else {
            throw ModelError.diverged(
                step: step + 1, "the gap or decoder is not finite; the step size may be too large")
        }
    }

    func observe(into sink: inout ObservationSink) throws {
        let q = point()
        let s = exp(q.logOpt)
        sink.put(.trainLoss, p.loss.value(q.margin))
        sink.put(.logExcess, q.logExcess)
        let along = g * normWmm
        if p.start == .random {
            // The start stays orthogonal to all of the training as d -> infinity.
            let omega = p.initScale
            let norm = (along * along + omega * omega).squareRoot()
            sink.put(.normW, norm)
            sink.put(.corrW, along / norm)
            sink.put(
                .distW, (along > 0 ? 2 * omega * omega / (norm * (norm + along)) : 2 - 2 * along / norm).squareRoot())
        } else {
            sink.put(.normW, abs(along))
            sink.put(.corrW, along == 0 ? .nan : along < 0 ? -1 : 1)
            sink.put(.distW, along == 0 ? .nan : along < 0 ? 2 : 0)
        }
        sink.put(.sOptMean, s)
        sink.put(.sOptMin, s)
        sink.put(.logSparsity, q.logSparsity)
        sink.put(.stepLength, abs(try increments().g) * normWmm)
        sink.put(.marginMean, q.margin)
        sink.put(.accuracy, q.margin > 0 ? 1 : 0)
        // sqrt(A2') a, the part of u along u_mm.
        let part = (p.geometry == .orthogonal ? 2 * p.A2 : p.A2).squareRoot() * a
        let normU = (part * part + K * p.B2 * b * b).squareRoot()
        sink.put(.normU, normU)
        sink.put(.corrU, part / normU)
    }

    func finish(into sink: inout ObservationSink) throws {
        sink.put(.normWmm, normWmm)
        sink.put(.normWmmSquarePerN, normWmm * normWmm / n)
        sink.put(.normUmm, (p.geometry == .orthogonal ? 2 : 1).squareRoot() / p.signal)
    }
}
