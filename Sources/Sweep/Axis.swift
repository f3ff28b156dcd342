import Modeling

/// One dimension of a grid. It is named after its first coordinate; zipped parameters are further coordinates of it.
public struct Axis: Sendable, Hashable {
    public let coordinates: [Coordinate]

    public init(coordinates: [Coordinate]) { self.coordinates = coordinates }

    /// The dimension's name in result files.
    public var name: String { coordinates.first?.name ?? "" }
    public var count: Int { coordinates.first?.values.count ?? 0 }
}

/// A parameter along an axis.
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

/// A parameter given by an expression: a variable over the axes it depends on.
public struct DerivedCoordinate: Sendable, Hashable {
    public let name: String
    public let symbol: String
    public let longName: String
    public let units: String
    /// Indices into the grid's axes, increasing; empty when the expression depends on fixed parameters only.
    public let axes: [Int]
    /// Row-major over `axes`.
    public let values: [ParameterValue]

    public init(
        name: String, symbol: String, longName: String, units: String, axes: [Int], values: [ParameterValue]
    ) {
        self.name = name
        self.symbol = symbol
        self.longName = longName
        self.units = units
        self.axes = axes
        self.values = values
    }
}
