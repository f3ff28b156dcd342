import Modeling
import Numerics

extension MultiIndexWeakRecovery {
    private static let matrixDimensions = [
        ExtraDimension("direction", .fixed(3)), ExtraDimension("direction_prime", .fixed(3)),
    ]

    /// What simulation and theory share, with or without a time (sheet, section 8).
    private static func shared(inTime: Bool) -> [ObservableSpec] {
        [
            ObservableSpec(
                "M", symbol: "M", "overlaps W_hat W*^T/d, estimate by teacher (p x p, NaN beyond p)", inTime: inTime,
                dimensions: matrixDimensions),
            ObservableSpec(
                "Q", symbol: "Q", "norms W_hat W_hat^T/d", inTime: inTime, dimensions: matrixDimensions),
            ObservableSpec(
                "C", symbol: "C", "posterior covariance of a coordinate", inTime: inTime, dimensions: matrixDimensions),
            ObservableSpec(
                "overlap", symbol: "m",
                "trace of M/p, largest over the link's symmetries (signs and exchanges of directions)",
                inTime: inTime),
            ObservableSpec(
                "first_overlap", symbol: "m_1",
                "overlap of what is learned first: |M11| of phase_parity, u^T M u of committee3 with u = (1,1,1)/sqrt 3; "
                    + "overlap of sign_product2", inTime: inTime),
            ObservableSpec(
                "second_overlap", symbol: "m_2",
                "overlap of the rest: the block (2, 3) of phase_parity up to symmetry, the differences of committee3; "
                    + "NaN of sign_product2", inTime: inTime),
            ObservableSpec(
                "test_error", symbol: "E_{\\mathrm{test}}",
                "E (y - g(W_hat x/sqrt d))^2/2 on fresh data; twice the probability of error for labels +-1",
                inTime: inTime
            ),
        ]
    }

    private static func end(_ method: String) -> [ObservableSpec] {
        [
            ObservableSpec(
                "iterations", symbol: "n_{\\mathrm{iter}}", "iterations made, at most those to the last recording time",
                inTime: false),
            ObservableSpec(
                "residual", symbol: "\\delta",
                method == "amp"
                    ? "rms change of W_hat in the last iteration, over 1 - damping"
                    : "largest change of M in the last iteration, without damping", inTime: false),
            ObservableSpec(
                "converged", symbol: "1_{\\mathrm{conv}}", "1 when the residual is within tol, else 0", inTime: false),
        ]
    }

    private static let bayes = "E[(y - y_hat)^2]/2 of the Bayes predictor: sign E[y|omega] for +-1, else E[y|omega]"

    static let ampObservables =
        shared(inTime: true) + [
            ObservableSpec(
                "train_error", symbol: "E_{\\mathrm{train}}", "mean of (y - g(W_hat x/sqrt d))^2/2 on the samples"),
            ObservableSpec(
                "m_minus_q", symbol: "|M-Q|", "largest element of |M - Q|: 0 when Bayes consistent, up to 1/sqrt d"),
            ObservableSpec(
                "q_minus_c", symbol: "|Q-(I-C)|", "largest element of |Q - (I - C)|: the same"),
            ObservableSpec("change", symbol: "\\delta", "rms change of W_hat in the last iteration, over 1 - damping"),
        ] + end("amp")

    static let evolutionObservables =
        shared(inTime: true) + [ObservableSpec("bayes_error", symbol: "E_{\\mathrm{Bayes}}", bayes)]
        + end("state-evolution")

    static let fixedPointObservables =
        shared(inTime: false)
        + [ObservableSpec("bayes_error", symbol: "E_{\\mathrm{Bayes}}", bayes, inTime: false)] + end("fixed-point")

    static let recoveryObservables: [ObservableSpec] = {
        func scalar(_ name: String, _ symbol: String, _ text: String, byDefault: Bool = true) -> ObservableSpec {
            ObservableSpec(name, symbol: symbol, text, inTime: false, byDefault: byDefault)
        }
        return [
            ObservableSpec(
                "difficulty", symbol: "\\mathrm{class}",
                "trivial: some direction is learned at any alpha > 0; easy: above alpha_c; hard: never from a cold start",
                inTime: false, codes: ["trivial", "easy", "hard"]),
            scalar("trivial_dimension", "p_0", "dimension of the trivial subspace, the rank of E[m m^T], m = E[z|y]"),
            scalar(
                "alpha_c", "\\alpha_c",
                "weak-recovery threshold of the first directions: 0 when there is a trivial one, infinity when hard"),
            scalar(
                "top_eigenvalue", "\\lambda_1",
                "largest eigenvalue of F(X) = E[G X G], 1/alpha_c; NaN when there is a trivial direction"),
            ObservableSpec(
                "eigenvector", symbol: "X_1",
                "its eigenvector, of trace 1 (one of them when degenerate; NaN when hard or p > 3)", inTime: false,
                dimensions: matrixDimensions),
            scalar("iterations", "n_{\\mathrm{iter}}", "iterations of the power method"),
            scalar(
                "spectrum_error", "\\delta\\lambda",
                "difference from the largest eigenvalue of the dense matrix of F"),
            scalar(
                "alpha_c_growth", "\\alpha_c",
                "alpha_c by bisection on the growth of a small overlap under state evolution", byDefault: false),
            scalar(
                "first_overlap", "m_1",
                "phase_parity, committee3: overlap of what is learned first, given or at alpha; the rest is at 0"),
            scalar("stability", "r", "alpha times the top eigenvalue of F_perp there: the rest grows above 1"),
            scalar(
                "local_threshold", "\\alpha_2(a)", "the alpha at which it would be 1 with that overlap held"),
            scalar("stability_growth", "r", "the same by one step of state evolution", byDefault: false),
            scalar(
                "alpha_2", "\\alpha_2",
                "where the rest begins to be learned: alpha_2 of phase_parity, alpha_spec of committee3",
                byDefault: false
            ),
            scalar(
                "alpha_2_growth", "\\alpha_2", "the same by bisection on growth under state evolution",
                byDefault: false),
        ]
    }()
}

/// Overlaps up to the symmetries of a link (sheet, section 3, "Overlap bookkeeping").
package struct MIWOverlaps: Sendable {
    package let all, first, second: Double

    package init(_ M: [Double], _ link: MIWLink) {
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

    func put(into sink: inout ObservationSink) {
        sink.put("overlap", all)
        sink.put("first_overlap", first)
        sink.put("second_overlap", second)
    }
}

/// A p x p matrix in the upper left of 3 x 3, NaN beyond.
func miwPadded(_ a: [Double], _ p: Int) -> [Double] {
    (0..<9).map { $0 / 3 < p && $0 % 3 < p ? a[$0 / 3 * p + $0 % 3] : .nan }
}
