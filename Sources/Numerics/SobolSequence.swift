import Randomness

/// A Sobol sequence in up to 64 dimensions, plain or randomised, for means over uniforms or independent normals.
///
/// Take a power of two of points, from the start: only such sets are balanced. The order is that of the Gray code, as in
/// SciPy's `qmc.Sobol`.
public struct SobolSequence: Sendable {
    /// The most dimensions there are direction numbers for.
    public static let maximumDimension = 64

    /// Numbers per point.
    public let dimension: Int
    private let directions: [UInt32]
    private let shift: [UInt32]
    private let offset: Double

    /// The plain sequence in `dimension` dimensions; nil unless that is between 1 and 64. Its first point is the origin.
    public init?(dimension: Int) {
        guard (1...Self.maximumDimension).contains(dimension) else { return nil }
        self.dimension = dimension
        directions = (0..<dimension).flatMap(SobolDirections.words)
        shift = [UInt32](repeating: 0, count: dimension)
        offset = 0
    }

    /// A randomised sequence; nil unless `dimension` is between 1 and 64. Every point is uniform on the open cube, so means over
    /// points are unbiased, and independent randomisations give their standard error.
    ///
    /// Matoušek's linear scrambling (J. Complexity 14, 1998) and a digital shift, both from the uniforms of `stream`.
    public init?(dimension: Int, scrambledBy stream: inout RandomStream) {
        guard let plain = SobolSequence(dimension: dimension) else { return nil }
        self.dimension = dimension
        var directions = plain.directions
        var shift = plain.shift
        func bits() -> UInt32 { UInt32(stream.uniform() * 0x1p32) }
        for j in 0..<dimension {
            // Row r of a lower triangular matrix over GF(2) makes bit r (from the top) out of bits 0 ... r.
            let rows = (0..<32).map { r -> UInt32 in
                let diagonal: UInt32 = 1 << (31 - UInt32(r))
                return diagonal | (bits() & ~(diagonal | (diagonal - 1)))
            }
            for k in 32 * j..<32 * (j + 1) {
                var word: UInt32 = 0
                for (r, row) in rows.enumerated() where (row & directions[k]).nonzeroBitCount & 1 == 1 {
                    word |= 1 << (31 - UInt32(r))
                }
                directions[k] = word
            }
            shift[j] = bits()
        }
        self.directions = directions
        self.shift = shift
        offset = 0.5
    }

    /// The first `count` points, point by point (row-major, `count` x `dimension`), in [0, 1). At most 2^32 points.
    public func uniformPoints(count: Int) -> [Double] {
        map(count: count) { (Double($0) + offset) * 0x1p-32 }
    }

    /// The first `count` points as independent standard normals, row-major, through the normal quantile of the middle of each
    /// cell of width 2^-32 (so that the origin of the plain sequence stays finite).
    public func gaussianPoints(count: Int) -> [Double] {
        map(count: count) { normalQuantile((Double($0) + 0.5) * 0x1p-32) }
    }

    private func map(count: Int, _ value: (UInt32) -> Double) -> [Double] {
        var result: [Double] = []
        result.reserveCapacity(max(count, 0) * dimension)
        var state = shift
        for i in 0..<max(count, 0) {
            for x in state { result.append(value(x)) }
            let bit = min((i + 1).trailingZeroBitCount, 31)
            for j in 0..<dimension { state[j] ^= directions[32 * j + bit] }
        }
        return result
    }
}
