import Foundation
import Modeling
import Numerics

/// Method `gap-recursion`: the same training with a fixed decoder in the K = n (T - 1) gaps g_k = <f_k, W> (sheet, Theory 1):
/// g += step G c, b += step c, W_t = W_0 + sum_k b_k f_k. K^2 a step, whatever d.
struct GapRecursion: Run {
    private let instance: SAIBInstance
    private let unit: TimeUnit
    private let recorder: SAIBRecorder
    private let start: [Double]
    private let startSquare: Double
    private var g: [Double]
    private var b: [Double]
    private var step = 0

    private var pass: SAIBPass
    private var logits: [Double]
    private var c: [Double]
    private var Gc: [Double]

    init(_ request: RunRequest, _ p: SAIBParameters) throws {
        instance = try SAIBInstance(request, p, needsGram: true)
        unit = request.times.unit
        recorder = SAIBRecorder(instance.data, isJoint: false)
        let W0 = try instance.start()
        start = instance.gaps.gaps(of: W0)
        startSquare = BLAS.dot(W0.count, W0, W0)
        g = start
        b = Array(repeating: 0, count: g.count)
        c = b
        Gc = b
        pass = SAIBPass(n: p.n, T: p.T, loss: p.loss)
        logits = Array(repeating: 0, count: p.n * p.T)
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...maximumStep)
        try archive.exchange(&g)
        try archive.exchange(&b)
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = try instance.parameters.nearestStep(time, unit: unit)
        for _ in 0..<min(max(quantum, 1), max(target - step, 0)) {
            let scale = try nextStep()
            if scale.step != 0 {
                BLAS.axpy(g.count, scale.step, Gc, &g)
                BLAS.axpy(b.count, scale.step, c, &b)
            }
            step += 1
        }
        return step >= target
    }

    private mutating func forward() throws {
        let data = instance.data
        let T = data.T
        var k = 0
        for i in 0..<data.n {
            let opt = data.opt[i]
            for tau in 0..<T where tau != opt {
                logits[i * T + tau] = -g[k]
                k += 1
            }
            logits[i * T + opt] = 0
        }
        guard pass.evaluate(logits: logits, scores: data.scores) else {
            throw ModelError.diverged(step: step, "a gap or margin is not finite; the step size may be too large")
        }
    }

    private mutating func nextStep() throws -> (step: Double, norm: Double) {
        try forward()
        let (data, p) = (instance.data, instance.parameters)
        let T = data.T
        var k = 0
        for i in 0..<data.n {
            let opt = data.opt[i]
            for tau in 0..<T where tau != opt {
                c[k] = pass.beta[i * T + tau]
                k += 1
            }
        }
        BLAS.symv(c.count, instance.gram, leading: c.count, c, &Gc)
        // |dL/dW| = sqrt(c^T G c).
        let norm = pass.sigma > -.infinity ? max(BLAS.dot(c.count, c, Gc), 0).squareRoot() : 0
        let scale = SAIBStep(p, t: step, norm: norm, sigma: pass.sigma, decoder: nil) {
            pass.logExcess(scores: data.scores, opt: data.opt, isJoint: false)
        }
        guard norm.isFinite, scale.w.isFinite else {
            throw ModelError.diverged(step: step, "the gradient or step is not finite")
        }
        return (scale.w, norm)
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        let scale = try nextStep()
        sink.put("step_len", scale.step * scale.norm)
        recorder.observe(pass, scores: instance.data.scores, into: &sink)
        // |W|^2 = |W_0|^2 + b.(g + g(0)), because G b = g - g(0).
        var square = startSquare
        for k in b.indices { square += b[k] * (g[k] + start[k]) }
        let norm = max(square, 0).squareRoot()
        sink.put("norm_W", norm)
        if !instance.data.u.isEmpty {
            sink.put("norm_u", BLAS.dot(instance.data.d, instance.data.u, instance.data.u).squareRoot())
        }
        if sink.wants("corr_u"), !instance.umm.isEmpty, !instance.data.u.isEmpty {
            let (u, m) = (instance.data.u, instance.umm)
            sink.put(
                "corr_u", BLAS.dot(u.count, u, m) / (BLAS.dot(u.count, u, u) * BLAS.dot(m.count, m, m)).squareRoot())
        }
        guard let margin = instance.margin, margin.problem.isFeasible, margin.norm > 0, norm > 0 else { return }
        sink.put("corr_W", BLAS.dot(g.count, margin.lambda, g) / (norm * margin.norm))
        // W/|W| - W_mm/|W_mm| = W_0/|W| + sum_k e_k f_k.
        let e = zip(b, margin.lambda).map { $0 / norm - $1 / margin.norm }
        var Ge = e
        BLAS.symv(e.count, instance.gram, leading: e.count, e, &Ge)
        let distance = BLAS.dot(e.count, e, Ge) + 2 * BLAS.dot(e.count, e, start) / norm + startSquare / square
        sink.put("dist_W", max(distance, 0).squareRoot())
    }

    mutating func finish(into sink: inout ObservationSink) throws { try instance.finish(into: &sink) }
}
