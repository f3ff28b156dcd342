/// What a model says of one parameter, without its Swift type: enough to check a job file and to explain it in
/// `dynsweep models NAME`. A model declares a ``Key``; this is what the engine sees of it.
public struct ParameterSpec: Sendable {
    /// The name in job and result files (snake_case, or a canonical capital such as `L`).
    public let name: String
    /// The symbol of the model's page (`gamma`, `Delta`); accepted in job files as an alias and stored with the variable.
    public let symbol: String
    /// Further accepted spellings.
    public let aliases: [String]
    /// The values it can take.
    public let kind: ParameterKind
    /// What it is when the job does not give it.
    public let defaultValue: DefaultValue
    /// A usual value of a required parameter, for starter jobs.
    public let typical: ParameterValue?
    /// UDUNITS-style units, "1" for a pure number.
    public let units: String
    /// One line: what it is and its normalisation.
    public let summary: String

    /// A parameter; arguments as the properties. The symbol is the name when none is given.
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
    /// A whole number in a range.
    case integer(ClosedRange<Int>)
    /// A real number in a range.
    case real(RealRange)
    /// One of these words.
    case choice([String])
    /// True or false.
    case flag
    /// Nested lists of numbers with this many dimensions.
    case array(dimensions: ClosedRange<Int>)
}

/// What a parameter is when the job does not give it.
public enum DefaultValue: Sendable, Hashable {
    /// None: what reads the parameter needs it given.
    case required
    /// The same at all points.
    case value(ParameterValue)
    /// The model works it out from the other parameters; the text says how (`1/sqrt(d)`).
    case derived(String)
}
