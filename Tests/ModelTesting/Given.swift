import Modeling

/// The parameters that a test gives, by name.
public typealias Given = [String: ParameterValue]

extension Given {
    /// These parameters with others beside or in place of them.
    public func with(_ others: Given) -> Given { merging(others) { $1 } }
}

/// An array of one dimension, as a parameter's value.
public func vector(_ elements: [Double]) -> ParameterValue {
    .array(ArrayValue(shape: [elements.count], elements: elements))
}

/// An array of two dimensions, given by its rows, as a parameter's value.
public func matrix(_ rows: [[Double]]) -> ParameterValue {
    .array(ArrayValue(shape: [rows.count, rows.first?.count ?? 0], elements: rows.flatMap { $0 }))
}
