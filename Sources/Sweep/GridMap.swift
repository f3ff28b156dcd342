import Modeling

/// Where the points and seeds of an older job's grid are in a newer one. Points are the same when tasks there record the
/// same numbers (``MethodGrid/recordIdentity(point:seed:)``), however either job writes them: axes may have gained values anywhere,
/// changed their order, come from fixed values or defaults, or be axes that matter elsewhere only, in which case a point
/// has several places.
public struct GridMap: Sendable {
    private let old: MethodGrid
    private let seedShift: Int?
    private let new: MethodGrid
    /// Nil: the points are the same, number by number.
    private let places: Places?

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
            places = nil
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
        self.places = places
    }

    /// The points of the new grid that have the numbers of a point of the old one; none when there is no such point.
    public func points(_ point: Int) -> [Int] {
        guard let places else { return [point] }
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
