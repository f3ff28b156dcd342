import Foundation

/// Numbers as a person reads them.
public enum Text {
    /// The text with what would steer a terminal, or hide, shown as `\x1b` or `\u202e`: texts come from jobs and files.
    public static func visible(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isInvisible) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            guard isInvisible(scalar) else {
                result.unicodeScalars.append(scalar)
                continue
            }
            let digits = String(scalar.value, radix: 16)
            let width = scalar.value < 0x100 ? 2 : 4
            result +=
                (width == 2 ? "\\x" : "\\u") + String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return result
    }

    /// Control characters but line ends and tabs, and those that turn the direction of writing.
    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: return false
        case 0..<0x20, 0x7F..<0xA0, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF: return true
        default: return false
        }
    }

    /// `1 234 567`.
    public static func count(_ value: Int) -> String {
        var digits = String(value)
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return ([digits] + groups).joined(separator: " ")
    }

    /// `98.2 %`.
    public static func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }

    /// `7.2 s`, `45 s`, `12 min`, `3.5 h`, `2.1 d`.
    public static func duration(_ seconds: Double) -> String {
        switch seconds {
        case ..<1e-3: return String(format: "%.0f us", seconds * 1e6)
        case ..<1: return String(format: "%.0f ms", seconds * 1e3)
        case ..<10: return String(format: "%.1f s", seconds)
        case ..<90: return String(format: "%.0f s", seconds)
        case ..<5400: return String(format: "%.0f min", seconds / 60)
        case ..<172_800: return String(format: "%.1f h", seconds / 3600)
        default: return String(format: "%.1f d", seconds / 86400)
        }
    }

    /// `120 kB`, `3.4 GB`.
    public static func bytes(_ value: Int) -> String {
        let value = Double(value)
        switch value {
        case ..<1000: return String(format: "%.0f B", value)
        case ..<1e6: return String(format: "%.0f kB", value / 1e3)
        case ..<1e9: return String(format: "%.0f MB", value / 1e6)
        default: return String(format: "%.1f GB", value / 1e9)
        }
    }

    /// The words of `text` in lines of at most `width` characters (longer words stand alone).
    public static func wrapped(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] += " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }

    /// One word of a shell's command line: in quotes where it needs them. By bytes, as a shell reads it: to Swift a quote with
    /// an accent on it is no quote.
    public static func quoted(_ word: String) -> String {
        let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%".utf8)
        if !word.isEmpty, word.utf8.allSatisfy(plain.contains) { return word }
        let quote = UInt8(ascii: "'")
        var bytes = [quote]
        for byte in word.utf8 {
            if byte == quote { bytes += #"'\''"#.utf8 } else { bytes.append(byte) }
        }
        return String(decoding: bytes + [quote], as: UTF8.self)
    }
}
