import Modeling

/// The points of one method as values: what each axis, expression and fixed parameter says at given indices.
struct PointBox: Sendable {
    let axes: [Axis]
    /// Given parameters with one value.
    let fixed: ParameterPoint
    let derived: [DerivedCoordinate]
    /// Parameters that the job gives and points do not hold.
    let leftOut: Set<String>

    var counts: [Int] { axes.map(\.count) }

    /// The parameters at these indices, one an axis: axes, expressions, fixed values.
    func point(at indices: [Int]) -> ParameterPoint {
        var point = fixed
        for (axis, index) in zip(axes, indices) {
            for coordinate in axis.coordinates { point[coordinate.name] = coordinate.values[index] }
        }
        for its in derived {
            let flat = its.axes.reduce(0) { $0 * axes[$1].count + indices[$1] }
            point[its.name] = its.value(at: flat)
        }
        return point
    }

    /// The values along each axis at these indices, in words: `L = 2, step_size = 0.1`.
    func describe(_ indices: [Int], among names: Set<String>? = nil) -> String {
        zip(axes, indices).flatMap { axis, index in
            axis.coordinates.filter { names?.contains($0.name) ?? true }.map { "\($0.name) = \($0.values[index].text)" }
        }.joined(separator: ", ")
    }
}
