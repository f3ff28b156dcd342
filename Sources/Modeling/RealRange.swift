/// An interval of reals, either end open or closed.
public struct RealRange: Sendable, Hashable {
    /// The lower end; -infinity for none.
    public let lower: Double
    /// The upper end; infinity for none.
    public let upper: Double
    /// Whether the lower end belongs to it.
    public let includesLower: Bool
    /// Whether the upper end belongs to it.
    public let includesUpper: Bool

    /// The interval from `lower` to `upper`.
    public init(_ lower: Double, _ upper: Double, includesLower: Bool = true, includesUpper: Bool = true) {
        self.lower = lower
        self.upper = upper
        self.includesLower = includesLower
        self.includesUpper = includesUpper
    }

    /// All finite numbers.
    public static let any = RealRange(-.infinity, .infinity, includesLower: false, includesUpper: false)
    /// All finite numbers above 0.
    public static let positive = RealRange(0, .infinity, includesLower: false, includesUpper: false)
    /// All finite numbers from 0.
    public static let nonNegative = RealRange(0, .infinity, includesUpper: false)
    /// 0 and 1 included.
    public static let unit = RealRange(0, 1)

    /// Whether `value` lies in it.
    public func contains(_ value: Double) -> Bool {
        (includesLower ? value >= lower : value > lower) && (includesUpper ? value <= upper : value < upper)
    }
}
