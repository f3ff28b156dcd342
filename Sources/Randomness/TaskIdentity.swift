/// A 128-bit name of one task: a stable hash of model, method, canonical parameters and seed. It keys the task's random
/// streams, so the numbers of a task depend on what it is and on nothing else.
public struct TaskIdentity: Sendable, Hashable {
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}
