import Foundation

/// Values of `linspace`, `logspace` and `range`. Ends are exact, and values are the decimal numbers a user would write
/// (0.3, not 0.30000000000000004), so that an extended or rewritten axis keeps the values, and with them the results,
/// that it had.
enum Spacing {
    /// `count` >= 1 equidistant values from `start` to `end`.
    static func linear(from start: Double, to end: Double, count: Int) -> [Double] {
        guard count > 1 else { return [start] }
        let last = Double(count - 1)
        return (0..<count).map { i in
            if i == 0 { return start }
            if i == count - 1 { return end }
            return nearDecimal((start * (last - Double(i)) + end * Double(i)) / last)
        }
    }

    /// `count` >= 1 values from `start` to `end`, both positive, in geometric progression, rounded to 12 significant
    /// digits: exp and log differ in the last bits between C libraries, and results are keyed by the values' bits.
    static func logarithmic(from start: Double, to end: Double, count: Int) -> [Double] {
        guard count > 1 else { return [start] }
        let last = Double(count - 1)
        let (low, high) = (log(start), log(end))
        return (0..<count).map { i in
            if i == 0 { return start }
            if i == count - 1 { return end }
            return rounded(exp((low * (last - Double(i)) + high * Double(i)) / last))
        }
    }

    /// How many values `range` has: start, start + step, ... up to `end`, which belongs to it when it is met within
    /// 1e-9 steps. Nil when the step is zero or leads away from the end.
    static func stepCount(from start: Double, to end: Double, step: Double) -> Double? {
        guard step != 0 else { return nil }
        let steps = ((end - start) / step + 1e-9).rounded(.down)
        return steps >= 0 ? steps + 1 : nil
    }

    static func stepped(from start: Double, to end: Double, step: Double, count: Int) -> [Double] {
        (0..<count).map { i in
            let value = nearDecimal(start + Double(i) * step)
            return abs(value - end) <= 1e-9 * abs(step) ? end : value
        }
    }

    /// Powers of ten that are exact.
    private static let powersOfTen: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]

    /// The shortest decimal number of at most 15 digits within four units in the last place of `value`; `value` when
    /// there is none. A whole number below 2^53 over an exact power of ten is the correctly rounded decimal.
    private static func nearDecimal(_ value: Double) -> Double {
        for power in powersOfTen {
            let whole = (value * power).rounded()
            if abs(whole) >= 1e15 { break }
            let decimal = whole / power
            if abs(decimal - value) <= 4 * value.ulp { return decimal }
        }
        return value
    }

    /// `value` > 0 rounded to 12 significant digits; unchanged below 1e-11 and above 1e34, where powers of ten stop being exact.
    private static func rounded(_ value: Double) -> Double {
        let digits = 11 - Int(log10(value).rounded(.down))
        guard abs(digits) < powersOfTen.count else { return value }
        if digits < 0 { return (value / powersOfTen[-digits]).rounded() * powersOfTen[-digits] }
        return (value * powersOfTen[digits]).rounded() / powersOfTen[digits]
    }
}
