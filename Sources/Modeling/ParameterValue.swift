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
    /// One given parameter.
    public struct Entry: Sendable, Hashable {
        /// The parameter's name.
        public let name: String
        /// Its value at the point.
        public var value: ParameterValue
    }

    /// What is given, sorted by name. An array and not a dictionary: there are few, and a point is made for every task.
    public private(set) var entries: [Entry]

    /// A point at which these values are given.
    public init(_ values: [String: ParameterValue] = [:]) {
        entries = values.map { Entry(name: $0.key, value: $0.value) }.sorted { $0.name < $1.name }
    }

    /// A point with the entries of another one for which `isIncluded` holds.
    public func filter(_ isIncluded: (Entry) -> Bool) -> ParameterPoint {
        var point = self
        point.entries.removeAll { !isIncluded($0) }
        return point
    }

    /// The given value of a parameter; nil when it is left to its default.
    public subscript(name: String) -> ParameterValue? {
        get { place(of: name).map { entries[$0].value } }
        set {
            switch (place(of: name), newValue) {
            case (let place?, let value?): entries[place].value = value
            case (let place?, nil): entries.remove(at: place)
            case (nil, let value?):
                let place = entries.firstIndex { name < $0.name } ?? entries.count
                entries.insert(Entry(name: name, value: value), at: place)
            case (nil, nil): break
            }
        }
    }

    /// The place of a given parameter in ``entries``; nil when it is not given.
    public func place(of name: String) -> Int? { entries.firstIndex { $0.name == name } }

    /// Sets the value of the parameter at a known place.
    public mutating func set(_ value: ParameterValue, at place: Int) { entries[place].value = value }
}
