import Foundation
import Modeling

/// The model's cost estimates over the axes that they depend on. When these have more than ``cellLimit`` combinations,
/// some values of the longest axes stand for their neighbours.
public struct CostTable: Sendable {
    static let cellLimit = 65_536

    /// The grid's axes that costs depend on.
    let axes: [Int]
    private(set) var costs: [Cost] = []
    /// For each axis of ``axes``: what an index adds to the index into ``costs``.
    private let contributions: [[Int]]

    /// Throws what the model throws at a combination that an included point has.
    public init(_ grid: MethodGrid) throws {
        axes = grid.axes(of: grid.costParameters)
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
            do {
                let cost = try grid.cost(at: grid.point(at: all))
                costs.append(
                    Cost(seconds: cost.seconds.isFinite ? max(0, cost.seconds) : 0, memory: max(0, cost.memory)))
            } catch {
                if grid.hasIncludedPoint(along: axes, at: values) { throw error }
                costs.append(Cost(seconds: 0, memory: 0))
            }
            return true
        }
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
