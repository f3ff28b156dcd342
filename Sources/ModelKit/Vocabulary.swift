import Modeling

// The parameters that mean the same in every model: one name, one symbol, one set of spellings. A model says what is
// special to it: the range in which it works, the default, and what the thing is there.

extension Key where Value == Int {
    /// The dimension of a token, or of a vector.
    public static func d(
        in range: ClosedRange<Int>, default value: Int? = nil, derived: String? = nil, typical: Int? = 1000,
        _ summary: String
    ) -> Key {
        Key(
            "d", aliases: ["dim", "token_dim"], in: range, default: value, derived: derived, typical: typical, summary)
    }

    /// The sequence length.
    public static func L(
        in range: ClosedRange<Int>, default value: Int? = nil, derived: String? = nil, typical: Int? = 2,
        _ summary: String = "sequence length, in tokens"
    ) -> Key {
        Key("L", aliases: ["seq_len"], in: range, default: value, derived: derived, typical: typical, summary)
    }

    /// The number of samples.
    public static func n(
        in range: ClosedRange<Int> = 1...1_000_000_000_000, default value: Int? = nil, derived: String? = nil,
        _ summary: String = "number of samples, in place of alpha"
    ) -> Key { Key("n", in: range, default: value, derived: derived, summary) }

    /// Samples a step.
    public static func batchSize(
        in range: ClosedRange<Int> = 1...1_000_000, default value: Int? = nil, derived: String? = nil, _ summary: String
    ) -> Key {
        Key("batch_size", symbol: "B", aliases: ["batch"], in: range, default: value, derived: derived, summary)
    }

    /// Independent starts on one data set.
    public static func runs(in range: ClosedRange<Int>, symbol: String = "B", _ summary: String) -> Key {
        Key("runs", symbol: symbol, aliases: ["n_replicas"], in: range, default: 1, summary)
    }

    /// Samples of a test set.
    public static func testSize(
        in range: ClosedRange<Int> = 1...1_000_000_000, default value: Int? = nil, derived: String? = nil,
        _ summary: String
    ) -> Key { Key("test_size", in: range, default: value, derived: derived, summary) }

    /// Monte Carlo samples of a theory.
    public static func mcSamples(
        in range: ClosedRange<Int> = 64...100_000_000, default value: Int? = nil, derived: String? = nil,
        _ summary: String
    ) -> Key {
        Key("mc_samples", symbol: "N", aliases: ["mc"], in: range, default: value, derived: derived, summary)
    }

    /// The most iterations of a fixed point.
    public static func maxIterations(
        in range: ClosedRange<Int> = 1...10_000_000, default value: Int? = nil, derived: String? = nil,
        _ summary: String
    ) -> Key { Key("max_iterations", aliases: ["max_iter"], in: range, default: value, derived: derived, summary) }
}

extension Key where Value == Double {
    /// Samples per dimension; `summary` says of what.
    public static func alpha(
        in range: RealRange = .positive, default value: Double? = nil, derived: String? = nil, typical: Double? = 1,
        _ summary: String
    ) -> Key {
        Key(
            "alpha", symbol: "\\alpha", in: range, default: value, derived: derived, typical: typical, summary)
    }

    /// The step of descent; `symbol` is that of the model's page.
    public static func stepSize(
        symbol: String, aliases: [String] = [], in range: RealRange = .positive, default value: Double? = nil,
        derived: String? = nil, typical: Double? = 0.1, _ summary: String
    ) -> Key {
        Key(
            "step_size", symbol: symbol, aliases: aliases, in: range, default: value, derived: derived,
            typical: typical, summary)
    }

    /// The variance of the label noise, which may also be given as its root, `noise_std`.
    ///
    /// - Parameter deviation: further spellings of `noise_std`, such as the symbol of the model's page.
    public static func noise(
        symbol: String, aliases: [String] = [], in range: RealRange = .nonNegative, default value: Double? = 0,
        deviation: [String] = [], _ summary: String = "variance of the label noise"
    ) -> Key {
        Key("noise", symbol: symbol, aliases: aliases, in: range, default: value, summary)
            .or(
                "noise_std", symbol: "sqrt(\(symbol))", aliases: deviation, in: RealRange(0, 1e150),
                "standard deviation of the label noise"
            ) { $0 * $0 }
    }

    /// The scale of the start; `summary` says of what.
    public static func initScale(
        symbol: String, aliases: [String] = [], in range: RealRange, default value: Double? = nil,
        derived: String? = nil, _ summary: String
    ) -> Key {
        Key("init_scale", symbol: symbol, aliases: aliases, in: range, default: value, derived: derived, summary)
    }

    /// The weight of the old value in an iteration.
    public static func damping(
        symbol: String = "\\delta", default value: Double? = 0, derived: String? = nil, _ summary: String
    ) -> Key {
        Key(
            "damping", symbol: symbol, in: RealRange(0, 1, includesUpper: false), default: value, derived: derived,
            summary)
    }

    /// Where an iteration ends.
    public static func tolerance(default value: Double? = nil, derived: String? = nil, _ summary: String) -> Key {
        Key("tolerance", aliases: ["tol"], in: .nonNegative, default: value, derived: derived, summary)
    }
}
