import Modeling

/// The points of one method as values: what each axis, expression and fixed parameter says at given indices.
struct PointBox: Sendable {
    let axes: [Axis]
    /// Given parameters with one value.
    let fixed: ParameterPoint
    let derived: [DerivedCoordinate]
    /// Parameters that the job gives and points do not hold.
    let leftOut: Set<String>
    /// A point in which only the values along axes and of expressions are to be put.
    private let template: ParameterPoint
    /// The places of each axis's coordinates in it, and of each expression.
    private let axisPlaces: [[Int]]
    private let derivedPlaces: [Int]

    init(axes: [Axis], fixed: ParameterPoint, derived: [DerivedCoordinate], leftOut: Set<String>) {
        self.axes = axes
        self.fixed = fixed
        self.derived = derived
        self.leftOut = leftOut
        var template = fixed
        for name in axes.flatMap({ $0.coordinates.map(\.name) }) + derived.map(\.name) { template[name] = .flag(false) }
        self.template = template
        axisPlaces = axes.map { $0.coordinates.compactMap { template.place(of: $0.name) } }
        derivedPlaces = derived.compactMap { template.place(of: $0.name) }
    }

    var counts: [Int] { axes.map(\.count) }

    /// The parameters at these indices, one an axis: axes, expressions, fixed values.
    func point(at indices: [Int]) -> ParameterPoint { point { indices[$0] } }

    /// The same; `index` says the index along an axis.
    func point(_ index: (_ axis: Int) -> Int) -> ParameterPoint {
        var point = template
        for axis in axes.indices {
            let place = index(axis)
            for (its, coordinate) in zip(axisPlaces[axis], axes[axis].coordinates) {
                point.set(coordinate.values[place], at: its)
            }
        }
        for (its, coordinate) in zip(derivedPlaces, derived) {
            point.set(coordinate.value(at: coordinate.axes.reduce(0) { $0 * axes[$1].count + index($1) }), at: its)
        }
        return point
    }

    /// Names of parameters whose expressions give what is out of their range at these indices.
    func outOfRange(at indices: [Int]) -> [String] {
        derived.filter { coordinate in
            coordinate.isOutOfRange(at: coordinate.axes.reduce(0) { $0 * axes[$1].count + indices[$1] })
        }.map(\.name)
    }

    /// The values along each axis at these indices, in words: `L = 2, step_size = 0.1`.
    func describe(_ indices: [Int], among names: Set<String>? = nil) -> String {
        zip(axes, indices).flatMap { axis, index in
            axis.coordinates.filter { names?.contains($0.name) ?? true }.map { "\($0.name) = \($0.values[index].text)" }
        }.joined(separator: ", ")
    }
}
