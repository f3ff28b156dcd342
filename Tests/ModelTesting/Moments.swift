import Foundation

/// Mean, standard deviation and standard error of the mean.
public struct Moments: Sendable {
    public let count: Int
    public let mean: Double
    public let std: Double
    public var error: Double { std / Double(count).squareRoot() }
    /// Standard error of `std`, from the fourth moment.
    public let stdError: Double

    public init(_ x: [Double]) {
        count = x.count
        let n = Double(x.count)
        let mean = x.reduce(0, +) / n
        let second = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n
        let fourth = x.reduce(0) { $0 + pow($1 - mean, 4) } / n
        self.mean = mean
        std = (second * n / (n - 1)).squareRoot()
        stdError = (max(fourth - second * second, 0) / n).squareRoot() / (2 * max(second, 1e-300).squareRoot())
    }
}
