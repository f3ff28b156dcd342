import Foundation

/// `--set` arguments as one text attribute: one a line, or, when one has several lines itself, a list of JSON.
enum OverridesText {
    static func joined(_ overrides: [String]) -> String {
        // No argument begins with a bracket: it begins with a key.
        guard overrides.contains(where: { $0.unicodeScalars.contains { $0 == "\n" || $0 == "\r" } }) else {
            return overrides.joined(separator: "\n")
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return (try? encoder.encode(overrides)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    static func split(_ text: String) -> [String] {
        if text.isEmpty { return [] }
        if text.utf8.first == UInt8(ascii: "["),
            let list = try? JSONDecoder().decode([String].self, from: Data(text.utf8))
        {
            return list
        }
        return text.components(separatedBy: "\n")
    }
}
