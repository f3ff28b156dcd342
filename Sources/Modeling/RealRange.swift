/// An interval of reals, either end open or closed.
public struct RealRange: Sendable, Hashable {
    public let lower: Double
    public let upper: Double
    public let includesLower: Bool
    public let includesUpper: Bool

    public init(_ lower: Double, _ upper: Double, includesLower: Bool = true, includesUpper: Bool = true) {
        self.lower = lower
        self.upper = upper
        self.includesLower = includesLower
        self.includesUpper = includesUpper
    }

    /// All finite numbers.
    public static let any = RealRange(-.infinity, .infinity, includesLower: false, includesUpper: false)
    public static let positive = RealRange(0, .infinity, includesLower: false, includesUpper: false)
    public static let nonNegative = RealRange(0, .infinity, includesUpper: false)
    /// 0 and 1 included.
    public static let unit = RealRange(0, 1)

    public func contains(_ value: Double) -> Bool {
        (includesLower ? value >= lower : value > lower) && (includesUpper ? value <= upper : value < upper)
    }
}
