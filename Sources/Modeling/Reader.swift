/// A grid point as a model reads it. It notes what is read, so that nobody has to say a second time which parameters a
/// method depends on.
///
/// Noted are what the result is a function of, by value (``readings``: the task's name is made of them); what turns the
/// job's time unit into the method's (``clockReadings``: recorded numbers depend on it, the task does not); and every
/// parameter that was looked at (``touched``: the axes of the method). A derived default is a value like any other: what
/// it is computed from is touched, and not part of the name.
///
/// What a model reads may depend on what it has read.
public final class Reader {
    /// One value that the result depends on.
    public struct Reading: Sendable, Hashable {
        /// The parameter's own name, however the job gives it.
        public let name: String
        /// Its value at the point, in canonical form.
        public let value: ParameterValue
        /// Whether the value is the parameter's plain default, written down or not. Such a reading is left out of the
        /// task's name, so that a model may get a further parameter without new names for all its tasks.
        public let isDefault: Bool
    }

    @usableFromInline let point: ParameterPoint
    private let known: Set<String>?
    private let leftOut: Set<String>
    /// Each parameter once, sorted by name.
    public private(set) var readings: [Reading] = []
    /// What was read for the time unit, each parameter once, sorted by name.
    public private(set) var clockReadings: [Reading] = []
    /// Parameters that were looked at, given or not, each once; noted only when the names that the model declares are
    /// known.
    public private(set) var touched: [String] = []

    /// What readings are noted for.
    private enum Purpose {
        case result, derivedDefault, clock
    }
    private var purpose = Purpose.result

    /// - Parameters:
    ///   - point: the given parameters.
    ///   - known: the names that the model declares; reading another one is a mistake of the model. Nil: not checked.
    ///   - leftOut: parameters that the job gives and `point` does not hold, since nothing was thought to depend on them;
    ///     looking at one is an error, never a default.
    public init(_ point: ParameterPoint, known: Set<String>? = nil, leftOut: Set<String> = []) {
        self.point = point
        self.known = known
        self.leftOut = leftOut
    }

    /// The parameter's value at the point: the given one, else the plain default.
    ///
    /// - Throws: ``ModelError/needed(_:)`` when there is neither.
    @inlinable
    public subscript<Value>(_ key: Key<Value>) -> Value {
        get throws {
            guard let value = try value(key) ?? key.form.defaultValue else { throw ModelError.needed(key.name) }
            note(key, value)
            return value
        }
    }

    /// The parameter's value when the job gives it, else nil: for what has no value otherwise. Use
    /// ``read(_:or:)`` for what has a default, so that writing the default down changes nothing.
    @inlinable
    public func given<Value>(_ key: Key<Value>) throws -> Value? {
        guard let value = try value(key) else { return nil }
        note(key, value)
        return value
    }

    /// The parameter's value when the job gives it, else `derived`. What `derived` reads is not part of the task's name.
    public func read<Value>(_ key: Key<Value>, or derived: @autoclosure () throws -> Value) throws -> Value {
        let value = try value(key) ?? reading(for: .derivedDefault, derived)
        note(key, value)
        return value
    }

    /// Whether the job gives the parameter; its value is not looked at.
    public func isGiven<Value>(_ key: Key<Value>) -> Bool {
        for spec in key.specs where isGiven(spec.name) {
            touch(spec.name)
            return true
        }
        return false
    }

    /// Carries out `body`, in which the time unit is worked out.
    func readingClock<Result>(_ body: () throws -> Result) rethrows -> Result { try reading(for: .clock, body) }

    private func reading<Result>(for purpose: Purpose, _ body: () throws -> Result) rethrows -> Result {
        let before = self.purpose
        // Within a derived default nothing is read for its own sake, and within a clock all is the clock's.
        if before == .result { self.purpose = purpose }
        defer { self.purpose = before }
        return try body()
    }

    /// Checks that the job gives one of several parameters, or none of them unless one `isNeeded`.
    ///
    /// - Throws: ``ModelError/parameter(_:_:)`` naming what to leave out, or what to give.
    public func check(_ choice: OneOf, isNeeded: Bool = false) throws {
        let given = choice.specs.filter { isGiven($0.name) }
        for spec in given { touch(spec.name) }
        if given.count > 1 {
            throw ModelError.parameter(
                given[1].name, "stands in place of \(given[0].name) (both give \(choice.what)): give one of them")
        }
        guard given.isEmpty, isNeeded, let first = choice.specs.first else { return }
        let others = choice.specs.dropFirst().map(\.name).joined(separator: " or ")
        throw ModelError.parameter(
            first.name, "is needed" + (others.isEmpty ? "" : ", or \(others) in place of it") + ": \(choice.what)")
    }

    @inlinable
    func value<Value>(_ key: Key<Value>) throws -> Value? {
        let form = key.form
        try look(at: form.spec.name)
        touch(form.spec.name)
        var value: Value?
        if let raw = point[form.spec.name] {
            guard let decoded = form.decode(raw) else { throw wrongKind(form.spec) }
            value = decoded
        }
        return form.others.isEmpty ? value : try alternative(key, value)
    }

    /// The value that another parameter gives in place of a key, else the key's own.
    @inlinable
    func alternative<Value>(_ key: Key<Value>, _ own: Value?) throws -> Value? {
        var name = own == nil ? nil : key.name
        var value = own
        for other in key.form.others {
            try look(at: other.spec.name)
            guard let raw = point[other.spec.name] else { continue }
            touch(other.spec.name)
            if let name {
                throw ModelError.parameter(other.spec.name, "stands in place of \(name): give one of the two")
            }
            guard let converted = other.convert(raw) else { throw wrongKind(other.spec) }
            name = other.spec.name
            value = converted
        }
        return value
    }

    /// Throws when a parameter is none of the model's, or one that the point was made without.
    @usableFromInline
    func look(at name: String) throws {
        if let known, !known.contains(name) {
            throw ModelError.inconsistent("parameter '\(name)' is read and not among the model's keys")
        }
        if !leftOut.isEmpty, leftOut.contains(name) {
            throw ModelError.inconsistent("parameter '\(name)' matters here, and the grid was made without it")
        }
    }

    private func isGiven(_ name: String) -> Bool { point[name] != nil || leftOut.contains(name) }

    @usableFromInline
    func wrongKind(_ spec: ParameterSpec) -> ModelError {
        .parameter(spec.name, "has a value of another kind than it is declared with")
    }

    @usableFromInline
    func touch(_ name: String) {
        guard known != nil else { return }
        if !touched.contains(name) { touched.append(name) }
    }

    @inlinable
    func note<Value>(_ key: Key<Value>, _ value: Value) {
        if isNoted { note(key.form.spec, key.form.encode(value).canonical) }
    }

    /// Whether readings are noted: not within a derived default.
    @usableFromInline var isNoted: Bool { purpose != .derivedDefault }

    @usableFromInline
    func note(_ spec: ParameterSpec, _ value: ParameterValue) {
        var isDefault = false
        if case .value(let usual) = spec.defaultValue { isDefault = usual.canonical == value }
        let reading = Reading(name: spec.name, value: value, isDefault: isDefault)
        if purpose == .clock { Self.insert(reading, &clockReadings) } else { Self.insert(reading, &readings) }
    }
}

extension Reader {
    private static func insert(_ reading: Reading, _ readings: inout [Reading]) {
        let place = readings.firstIndex { $0.name >= reading.name } ?? readings.count
        if place == readings.count || readings[place].name != reading.name { readings.insert(reading, at: place) }
    }
}

extension ParameterValue {
    /// One form a value: -0 is 0.
    public var canonical: ParameterValue {
        switch self {
        case .real(let value): .real(value == 0 ? 0 : value)
        case .array(let array):
            .array(ArrayValue(shape: array.shape, elements: array.elements.map { $0 == 0 ? 0 : $0 }))
        case .integer, .text, .flag: self
        }
    }
}
