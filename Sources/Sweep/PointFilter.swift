/// The job's `where` condition, compiled for one grid.
public struct PointFilter: Sendable {
}
