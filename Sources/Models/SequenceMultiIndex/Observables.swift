import Modeling
import Numerics

private let layer = ExtraDimension("layer", .value(of: SequenceMultiIndex.Keys.layers))
private let otherLayer = ExtraDimension("other_layer", .value(of: SequenceMultiIndex.Keys.layers))

extension Observable {
    /// One number a layer and task.
    private static func each(_ name: String, symbol: String, _ longName: String) -> Observable {
        Observable(name, symbol: symbol, longName, inTime: false, dimensions: [layer])
    }

    static let M = Observable(
        "M", symbol: "M", "overlaps of estimate and teacher, W W*^T/d (state evolution: equal to Q)",
        dimensions: [layer, otherLayer])
    static let Q = Observable(
        "Q", symbol: "Q", "overlaps of the estimate with itself, W W^T/d", dimensions: [layer, otherLayer])
    static let overlap = Observable(
        "overlap", symbol: "|M_{kk}|",
        "overlap of each layer with its teacher, |w_k.w*_k|/|w*_k|^2; the sign of a layer cannot be known",
        dimensions: [layer])
    static let cosine = Observable(
        "cosine", symbol: "\\cos_k", "cosine of each layer with its teacher, |w_k.w*_k|/(|w_k| |w*_k|)",
        dimensions: [layer])
    static let overlapFirst = Observable(
        "overlap_first", symbol: "|M_{11}|", "overlap of the first layer, farthest from the output")
    static let overlapLast = Observable(
        "overlap_last", symbol: "|M_{pp}|", "overlap of the last layer, which gives the output")
    static let cosineFirst = Observable("cosine_first", symbol: "\\cos_1", "cosine of the first layer")
    static let cosineLast = Observable("cosine_last", symbol: "\\cos_p", "cosine of the last layer")
    static let eGen = Observable(
        "e_gen", symbol: "e_{gen}", "generalisation error E |y - yhat|_F^2 of the plug-in predictor")

    // Message passing and state evolution.
    static let C = Observable(
        "C", symbol: "C", "posterior covariance of the weights' coordinates", dimensions: [layer, otherLayer])
    static let publishedCosine = Observable(
        "cosine_published", symbol: "C_k", "|w_k.w*_k/d|/sqrt(w_k.w_k/d): the teacher's norm not divided out",
        dimensions: [layer], byDefault: false)
    static let stepsHalf = each(
        "steps_half", symbol: "n_{1/2}", "first step or iteration with cosine above 1/2 (not a number: none)")
    static let residual = Observable("residual", symbol: "r", "largest change of an overlap in the last iteration")
    static let qStar = each("q_star", symbol: "Q^*_{kk}", "overlap of each layer at the fixed point")
    static let qError = each(
        "q_error", symbol: "\\delta Q",
        "standard error of q_star: noise of the common samples and what is left of the residual, both carried through "
            + "the linearised iteration")
    static let iterations = Observable("iterations", symbol: "n", "iterations made", inTime: false)
    static let converged = Observable(
        "converged", symbol: "1_{r<tol}", "1 when the residual is below the tolerance", inTime: false)

    // Thresholds.
    static let F = each("F_kk", symbol: "F_{kk}", "response of each layer at Q = 0, |E[z z^T|y] - I|^2")
    static let FError = each("F_error", symbol: "\\delta F", "its standard error")
    static let alphaAtZero = each(
        "alpha_at_zero", symbol: "1/F_{kk}", "alpha from which Q = 0 is unstable towards a layer alone")
    static let alphaK = each(
        "alpha_k", symbol: "\\alpha_k",
        "threshold of each layer: of the last at Q = 0, of the others on the branch where only the last is learned "
            + "(true for the smallest of these; what more layers tell can only lower the rest)")
    static let alphaKError = each("alpha_error", symbol: "\\delta\\alpha_k", "its standard error")
    static let alphaFirst = Observable(
        "alpha_first", symbol: "\\alpha_1", "threshold of the first layer, alpha_k[0]", inTime: false)
    static let alphaC = Observable(
        "alpha_c", symbol: "\\alpha_c", "the smallest threshold, that of the last layer", inTime: false)
    static let alphaBound = Observable(
        "alpha_bound", symbol: "1/(L(L+1))", "no layer is recovered from Q = 0 below", inTime: false)
    static let alphaNext = Observable(
        "alpha_next", symbol: "\\alpha_{next}",
        "where the branch with only the last layer ends: the next layer is learned", inTime: false)
    static let qCritical = each(
        "q_critical", symbol: "Q_{pp}", "overlap of the last layer at the threshold of each layer")

    // The branch.
    static let alphaBranch = Observable(
        "alpha_branch", symbol: "\\alpha", "alpha whose fixed point has this q_last", inTime: false)
    static let alphaBranchError = Observable(
        "alpha_error", symbol: "\\delta\\alpha", "its standard error", inTime: false)
    static let branchF = each(
        "F_kk", symbol: "F_{kk}", "response of the layers that are not learned (of the last one: E sum g^2)")
    static let growth = each(
        "growth", symbol: "\\alpha F_{kk}",
        "growth of a layer from zero in an iteration; the last one: of q/(1-q), 1")

    // Descent.
    static let steps = Observable("steps", symbol: "n", "gradient steps")
    static let t = Observable("t", symbol: "t", "samples seen (with repeats) per dimension")
    static let epoch = Observable("epoch", symbol: "n_e", "passes over the data (data: reuse)")
    static let trainLoss = Observable(
        "train_loss", symbol: "\\mathcal{L}", "mean of |y - yhat|_F^2 over the data (data: reuse)")
    static let tHalf = each(
        "t_half", symbol: "t_{1/2}",
        "samples per dimension at the first step with cosine above 1/2 (not a number: none)")
    static let loss = Observable("loss", symbol: "\\mathcal{L}", "mean loss of a fresh sequence, equal to e_gen")
}

/// Overlaps of an estimate with the teacher, and what is recorded of them.
struct Overlaps: Sendable {
    let p: Int
    /// W W*^T/d, W W^T/d, W* W*^T/d, row-major.
    let M: [Double]
    let Q: [Double]
    let T: [Double]

    init(M: [Double], Q: [Double], p: Int) { (self.M, self.Q, self.p, T) = (M, Q, p, SmallMatrix.diagonal(p, 1)) }

    /// Of a Bayesian estimate: M = Q = diag(q).
    init(bayesian q: [Double]) { self.init(M: diagonal(q), Q: diagonal(q), p: q.count) }

    /// Of weights (d, p) with p numbers a row, or (p, d) when `byLayer`.
    init(_ W: [Double], teacher: [Double], p: Int, byLayer: Bool = false) {
        self.p = p
        let d = W.count / p
        func gram(_ a: [Double], _ b: [Double]) -> [Double] {
            var result = Array(repeating: 0.0, count: p * p)
            BLAS.gemm(
                byLayer ? .none : .transposed, byLayer ? .transposed : .none, m: p, n: p, k: d, alpha: 1 / Double(d),
                a, leadingA: byLayer ? d : p, b, leadingB: byLayer ? d : p, &result, leadingC: p)
            return result
        }
        (M, Q, T) = (gram(W, teacher), gram(W, W), gram(teacher, teacher))
    }

    var cosines: [Double] {
        (0..<p).map { k in
            let at = k * p + k
            let norm = (Q[at] * T[at]).squareRoot()
            return norm > 0 ? min(1, abs(M[at]) / norm) : 0
        }
    }

    /// What ``put(_:into:)`` puts by default, of every method that has an estimate.
    static let observables: [Observable] = [
        .M, .Q, .overlap, .cosine, .overlapFirst, .overlapLast, .cosineFirst, .cosineLast, .eGen,
    ]

    /// Puts these, e_gen when it is wanted; returns e_gen.
    @discardableResult
    func put(_ generalisation: inout Generalisation?, into sink: inout ObservationSink) throws -> Double? {
        try sink.put(.M, M)
        try sink.put(.Q, Q)
        let overlaps = (0..<p).map { abs(M[$0 * p + $0]) / T[$0 * p + $0] }
        let cosines = cosines
        try sink.put(.overlap, overlaps)
        try sink.put(.cosine, cosines)
        sink.put(.overlapFirst, overlaps[0])
        sink.put(.overlapLast, overlaps[p - 1])
        sink.put(.cosineFirst, cosines[0])
        sink.put(.cosineLast, cosines[p - 1])
        return try putError(&generalisation, into: &sink)
    }

    /// Puts e_gen, when it is wanted, and returns it.
    @discardableResult
    func putError(_ generalisation: inout Generalisation?, into sink: inout ObservationSink) throws -> Double? {
        guard generalisation != nil else { return nil }
        guard let error = generalisation?.error(M: M, Q: Q, T: T)?.mean else {
            throw ModelError.notConverged("the overlaps M = \(M), Q = \(Q) are not those of any weights")
        }
        sink.put(.eGen, error)
        return error
    }

    /// Puts the cosine as it is published.
    func putPublished(into sink: inout ObservationSink) throws {
        try sink.put(
            .publishedCosine,
            (0..<p).map { Q[$0 * p + $0] > 0 ? abs(M[$0 * p + $0]) / Q[$0 * p + $0].squareRoot() : 0 })
    }
}

/// The first time at which each layer's cosine with the teacher exceeds 1/2.
struct FirstPassage: Sendable, Resumable {
    private(set) var times: [Double]

    init(layers: Int) { times = Array(repeating: .nan, count: layers) }

    mutating func note(_ cosines: [Double], at time: Double) {
        for k in times.indices where times[k].isNaN && cosines[k] > 0.5 { times[k] = time }
    }

    mutating func exchange(with archive: inout StateArchive) throws { try archive.exchange(&times) }
}
