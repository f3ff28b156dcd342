import ModelKit
import Modeling
import Numerics

package enum Keys {
    static let d = Key.d(
        in: 1...100_000, derived: "needed by simulations", typical: 50,
        "token dimension; theory may do with beta and rho alone, and else takes the ratios of these sizes")
    static let L = Key.L(
        in: 1...100_000, derived: "round(beta d), with d", typical: 50,
        "tokens per sample; the model is symmetric in d and L")
    static let beta = Key<Double>(
        "beta", in: RealRange(1, 1e9), derived: "max(d, L)/min(d, L), else 1",
        "aspect ratio, long side over short side, in place of L")
    static let rho = Key<Double>(
        "rho", in: MatrixKeys.ratios, derived: "rank/min(d, L)", typical: 0.2, "rank of the target over the short side")
    static let rank = Key<Int>(
        "rank", symbol: "r", in: 1...1_000_000, derived: "round(rho min(d, L)), with d",
        "rank of the target matrix S* = U V/sqrt(r), in place of rho")
    static let samples = SampleKeys(entries: "d L", bar: "n/(r (d + L)) = alpha beta/(rho (1 + beta))")
    static let noise = Key.noise(
        symbol: "Delta", aliases: ["delta"], "variance of the label noise; E is without it")
    static let ridge = Key<Double>(
        "ridge", symbol: "lambda", aliases: ["ridge_lambda"], in: .nonNegative, derived: "noise, the best",
        "penalty of ridge: sum of squares + ridge |w|^2")
    static let overlap = Key<Double>(
        "q", in: RealRange(0, 1, includesUpper: false), derived: "the stationary one",
        "bayes: the overlap at which free_entropy is taken")
    static let studentRank = Key<Int>(
        "student_rank", symbol: "r_s", in: 1...1_000_000, derived: "rank",
        "gd, langevin: rank of the student S = U V/sqrt(student_rank)")
    static let stepSize = Key.stepSize(
        symbol: "eta", derived: "gd: 0.1; adam, adamw: 0.001; langevin: 0.01",
        "step on the loss (1/4) sum_i (yhat_i - y_i)^2 (langevin: on minus the log posterior); the published curves of gd are "
            + "those of 0.7")
    static let damping = MatrixKeys.damping(
        default: 0, "without noise near alpha_strong, 0.2 makes more instances recover")
    static let tolerance = MatrixKeys.tolerance(default: 1e-7, "|S_new - S|^2/(d L)")

    static let all: [any ParameterKey] =
        [d, L, beta, rho, rank] + samples.all
        + [
            noise, ridge, overlap, studentRank, MatrixKeys.runs, MatrixKeys.optimizer, stepSize, MatrixKeys.initScale,
            MatrixKeys.weightDecay, MatrixKeys.stopError, MatrixKeys.burnIn, damping, MatrixKeys.precision, tolerance,
        ]
}

/// The sizes of a simulation. Everything is written for the short side as rows: the model is symmetric under
/// transposition, and the law of the data is too.
package struct Sizes: Sendable, Hashable {
    /// m = min(d, L).
    package let short: Int
    /// M = max(d, L).
    package let long: Int
    /// r.
    package let rank: Int
    /// n.
    package let samples: Int

    /// p = d L.
    package var entries: Int { short * long }
}

/// One grid point of the model, checked, with all derived defaults worked out. Ratios are those of the whole numbers where
/// d is given.
public struct Parameters: ModelParameters {
    /// Of simulations; zeros for theory.
    package let sizes: Sizes
    /// M/m >= 1.
    package let beta: Double
    /// r/m > 0.
    package let rho: Double
    /// n/(d L) > 0; 1 where nothing depends on it.
    package let alpha: Double
    /// Delta >= 0.
    package let noise: Double
    /// lambda >= 0, of both ridges.
    package let ridge: Double
    /// q in [0, 1), of bayes, where the free entropy is not to be taken at the solution.
    package let overlap: Double?
    /// B, of sampling.
    package let runs: Int
    /// r_s, of gd and langevin.
    package let studentRank: Int
    /// Of gd and langevin.
    package let descent: DescentSettings
    /// Of amp.
    package let passing: PassingSettings

    public init(_ point: Reader, method: Method) throws {
        let d = try method.isSimulation ? point[Keys.d] : point.given(Keys.d)
        let sides = try d.map { try Self.sides($0, point) }
        func readBeta() throws -> Double {
            if let sides { return Double(sides.long) / Double(sides.short) }
            try point.check(Self.otherSide)
            try point.refuse(Keys.L, without: "d")
            return try point.read(Keys.beta, or: 1)
        }
        func readRank() throws -> (count: Int, rho: Double) {
            try point.check(OneOf("the rank", Keys.rho, Keys.rank), isNeeded: true)
            guard let short = sides?.short else {
                try point.refuse(Keys.rank, without: "d")
                return (0, try point[Keys.rho])
            }
            let rank = try point.whole(Keys.rank, or: point[Keys.rho] * Double(short))
            return (rank, Double(rank) / Double(short))
        }
        // Ridge regression at infinite size knows no matrix, unless alpha is given by one.
        let shape: (beta: Double, rank: (count: Int, rho: Double)) =
            try method == .ridgeTheory ? (beta: 1, rank: (count: 0, rho: 1)) : (readBeta(), readRank())
        (beta, rho) = (shape.beta, shape.rank.rho)
        func barUnit() throws -> Double {
            let (beta, rho) = (try readBeta(), try readRank().rho)
            return rho * (1 + beta) / beta
        }
        let entries = sides.map { Double($0.short) * Double($0.long) }
        let samples: (n: Int?, alpha: Double) =
            try method == .thresholds ? (nil, 1) : point.samples(Keys.samples, entries: entries, barUnit: barUnit)
        alpha = samples.alpha
        sizes = Sizes(
            short: sides?.short ?? 0, long: sides?.long ?? 0, rank: shape.rank.count, samples: samples.n ?? 0)
        noise = try point[Keys.noise]
        if method == .langevin, noise <= 0 {
            throw ModelError.parameter(
                Keys.noise, "must be positive for langevin: without noise the posterior has no density")
        }
        let isRidge = method == .ridge || method == .ridgeTheory
        ridge = isRidge ? try point.read(Keys.ridge, or: noise) : noise
        overlap = try method == .bayes ? point.given(Keys.overlap) : nil
        runs = try method == .sampling ? point[MatrixKeys.runs] : 1
        let isDescent = method == .gd || method == .langevin
        studentRank = try isDescent ? point.read(Keys.studentRank, or: sizes.rank) : 0
        descent =
            try isDescent
            ? DescentSettings(point, isLangevin: method == .langevin) { kind, _ in
                try point.read(
                    Keys.stepSize, or: kind == .langevin ? 0.01 : kind == .optimizer(.gd) ? 0.1 : 0.001)
            } : .unused
        passing =
            try method == .amp
            ? PassingSettings(point, damping: Keys.damping, tolerance: Keys.tolerance) : .unused
    }

    private static let otherSide = OneOf("the other side of the matrix", Keys.L, Keys.beta)

    private static func sides(_ d: Int, _ point: Reader) throws -> (short: Int, long: Int) {
        try point.check(otherSide)
        let L = try point.whole(Keys.L, or: point.read(Keys.beta, or: 1) * Double(d))
        return (min(d, L), max(d, L))
    }

    package var prior: RectangularPrior { RectangularPrior(beta: beta, rho: rho) }
    /// n/(r (d + L)).
    package var alphaBar: Double { alpha * beta / (rho * (1 + beta)) }
}
