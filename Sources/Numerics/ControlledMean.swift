/// The mean of a random number, made less noisy by control variates: other numbers of the same sample whose mean is
/// known to be 0. The number is regressed on them; what they explain of its fluctuation is taken off.
///
/// The coefficients come from the same samples, which biases the mean by about (number of controls)/(number of samples)
/// of its own spread: use many samples, and few controls. Samples come in independent groups (one random scramble of
/// quasi-Monte Carlo points each, say), from which the error follows.
public struct ControlledMean: Sendable {
    private let controls: Int
    private let groups: Int
    /// Sums of products of (controls, value), the upper left triangle included, row-major.
    private var products: [Double]
    /// Per group: count, sums of the controls, sum of the value.
    private var sums: [Double]

    /// For samples in `groups` (two or more) groups with `controls` (none or more) control variates each.
    public init(controls: Int, groups: Int) {
        self.controls = controls
        self.groups = groups
        products = Array(repeating: 0, count: (controls + 1) * (controls + 1))
        sums = Array(repeating: 0, count: (controls + 2) * groups)
    }

    /// One sample: `sample` holds the control variates, then the number itself.
    public mutating func add(_ sample: UnsafePointer<Double>, group: Int) {
        let width = controls + 1
        for i in 0..<width {
            for j in 0..<width { products[i * width + j] += sample[i] * sample[j] }
            sums[group * (width + 1) + 1 + i] += sample[i]
        }
        sums[group * (width + 1)] += 1
    }

    /// The mean with its standard error from the spread of the groups, how much of the variance is left, and the mean of
    /// each group (not a number without samples), all with the same coefficients: for errors of functions of several means.
    ///
    /// Controls that depend on each other linearly are left out together; the mean is then the plain one.
    public var result: (mean: Double, error: Double, varianceLeft: Double, groupMeans: [Double]) {
        let width = controls + 1
        var total = Array(repeating: 0.0, count: width + 1)
        for i in sums.indices { total[i % (width + 1)] += sums[i] }
        let n = total[0]
        func covariance(_ i: Int, _ j: Int) -> Double {
            products[i * width + j] / n - total[1 + i] / n * (total[1 + j] / n)
        }
        var coefficients = Array(repeating: 0.0, count: controls)
        let matrix = (0..<controls * controls).map { covariance($0 / controls, $0 % controls) }
        if controls > 0,
            let factor = SmallMatrix.cholesky(matrix, controls, tolerance: 1e-13, allowsZero: false)
        {
            let column = (0..<controls).map { covariance($0, controls) }
            coefficients = SmallMatrix.product(
                SmallMatrix.inverse(factor: factor, controls), column, controls, controls, 1)
        }
        func adjusted(_ row: ArraySlice<Double>) -> Double {
            let first = row.startIndex
            let explained = (0..<controls).reduce(0) { $0 + coefficients[$1] * row[first + 1 + $1] }
            return (row[first + width] - explained) / row[first]
        }
        let mean = adjusted(total[...])
        let groupMeans = (0..<groups).map { adjusted(sums[($0 * (width + 1))..<(($0 + 1) * (width + 1))]) }
        var (square, used) = (0.0, 0.0)
        for value in groupMeans where !value.isNaN {
            square += (value - mean) * (value - mean)
            used += 1
        }
        let explained = (0..<controls).reduce(0) { $0 + coefficients[$1] * covariance($1, controls) }
        let variance = covariance(controls, controls)
        return (mean, (square / (used * (used - 1))).squareRoot(), 1 - explained / variance, groupMeans)
    }
}
