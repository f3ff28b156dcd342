import Dynamics
import Modeling
import Numerics

/// What amp reads, but for the matrix and its data.
public struct PassingSettings: Sendable {
    /// delta, of fields and variance.
    public let damping: Double
    /// Where the precision A comes from.
    public let precision: ChannelPrecision
    /// Of the change in an iteration; 0: iterate on.
    public let tolerance: Double

    /// Reads them.
    public init(_ point: Reader, damping: Key<Double>, tolerance: Key<Double>) throws {
        self.damping = try point[damping]
        precision = try point[MatrixKeys.precision]
        self.tolerance = try point[tolerance]
    }

    private init() { (damping, precision, tolerance) = (0, .residual, 0) }

    /// Of methods that read none.
    public static let unused = PassingSettings()

    /// When message passing stops, and what it damps: the fields.
    ///
    /// - Parameter unit: the recorded change over the mean square of the entries' changes.
    public func rule(changeUnit unit: Double) -> MessagePassingRule {
        MessagePassingRule(
            damping: damping, damped: .fields, tolerance: tolerance > 0 ? (tolerance / unit).squareRoot() : -1)
    }
}

/// Method `amp`: message passing with a denoiser of whole matrices, on one data set.
public struct MatrixMessagePassing<Sensing: SensingMap, Channel: OutputChannel, Denoiser: InputDenoiser>: Run {
    private var passing: MessagePassing<Sensing, Channel, Denoiser>
    private let observables: MatrixObservables
    private let work: Int
    private let estimateUnit: Double
    private let changeUnit: Double
    private let observeMatrix: @Sendable ([Double], inout ObservationSink) -> Void

    /// - Parameters:
    ///   - work: elementary steps that an iteration is worth.
    ///   - estimateUnit: the recorded estimate of the error over V.
    ///   - changeUnit: the recorded change over the mean square of the entries' changes.
    ///   - observe: puts the error, and what else the estimate says.
    public init(
        _ passing: MessagePassing<Sensing, Channel, Denoiser>, _ observables: MatrixObservables, work: Int,
        estimateUnit: Double = 1, changeUnit: Double = 1,
        observe: @escaping @Sendable ([Double], inout ObservationSink) -> Void
    ) {
        (self.passing, self.observables, self.work) = (passing, observables, work)
        (self.estimateUnit, self.changeUnit, observeMatrix) = (estimateUnit, changeUnit, observe)
    }

    public mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = Int(time)
        do {
            try passing.iterate(atMost: min(max(quantum / work, 1), target - passing.iteration))
        } catch MessagePassingError.diverged(let iteration, let what) {
            throw ModelError.diverged(step: iteration, what + "; damping may help")
        } catch let error where error is LAPACKError || error is SpectralError {
            throw ModelError.diverged(step: passing.iteration + 1, "\(error)")
        }
        return passing.isConverged || passing.iteration >= target
    }

    public mutating func observe(into sink: inout ObservationSink) {
        observeMatrix(passing.estimate, &sink)
        sink.put(observables.estimate, estimateUnit * passing.covariance[0])
        guard passing.iteration > 0 else { return }
        sink.put(observables.precision, passing.precision[0])
        sink.put(observables.change, passing.change * passing.change * changeUnit)
    }

    public mutating func finish(into sink: inout ObservationSink) {
        sink.put(observables.iterations, Double(passing.iteration))
        sink.put(observables.converged, passing.isConverged ? 1 : 0)
    }

    public mutating func exchange(with archive: inout StateArchive) throws { try archive.exchange(&passing) }
}
