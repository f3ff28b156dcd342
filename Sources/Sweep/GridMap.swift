import Modeling

/// Where the points and seeds of an older job's grid are in a newer one. Points are the same when tasks there record the
/// same numbers (``MethodGrid/recordIdentity(point:seed:)``), however either job writes them: axes may have gained values anywhere,
/// changed their order, come from fixed values or defaults, or be axes that matter elsewhere only, in which case a point
/// has several places.
public struct GridMap: Sendable {
    private let old: MethodGrid
    private let seedShift: Int?
    private let new: MethodGrid
    private let way: Way

    private enum Way: Sendable {
        /// The points are the same, number by number.
        case same
        /// By the values along the axes, which every point reads: a table an axis of what an old index adds to the number
        /// of the new point (-1: nothing corresponds).
        case byValue([[Int]])
        case byName(Places)
    }

    /// Points of the new grid by name: first, and where a name has several the next of each.
    private struct Places: Sendable {
        var first: [TaskIdentity: UInt32] = [:]
        var next: [UInt32: UInt32] = [:]
    }

    public init(from old: MethodGrid, to new: MethodGrid) {
        self.old = old
        self.new = new
        switch (old.seeds, new.seeds) {
        case (nil, nil): seedShift = 0
        case (let before?, let after?): seedShift = before.base - after.base
        default: seedShift = nil
        }
        if old.hasSamePoints(as: new) {
            way = .same
            return
        }
        if old.pointCount > GridSurvey.cellLimit, let tables = Self.tables(from: old, to: new) {
            way = .byValue(tables)
            return
        }
        var places = Places()
        // Backwards, so that each chain goes up.
        for point in (0..<new.pointCount).reversed() {
            guard let name = new.recordIdentity(point: point, seed: nil) else { continue }
            if let before = places.first.updateValue(UInt32(point), forKey: name) {
                places.next[UInt32(point)] = before
            }
        }
        way = .byName(places)
    }

    /// Tables for ``Way/byValue(_:)``: of grids that have the same axes but for their values, each of which all points
    /// read, as far as cells of the grids tell. Equal parameters have equal names, so that nothing is found wrongly; what
    /// is not found is computed.
    private static func tables(from old: MethodGrid, to new: MethodGrid) -> [[Int]]? {
        func names(_ axis: Axis) -> [String] { axis.coordinates.map(\.name) }
        guard old.model == new.model, old.revision == new.revision, old.method.name == new.method.name,
            old.fixed == new.fixed, old.derived.isEmpty, new.derived.isEmpty, old.times.unit == new.times.unit,
            old.observables.map(\.name) == new.observables.map(\.name), old.axes.count == new.axes.count,
            old.readsAllAxes, new.readsAllAxes
        else { return nil }
        let strides = Box.strides(new.axes.map(\.count))
        var tables: [[Int]] = []
        for axis in old.axes {
            guard let place = new.axes.firstIndex(where: { names($0) == names(axis) }) else { return nil }
            let its = new.axes[place]
            var known: [[ParameterValue]: Int] = [:]
            for index in 0..<its.count { known[its.coordinates.map { $0.values[index].canonical }] = index }
            tables.append(
                (0..<axis.count).map { index in
                    known[axis.coordinates.map { $0.values[index].canonical }].map { $0 * strides[place] } ?? -1
                })
        }
        return tables
    }

    /// The points of the new grid that have the numbers of a point of the old one; none when there is no such point.
    public func points(_ point: Int) -> [Int] {
        switch way {
        case .same: return [point]
        case .byValue(let tables):
            var place = 0
            for (axis, table) in tables.enumerated() {
                let part = table[old.index(of: point, along: axis)]
                guard part >= 0 else { return [] }
                place += part
            }
            return [place]
        case .byName(let places): return self.places(of: point, places)
        }
    }

    private func places(of point: Int, _ places: Places) -> [Int] {
        guard let name = old.recordIdentity(point: point, seed: nil), var place = places.first[name] else { return [] }
        var found = [Int(place)]
        while let next = places.next[place] {
            found.append(Int(next))
            place = next
        }
        return found
    }

    /// The new index of a seed of the old grid; nil when the new grid does not have it.
    public func seed(_ seed: Int) -> Int? {
        guard let seedShift, (0..<new.seedCount).contains(seed + seedShift) else { return nil }
        return seed + seedShift
    }
}
