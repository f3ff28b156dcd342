/// What a model says of one parameter: enough to check a job file and to explain it in `dynsweep models NAME`.
public struct ParameterSpec: Sendable {
    /// The name in job and result files (snake_case, or a canonical capital such as `L`).
    public let name: String
    /// The sheet's own symbol (`gamma`, `Delta`); accepted in job files as an alias and stored with the variable.
    public let symbol: String
    /// Further accepted spellings.
    public let aliases: [String]
    public let kind: ParameterKind
    public let defaultValue: DefaultValue
    /// A usual value of a required parameter: shown to users, and what methods that do not depend on it decode when the
    /// job leaves it out.
    public let typical: ParameterValue?
    /// UDUNITS-style units, "1" for a pure number.
    public let units: String
    /// One line: what it is and its normalisation.
    public let summary: String

    public init(
        _ name: String, symbol: String? = nil, aliases: [String] = [], kind: ParameterKind, default: DefaultValue,
        typical: ParameterValue? = nil, units: String = "1", _ summary: String
    ) {
        self.name = name
        self.symbol = symbol ?? name
        self.aliases = aliases
        self.kind = kind
        self.defaultValue = `default`
        self.typical = typical
        self.units = units
        self.summary = summary
    }
}

/// The values a parameter can take.
public enum ParameterKind: Sendable, Hashable {
    case integer(ClosedRange<Int>)
    case real(RealRange)
    case choice([String])
    case flag
    /// Nested lists of numbers with this many dimensions.
    case array(dimensions: ClosedRange<Int>)
}

/// An interval of reals, either end open or closed.
public struct RealRange: Sendable, Hashable {
    public let lower: Double
    public let upper: Double
    public let includesLower: Bool
    public let includesUpper: Bool

    public init(_ lower: Double, _ upper: Double, includesLower: Bool = true, includesUpper: Bool = true) {
        self.lower = lower
        self.upper = upper
        self.includesLower = includesLower
        self.includesUpper = includesUpper
    }

    public static let any = RealRange(-.infinity, .infinity, includesLower: false, includesUpper: false)
    public static let positive = RealRange(0, .infinity, includesLower: false, includesUpper: false)
    public static let nonNegative = RealRange(0, .infinity, includesUpper: false)

    public func contains(_ value: Double) -> Bool {
        (includesLower ? value >= lower : value > lower) && (includesUpper ? value <= upper : value < upper)
    }
}

/// What a parameter is when the job does not give it.
public enum DefaultValue: Sendable, Hashable {
    case required
    case value(ParameterValue)
    /// The model works it out from the other parameters; the text says how (`1/sqrt(d)`).
    case derived(String)
}

/// A condition that ties several parameters (a target that needs L >= 3). It is checked on the sub-grid of just these
/// parameters before any rank starts work.
public struct Constraint: Sendable {
    public let parameters: [String]
    /// Nil when the values agree; else what is wrong and what to do, without the parameters' positions.
    public let violation: @Sendable (ParameterPoint) -> String?

    public init(_ parameters: [String], violation: @escaping @Sendable (ParameterPoint) -> String?) {
        self.parameters = parameters
        self.violation = violation
    }
}
