/// Why an integration stopped. Errors thrown by the right-hand side itself are passed on as they are.
public enum ODEError: Error, Sendable, Hashable, CustomStringConvertible {
    /// An argument that cannot be integrated with, and why.
    case argument(String)
    /// The integrator gave up at this time.
    case failed(time: Double, String)
    /// A component of the solution is not finite at this time.
    case notFinite(time: Double)

    public var description: String {
        switch self {
        case .argument(let what): return "cannot integrate: \(what)"
        case .failed(let time, let what): return "the integrator gave up at t = \(time): \(what)"
        case .notFinite(let time): return "the solution is not finite at t = \(time)"
        }
    }
}

/// A right-hand side: writes dy/dt at (t, y) into its last argument, whose length is that of y.
public typealias ODERightHandSide = @Sendable (Double, Span<Double>, inout MutableSpan<Double>) throws -> Void
