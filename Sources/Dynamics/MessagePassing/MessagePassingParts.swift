/// The linear map of a message-passing problem: from an estimate of the signal to the fields that samples see, and back.
///
/// All arrays are row-major: an estimate and a pseudo-field have `signalCount` rows of `width` numbers, fields and
/// outputs `fieldCount` rows. Normalisations (1/sqrt(d) and the like) are inside of the map, which is either a
/// ``SensingOperator`` or a ``RowwiseSensing``.
public protocol SensingMap: Sendable {
    /// Rows of the fields: samples, or tokens of all samples.
    var fieldCount: Int { get }
    /// Rows of the estimate: coordinates of a weight vector, or entries of a matrix.
    var signalCount: Int { get }
    /// Components k of a row: directions, layers.
    var width: Int { get }
}

/// A map whose two directions are separate passes over the data.
public protocol SensingOperator: SensingMap {
    /// Writes F estimate to `fields`, overwriting what is there.
    mutating func fields(of estimate: UnsafePointer<Double>, into fields: UnsafeMutablePointer<Double>)
    /// Writes F^T g to `signal`, overwriting what is there. A map whose rows are normalised differently in the
    /// two directions puts the factor here.
    mutating func adjoint(of g: UnsafePointer<Double>, into signal: UnsafeMutablePointer<Double>)
}

/// A map that does both directions in one pass over its rows: for problems bounded by the time of reading them.
public protocol RowwiseSensing: SensingMap {
    /// Calls `respond` with blocks of rows, in order, and their fields F estimate (from the block's first row on), and writes
    /// F^T outputs, of the outputs that it left in their place, to `signal`.
    mutating func pass(
        estimate: UnsafePointer<Double>, outputs: UnsafePointer<Double>, signal: UnsafeMutablePointer<Double>,
        respond: (Range<Int>, UnsafePointer<Double>) -> Void)
}

/// The posterior of the fields given the data.
public protocol OutputChannel: Sendable {
    /// Computes the outputs `g` and the precision matrix A from the fields Omega and their covariance V.
    ///
    /// - Parameters:
    ///   - fields: Omega, (fieldCount, k).
    ///   - variance: V, (k, k), shared by all rows.
    ///   - g: gets (fieldCount, k): V^-1 (E[z | y, Omega] - Omega) for a posterior mean.
    ///   - precision: gets A, (k, k): minus the mean Jacobian of g, or the mean of g g^T, by the channel's choice, with the
    ///     problem's factor (1/d, alpha, ...).
    /// - Throws: when the posterior does not exist, as for a V that is not positive definite.
    mutating func evaluate(
        fields: UnsafePointer<Double>, variance: UnsafePointer<Double>, g: UnsafeMutablePointer<Double>,
        precision: UnsafeMutablePointer<Double>) throws
}

/// A channel in which the output of a row depends on that row's field alone, but for a factor common to all rows that is
/// known at the end.
public protocol RowwiseChannel: OutputChannel {
    /// Rows of the fields, and numbers in a row.
    var fieldCount: Int { get }
    var width: Int { get }
    /// Forgets all rows; the next ones have covariance V.
    mutating func begin(variance: UnsafePointer<Double>)
    /// Computes the outputs of some rows, up to the common factor. All rows are asked for once, in order.
    mutating func respond(_ rows: Range<Int>, fields: UnsafePointer<Double>, g: UnsafeMutablePointer<Double>)
    /// Writes A to `precision` and returns the common factor.
    mutating func finish(precision: UnsafeMutablePointer<Double>) -> Double
}

/// The posterior of the signal given what all samples say of it.
public protocol InputDenoiser: Sendable {
    /// Computes the estimate and its covariance from B = F^T g + estimate A, which is A times the signal plus Gaussian noise
    /// of covariance A in each row.
    ///
    /// - Parameters:
    ///   - pseudoField: B, (signalCount, k).
    ///   - precision: A, (k, k).
    ///   - estimate: gets the posterior mean, (signalCount, k).
    ///   - covariance: gets C, (k, k): the mean posterior covariance of a row.
    /// - Throws: when there is no such estimate, as for an I + A that is not positive definite.
    mutating func denoise(
        pseudoField: UnsafePointer<Double>, precision: UnsafePointer<Double>,
        estimate: UnsafeMutablePointer<Double>, covariance: UnsafeMutablePointer<Double>) throws
}

/// When message passing stops, and what it keeps of the past.
public struct MessagePassingRule: Sendable, Hashable {
    /// What damping mixes with its value one iteration before.
    public enum Damped: Sendable, Hashable {
        /// The estimate and C, as they leave the denoiser.
        case estimate
        /// The fields Omega and V, as they enter the channel; the first iteration has none before it.
        case fields
    }

    /// The weight of the old value, from 0 (none) to below 1.
    public let damping: Double
    public let damped: Damped
    /// Converged when the root mean square change of the estimate's entries in an iteration, divided by 1 - damping, is at
    /// most this; 0 or less never is.
    public let tolerance: Double

    public init(damping: Double = 0, damped: Damped = .estimate, tolerance: Double) {
        self.damping = damping
        self.damped = damped
        self.tolerance = tolerance
    }
}

/// Why message passing cannot go on.
public enum MessagePassingError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A number that is not finite, or beyond bounds, at this iteration (counted from 1).
    case diverged(iteration: Int, String)
    /// Sizes that do not fit together.
    case argument(String)

    public var description: String {
        switch self {
        case .diverged(let iteration, let what): "message passing left the numbers at iteration \(iteration): \(what)"
        case .argument(let what): "message passing cannot begin: \(what)"
        }
    }
}
