import Foundation

/// How plain words of a job file are read as numbers and flags. YAML's own rules are not used: they turn `n`, `off`
/// and `1:30` into something else.
enum ScalarText {
    enum Number {
        case finite(Double)
        /// NaN or an infinity.
        case notFinite
    }

    /// A decimal number with optional sign, exponent, and underscores between digits (`1_000`); nil for other text.
    static func number(_ text: String) -> Number? {
        let lower = text.lowercased()
        let bare = lower.hasPrefix("-") || lower.hasPrefix("+") ? String(lower.dropFirst()) : lower
        if ["nan", ".nan", "inf", ".inf", "infinity"].contains(bare) { return .notFinite }
        var digits = ""
        var last: Character?
        for character in bare {
            if character == "_" {
                guard last?.isNumber == true else { return nil }
            } else {
                guard "0123456789.e+-".contains(character) else { return nil }
                digits.append(character)
            }
            last = character
        }
        guard last != "_", let first = digits.first, first.isNumber || first == ".",
            let value = Double((lower.hasPrefix("-") ? "-" : "") + digits)
        else { return nil }
        return value.isFinite ? .finite(value) : .notFinite
    }

    /// A whole number: `4`, `4.0`, `1e5`; exact beyond 2^53 when written without exponent.
    static func integer(_ text: String) -> Int? {
        if let exact = Int(text.replacingOccurrences(of: "_", with: "")) { return exact }
        guard case .finite(let value)? = number(text) else { return nil }
        return Int(exactly: value)
    }

    static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "yes", "on": return true
        case "false", "no", "off": return false
        default: return nil
        }
    }

    /// The shortest text that reads back as `value`, without `.0`.
    static func format(_ value: Double) -> String {
        if let whole = Int(exactly: value), whole.magnitude < 1_000_000_000_000 { return String(whole) }
        return "\(value)"
    }
}
