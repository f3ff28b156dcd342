/// Errors of several matrices that estimate the same target, and of their average.
public struct RunAverage: Sendable {
    /// |S_b - S*|^2 of each run.
    public private(set) var errors: [Double]
    /// |average - S*|^2.
    public private(set) var averageError = 0.0
    /// The mean over runs of |S_b - mean_b S_b|^2.
    public private(set) var spread = 0.0
    /// The mean over runs of |S_b|^2.
    public private(set) var norm = 0.0

    /// - Parameters:
    ///   - S: the runs' matrices, one after the other.
    ///   - average: where the average is not that of `S`: a sum of matrices, and of how many.
    public init(_ S: [Double], target: [Double], average sum: [Double] = [], of count: Int = 0) {
        let entries = target.count
        let runs = S.count / entries
        errors = Array(repeating: 0, count: runs)
        for j in 0..<entries {
            var mean = 0.0
            for run in 0..<runs { mean += S[run * entries + j] }
            mean /= Double(runs)
            for run in 0..<runs {
                let s = S[run * entries + j]
                errors[run] += (s - target[j]) * (s - target[j])
                spread += (s - mean) * (s - mean)
                norm += s * s
            }
            let average = count > 0 ? sum[j] / Double(count) : mean
            averageError += (average - target[j]) * (average - target[j])
        }
        spread /= Double(runs)
        norm /= Double(runs)
    }

    /// The mean of ``errors``.
    public var meanError: Double { errors.reduce(0, +) / Double(errors.count) }

    /// The standard deviation of ``errors``.
    public var deviation: Double {
        let mean = meanError
        return (errors.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(errors.count)).squareRoot()
    }
}
