/// The value of one parameter at one grid point. Integers and reals are distinct kinds: the job file's `4` becomes
/// `.integer` or `.real` by the parameter's specification, so that a value has one canonical form.
public enum ParameterValue: Sendable, Hashable {
    /// A whole number.
    case integer(Int)
    /// A real number.
    case real(Double)
    /// One word of a choice.
    case text(String)
    /// True or false.
    case flag(Bool)
    /// Numbers in a rectangle.
    case array(ArrayValue)
}

/// A rectangular array given in the job file as nested lists (`M0: {value: [[0.3, -0.1], [0, 0.2]]}`), row-major.
public struct ArrayValue: Sendable, Hashable {
    /// The lengths of its dimensions.
    public let shape: [Int]
    /// The numbers, row-major; as many as the product of ``shape``.
    public let elements: [Double]

    /// An array of that shape.
    public init(shape: [Int], elements: [Double]) {
        self.shape = shape
        self.elements = elements
    }
}

/// The parameters that a job gives a method at one grid point. Defaults are not filled in: a ``Reader`` does that.
public struct ParameterPoint: Sendable, Hashable {
    /// The given values by name.
    public private(set) var values: [String: ParameterValue]

    /// A point at which these values are given.
    public init(_ values: [String: ParameterValue] = [:]) { self.values = values }

    /// The given value of a parameter; nil when it is left to its default.
    public subscript(name: String) -> ParameterValue? {
        get { values[name] }
        set { values[name] = newValue }
    }
}
