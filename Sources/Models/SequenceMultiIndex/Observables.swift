import Modeling
import Numerics

extension SequenceMultiIndex {
    private static let layer = ExtraDimension("layer", .parameter("layers"))
    private static let other = ExtraDimension("other_layer", .parameter("layers"))

    private static func overlaps(inTime: Bool) -> [ObservableSpec] {
        [
            ObservableSpec(
                "M", symbol: "M", "overlaps of estimate and teacher, W W*^T/d (state evolution: equal to Q)",
                inTime: inTime, dimensions: [layer, other]),
            ObservableSpec(
                "Q", symbol: "Q", "overlaps of the estimate with itself, W W^T/d", inTime: inTime,
                dimensions: [layer, other]),
            ObservableSpec(
                "overlap", symbol: "|M_{kk}|",
                "overlap of each layer with its teacher, |w_k.w*_k|/|w*_k|^2; the sign of a layer cannot be known",
                inTime: inTime, dimensions: [layer]),
            ObservableSpec(
                "cosine", symbol: "\\cos_k", "cosine of each layer with its teacher, |w_k.w*_k|/(|w_k| |w*_k|)",
                inTime: inTime, dimensions: [layer]),
            ObservableSpec(
                "overlap_first", symbol: "|M_{11}|", "overlap of the first layer, farthest from the output",
                inTime: inTime),
            ObservableSpec(
                "overlap_last", symbol: "|M_{pp}|", "overlap of the last layer, which gives the output", inTime: inTime),
            ObservableSpec("cosine_first", symbol: "\\cos_1", "cosine of the first layer", inTime: inTime),
            ObservableSpec("cosine_last", symbol: "\\cos_p", "cosine of the last layer", inTime: inTime),
            ObservableSpec(
                "e_gen", symbol: "e_{gen}", "generalisation error E |y - yhat|_F^2 of the plug-in predictor",
                inTime: inTime),
        ]
    }
    private static let covariance = ObservableSpec(
        "C", symbol: "C", "posterior covariance of the weights' coordinates", dimensions: [layer, other])
    private static let published = ObservableSpec(
        "cosine_published", symbol: "C_k", "|w_k.w*_k/d|/sqrt(w_k.w_k/d): the teacher's norm not divided out",
        dimensions: [layer], byDefault: false)

    static let ampObservables =
        overlaps(inTime: true) + [
            covariance, published,
            ObservableSpec(
                "steps_half", symbol: "n_{1/2}", "first iteration with cosine above 1/2 (not a number: none)",
                inTime: false, dimensions: [layer]),
        ]
    static let stateEvolutionObservables =
        overlaps(inTime: true) + [
            covariance,
            ObservableSpec("residual", symbol: "r", "largest change of an overlap in the last iteration"),
        ]
    static let fixedPointObservables =
        overlaps(inTime: false) + [
            ObservableSpec(
                "q_star", symbol: "Q^*_{kk}", "overlap of each layer at the fixed point", inTime: false,
                dimensions: [layer]),
            ObservableSpec(
                "q_error", symbol: "\\delta Q",
                "standard error of q_star: noise of the common samples and what is left of the residual, both carried through "
                    + "the linearised iteration", inTime: false, dimensions: [layer]),
            ObservableSpec("iterations", symbol: "n", "iterations made", inTime: false),
            ObservableSpec("residual", symbol: "r", "largest change of an overlap in the last one", inTime: false),
            ObservableSpec(
                "converged", symbol: "1_{r<tol}", "1 when the residual is below the tolerance", inTime: false),
        ]
    static let thresholdObservables: [ObservableSpec] = [
        ObservableSpec(
            "F_kk", symbol: "F_{kk}", "response of each layer at Q = 0, |E[z z^T|y] - I|^2", inTime: false,
            dimensions: [layer]),
        ObservableSpec("F_error", symbol: "\\delta F", "its standard error", inTime: false, dimensions: [layer]),
        ObservableSpec(
            "alpha_at_zero", symbol: "1/F_{kk}", "alpha from which Q = 0 is unstable towards a layer alone",
            inTime: false,
            dimensions: [layer]),
        ObservableSpec(
            "alpha_k", symbol: "\\alpha_k",
            "threshold of each layer: of the last at Q = 0, of the others on the branch where only the last is learned "
                + "(true for the smallest of these; what more layers tell can only lower the rest)", inTime: false,
            dimensions: [layer]),
        ObservableSpec(
            "alpha_error", symbol: "\\delta\\alpha_k", "its standard error", inTime: false, dimensions: [layer]),
        ObservableSpec("alpha_first", symbol: "\\alpha_1", "threshold of the first layer, alpha_k[0]", inTime: false),
        ObservableSpec("alpha_c", symbol: "\\alpha_c", "the smallest threshold, that of the last layer", inTime: false),
        ObservableSpec(
            "alpha_bound", symbol: "1/(L(L+1))", "no layer is recovered from Q = 0 below", inTime: false),
        ObservableSpec(
            "alpha_next", symbol: "\\alpha_{next}",
            "where the branch with only the last layer ends: the next layer is learned", inTime: false),
        ObservableSpec(
            "q_critical", symbol: "Q_{pp}", "overlap of the last layer at the threshold of each layer", inTime: false,
            dimensions: [layer]),
    ]
    static let branchObservables: [ObservableSpec] = [
        ObservableSpec("alpha_branch", symbol: "\\alpha", "alpha whose fixed point has this q_last", inTime: false),
        ObservableSpec("alpha_error", symbol: "\\delta\\alpha", "its standard error", inTime: false),
        ObservableSpec(
            "F_kk", symbol: "F_{kk}", "response of the layers that are not learned (of the last one: E sum g^2)",
            inTime: false, dimensions: [layer]),
        ObservableSpec("F_error", symbol: "\\delta F", "its standard error", inTime: false, dimensions: [layer]),
        ObservableSpec(
            "growth", symbol: "\\alpha F_{kk}",
            "growth of a layer from zero in an iteration; the last one: of q/(1-q), 1",
            inTime: false, dimensions: [layer]),
        ObservableSpec("e_gen", symbol: "e_{gen}", "generalisation error on the branch", inTime: false),
    ]
    static let descentObservables =
        overlaps(inTime: true) + [
            ObservableSpec("steps", symbol: "n", "gradient steps"),
            ObservableSpec("t", symbol: "t", "samples seen (with repeats) per dimension"),
            ObservableSpec("epoch", symbol: "n_e", "passes over the data (data: reuse)"),
            ObservableSpec(
                "train_loss", symbol: "\\mathcal{L}", "mean of |y - yhat|_F^2 over the data (data: reuse)"),
            published,
            ObservableSpec(
                "steps_half", symbol: "n_{1/2}", "first step with cosine above 1/2 (not a number: none)", inTime: false,
                dimensions: [layer]),
            ObservableSpec(
                "t_half", symbol: "t_{1/2}", "the same in samples per dimension", inTime: false, dimensions: [layer]),
        ]
    static let odeObservables =
        overlaps(inTime: true) + [
            ObservableSpec("t", symbol: "t", "samples seen per dimension"),
            ObservableSpec("loss", symbol: "\\mathcal{L}", "mean loss of a fresh sequence, equal to e_gen"),
            ObservableSpec(
                "t_half", symbol: "t_{1/2}", "first Euler step with cosine above 1/2 (not a number: none)",
                inTime: false,
                dimensions: [layer]),
        ]
}

/// Overlaps of an estimate with the teacher, and what is recorded of them.
struct SMIOverlaps: Sendable {
    let p: Int
    /// W W*^T/d, W W^T/d, W* W*^T/d, row-major.
    var M: [Double]
    var Q: [Double]
    var T: [Double]

    /// Of a Bayesian estimate: M = Q = diag(q).
    init(bayesian q: [Double]) {
        p = q.count
        M = SmallMatrix.diagonal(p, 0)
        for k in 0..<p { M[k * p + k] = q[k] }
        Q = M
        T = SmallMatrix.diagonal(p, 1)
    }

    init(M: [Double], Q: [Double], p: Int) { (self.M, self.Q, self.p, T) = (M, Q, p, SmallMatrix.diagonal(p, 1)) }

    /// Of weights (d, p) with p numbers a row.
    init(_ W: [Double], teacher: [Double], p: Int, d: Int) {
        self.p = p
        func gram(_ a: [Double], _ b: [Double]) -> [Double] {
            var result = Array(repeating: 0.0, count: p * p)
            a.withUnsafeBufferPointer { a in
                b.withUnsafeBufferPointer { b in
                    guard let a = a.baseAddress, let b = b.baseAddress else { return }
                    BLAS.gemm(
                        .transposed, .none, m: p, n: p, k: d, alpha: 1 / Double(d), a, leadingA: p, b, leadingB: p,
                        &result, leadingC: p)
                }
            }
            return result
        }
        M = gram(W, teacher)
        Q = gram(W, W)
        T = gram(teacher, teacher)
    }

    var cosines: [Double] {
        (0..<p).map { k in
            let at = k * p + k
            let norm = (Q[at] * T[at]).squareRoot()
            return norm > 0 ? min(1, abs(M[at]) / norm) : 0
        }
    }

    func put(into sink: inout ObservationSink) throws {
        try sink.put("M", M)
        try sink.put("Q", Q)
        let overlaps = (0..<p).map { abs(M[$0 * p + $0]) / T[$0 * p + $0] }
        let cosines = cosines
        try sink.put("overlap", overlaps)
        try sink.put("cosine", cosines)
        sink.put("overlap_first", overlaps[0])
        sink.put("overlap_last", overlaps[p - 1])
        sink.put("cosine_first", cosines[0])
        sink.put("cosine_last", cosines[p - 1])
        try sink.put(
            "cosine_published",
            (0..<p).map { Q[$0 * p + $0] > 0 ? abs(M[$0 * p + $0]) / Q[$0 * p + $0].squareRoot() : 0 })
    }

    /// Puts e_gen, when it is wanted.
    func putError(_ generalisation: inout SMIGeneralisation?, into sink: inout ObservationSink) throws {
        guard let error = generalisation?.error(M: M, Q: Q, T: T) else {
            if generalisation == nil { return }
            throw ModelError.notConverged("the overlaps M = \(M), Q = \(Q) are not those of any weights")
        }
        sink.put("e_gen", error.mean)
    }
}

/// The first time at which each layer's cosine with the teacher exceeds 1/2.
struct SMIFirstPassage: Sendable, Resumable {
    private(set) var times: [Double]

    init(layers: Int) { times = Array(repeating: .nan, count: layers) }

    mutating func note(_ cosines: [Double], at time: Double) {
        for k in times.indices where times[k].isNaN && cosines[k] > 0.5 { times[k] = time }
    }

    mutating func exchange(with archive: inout StateArchive) throws { try archive.exchange(&times) }
}
