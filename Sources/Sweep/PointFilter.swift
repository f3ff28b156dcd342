/// The job's `where` condition on one grid: one bit for each combination along the axes it depends on.
///
/// A condition may depend on axes that the method's grid does not have. A point then counts as included when any point
/// of the full grid that projects onto it is.
public struct PointFilter: Sendable, Hashable {
    /// Indices into the grid's axes, increasing, and their lengths.
    let axes: [Int]
    let counts: [Int]
    /// Row-major over ``axes``.
    private var bits: [UInt64]
    /// How many combinations along ``axes`` are included.
    private(set) var includedCount = 0

    init(axes: [Int], counts: [Int]) {
        self.axes = axes
        self.counts = counts
        bits = Array(repeating: 0, count: (counts.reduce(1, *) + 63) / 64)
    }

    mutating func include(_ index: Int) { bits[index >> 6] |= 1 << UInt64(index & 63) }

    mutating func countIncluded() { includedCount = bits.reduce(0) { $0 + $1.nonzeroBitCount } }

    func includes(_ index: Int) -> Bool { bits[index >> 6] >> UInt64(index & 63) & 1 != 0 }
}
