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
            return rounded(exp((low * (last - Double(i)) + high * Double(i)) / last), digits: 12)
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

    /// The decimal number of 15 digits, when `value` is within four units in the last place of it.
    private static func nearDecimal(_ value: Double) -> Double {
        let decimal = rounded(value, digits: 15)
        return abs(decimal - value) <= 4 * value.ulp ? decimal : value
    }

    private static func rounded(_ value: Double, digits: Int) -> Double {
        // Formatting is the correctly rounded way to a decimal number and back.
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            let length = withVaList([Int32(digits - 1), value]) {
                vsnprintf(buffer.baseAddress, buffer.count, "%.*e", $0)
            }
            guard length > 0, length < buffer.count, let text = buffer.baseAddress else { return value }
            return strtod(text, nil)
        }
    }
}
