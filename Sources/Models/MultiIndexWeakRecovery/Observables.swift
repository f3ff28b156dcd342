import Modeling

extension Observable {
    /// p x p, NaN beyond.
    private static let matrix = ["direction", "direction_prime"].map { ExtraDimension($0, .fixed(3)) }

    static let M = Observable("M", symbol: "M", "overlaps W_hat W*^T/d, estimate by teacher", dimensions: matrix)
    static let Q = Observable("Q", symbol: "Q", "norms W_hat W_hat^T/d", dimensions: matrix)
    static let C = Observable("C", symbol: "C", "posterior covariance of a coordinate", dimensions: matrix)
    static let overlap = Observable(
        "overlap", symbol: "m", "trace of M/p, largest over the link's symmetries (signs and exchanges of directions)")
    static let firstOverlap = Observable(
        "first_overlap", symbol: "m_1",
        "overlap of what is learned first: |M11| of phase_parity, u^T M u of committee3 with u = (1,1,1)/sqrt 3; "
            + "overlap of sign_product2")
    static let secondOverlap = Observable(
        "second_overlap", symbol: "m_2",
        "overlap of the rest: the block (2, 3) of phase_parity up to symmetry, the differences of committee3; "
            + "NaN of sign_product2")
    static let testError = Observable(
        "test_error", symbol: "E_{\\mathrm{test}}",
        "E (y - g(W_hat x/sqrt d))^2/2 on fresh data; twice the probability of error for labels +-1")
    static let bayesError = Observable(
        "bayes_error", symbol: "E_{\\mathrm{Bayes}}",
        "E[(y - y_hat)^2]/2 of the Bayes predictor: sign E[y|omega] for +-1, else E[y|omega]")
    static let trainError = Observable(
        "train_error", symbol: "E_{\\mathrm{train}}", "mean of (y - g(W_hat x/sqrt d))^2/2 on the samples")
    static let mMinusQ = Observable(
        "m_minus_q", symbol: "|M-Q|", "largest element of |M - Q|: 0 when Bayes consistent, up to 1/sqrt d")
    static let qMinusC = Observable("q_minus_c", symbol: "|Q-(I-C)|", "largest element of |Q - (I - C)|: the same")
    static let change = Observable(
        "change", symbol: "\\delta", "rms change of W_hat in the last iteration, over 1 - damping")
    static let iterations = single(
        "iterations", "n_{\\mathrm{iter}}", "iterations made, at most those to the last recording time")
    static let residual = single(
        "residual", "\\delta",
        "change in the last iteration, without damping: rms of W_hat (amp), largest of M (state evolution)")
    static let converged = single(
        "converged", "1_{\\mathrm{conv}}", "1 when the residual is within the tolerance, else 0")

    // Of weak-recovery.
    static let difficulty = Observable(
        "difficulty", symbol: "\\mathrm{class}",
        "trivial: some direction is learned at any alpha > 0; easy: above alpha_c; hard: never from a cold start",
        inTime: false, codes: ["trivial", "easy", "hard"])
    static let trivialDimension = single(
        "trivial_dimension", "p_0", "dimension of the trivial subspace, the rank of E[m m^T], m = E[z|y]")
    static let alphaC = single(
        "alpha_c", "\\alpha_c",
        "weak-recovery threshold of the first directions: 0 when there is a trivial one, infinity when hard")
    static let topEigenvalue = single(
        "top_eigenvalue", "\\lambda_1",
        "largest eigenvalue of F(X) = E[G X G], 1/alpha_c; NaN when there is a trivial direction")
    static let eigenvector = Observable(
        "eigenvector", symbol: "X_1",
        "its eigenvector, of trace 1 (one of them when degenerate; NaN when hard or p > 3)", inTime: false,
        dimensions: matrix)
    static let powerIterations = single("iterations", "n_{\\mathrm{iter}}", "iterations of the power method")
    static let spectrumError = single(
        "spectrum_error", "\\delta\\lambda", "difference from the largest eigenvalue of the dense matrix of F")
    static let alphaCGrowth = single(
        "alpha_c_growth", "\\alpha_c",
        "alpha_c by bisection on the growth of a small overlap under state evolution", byDefault: false)
    static let stability = single(
        "stability", "r", "alpha times the top eigenvalue of F_perp at first_overlap: the rest grows above 1")
    static let localThreshold = single(
        "local_threshold", "\\alpha_2(a)", "the alpha at which it would be 1 with that overlap held")
    static let stabilityGrowth = single(
        "stability_growth", "r", "the same by one step of state evolution", byDefault: false)
    static let alpha2 = single(
        "alpha_2", "\\alpha_2",
        "where the rest begins to be learned: alpha_2 of phase_parity, alpha_spec of committee3", byDefault: false)
    static let alpha2Growth = single(
        "alpha_2_growth", "\\alpha_2", "the same by bisection on growth under state evolution", byDefault: false)

    /// What simulation and theory share.
    static let shared: [Observable] = [.M, .Q, .C, .overlap, .firstOverlap, .secondOverlap, .testError]
    /// What both put at their end.
    static let ends: [Observable] = [.iterations, .residual, .converged]
    static let recovery: [Observable] = [
        .difficulty, .trivialDimension, .alphaC, .topEigenvalue, .eigenvector, .powerIterations, .spectrumError,
        .alphaCGrowth, .firstOverlap.recorded(inTime: false), .stability, .localThreshold, .stabilityGrowth, .alpha2,
        .alpha2Growth,
    ]

    /// One number a task.
    private static func single(_ name: String, _ symbol: String, _ text: String, byDefault: Bool = true) -> Observable {
        Observable(name, symbol: symbol, text, inTime: false, byDefault: byDefault)
    }
}

extension ObservationSink {
    /// Puts what simulation and theory share, but for errors. M is any p x p matrix, Q and C are symmetric.
    mutating func put(M: [Double], Q: [Double], C: [Double], _ link: Link) throws {
        try put(.M, padded(M))
        try put(.Q, padded(Q))
        try put(.C, padded(C))
        let overlaps = Overlaps(M, link)
        put(.overlap, overlaps.all)
        put(.firstOverlap, overlaps.first)
        put(.secondOverlap, overlaps.second)
    }

    mutating func put(iterations: Int, residual: Double, isConverged: Bool) {
        put(.iterations, Double(iterations))
        put(.residual, residual)
        put(.converged, isConverged ? 1 : 0)
    }
}

/// A square matrix in the upper left of 3 x 3, NaN beyond.
func padded(_ a: [Double]) -> [Double] {
    let p = Int(Double(a.count).squareRoot())
    return (0..<9).map { $0 / 3 < p && $0 % 3 < p ? a[$0 / 3 * p + $0 % 3] : .nan }
}

/// Overlaps up to the symmetries of a link (33).
package struct Overlaps: Sendable {
    package let all, first, second: Double

    package init(_ M: [Double], _ link: Link) {
        switch link {
        case .committee3:
            let first = M.reduce(0, +) / 3
            let permutations = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
            // The labels fix the common sign, and no sign alone can change: permutations are all symmetries.
            let trace = permutations.map { order in (0..<3).reduce(0) { $0 + M[3 * $1 + order[$1]] } }.max() ?? 0
            (self.all, self.first, second) = (trace / 3, first, (trace - first) / 2)
        case .phaseParity:
            let block = 0.5 * max(abs(M[4]) + abs(M[8]), abs(M[5]) + abs(M[7]))
            (all, first, second) = ((abs(M[0]) + 2 * block) / 3, abs(M[0]), block)
        default:
            all = 0.5 * max(abs(M[0]) + abs(M[3]), abs(M[1]) + abs(M[2]))
            (first, second) = (all, .nan)
        }
    }
}
