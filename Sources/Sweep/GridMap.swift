import Modeling

/// Where the points and seeds of an older job's grid are in a newer one, by the values of their parameters: axes may
/// have gained values anywhere, changed their order, or have been one fixed value; seeds may have been added.
///
/// A point maps exactly when its tasks have the same identity in both grids.
public struct GridMap: Sendable {
    private let old: MethodGrid
    private let new: MethodGrid
    /// What the old indices along `axes` contribute to the new point; -1: nothing in the new grid corresponds.
    private struct Part: Sendable {
        let axes: [Int]
        let table: [Int]
    }

    private var parts: [Part] = []
    /// Expressions of the new grid, compared point by point: index in the new grid's `derived`, and the name.
    private var compared: [(index: Int, name: String)] = []
    private var isPossible = true
    private let seedShift: Int?

    public init(from old: MethodGrid, to new: MethodGrid) {
        self.old = old
        self.new = new
        switch (old.seeds, new.seeds) {
        case (nil, nil): seedShift = 0
        case (let before?, let after?): seedShift = before.base - after.base
        default: seedShift = nil
        }
        guard old.model == new.model, old.method.name == new.method.name, old.usedParameters == new.usedParameters
        else {
            isPossible = false
            return
        }
        let strides = Box.strides(new.axes.map(\.count))
        for (axis, stride) in zip(new.axes, strides) {
            var places: [[ParameterValue]: Int] = [:]
            for index in 0..<axis.count { places[axis.coordinates.map { $0.values[index] }] = index }
            add(axis.coordinates.map(\.name)) { values in places[values].map { $0 * stride } ?? -1 }
        }
        for name in new.usedParameters {
            if let value = new.fixed[name] {
                add([name]) { $0[0] == value ? 0 : -1 }
            } else if let index = new.derived.firstIndex(where: { $0.name == name }) {
                compared.append((index, name))
            }
        }
    }

    /// Adds what the old values of `names` contribute, tabulated over the old axes that they depend on.
    private mutating func add(_ names: [String], _ contribution: ([ParameterValue]) -> Int) {
        let axes = old.axes(of: names)
        var table: [Int] = []
        Box.forEach(axes.map { old.axes[$0].count }) { _, indices in
            var all = Array(repeating: 0, count: old.axes.count)
            for (axis, index) in zip(axes, indices) { all[axis] = index }
            let point = old.point(at: all)
            let values = names.compactMap { old.value(of: $0, at: point) }
            table.append(values.count == names.count ? contribution(values) : -1)
            return true
        }
        if axes.isEmpty, table == [-1] { isPossible = false }
        if table.contains(where: { $0 != 0 }) { parts.append(Part(axes: axes, table: table)) }
    }

    /// The new index of a point of the old grid; nil when the new grid does not have it.
    public func point(_ point: Int) -> Int? {
        guard isPossible else { return nil }
        var result = 0
        for part in parts {
            let contribution = part.table[old.projection(of: point, on: part.axes)]
            if contribution < 0 { return nil }
            result += contribution
        }
        for (index, name) in compared where new.derivedValue(index, at: result) != old.value(of: name, at: point) {
            return nil
        }
        return result
    }

    /// The new index of a seed of the old grid; nil when the new grid does not have it.
    public func seed(_ seed: Int) -> Int? {
        guard let seedShift, (0..<new.seedCount).contains(seed + seedShift) else { return nil }
        return seed + seedShift
    }
}

extension MethodGrid {
    /// The value of one parameter at a point.
    func value(of name: String, at point: Int) -> ParameterValue? {
        for (index, axis) in axes.enumerated() {
            for coordinate in axis.coordinates where coordinate.name == name {
                return coordinate.values[self.index(of: point, along: index)]
            }
        }
        if let index = derived.firstIndex(where: { $0.name == name }) { return derivedValue(index, at: point) }
        return fixed[name]
    }
}
