import Dynamics
import Modeling
import Numerics

/// The prior of a matrix that is learned from linear measurements.
public protocol MatrixPrior: DenoisingPrior {
    /// How often an entry is there: 2 for symmetric matrices, else 1.
    static var copies: Double { get }
    /// The recorded error over the mean squared one: 1 is then that of the best constant.
    var errorUnit: Double { get }
    /// Of all tasks of the process.
    static var tables: DenoisingTables<Self> { get }
}

extension RectangularPrior: MatrixPrior {
    /// Every entry is there once.
    public static var copies: Double { 1 }
    /// The best constant has error 1 as it is.
    public var errorUnit: Double { 1 }
}

extension WishartPrior: MatrixPrior {
    /// Entries off the diagonal are there twice.
    public static var copies: Double { 2 }
    /// kappa: that of the best constant is 1/kappa.
    public var errorUnit: Double { kappa }
}

/// The state evolution of learning a matrix from alpha measurements per entry in noise of variance Delta: with c
/// ``MatrixPrior/copies``, an error E makes the noise t on the matrix, c alpha t = Delta/c + E, and noise t the error
/// mmse(t).
public struct MatrixEstimation<Prior: MatrixPrior>: Sendable {
    private let table: DenoisingTable<Prior>
    private let slope: Double
    private let offset: Double

    /// - Parameters:
    ///   - alpha: measurements per entry.
    ///   - noise: Delta, the variance of their noise.
    public init(alpha: Double, noise: Double, _ prior: Prior) {
        table = Prior.tables.table(prior)
        slope = Prior.copies * alpha
        offset = noise / Prior.copies
    }

    /// The prior of the matrix.
    public var prior: Prior { table.prior }

    /// The error in noise of variance t.
    ///
    /// - Throws: ``ModelError/notConverged(_:)`` where the spectrum is not resolved.
    public func mmse(_ t: Double) throws -> Double { try resolved { try prior.mmse(t) } }

    /// The noise on the matrix when the error is E.
    public func noise(at E: Double) -> Double { (offset + E) / slope }

    /// Where the state evolution stands still: the best possible error E, and t; both 0 where the target is found.
    public func solve() throws -> (E: Double, t: Double) {
        switch try resolved({ try table.crossing(slope: slope, offset: offset) }) {
        case .zero: (0, 0)
        case .at(let t, let mmse): (mmse, t)
        }
    }

    private func resolved<Value>(_ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error as SpectralError { throw ModelError.notConverged("\(error)") }
    }

    /// Puts what `bayes` puts for any matrix, and returns the solution.
    public func putBayes(_ observables: MatrixObservables, into sink: inout ObservationSink) throws -> (
        E: Double, t: Double
    ) {
        let (E, t) = try solve()
        sink.put(observables.error, prior.errorUnit * E)
        sink.put(observables.overlap, 1 - prior.errorUnit * E)
        sink.put(observables.noise, t)
        sink.put(observables.sampleRatio, slope / Prior.copies)
        return (E, t)
    }

    /// Puts the errors of `runs` samples of the posterior and of their average: any two samples, or a sample and the
    /// target, are two draws from it.
    public func putSampling(runs: Int, _ observables: MatrixObservables, into sink: inout ObservationSink) throws {
        let error = try prior.errorUnit * solve().E
        sink.put(observables.error, (1 + 1 / Double(runs)) * error)
        sink.put(observables.single, 2 * error)
        sink.put(observables.spread, (1 - 1 / Double(runs)) * error)
    }
}

/// Method `state-evolution`: E_0 is that of the best constant, E_{k+1} = mmse(t_k).
public struct StateEvolution<Prior: MatrixPrior>: Run {
    private let theory: MatrixEstimation<Prior>
    private let observables: MatrixObservables
    private var iteration: FixedPoint
    /// The noise that made the present E.
    private var t = Double.nan
    /// The first iteration at which E no longer changed, when there was one.
    private var settled = 0

    /// Starts at iteration 0.
    public init(_ theory: MatrixEstimation<Prior>, _ observables: MatrixObservables) {
        (self.theory, self.observables) = (theory, observables)
        iteration = FixedPoint(
            from: [1 / theory.prior.errorUnit], rule: FixedPointRule(tolerance: 0, maximumIterations: .max))
    }

    public mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = Int(time)
        // One mmse takes some 100 microseconds.
        for _ in 0..<min(max(quantum / 100, 1), target - iteration.iterations) {
            t = theory.noise(at: iteration.value[0])
            try iteration.step { _ in [try theory.mmse(t)] }
            if settled == 0, iteration.residual < 1e-12 * iteration.value[0] { settled = iteration.iterations }
        }
        return iteration.iterations >= target
    }

    public mutating func observe(into sink: inout ObservationSink) {
        let error = theory.prior.errorUnit * iteration.value[0]
        sink.put(observables.error, error)
        sink.put(observables.estimate, error)
        sink.put(observables.precision, 1 / (Prior.copies * t))
    }

    public mutating func finish(into sink: inout ObservationSink) {
        sink.put(observables.iterations, Double(settled > 0 ? settled : iteration.iterations))
        sink.put(observables.residual, theory.prior.errorUnit * iteration.residual)
    }

    public mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&iteration)
        try archive.exchange(&t)
        try archive.exchange(&settled, in: 0...maximumStep)
    }
}
