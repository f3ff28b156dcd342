import Modeling

/// A run without time: what it puts is a function of the parameters alone.
public struct ClosedForm: Run {
    private let compute: @Sendable (inout ObservationSink) throws -> Void

    /// - Parameter compute: puts all observables.
    public init(_ compute: @escaping @Sendable (inout ObservationSink) throws -> Void) { self.compute = compute }

    public mutating func advance(toward time: Double, quantum: Int) -> Bool { true }
    public mutating func observe(into sink: inout ObservationSink) {}
    public mutating func finish(into sink: inout ObservationSink) throws { try compute(&sink) }
    public mutating func exchange(with archive: inout StateArchive) throws {}
}

/// A run whose observables are an explicit function of time.
public struct ClosedFormCurve: Run {
    private let compute: @Sendable (Double, inout ObservationSink) throws -> Void
    private let finally: @Sendable (inout ObservationSink) throws -> Void
    private var time = 0.0

    /// - Parameters:
    ///   - finally: puts what has one value a task.
    ///   - compute: puts the observables at a time, in the method's own unit.
    public init(
        finally: @escaping @Sendable (inout ObservationSink) throws -> Void = { _ in },
        _ compute: @escaping @Sendable (Double, inout ObservationSink) throws -> Void
    ) {
        self.compute = compute
        self.finally = finally
    }

    public mutating func advance(toward time: Double, quantum: Int) -> Bool {
        self.time = time
        return true
    }
    public mutating func observe(into sink: inout ObservationSink) throws { try compute(time, &sink) }
    public mutating func finish(into sink: inout ObservationSink) throws { try finally(&sink) }
    public mutating func exchange(with archive: inout StateArchive) throws { try archive.exchange(&time) }
}
