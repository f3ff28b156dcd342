import Foundation
import Modeling

/// The model's cost estimates over the axes that they depend on, which are found by trying. When these have more than
/// ``cellLimit`` combinations, some values of the longest axes stand for their neighbours.
public struct CostTable: Sendable {
    static let cellLimit = 65_536
    /// The points of a smaller grid are all looked at.
    private static let smallGrid = 1024
    /// From how many points the dependence on each axis is tried.
    private static let probes = 24

    /// The grid's axes that costs depend on.
    let axes: [Int]
    private(set) var costs: [Cost] = []
    /// For each axis of ``axes``: what an index adds to the index into ``costs``.
    private let contributions: [[Int]]

    /// Throws what the model throws at a combination that an included point has.
    public init(_ grid: MethodGrid) throws {
        axes = grid.pointCount <= Self.smallGrid ? Self.axes(ofSmall: grid) : Self.axes(of: grid)
        let counts = axes.map { grid.axes[$0].count }
        var steps = Array(repeating: 1, count: counts.count)
        func sampled(_ axis: Int) -> Int { steps[axis] == 1 ? counts[axis] : (counts[axis] - 1) / steps[axis] + 2 }
        while Box.size(counts.indices.map(sampled)) ?? .max > Self.cellLimit,
            let longest = counts.indices.max(by: { sampled($0) < sampled($1) }), sampled(longest) > 3
        { steps[longest] *= 2 }

        // The last value is always among the samples: the largest task should not be missed.
        var samples: [[Int]] = []
        var nearest: [[Int]] = []
        for axis in counts.indices {
            var its = Array(stride(from: 0, to: counts[axis], by: steps[axis]))
            if its.last != counts[axis] - 1 { its.append(counts[axis] - 1) }
            nearest.append(
                (0..<counts[axis]).map { index in
                    let below = min(index / steps[axis], its.count - 1)
                    let above = min(below + 1, its.count - 1)
                    return index - its[below] <= its[above] - index ? below : above
                })
            samples.append(its)
        }
        let strides = Box.strides(samples.map(\.count))
        contributions = zip(nearest, strides).map { its, stride in its.map { $0 * stride } }

        try Box.forEach(samples.map(\.count)) { _, indices in
            let values = indices.indices.map { samples[$0][indices[$0]] }
            var all = Array(repeating: 0, count: grid.axes.count)
            for (axis, index) in zip(axes, values) { all[axis] = index }
            costs.append(try Self.cost(in: grid, along: axes, at: all))
            return true
        }
    }

    /// The cost of a point with these indices along `axes`: of the first along the others that is included and can be
    /// run; nothing when none is included.
    private static func cost(in grid: MethodGrid, along axes: [Int], at indices: [Int]) throws -> Cost {
        let first = grid.point(at: indices)
        if let cost = try? grid.cost(at: first) { return cost }
        let free = grid.axes.indices.filter { !axes.contains($0) }
        var found: Cost?
        var failure: (any Error)?
        Box.forEach(free.map { grid.axes[$0].count }) { _, places in
            var all = indices
            for (axis, place) in zip(free, places) { all[axis] = place }
            let point = grid.point(at: all)
            guard grid.isIncluded(point) else { return true }
            do { found = try grid.cost(at: point) } catch { failure = failure ?? error }
            return found == nil
        }
        if let failure, found == nil { throw failure }
        return found ?? Cost(seconds: 0, bytes: 0)
    }

    /// The axes along which the cost of a small grid changes.
    private static func axes(ofSmall grid: MethodGrid) -> [Int] {
        let costs = (0..<grid.pointCount).map { grid.isIncluded($0) ? try? grid.cost(at: $0) : nil }
        let strides = Box.strides(grid.axes.map(\.count))
        return grid.axes.indices.filter { axis in
            costs.indices.contains { point in
                guard grid.index(of: point, along: axis) > 0, let cost = costs[point],
                    let before = costs[point - strides[axis]]
                else { return false }
                return cost != before
            }
        }
    }

    /// The axes along which the cost changes, seen from points spread over the grid.
    private static func axes(of grid: MethodGrid) -> [Int] {
        let counts = grid.axes.map(\.count)
        var found: Set<Int> = []
        for probe in 0..<probes {
            // Points of an irrational lattice, which no regular pattern of the axes hides from.
            let base = counts.enumerated().map { axis, count in
                let x = (Double(probe) + 0.5) * (0.5 + Double(axis + 2).squareRoot())
                return min(Int((x - x.rounded(.down)) * Double(count)), count - 1)
            }
            guard let cost = try? grid.cost(at: grid.point(at: base)) else { continue }
            for axis in counts.indices where !found.contains(axis) {
                let others = counts[axis] <= 8 ? Array(0..<counts[axis]) : [0, counts[axis] / 2, counts[axis] - 1]
                for other in others where other != base[axis] {
                    var indices = base
                    indices[axis] = other
                    if let its = try? grid.cost(at: grid.point(at: indices)), its != cost { found.insert(axis) }
                }
            }
        }
        return found.sorted()
    }

    /// The estimate for a point of the grid that the table was made of.
    public func cost(of point: Int, in grid: MethodGrid) -> Cost {
        var index = 0
        for (place, axis) in axes.enumerated() { index += contributions[place][grid.index(of: point, along: axis)] }
        return costs[index]
    }

    /// A table for ``BoxWalk`` over the box of `all` axes, giving indices into ``costs``.
    func walkTable(over all: [Int]) -> [[Int]] {
        all.map { axis in axes.firstIndex(of: axis).map { contributions[$0] } ?? [] }
    }
}
