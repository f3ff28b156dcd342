import Foundation
import Modeling
import Numerics

/// Method `symmetric`: the scalar recursion (g, a, b) of (21) to (26): all gaps equal g, W = g W_mm, and
/// u = a S + b sum_{i, tau != opt} y_i x_{i,tau}. Exact for `orthogonal` data, the limit d -> infinity for `gaussian`.
package struct SymmetricTheory: Sendable {
    let p: Parameters
    let n: Double
    /// T - 1 and its logarithm.
    let t: Double
    let logT: Double
    /// K = n (T - 1).
    let K: Double
    /// The row sum of G: lambda_k = 1/kappa.
    package let kappa: Double
    /// |W_mm| = sqrt(K/kappa).
    package let normWmm: Double
    let S2: Double
    let h: Double
    /// |S|^2 = A2'.
    let signalSquare: Double
    package let normUmm: Double

    package init(_ p: Parameters) {
        self.p = p
        n = Double(p.n)
        t = Double(p.T - 1)
        logT = logarithm(t)
        K = n * t
        let (A2, B2) = (p.A2, p.B2)
        let isOrthogonal = p.geometry == .orthogonal
        switch p.query {
        case .opt: kappa = A2 * ((isOrthogonal ? n / 2 : n) * t * A2 + B2)
        case .external: kappa = t * A2 + B2
        case .noise, .first, .prompt: kappa = B2 * (t * A2 + B2)
        }
        normWmm = (K / kappa).squareRoot()
        (S2, h, signalSquare) = isOrthogonal ? (A2 / 2, 0.5, 2 * A2) : (A2, 1, A2)
        normUmm = (isOrthogonal ? 2 : 1).squareRoot() / p.signal
    }

    /// g, a, b at the start.
    package func start() -> State {
        var state = State()
        switch p.start {
        case .mm: state.g = p.initScale / normWmm
        case .adversarial: state.g = -p.initScale / normWmm
        case .zero, .random, .uniform, .explicit: break
        }
        if !p.isJoint { state.a = 1 / p.A2 }
        return state
    }

    package struct State: Sendable {
        package var g = 0.0
        package var a = 0.0
        package var b = 0.0
    }

    /// Attention, margins and gradient at a state, with logarithms where numbers underflow.
    package struct Point: Sendable {
        /// ln s_opt and ln of each other token's s.
        package var logOpt = 0.0
        package var logOther = 0.0
        package var margin = 0.0
        package var logExcess = 0.0
        /// gamma_o - gamma_n.
        var scoreGap = 0.0
        var logWeight = 0.0
        /// ln |c|; c has the sign of scoreGap.
        var logC = -Double.infinity
        /// ln(1 - s_opt).
        package var logSparsity = 0.0
    }

    package func point(_ state: State) -> Point {
        var q = Point()
        let optScore = state.a * p.A2
        q.scoreGap = optScore - state.b * p.B2
        // ln(1 + (T-1) e^-g).
        let logZ = softplus(logT - state.g)
        q.logOpt = -logZ
        q.logOther = -state.g - logZ
        q.logSparsity = logT + q.logOther
        let delta = exp(q.logSparsity) * q.scoreGap
        // From the side that attention is on.
        q.margin = state.g > logT ? optScore - delta : state.b * p.B2 + exp(q.logOpt) * q.scoreGap
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

    /// What step number `step` adds to g, a and b; old values on all right-hand sides.
    package func increments(_ state: State, step: Int) throws -> State {
        let q = point(state)
        let (so, sn) = (exp(q.logOpt), exp(q.logOther))
        // |dL/dW| = |c| sqrt(K kappa); |dL/du| = w sqrt(s_o^2 S2 + s_n^2 K B2/n^2).
        let decoder = (so * so * S2 + sn * sn * K * p.B2 / (n * n)).squareRoot()
        let scale = try Step(
            p.rule, t: step, norm: q.scoreGap == 0 ? 0 : (K * kappa).squareRoot(), sigma: q.logC,
            decoder: p.isJoint ? (decoder, q.logWeight) : nil
        ) { q.logExcess }
        return State(g: q.scoreGap < 0 ? -scale.w * kappa : scale.w * kappa, a: scale.u * so * h, b: scale.u * sn / n)
    }

    /// |u| and its correlation with u_mm.
    package func decoder(_ state: State) -> (norm: Double, correlation: Double) {
        let along = signalSquare.squareRoot() * state.a
        let norm = (along * along + K * p.B2 * state.b * state.b).squareRoot()
        return (norm, along / norm)
    }
}

struct SymmetricRun: Stepping {
    private let theory: SymmetricTheory
    private var state: SymmetricTheory.State
    var step = 0

    init(_ p: Parameters) {
        theory = SymmetricTheory(p)
        state = theory.start()
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...maximumStep)
        try archive.exchange(&state.g)
        try archive.exchange(&state.a)
        try archive.exchange(&state.b)
    }

    mutating func move() throws {
        let change = try theory.increments(state, step: step)
        state.g += change.g
        state.a += change.a
        state.b += change.b
        guard (state.g + state.a + state.b).isFinite else {
            throw ModelError.diverged(
                step: step + 1, "the gap or decoder is not finite; the step size may be too large")
        }
    }

    func observe(into sink: inout ObservationSink) throws {
        let p = theory.p
        let q = theory.point(state)
        let s = exp(q.logOpt)
        sink.put(.trainLoss, p.loss.value(q.margin))
        sink.put(.logExcess, q.logExcess)
        let along = state.g * theory.normWmm
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
        sink.put(.stepLength, abs(try theory.increments(state, step: step).g) * theory.normWmm)
        sink.put(.marginMean, q.margin)
        sink.put(.accuracy, q.margin > 0 ? 1 : 0)
        let decoder = theory.decoder(state)
        sink.put(.normU, decoder.norm)
        sink.put(.corrU, decoder.correlation)
    }

    func finish(into sink: inout ObservationSink) throws {
        sink.put(.normWmm, theory.normWmm)
        sink.put(.normWmmSquarePerN, theory.normWmm * theory.normWmm / theory.n)
        sink.put(.normUmm, theory.normUmm)
    }
}
