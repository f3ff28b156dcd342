import Foundation
import ModelKit
import Modeling
import Numerics

package enum Keys {
    static let d = Key.d(
        in: 1...100_000, derived: "needed by simulations", typical: 50,
        "input dimension; theory may do with kappa and alpha alone, and else takes the ratios of these sizes")
    static let kappa = Key<Double>(
        "kappa", in: MatrixKeys.ratios, derived: "width/d", typical: 0.5,
        "hidden units of the target per input dimension, width = round(kappa d)")
    static let width = Key<Int>(
        "width", symbol: "m", in: 1...10_000_000, derived: "round(kappa d), with d",
        "hidden units of the target, S* = W*^T W*/m, in place of kappa")
    static let samples = SampleKeys(entries: "d^2", bar: "n/(m d) = alpha/kappa")
    static let noise = Key.noise(
        symbol: "Delta0", aliases: ["delta0"],
        "variance of the Gaussian added to every hidden pre-activation of the target. Bayes, amp and langevin know it; gd fits "
            + "labels whose mean it raises to 1 + noise")
    static let studentWidth = Key<Int>(
        "student_width", symbol: "m_s", aliases: ["m_student"], in: 1...10_000_000, derived: "width",
        "gd, langevin: hidden units of the student, S = W^T W/student_width")
    static let stepSize = Key.stepSize(
        symbol: "eta",
        derived: "gd: 0.1; adam, adamw, langevin: 0.01; gd, langevin: at most half of the bound of stability",
        "step on the loss (1/4) sum_i (yhat_i - y_i)^2 of outputs sqrt(m) x^T S x/d (langevin: on minus the log posterior). "
            + "Plain descent needs step_size < 1/(alpha d (1 + noise)), langevin < noise (2 + noise)/(alpha d)")
    static let damping = MatrixKeys.damping(default: 0.4, "undamped iterations end in a cycle")
    static let outliers = Key<SymmetricDenoiser.Outliers>(
        "outliers", default: .edge,
        "amp: eigenvalues of the noisy matrix beyond the ends of its spectrum are denoised as one at the end (edge), or along "
            + "the continuation (branch, the paper's). A single sample makes such eigenvalues when alpha d is below some 15; "
            + "with branch the iteration then diverges")
    static let tolerance = MatrixKeys.tolerance(default: 1e-6, "|S_new - S|^2/d")

    static let all: [any ParameterKey] =
        [d, kappa, width] + samples.all
        + [
            noise, studentWidth, MatrixKeys.runs, MatrixKeys.optimizer, stepSize, MatrixKeys.initScale,
            MatrixKeys.weightDecay, MatrixKeys.stopError, MatrixKeys.burnIn, damping, MatrixKeys.precision, outliers,
            tolerance,
        ]
}

/// The sizes of a simulation.
package struct Sizes: Sendable, Hashable {
    /// d.
    package let dimension: Int
    /// m, hidden units of the target.
    package let width: Int
    /// n.
    package let samples: Int
}

/// One grid point of the model, checked, with all derived defaults worked out. Ratios are those of the whole numbers where
/// d is given.
public struct Parameters: ModelParameters {
    /// Of simulations; zeros where theory has ratios alone.
    package let sizes: Sizes
    /// m/d > 0.
    package let kappa: Double
    /// n/d^2 > 0; 1 where nothing depends on it.
    package let alpha: Double
    /// Delta_0 >= 0.
    package let noise: Double
    /// B, of sampling.
    package let runs: Int
    /// m_s, of gd and langevin.
    package let studentWidth: Int
    /// Of gd and langevin.
    package let descent: DescentSettings
    /// Of amp.
    package let passing: PassingSettings
    /// Of amp: what becomes of eigenvalues beyond the spectrum.
    package let outliers: SymmetricDenoiser.Outliers

    public init(_ point: Reader, method: Method) throws {
        let d = try method.isSimulation ? point[Keys.d] : point.given(Keys.d)
        try point.check(OneOf("the number of hidden units", Keys.kappa, Keys.width), isNeeded: true)
        if d == nil { try point.refuse(Keys.width, without: "d") }
        let width = try d.map { try point.whole(Keys.width, or: point[Keys.kappa] * Double($0)) } ?? 0
        let kappa = try d.map { Double(width) / Double($0) } ?? point[Keys.kappa]
        let samples: (n: Int?, alpha: Double) =
            try method == .thresholds
            ? (nil, 1) : point.samples(Keys.samples, entries: d.map { Double($0) * Double($0) }) { kappa }
        (self.kappa, alpha) = (kappa, samples.alpha)
        let sizes = Sizes(dimension: d ?? 0, width: width, samples: samples.n ?? 0)
        let noise = try point[Keys.noise]
        (self.sizes, self.noise) = (sizes, noise)
        if method == .langevin, noise <= 0 {
            throw ModelError.parameter(
                Keys.noise, "must be positive for langevin: without noise the posterior has no density")
        }
        runs = try method == .sampling ? point[MatrixKeys.runs] : 1
        let isDescent = method == .gd || method == .langevin
        let studentWidth = try isDescent ? point.read(Keys.studentWidth, or: width) : 0
        self.studentWidth = studentWidth
        descent =
            try isDescent
            ? DescentSettings(point, isLangevin: method == .langevin) { kind, initScale in
                let bound = StepBound(sizes, noise: noise, studentWidth: studentWidth, initScale: initScale, kind)
                return try bound.stepSize(point)
            } : .unused
        passing =
            try method == .amp
            ? PassingSettings(point, damping: Keys.damping, tolerance: Keys.tolerance) : .unused
        outliers = try method == .amp ? point[Keys.outliers] : .edge
    }

    package var prior: WishartPrior { WishartPrior(kappa: kappa) }
    /// n/(m d).
    package var alphaBar: Double { alpha / kappa }
}

/// The step from which plain steps along the gradient cannot settle at the target (20); Adam's can.
///
/// Along W -> c W the loss depends on the trace alone: with u = tr S/d, u* that of the labels and a = step_size alpha d m/m_s,
/// a step takes u to u (1 - a (u - u*))^2. Its fixed point u* is stable for a u* < 1, and a start above u* + 2/a never comes
/// back. (Langevin has the prior's u* = 1, and a gradient larger by 1/(Delta_0 (2 + Delta_0)).)
package struct StepBound: Sendable {
    /// Infinite for Adam.
    package let value: Double
    /// The formula, for messages.
    package let formula: String
    private let kind: FactorStepRule.Kind

    package init(_ sizes: Sizes, noise: Double, studentWidth: Int, initScale: Double, _ kind: FactorStepRule.Kind) {
        self.kind = kind
        let isLangevin = kind == .langevin
        let d = Double(sizes.dimension)
        var slope = Double(sizes.samples) / d * Double(sizes.width) / Double(studentWidth)
        if isLangevin { slope /= noise * (2 + noise) }
        let last = isLangevin ? 1 : 1 + noise
        let first = initScale * initScale
        let stable = 1 / (slope * last)
        let basin = first > last ? 2 / (slope * (first - last)) : .infinity
        value = isLangevin || kind == .optimizer(.gd) ? min(stable, basin) : .infinity
        let ratio = studentWidth == sizes.width ? "alpha d" : "alpha d width/student_width"
        let stretch = isLangevin ? "noise (2 + noise)" : "1"
        formula =
            basin < stable
            ? "2 \(stretch)/(\(ratio) (init_scale^2 - \(isLangevin || noise == 0 ? "1" : "1 - noise")))"
            : "\(stretch)/(\(ratio)\(isLangevin || noise == 0 ? "" : " (1 + noise)"))"
    }

    /// The step of a point: by default at most half of the bound.
    func stepSize(_ point: Reader) throws -> Double {
        let usual = kind == .optimizer(.gd) ? 0.1 : 0.01
        let step = try point.read(Keys.stepSize, or: min(usual, 0.5 * value))
        guard step >= value else { return step }
        throw ModelError.parameter(
            Keys.stepSize,
            "\(step) is not below the bound of stability \(formula) = \(String(format: "%.4g", value)): steps from there on "
                + "diverge along the trace of S; choose at most about half of the bound, or "
                + (kind == .langevin ? "leave it out" : "leave it out, or take optimizer adam"))
    }
}
