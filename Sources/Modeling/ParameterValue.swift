/// The value of one parameter at one grid point. Integers and reals are distinct kinds: the job file's `4` becomes
/// `.integer` or `.real` by the parameter's specification, so that a value has one canonical form.
public enum ParameterValue: Sendable, Hashable {
    case integer(Int)
    case real(Double)
    case text(String)
    case flag(Bool)
    case array(ArrayValue)
}

/// A rectangular array given in the job file as nested lists (`M0: {value: [[0.3, -0.1], [0, 0.2]]}`), row-major.
public struct ArrayValue: Sendable, Hashable {
    public let shape: [Int]
    public let elements: [Double]

    public init(shape: [Int], elements: [Double]) {
        self.shape = shape
        self.elements = elements
    }
}

/// The parameters of one method at one grid point, defaults filled in. A parameter whose default is
/// ``DefaultValue/derived(_:)`` and which the job does not give is absent.
public struct ParameterPoint: Sendable, Hashable {
    public private(set) var values: [String: ParameterValue]

    public init(_ values: [String: ParameterValue] = [:]) { self.values = values }

    public subscript(name: String) -> ParameterValue? {
        get { values[name] }
        set { values[name] = newValue }
    }

    /// The integer parameter `name`; throws ``ModelError/parameter(_:_:)`` when it is absent or of another kind.
    public func integer(_ name: String) throws -> Int {
        guard case .integer(let value)? = values[name] else { throw missing(name, "an integer") }
        return value
    }

    /// The real parameter `name`.
    public func real(_ name: String) throws -> Double {
        guard let value = try realIfGiven(name) else { throw missing(name, "a number") }
        return value
    }

    /// The real parameter `name`, or nil when the job leaves it to the model.
    public func realIfGiven(_ name: String) throws -> Double? {
        switch values[name] {
        case nil: return nil
        case .real(let value)?: return value
        case .integer(let value)?: return Double(value)
        default: throw missing(name, "a number")
        }
    }

    /// The text parameter `name` (one of its choices).
    public func text(_ name: String) throws -> String {
        guard case .text(let value)? = values[name] else { throw missing(name, "a name") }
        return value
    }

    /// The text parameter `name` as a case of a string enumeration.
    public func choice<Choice: RawRepresentable>(_ name: String, as: Choice.Type = Choice.self) throws -> Choice
    where Choice.RawValue == String {
        let raw = try text(name)
        guard let choice = Choice(rawValue: raw) else {
            throw ModelError.parameter(name, "'\(raw)' is not one of the known values")
        }
        return choice
    }

    /// The boolean parameter `name`.
    public func flag(_ name: String) throws -> Bool {
        guard case .flag(let value)? = values[name] else { throw missing(name, "true or false") }
        return value
    }

    /// The array parameter `name`, or nil when the job leaves it to the model.
    public func arrayIfGiven(_ name: String) throws -> ArrayValue? {
        switch values[name] {
        case nil: return nil
        case .array(let value)?: return value
        default: throw missing(name, "an array ({value: [...]})")
        }
    }

    private func missing(_ name: String, _ expected: String) -> ModelError {
        .parameter(name, values[name] == nil ? "is needed and not given (\(expected))" : "must be \(expected)")
    }
}
