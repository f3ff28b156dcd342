import Numerics
import Randomness
import Synchronization

/// Points and weights for a mean over n independent standard normals, stored variable by variable and padded to whole
/// ``Lanes`` with points of weight 0.
struct GaussianSamples: Sendable {
    let count: Int
    let weights: [Double]
    /// coordinates[j] has one value a point.
    let coordinates: [[Double]]

    /// A product Gauss-Hermite rule of `n` nodes in each of `dimension` directions, for smooth functions.
    static func product(dimension: Int, nodes n: Int) -> GaussianSamples {
        let rule = GaussHermite(count: n)
        let total = (0..<dimension).reduce(1) { product, _ in product * n }
        var weights = [Double](repeating: 1, count: total)
        var coordinates = Array(repeating: [Double](repeating: 0, count: total), count: dimension)
        for p in 0..<total {
            var rest = p
            for j in 0..<dimension {
                coordinates[j][p] = rule.nodes[rest % n]
                weights[p] *= rule.weights[rest % n]
                rest /= n
            }
        }
        return GaussianSamples(weights: weights, coordinates: coordinates)
    }

    /// `points` scrambled Sobol points (a pseudo-random sample beyond 64 dimensions), each with all its `images`,
    /// which must form a group of linear maps that keep the normal law: a symmetry of the problem that the average then
    /// has exactly. The same points in every process and at every grid point, so that theory is smooth in its parameters.
    static func sobol(
        dimension: Int, points: Int, images: [@Sendable ([Double]) -> [Double]]
    ) -> GaussianSamples {
        var stream = RandomStream(identity: TaskIdentity(high: 0x5153_4920_534f_424f, low: UInt64(dimension)))
        let count = max(points, 1)
        var flat: [Double]
        if var scrambled = Optional(stream),
            let sequence = SobolSequence(dimension: dimension, scrambledBy: &scrambled)
        {
            flat = sequence.gaussianPoints(count: count)
        } else {
            flat = [Double](repeating: 0, count: count * dimension)
            flat.withUnsafeMutableBufferPointer { stream.fillNormal($0) }
        }
        var coordinates = Array(repeating: [Double](), count: dimension)
        for p in 0..<count {
            let point = Array(flat[(p * dimension)..<((p + 1) * dimension)])
            for image in images {
                for (j, x) in image(point).enumerated() { coordinates[j].append(x) }
            }
        }
        let total = count * images.count
        return GaussianSamples(
            weights: [Double](repeating: 1 / Double(total), count: total), coordinates: coordinates)
    }

    private init(weights: [Double], coordinates: [[Double]]) {
        let padding = (8 - weights.count % 8) % 8
        let zeros = [Double](repeating: 0, count: padding)
        count = weights.count + padding
        self.weights = weights + zeros
        self.coordinates = coordinates.map { $0 + zeros }
    }
}

/// Tables that every grid point of a sweep shares, made once a process.
final class SharedSamples: Sendable {
    struct Key: Hashable, Sendable {
        enum Kind: Hashable, Sendable { case pair, tokens }
        let kind: Kind
        let dimension: Int
        let points: Int
    }

    static let shared = SharedSamples()
    private let tables = Mutex<[Key: GaussianSamples]>([:])

    func samples(_ key: Key, make: () -> GaussianSamples) -> GaussianSamples {
        tables.withLock { tables in
            if let found = tables[key] { return found }
            // A sweep over L must not keep every table it ever used.
            if tables.count >= 8 { tables.removeAll() }
            let made = make()
            tables[key] = made
            return made
        }
    }
}

/// Calls `body` with pointers to all of `arrays` (valid inside the call).
func withPointers<Result>(_ arrays: [[Double]], _ body: ([UnsafePointer<Double>]) -> Result) -> Result {
    func descend(_ index: Int, _ pointers: [UnsafePointer<Double>]) -> Result {
        guard index < arrays.count else { return body(pointers) }
        return arrays[index].withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("an array without elements") }
            return descend(index + 1, pointers + [base])
        }
    }
    return descend(0, [])
}
