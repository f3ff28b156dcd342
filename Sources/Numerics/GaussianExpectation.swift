import Foundation
import Randomness

/// Expectations over independent standard normals, one number an output, each with an estimate of its error.
public struct GaussianEstimate: Sendable, Hashable {
    public let means: [Double]
    /// Standard errors of means over random points; for a quadrature the distance to a coarser rule.
    public let errors: [Double]

    public init(means: [Double], errors: [Double]) { (self.means, self.errors) = (means, errors) }
}

/// A function of normals x with several outputs, which it stores.
public typealias GaussianIntegrand = (_ x: UnsafePointer<Double>, _ outputs: UnsafeMutablePointer<Double>) throws ->
    Void

/// Gauss-Hermite quadrature over several standard normals, the same rule on every axis: exact for polynomials of degree
/// up to 2 `count` - 1 in each variable, and for smooth functions only (a kink leaves an error of about 1/`count`).
public struct GaussianTensor: Sendable {
    /// The most nodes of a tensor, 2^30.
    public static let maximumNodes = 1 << 30

    public let dimension: Int
    private let fine: GaussHermite
    private let coarse: GaussHermite

    /// `count` nodes an axis; nil unless there are 1 to ``maximumNodes`` nodes in all, in at least one dimension.
    public init?(dimension: Int, count: Int) {
        guard dimension >= 1, count >= 1, pow(Double(count), Double(dimension)) <= Double(Self.maximumNodes) else {
            return nil
        }
        self.dimension = dimension
        fine = GaussHermite(count: count)
        coarse = GaussHermite(count: max(1, 3 * count / 4))
    }

    /// The means of the `outputs` of `f`. Their errors are the distances to the rule with three quarters of the nodes an axis,
    /// which for a smooth function is far more than the error of the finer rule.
    public func expectation(outputs: Int, _ f: GaussianIntegrand) rethrows -> GaussianEstimate {
        let means = try mean(fine, outputs, f)
        let others = try mean(coarse, outputs, f)
        return GaussianEstimate(means: means, errors: zip(means, others).map { abs($0 - $1) })
    }

    private func mean(_ rule: GaussHermite, _ outputs: Int, _ f: GaussianIntegrand) rethrows -> [Double] {
        let count = rule.nodes.count
        var index = Array(repeating: 0, count: dimension)
        var x = Array(repeating: rule.nodes[0], count: dimension)
        var value = Array(repeating: 0.0, count: outputs)
        var sum = value
        while true {
            try f(x, &value)
            let weight = index.reduce(1) { $0 * rule.weights[$1] }
            for i in 0..<outputs { sum[i] += weight * value[i] }
            var axis = dimension - 1
            while axis >= 0, index[axis] == count - 1 {
                index[axis] = 0
                x[axis] = rule.nodes[0]
                axis -= 1
            }
            guard axis >= 0 else { return sum }
            index[axis] += 1
            x[axis] = rule.nodes[index[axis]]
        }
    }
}

/// Points of independent standard normals, drawn once and used for many expectations: what is computed from the same
/// points has the same noise, so that differences between parameters, roots and fixed points are smooth.
///
/// The points are `groups` independently scrambled Sobol sets, from whose means the error follows. The first 64 numbers of a
/// point are balanced, further ones are plain random numbers: put what matters most first.
public struct GaussianPoints: Sendable {
    public let dimension: Int
    public let groups: Int
    /// Points in one group.
    public let groupSize: Int
    /// Row-major, ``count`` x ``dimension``, group after group.
    public let values: [Double]

    public var count: Int { groups * groupSize }

    /// At least `count` points, in groups of a power of two. Draws from `random` alone.
    /// Nil unless `dimension` and `count` are positive and there are at least two groups.
    public init?(dimension: Int, count: Int, groups: Int = 8, random: inout RandomStream) {
        guard dimension >= 1, count >= 1, groups >= 2, count <= 1 << 40 else { return nil }
        var size = 1
        while size * groups < count { size *= 2 }
        self.dimension = dimension
        self.groups = groups
        groupSize = size
        let balanced = min(dimension, SobolSequence.maximumDimension)
        var values: [Double] = []
        values.reserveCapacity(size * groups * dimension)
        for _ in 0..<groups {
            guard let sequence = SobolSequence(dimension: balanced, scrambledBy: &random) else { return nil }
            let points = sequence.gaussianPoints(count: size)
            for i in 0..<size {
                values += points[(i * balanced)..<((i + 1) * balanced)]
                for _ in balanced..<dimension { values.append(random.normal()) }
            }
        }
        self.values = values
    }

    /// The group of point `index`.
    @inlinable
    public func group(of index: Int) -> Int { index / groupSize }

    /// The means of the `outputs` of `f` over all points, with their standard errors.
    public func expectation(outputs: Int, _ f: GaussianIntegrand) rethrows -> GaussianEstimate {
        var sums = GroupedMeans(outputs: outputs, groups: groups)
        var value = Array(repeating: 0.0, count: outputs)
        try values.withUnsafeBufferPointer { points in
            guard let base = points.baseAddress else { return }
            for index in 0..<count {
                try f(base + index * dimension, &value)
                sums.add(value, group: group(of: index))
            }
        }
        return sums.estimate
    }
}

/// Sums of several outputs over independent groups of points, and the means and standard errors that follow.
public struct GroupedMeans: Sendable {
    public let outputs: Int
    private var sums: [Double]
    private var counts: [Double]

    /// For at least two groups.
    public init(outputs: Int, groups: Int) {
        self.outputs = outputs
        sums = Array(repeating: 0, count: outputs * groups)
        counts = Array(repeating: 0, count: groups)
    }

    /// Counts one point of `group`, or `count` points whose sums are `values`.
    public mutating func add(_ values: [Double], group: Int, count: Int = 1) {
        for i in 0..<outputs { sums[group * outputs + i] += values[i] }
        counts[group] += Double(count)
    }

    /// Groups count by their points; the error is that of the mean of equally large groups.
    public var estimate: GaussianEstimate {
        let total = counts.reduce(0, +)
        let used = counts.indices.filter { counts[$0] > 0 }
        let groups = Double(used.count)
        var (means, errors) = ([Double](), [Double]())
        for i in 0..<outputs {
            let mean = used.reduce(0) { $0 + sums[$1 * outputs + i] } / total
            let square = used.reduce(0) { sum, g in
                let distance = sums[g * outputs + i] / counts[g] - mean
                return sum + distance * distance
            }
            means.append(mean)
            errors.append((square / (groups * (groups - 1))).squareRoot())
        }
        return GaussianEstimate(means: means, errors: errors)
    }
}
