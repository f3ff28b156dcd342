import Foundation
import Modeling
import Numerics

/// Method `gap-recursion`: the same training with a fixed decoder in the K = n (T - 1) gaps g_k = <f_k, W> (18) to (20):
/// g += step G c, b += step c, W_t = W_0 + sum_k b_k f_k. K^2 a step, whatever d.
struct GapRecursion: Stepping {
    private let instance: Instance
    private let start: [Double]
    private let startSquare: Double
    private var g: [Double]
    private var b: [Double]
    var step = 0

    private var pass: Pass
    private var logits: [Double]
    private var c: [Double]
    private var Gc: [Double]

    init(_ p: Parameters, _ request: RunRequest) throws {
        instance = try Instance(p, request, needsGram: true)
        let W0 = try instance.start()
        start = instance.gaps.gaps(of: W0)
        startSquare = BLAS.dot(W0.count, W0, W0)
        g = start
        b = Array(repeating: 0, count: g.count)
        c = b
        Gc = b
        pass = Pass(n: p.n, T: p.T, loss: p.loss)
        logits = Array(repeating: 0, count: p.n * p.T)
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...maximumStep)
        try archive.exchange(&g)
        try archive.exchange(&b)
    }

    mutating func move() throws {
        let scale = try nextStep()
        if scale.step != 0 {
            BLAS.axpy(g.count, scale.step, Gc, &g)
            BLAS.axpy(b.count, scale.step, c, &b)
        }
    }

    private mutating func nextStep() throws -> (step: Double, norm: Double) {
        let (data, places) = (instance.data, instance.gaps.places)
        // The logits of the optimal tokens stay 0.
        for k in places.indices { logits[places[k]] = -g[k] }
        try pass.evaluate(logits: logits, scores: data.scores, step: step)
        for k in places.indices { c[k] = pass.beta[places[k]] }
        BLAS.symv(c.count, instance.gram, leading: c.count, c, &Gc)
        // |dL/dW| = sqrt(c^T G c).
        let norm = pass.sigma > -.infinity ? max(BLAS.dot(c.count, c, Gc), 0).squareRoot() : 0
        let scale = try Step(instance.parameters.rule, t: step, norm: norm, sigma: pass.sigma, decoder: nil) {
            pass.logExcess(scores: data.scores, opt: data.opt, isJoint: false)
        }
        return (scale.w, norm)
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        let scale = try nextStep()
        sink.put(.stepLength, scale.step * scale.norm)
        instance.observe(pass, scores: instance.data.scores, u: instance.data.u, into: &sink)
        // |W|^2 = |W_0|^2 + b.(g + g(0)), because G b = g - g(0).
        var square = startSquare
        for k in b.indices { square += b[k] * (g[k] + start[k]) }
        let norm = max(square, 0).squareRoot()
        sink.put(.normW, norm)
        guard let margin = instance.margin, margin.problem.isFeasible, margin.norm > 0, norm > 0 else { return }
        sink.put(.corrW, BLAS.dot(g.count, margin.lambda, g) / (norm * margin.norm))
        // W/|W| - W_mm/|W_mm| = W_0/|W| + sum_k e_k f_k.
        let e = zip(b, margin.lambda).map { $0 / norm - $1 / margin.norm }
        var Ge = e
        BLAS.symv(e.count, instance.gram, leading: e.count, e, &Ge)
        let distance = BLAS.dot(e.count, e, Ge) + 2 * BLAS.dot(e.count, e, start) / norm + startSquare / square
        sink.put(.distW, max(distance, 0).squareRoot())
    }

    mutating func finish(into sink: inout ObservationSink) throws { try instance.finish(into: &sink) }
}
