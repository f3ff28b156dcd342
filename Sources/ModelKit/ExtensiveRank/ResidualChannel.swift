import Dynamics
import Modeling

/// Where message passing takes its precision A from.
public enum ChannelPrecision: String, Sendable, CaseIterable { case residual, empirical, variance }

/// Linear measurements in Gaussian noise: g = (y - omega)/s and the precision A of the noisy matrix.
///
/// In the limit the mean of (y - omega)^2 is Delta + V, and three rules are the same. On one data set they are not:
/// - residual: s = mean (y - omega)^2, A = a/s, so that g, A and the Onsager term agree with the noise that is there;
/// - empirical (the papers'): s = Delta + V, A = a mean g^2. An instance whose V is too small takes ever smaller
///   steps, since A grows like 1/V^2, and ends where it is with V = 0;
/// - variance: s = Delta + V, A = a/s: V is that of state evolution whatever the data.
public struct ResidualChannel: RowwiseChannel {
    /// y, a sample each.
    public let labels: [Double]
    /// Delta, the variance of the labels' noise.
    public let noise: Double
    /// a: alpha, for symmetric matrices 2 alpha.
    public let ratio: Double
    /// What s and A are made of.
    public let rule: ChannelPrecision
    /// What is taken off the labels.
    public var offset = 0.0
    private var variance = 0.0
    private var squares = 0.0

    /// Arguments as the properties; nothing is taken off the labels.
    public init(labels: [Double], noise: Double, ratio: Double, rule: ChannelPrecision) {
        (self.labels, self.noise, self.ratio, self.rule) = (labels, noise, ratio, rule)
    }

    /// As many as labels.
    public var fieldCount: Int { labels.count }
    /// A field is one number.
    public var width: Int { 1 }

    /// Takes note of V, and begins the sum of squares.
    public mutating func begin(variance: UnsafePointer<Double>) {
        self.variance = variance[0]
        squares = 0
    }

    /// y - omega, up to the factor 1/s.
    public mutating func respond(_ rows: Range<Int>, fields: UnsafePointer<Double>, g: UnsafeMutablePointer<Double>) {
        for i in rows {
            g[i] = labels[i] - offset - fields[i]
            squares += g[i] * g[i]
        }
    }

    /// Writes A and returns 1/s.
    public func finish(precision: UnsafeMutablePointer<Double>) -> Double {
        let mean = squares / Double(labels.count)
        let s = rule == .residual ? mean : noise + variance
        precision[0] = rule == .empirical ? ratio * mean / (s * s) : ratio / s
        return 1 / s
    }
}

/// A ``ResidualChannel`` whose y - omega has a mean of its own that says nothing of the signal: it is taken off first.
public struct CentredChannel: OutputChannel {
    private var residual: ResidualChannel

    /// The channel with the mean of y - omega taken off.
    public init(_ residual: ResidualChannel) { self.residual = residual }

    /// Takes the mean of these fields' residuals off; a single sample keeps it.
    public mutating func evaluate(
        fields: UnsafePointer<Double>, variance: UnsafePointer<Double>, g: UnsafeMutablePointer<Double>,
        precision: UnsafeMutablePointer<Double>
    ) throws {
        let count = residual.fieldCount
        let sum = (0..<count).reduce(0) { $0 + residual.labels[$1] - fields[$1] }
        residual.offset = count > 1 ? sum / Double(count) : 0
        try residual.evaluate(fields: fields, variance: variance, g: g, precision: precision)
    }
}
