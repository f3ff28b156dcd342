import Foundation

/// Amounts of memory as people write them.
public enum MemorySize {
    private static let units: [(String, Double)] = [
        ("kib", 0x1p10), ("mib", 0x1p20), ("gib", 0x1p30), ("tib", 0x1p40), ("kb", 1e3), ("mb", 1e6), ("gb", 1e9),
        ("tb", 1e12), ("k", 1e3), ("m", 1e6), ("g", 1e9), ("t", 1e12), ("b", 1),
    ]

    /// The units, for messages.
    public static let unitNames = "B, kB, MB, GB, TB, KiB, MiB, GiB, TiB"

    /// Bytes: of `2GB`, `500 MiB`, `1e9 B`; nil for anything else, a number without a unit too (some mean bytes, others
    /// megabytes), and for what is not positive.
    public static func parse(_ text: String) -> Int? {
        let lower = text.lowercased()
        guard let unit = units.first(where: { lower.hasSuffix($0.0) }) else { return nil }
        let digits = lower.dropLast(unit.0.count).trimmingCharacters(in: .whitespaces)
        guard case .finite(let value)? = ScalarText.number(digits), value > 0, value * unit.1 < 0x1p62 else {
            return nil
        }
        return Int((value * unit.1).rounded())
    }
}
