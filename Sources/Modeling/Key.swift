/// A parameter of a model, declared once: its name, symbol, spellings, type, range, default and meaning. A model reads
/// its value at a point with ``Reader/subscript(_:)``; which axes a method has, what its cost depends on and what a task
/// is called follow from these reads, and nothing else lists them.
///
///     static let noise = Key<Double>("noise", symbol: "Delta", in: .nonNegative, default: 0, "variance of the label noise")
///         .or("noise_std", "its square root") { $0 * $0 }
///
/// A key without `default` and `derived` is required by every method that reads it.
public struct Key<Value: Sendable>: Sendable {
    /// One reference, since keys are handed on with every read.
    @usableFromInline let form: KeyForm<Value>

    /// What the engine sees of it.
    @inlinable public var spec: ParameterSpec { form.spec }
    /// The name in job and result files.
    @inlinable public var name: String { form.spec.name }

    init(
        spec: ParameterSpec, others: [AlternativeForm<Value>] = [], defaultValue: Value?,
        decode: @escaping @Sendable (ParameterValue) -> Value?, encode: @escaping @Sendable (Value) -> ParameterValue
    ) {
        form = KeyForm(spec, others, defaultValue, decode, encode)
    }
}

/// What a key is made of.
@usableFromInline
final class KeyForm<Value: Sendable>: Sendable {
    @usableFromInline let spec: ParameterSpec
    /// Other parameters that give the same value.
    @usableFromInline let others: [AlternativeForm<Value>]
    /// The value of a plain default.
    @usableFromInline let defaultValue: Value?
    @usableFromInline let decode: @Sendable (ParameterValue) -> Value?
    @usableFromInline let encode: @Sendable (Value) -> ParameterValue

    init(
        _ spec: ParameterSpec, _ others: [AlternativeForm<Value>], _ defaultValue: Value?,
        _ decode: @escaping @Sendable (ParameterValue) -> Value?,
        _ encode: @escaping @Sendable (Value) -> ParameterValue
    ) {
        self.spec = spec
        self.others = others
        self.defaultValue = defaultValue
        self.decode = decode
        self.encode = encode
    }
}

/// Another way to give the value of a key: a parameter of its own, and what it means for the key.
@usableFromInline
struct AlternativeForm<Value: Sendable>: Sendable {
    @usableFromInline let spec: ParameterSpec
    @usableFromInline let convert: @Sendable (ParameterValue) -> Value?
}

/// A ``Key`` of any type, as a model lists them.
public protocol ParameterKey: Sendable {
    /// The key's own parameter, and those that stand in place of it.
    var specs: [ParameterSpec] { get }
}

extension Key: ParameterKey {
    /// The key's own parameter, and those that stand in place of it.
    public var specs: [ParameterSpec] { [spec] + form.others.map(\.spec) }
}

extension DefaultValue {
    /// A plain default, a derived one (the text says how), or none.
    fileprivate init(_ value: ParameterValue?, _ derived: String?) {
        if let value { self = .value(value) } else if let derived { self = .derived(derived) } else { self = .required }
    }
}

extension Key where Value == Int {
    /// A whole number.
    ///
    /// - Parameters:
    ///   - range: the values with which the methods work.
    ///   - value: what it is when the job does not give it.
    ///   - derived: how the model works it out then (``Reader/read(_:or:)``).
    ///   - typical: a usual value, for starter jobs.
    public init(
        _ name: String, symbol: String? = nil, aliases: [String] = [], in range: ClosedRange<Int>,
        default value: Int? = nil, derived: String? = nil, typical: Int? = nil, units: String = "1", _ summary: String
    ) {
        self.init(
            spec: ParameterSpec(
                name, symbol: symbol, aliases: aliases, kind: .integer(range),
                default: DefaultValue(value.map(ParameterValue.integer), derived),
                typical: typical.map(ParameterValue.integer), units: units, summary),
            defaultValue: value,
            decode: { if case .integer(let number) = $0 { number } else { nil } }, encode: ParameterValue.integer)
    }
}

extension Key where Value == Double {
    /// A real number; arguments as of whole numbers.
    public init(
        _ name: String, symbol: String? = nil, aliases: [String] = [], in range: RealRange,
        default value: Double? = nil, derived: String? = nil, typical: Double? = nil, units: String = "1",
        _ summary: String
    ) {
        self.init(
            spec: ParameterSpec(
                name, symbol: symbol, aliases: aliases, kind: .real(range),
                default: DefaultValue(value.map(ParameterValue.real), derived),
                typical: typical.map(ParameterValue.real), units: units, summary),
            defaultValue: value, decode: \.number, encode: ParameterValue.real)
    }

    /// The same key, which may also be given as `name`: `convert` makes the key's value of it. Giving both is an error.
    ///
    /// - Parameter range: of `name`; the key's own when nil.
    public func or(
        _ name: String, symbol: String? = nil, aliases: [String] = [], in range: RealRange? = nil, _ summary: String,
        convert: @escaping @Sendable (Double) -> Double
    ) -> Key {
        let kind = range.map(ParameterKind.real) ?? spec.kind
        let other = ParameterSpec(
            name, symbol: symbol, aliases: aliases, kind: kind, default: .derived("not used"), units: spec.units,
            "\(summary), in place of \(spec.name)")
        return Key(
            spec: spec, others: form.others + [AlternativeForm(spec: other) { $0.number.map(convert) }],
            defaultValue: form.defaultValue, decode: form.decode, encode: form.encode)
    }
}

extension Key where Value == Bool {
    /// A yes or no.
    public init(_ name: String, symbol: String? = nil, aliases: [String] = [], default value: Bool, _ summary: String) {
        self.init(
            spec: ParameterSpec(
                name, symbol: symbol, aliases: aliases, kind: .flag, default: .value(.flag(value)), summary),
            defaultValue: value,
            decode: { if case .flag(let flag) = $0 { flag } else { nil } }, encode: ParameterValue.flag)
    }
}

extension Key where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One of the cases of a string enumeration.
    public init(
        _ name: String, symbol: String? = nil, aliases: [String] = [], default value: Value? = nil,
        derived: String? = nil, typical: Value? = nil, _ summary: String
    ) {
        self.init(
            spec: ParameterSpec(
                name, symbol: symbol, aliases: aliases, kind: .choice(Value.allCases.map(\.rawValue)),
                default: DefaultValue(value.map { .text($0.rawValue) }, derived),
                typical: typical.map { .text($0.rawValue) }, summary),
            defaultValue: value,
            decode: { if case .text(let name) = $0 { Value(rawValue: name) } else { nil } },
            encode: { .text($0.rawValue) })
    }
}

extension Key where Value == ArrayValue {
    /// An array of numbers with so many dimensions, which the model works out when the job does not give it.
    public init(
        _ name: String, symbol: String? = nil, aliases: [String] = [], dimensions: ClosedRange<Int>, derived: String,
        units: String = "1", _ summary: String
    ) {
        self.init(
            spec: ParameterSpec(
                name, symbol: symbol, aliases: aliases, kind: .array(dimensions: dimensions),
                default: .derived(derived), units: units, summary),
            defaultValue: nil,
            decode: { if case .array(let array) = $0 { array } else { nil } }, encode: ParameterValue.array)
    }
}

extension ParameterValue {
    /// A number as a real one; nil for texts, flags and arrays.
    public var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .real(let value): value
        case .text, .flag, .array: nil
        }
    }
}

/// Several parameters that say the same thing, of which a job gives one: alpha or n, rho or rank.
public struct OneOf: Sendable {
    /// What they give, for messages: "the number of samples".
    let what: String
    let specs: [ParameterSpec]

    /// - Parameters:
    ///   - what: what they give, for messages: "the number of samples".
    ///   - keys: those of which one is given.
    public init(_ what: String, _ keys: any ParameterKey...) {
        self.what = what
        specs = keys.flatMap(\.specs)
    }
}
