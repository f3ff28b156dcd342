import Foundation
import Modeling

/// The points of all grids, longest expected task first; four bytes a point.
///
/// Points are numbered over all grids: those of the first method, then those of the second, and so on
/// (``Job/pointIndex(method:point:)``). Costs are compared in steps of an eighth of an octave; within a step points keep
/// their order.
public struct TaskOrder: Sendable {
    /// Numbers of the included points, by decreasing cost.
    public let points: [UInt32]

    /// - Parameters:
    ///   - speed: measured over estimated seconds, one a method; 1 when nil.
    ///   - isWanted: false for points that have nothing left to do.
    public init(
        _ job: Job, speed: [Double]? = nil, isWanted: (_ method: Int, _ point: Int) -> Bool = { _, _ in true }
    ) throws(JobErrors) {
        var tables: [CostTable] = []
        for grid in job.grids {
            do {
                tables.append(try CostTable(grid))
            } catch {
                throw job.errors(for: error, method: grid.method.name)
            }
        }
        let buckets = zip(tables, job.grids.indices).map { table, index in
            table.costs.map { Self.bucket($0.seconds * (speed?[index] ?? 1)) }
        }
        func forEach(_ body: (Int, UInt32) -> Void) {
            for (method, grid) in job.grids.enumerated() {
                let axes = Array(grid.axes.indices)
                var walk = BoxWalk(
                    counts: grid.axes.map(\.count),
                    tables: [
                        tables[method].walkTable(over: axes), grid.walkTable(on: grid.filter?.axes ?? [], over: axes),
                    ])
                let first = job.pointIndex(method: method, point: 0)
                for point in 0..<grid.pointCount {
                    if grid.filter?.includes(walk.tracked[1]) ?? true, isWanted(method, point) {
                        body(buckets[method][walk.tracked[0]], UInt32(first + point))
                    }
                    walk.advance()
                }
            }
        }
        // A counting sort: count, then place.
        var starts = Array(repeating: 0, count: Self.bucketCount + 1)
        forEach { bucket, _ in starts[bucket + 1] += 1 }
        for bucket in 0..<Self.bucketCount { starts[bucket + 1] += starts[bucket] }
        let count = starts[Self.bucketCount]
        var points = Array(repeating: UInt32(0), count: count)
        forEach { bucket, point in
            points[starts[bucket]] = point
            starts[bucket] += 1
        }
        self.points = points
    }

    private static let bucketCount = 1024

    /// The longest come first; the scale runs from 2^-64 to 2^64 seconds.
    private static func bucket(_ seconds: Double) -> Int {
        guard seconds > 0 else { return bucketCount - 1 }
        let octave = min(max(8 * log2(seconds), -511), 511)
        return 511 - Int(octave.rounded(.down))
    }
}

extension Job {
    /// Points of all grids, excluded ones too.
    public var pointCount: Int { grids.reduce(0) { $0 + $1.pointCount } }

    /// A point's number among those of all grids.
    public func pointIndex(method: Int, point: Int) -> Int {
        grids[..<method].reduce(point) { $0 + $1.pointCount }
    }

    /// Method and point of a number; the inverse of ``pointIndex(method:point:)``.
    public func point(at index: Int) -> (method: Int, point: Int) {
        var (method, point) = (0, index)
        while method + 1 < grids.count, point >= grids[method].pointCount {
            point -= grids[method].pointCount
            method += 1
        }
        return (method, point)
    }
}
