import Modeling

/// One dimension of a grid. It is named after its first coordinate; zipped parameters are further coordinates of it.
public struct Axis: Sendable, Hashable {
    public let coordinates: [Coordinate]

    public init(coordinates: [Coordinate]) { self.coordinates = coordinates }

    /// The dimension's name in result files.
    public var name: String { coordinates.first?.name ?? "" }
    public var count: Int { coordinates.first?.values.count ?? 0 }
}

/// A parameter along an axis. The values of an array parameter are `.array`; a file numbers them.
public struct Coordinate: Sendable, Hashable {
    public let name: String
    public let symbol: String
    public let longName: String
    public let units: String
    public let values: [ParameterValue]

    public init(name: String, symbol: String, longName: String, units: String, values: [ParameterValue]) {
        self.name = name
        self.symbol = symbol
        self.longName = longName
        self.units = units
        self.values = values
    }
}

/// A parameter given by an expression: a variable over the axes it depends on. Its values are computed when asked for,
/// so one over all axes of a large grid costs no memory.
public struct DerivedCoordinate: Sendable, Hashable {
    public let name: String
    public let symbol: String
    public let longName: String
    public let units: String
    /// Indices into the grid's axes, increasing; empty when the values do not vary.
    public let axes: [Int]
    private let storage: Storage

    private enum Storage: Sendable, Hashable {
        case values([ParameterValue])
        case program(ExpressionProgram, ParameterKind)
    }

    public init(
        name: String, symbol: String, longName: String, units: String, axes: [Int], values: [ParameterValue]
    ) {
        self.name = name
        self.symbol = symbol
        self.longName = longName
        self.units = units
        self.axes = axes
        self.storage = .values(values)
    }

    init(_ spec: ParameterSpec, _ program: ExpressionProgram) {
        name = spec.name
        symbol = spec.symbol
        longName = spec.summary
        units = spec.units
        axes = program.axes
        storage = .program(program, spec.kind)
    }

    /// All values, row-major over ``axes``.
    public var values: [ParameterValue] {
        switch storage {
        case .values(let values): return values
        case .program(let program, let kind):
            var all: [ParameterValue] = []
            all.reserveCapacity(program.pointCount)
            program.evaluate(0..<program.pointCount) { _, numbers in
                for number in numbers { all.append(program.parameterValue(number, kind)) }
            }
            return all
        }
    }

    /// The number of ``values``.
    public var count: Int {
        switch storage {
        case .values(let values): return values.count
        case .program(let program, _): return program.pointCount
        }
    }

    /// The value at a row-major index over ``axes``.
    public func value(at index: Int) -> ParameterValue {
        switch storage {
        case .values(let values): return values[index]
        case .program(let program, let kind): return program.parameterValue(program.value(at: index), kind)
        }
    }

    /// Whether an expression gives, at a row-major index over ``axes``, what the parameter cannot be.
    func isOutOfRange(at index: Int) -> Bool {
        switch storage {
        case .values: false
        case .program(let program, let kind):
            kind.problem(with: program.parameterValue(program.value(at: index), kind)) != nil
        }
    }
}

extension ExpressionProgram {
    /// A register's number as the value of a parameter; the value was checked to be of that kind when the job was read.
    func parameterValue(_ number: Double, _ kind: ParameterKind) -> ParameterValue {
        switch kind {
        case .integer: return Int(exactly: number).map(ParameterValue.integer) ?? .real(number)
        case .flag: return .flag(number != 0)
        case .choice:
            guard let code = Int(exactly: number), texts.indices.contains(code) else { return .real(number) }
            return .text(texts[code])
        case .real, .array: return .real(number == 0 ? 0 : number)
        }
    }
}
