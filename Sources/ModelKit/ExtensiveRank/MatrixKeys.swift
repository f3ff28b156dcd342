import Modeling

/// The parameters of learning a matrix of extensive rank that are the same whatever the matrix is. Each model adds its own
/// sizes, sample ratio, step size, damping and tolerance.
public enum MatrixKeys {
    /// The range of ratios of sizes, above 0 to 1e9.
    public static let ratios = RealRange(0, 1e9, includesLower: false)

    /// B, 1 to 4096: starts, chains or samples that are averaged; 1 by default.
    public static let runs = Key.runs(
        in: 1...4096,
        "gd, langevin: independent starts on the same data, averaged as matrices S (averaged GD); sampling: samples")
    /// How gd makes a step of its gradient.
    public static let optimizer = Key<FactorOptimizer>(
        "optimizer", default: .gd,
        "gd: plain full-batch steps (gd), or Adam (adam, adamw) with beta 0.9, 0.999 and eps 1e-8")
    /// sigma > 0, the standard deviation of the factors' entries at the start; 1, that of the prior, by default.
    public static let initScale = Key.initScale(
        symbol: "sigma", in: .positive, default: 1,
        "gd, langevin: standard deviation of the entries of the factors at the start; 1 is the prior")
    /// wd >= 0, what gd adds of the factors to their gradient; 0 by default.
    public static let weightDecay = Key<Double>(
        "weight_decay", symbol: "wd", in: .nonNegative, default: 0,
        "gd: so many times the factors are added to their gradient; with adamw they decay by step_size weight_decay a step"
    )
    /// The training error of every run below which gd takes no further step; 0: never.
    public static let stopError = Key<Double>(
        "stop_error", in: .nonNegative, default: 1e-9,
        "gd: steps end, and the rest of the recording times repeats, once train_error of every run is below")
    /// Steps of langevin before samples enter the average, up to 1e9.
    public static let burnIn = Key<Int>(
        "burn_in", in: 0...1_000_000_000, default: 500, "langevin: steps before samples enter the average")
    /// Which rule amp finds its precision A by.
    public static let precision = Key<ChannelPrecision>(
        "precision", default: .residual,
        "amp: how s in g = (y - omega)/s and A is found, a being alpha, or 2 alpha for symmetric matrices: from the residuals "
            + "(s = mean (y - omega)^2, A = a/s), as in the papers (empirical: s = Delta + V, A = a mean g^2), or as state "
            + "evolution does (variance: s = Delta + V, A = a/s)")

    /// The weight of the old fields and variance in amp, from 0 to below 1.
    ///
    /// - Parameter why: a reason for the default, at the end of the key's line.
    public static func damping(default value: Double, _ why: String) -> Key<Double> {
        .damping(default: value, "amp: weight of the old fields and variance; \(why)")
    }

    /// The change in an iteration at which amp ends; 0: it iterates on.
    ///
    /// - Parameter norm: of the change, as in `|S_new - S|^2/d`.
    public static func tolerance(default value: Double, _ norm: String) -> Key<Double> {
        .tolerance(default: value, "amp: iterations end once \(norm) is at most this; 0: never")
    }
}

/// The ways to say how many samples there are.
public struct SampleKeys: Sendable {
    /// Per entry of the matrix.
    public let alpha: Key<Double>
    /// Per weight of the target's factors.
    public let alphaBar: Key<Double>
    /// Their number.
    public let n: Key<Int>

    /// - Parameters:
    ///   - entries: the number of entries, as in `d^2`.
    ///   - bar: what alpha_bar is, as in `n/(m d) = alpha/kappa`.
    public init(entries: String, bar: String) {
        alpha = .alpha(
            in: MatrixKeys.ratios, derived: "from alpha_bar or n",
            "samples per entry of the matrix, n = round(alpha \(entries))")
        alphaBar = Key(
            "alpha_bar", symbol: "\\bar{\\alpha}", aliases: ["alphabar"], in: MatrixKeys.ratios, derived: "not used",
            "samples per weight of the target's factors, \(bar), in place of alpha")
        n = .n(derived: "round(alpha \(entries))", "samples, in place of alpha (with d)")
    }

    /// The three keys, for a model's list.
    public var all: [any ParameterKey] { [alpha, alphaBar, n] }
}

extension Reader {
    /// The whole number that the job gives, else the one nearest to `value`, at least 1.
    ///
    /// - Throws: ``ModelError/parameter(_:_:)`` when that would be too large to count with.
    public func whole(_ key: Key<Int>, or value: @autoclosure () throws -> Double) throws -> Int {
        try read(
            key,
            or: {
                let value = try value()
                guard value < 1e15 else {
                    throw ModelError.parameter(key, "would be \(value): choose smaller sizes")
                }
                return max(Int(value.rounded()), 1)
            }())
    }

    /// The number n of samples with `entries` entries of the matrix; without a size, nil and their ratio alpha alone.
    ///
    /// - Parameter barUnit: alpha over alpha_bar, asked for only where the job gives alpha_bar.
    public func samples(
        _ keys: SampleKeys, entries: Double?, barUnit: () throws -> Double
    ) throws -> (n: Int?, alpha: Double) {
        try check(OneOf("the number of samples", keys.alpha, keys.alphaBar, keys.n), isNeeded: true)
        func ratio() throws -> Double { try read(keys.alpha, or: try barUnit() * self[keys.alphaBar]) }
        guard let entries else {
            try refuse(keys.n, without: "d")
            return (nil, try ratio())
        }
        let n = try whole(keys.n, or: try ratio() * entries)
        return (n, Double(n) / entries)
    }

    /// Allows a size only beside another one.
    ///
    /// - Throws: ``ModelError/parameter(_:_:)`` when the job gives `key`, a size, without another one.
    public func refuse(_ key: Key<Int>, without other: String) throws {
        guard isGiven(key) else { return }
        throw ModelError.parameter(key, "is a size and needs \(other); without sizes give ratios")
    }
}
