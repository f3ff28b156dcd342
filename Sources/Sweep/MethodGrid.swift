import Modeling
import Numerics

/// The grid of one method: a dense box of points (row-major over `axes`, last axis fastest) times seeds. Nothing is
/// expanded: points, identities and exclusion are computed from the index.
public struct MethodGrid: Sendable {
    public let model: String
    public let method: MethodSpec
    /// Only axes that the method's result depends on.
    public let axes: [Axis]
    /// Parameters with one value, defaults filled in.
    public let fixed: ParameterPoint
    public let derived: [DerivedCoordinate]
    /// Nil for methods without randomness.
    public let seeds: SeedRange?
    /// Empty values for methods without time.
    public let times: RecordingTimes
    /// The requested observables, in the model's order.
    public let observables: [ObservableSpec]
    /// Which points the job's `where` leaves in; nil: all.
    public let filter: PointFilter?

    public var pointCount: Int { axes.reduce(1) { $0 * $1.count } }
    public var seedCount: Int { seeds?.count ?? 1 }
    public var taskCount: Int { pointCount * seedCount }
}

/// Seeds base, base+1, ..., base+count-1.
public struct SeedRange: Sendable, Hashable {
    public let base: Int
    public let count: Int

    public init(base: Int, count: Int) {
        self.base = base
        self.count = count
    }
}

/// One task of a job: indices of method grid, point and seed.
public struct TaskID: Sendable, Hashable {
    public let method: Int
    public let point: Int
    public let seed: Int

    public init(method: Int, point: Int, seed: Int) {
        self.method = method
        self.point = point
        self.seed = seed
    }
}
