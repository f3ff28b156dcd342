/// Whether `value` is within `tolerance` of `expected`.
public func close(_ value: Double, _ expected: Double, _ tolerance: Double) -> Bool {
    abs(value - expected) <= tolerance
}

/// The largest distance between two vectors' entries; infinite when they have not as many.
public func largestDifference(_ x: [Double], _ y: [Double]) -> Double {
    x.count == y.count ? zip(x, y).map { abs($0 - $1) }.max() ?? 0 : .infinity
}

/// The mean of a sample, and its standard error.
public func meanAndError(_ x: [Double]) -> (mean: Double, error: Double) {
    let moments = Moments(x)
    return (moments.mean, moments.error)
}
