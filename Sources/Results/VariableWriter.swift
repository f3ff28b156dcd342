import Modeling
import Sweep

/// What a variable says of itself.
struct VariableText {
    var longName: String
    var units = "1"
    var symbol = ""
    var description = ""
}

/// Writes the variables of one group that are not per task: coordinates, fixed parameters, dimensions without values.
final class VariableWriter {
    let group: HDF5Group
    private var scales: [String: HDF5Dataset] = [:]
    private(set) var auxiliary: [String] = []

    init(group: HDF5Group) { self.group = group }

    /// The scale of dimension `name`, made as a dimension without coordinates when there is none yet.
    func scale(_ name: String, length: Int) throws -> HDF5Dataset {
        if let scale = scales[name] { return scale }
        let scale = try HDF5Dataset.create(name, in: group, type: .int8, shape: [length])
        // The netCDF-4 convention for a dimension that has no variable.
        let digits = String(length)
        try scale.makeScale(
            "This is a netCDF dimension but not a netCDF variable."
                + String(repeating: " ", count: max(0, 10 - digits.count)) + digits)
        scales[name] = scale
        return scale
    }

    func attach(_ dataset: HDF5Dataset, dimensions: [String]) throws {
        for (index, name) in dimensions.enumerated() {
            try dataset.attach(try scale(name, length: dataset.shape[index]), toDimension: index)
        }
    }

    func describe(_ dataset: HDF5Dataset, _ text: VariableText) throws {
        try dataset.setAttribute("long_name", text.longName)
        try dataset.setAttribute("units", text.units)
        if !text.symbol.isEmpty { try dataset.setAttribute("symbol", text.symbol) }
        if !text.description.isEmpty { try dataset.setAttribute("description", text.description) }
    }

    /// Writes `values` as variable `name` over `dimensions` (row-major, lengths `shape`). A variable of the name of its
    /// only dimension becomes that dimension's coordinate, any other an auxiliary coordinate.
    func write(_ values: [ParameterValue], as name: String, dimensions: [String], shape: [Int], _ text: VariableText)
        throws
    {
        let column = Column(values)
        let extra = column.arrayShape.indices.map { "\(name)_dim\($0)" }
        let dataset = try HDF5Dataset.create(
            name, in: group, type: column.type, shape: shape + column.arrayShape,
            fill: column.type == .float64 ? .nan : nil)
        var digest = DatasetDigest(rowDimensions: column.type == .text ? shape.count : 0)
        switch column.data {
        case .doubles(let numbers):
            try dataset.write(numbers)
            numbers.withUnsafeBytes { digest.add(doubles: $0, index: 0) }
        case .integers(let numbers):
            try dataset.write(numbers)
            numbers.withUnsafeBytes { digest.add($0, index: 0) }
        case .flags(let flags):
            try dataset.write(flags)
            flags.withUnsafeBytes { digest.add($0, index: 0) }
            try dataset.setAttribute("flag_values", [0, 1] as [Int8])
            try dataset.setAttribute("flag_meanings", "false true")
        case .texts(let texts):
            try dataset.write(texts: texts)
            for (index, text) in texts.enumerated() { digest.add(text, index: index) }
        }
        try dataset.setAttribute("checksum", digest.text)
        if dimensions == [name], extra.isEmpty {
            try dataset.makeScale(name)
            scales[name] = dataset
        } else {
            try attach(dataset, dimensions: dimensions + extra)
            auxiliary.append(name)
        }
        try describe(dataset, text)
    }

    /// Writes an axis: its dimension's coordinate and the parameters that move along with it.
    func write(_ axis: Axis) throws {
        let dimension = MethodLayout.dimensionName(of: axis)
        if dimension != axis.name {
            try write(
                (0..<axis.count).map { ParameterValue.integer($0) }, as: dimension, dimensions: [dimension],
                shape: [axis.count], VariableText(longName: "index of \(axis.name)"))
        }
        for coordinate in axis.coordinates {
            try write(
                coordinate.values, as: coordinate.name, dimensions: [dimension], shape: [axis.count],
                VariableText(longName: coordinate.longName, units: coordinate.units, symbol: coordinate.symbol))
        }
    }

    func write(_ derived: DerivedCoordinate, axes: [Axis]) throws {
        let over = derived.axes.map { axes[$0] }
        try write(
            derived.values, as: derived.name, dimensions: over.map(MethodLayout.dimensionName(of:)),
            shape: over.map(\.count),
            VariableText(longName: derived.longName, units: derived.units, symbol: derived.symbol))
    }

    func write(fixed name: String, _ value: ParameterValue, _ spec: ParameterSpec?) throws {
        try write(
            [value], as: name, dimensions: [], shape: [],
            VariableText(longName: spec?.summary ?? name, units: spec?.units ?? "1", symbol: spec?.symbol ?? name))
    }
}

/// Parameter values as one column of a single type.
private struct Column {
    enum Data {
        case doubles([Double])
        case integers([Int64])
        case flags([Int8])
        case texts([String])
    }

    let data: Data
    /// The padded shape of array values, empty for scalars.
    let arrayShape: [Int]

    var type: HDF5Type {
        switch data {
        case .doubles: return .float64
        case .integers: return .int64
        case .flags: return .int8
        case .texts: return .text
        }
    }

    init(_ values: [ParameterValue]) {
        var integers: [Int64] = []
        var doubles: [Double] = []
        var flags: [Int8] = []
        var arrays: [ArrayValue] = []
        for value in values {
            switch value {
            case .integer(let number):
                integers.append(Int64(number))
                doubles.append(Double(number))
            case .real(let number): doubles.append(number)
            case .flag(let flag): flags.append(flag ? 1 : 0)
            case .array(let array): arrays.append(array)
            case .text: break
            }
        }
        if integers.count == values.count {
            (data, arrayShape) = (.integers(integers), [])
        } else if doubles.count == values.count {
            (data, arrayShape) = (.doubles(doubles), [])
        } else if flags.count == values.count {
            (data, arrayShape) = (.flags(flags), [])
        } else if arrays.count == values.count, let rank = arrays.map(\.shape.count).max() {
            // Arrays of different shapes are padded with NaN, as the observables are.
            let shape = (0..<rank).map { axis in
                max(1, arrays.map { $0.shape.count == rank ? $0.shape[axis] : 1 }.max() ?? 1)
            }
            let size = shape.reduce(1, *)
            var numbers = [Double](repeating: .nan, count: size * arrays.count)
            for (row, array) in arrays.enumerated() {
                let own = Array(repeating: 1, count: rank - array.shape.count) + array.shape
                for (index, element) in array.elements.enumerated() {
                    let at = zip(MethodLayout.indices(index, shape: own), shape).reduce(0) { $0 * $1.1 + $1.0 }
                    numbers[row * size + at] = element
                }
            }
            (data, arrayShape) = (.doubles(numbers), shape)
        } else {
            (data, arrayShape) = (.texts(values.map(Self.text)), [])
        }
    }

    private static func text(_ value: ParameterValue) -> String {
        switch value {
        case .integer(let number): return "\(number)"
        case .real(let number): return "\(number)"
        case .text(let text): return text
        case .flag(let flag): return flag ? "true" : "false"
        case .array(let array): return "\(array.elements)"
        }
    }
}
