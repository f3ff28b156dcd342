/// Numbers that depend on the seed and the input's number alone (SplitMix64).
struct Draw: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64, number: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 ^ number &* 0xD1B5_4A32_D192_ED03 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ count: Int) -> Int { count > 1 ? Int(next() % UInt64(count)) : 0 }

    mutating func one<Element>(of list: [Element]) -> Element { list[below(list.count)] }
}

/// Changes to texts that are jobs, or nearly.
enum TextMutation {
    /// Words that mean something to a reader of jobs, or are at an end of what it takes.
    static let words = [
        "0", "-0", "1", "-1", "2", "0.5", "1e-320", "1e308", "-1e308", "1e309", "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551616", "4611686018427387904", "1e18", "1e19", "nan", ".nan", "inf", "-.inf", "null", "~",
        "true", "no", "1:30",
        "0x10", "010", "1_000", "''", "\"\"", "[]", "{}", "[[]]", "[1, 2]", "[1, [2]]", "{value: [[1, 2], [3]]}",
        "{linspace: [0, 1, 3]}",
        "{logspace: [1, 100, 3]}", "{range: [0, 10, 3]}", "{range: [0, 1, 1e-9]}", "{logspace: [1, 1e300, 40]}",
        "{expr: \"L * d\"}",
        "{expr: \"1/0\"}", "{linspace: [0, 1, 1e9]}", "{count: 3, base: 7}", "{count: 4611686018427387904}", "*a",
        "&a [1]", "!!str 1",
        "|\n    text", ">\n    text", "\t", "\u{0}", "\u{1B}[2J", "\u{FEFF}", "\u{202E}", "\u{301}", "💩", "#", "- 1",
        "? 1", ": ", "- - - 1",
        "{sem: {overlap: 1e-300}, max: 9}", "{sem: {overlap: 0}, min: 5, max: 2}", "steps", "t", "zip", "where", "L=4",
        "sgd", "ode",
    ]
    /// Pieces of expressions.
    static let pieces = [
        "L", "d", "alpha", "step_size", "pi", "1", "0", "2.5", "1e308", "-1", "nan", "(", ")", "+", "-", "*", "/", "%",
        "^", "**", "<", "<=",
        ">", ">=", "==", "!=", "and", "or", "not", "sqrt(", "log(", "exp(", "min(", "max(", "floor(", "round(", "abs(",
        ",", " ", "if", "&&",
        "'a'", "true", "\"", "[", "]", ".", "e", "1e", "0x1", "\u{301}",
    ]

    static func apply(_ text: String, others: [String], _ draw: inout Draw) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for _ in 0...draw.below(4) where !lines.isEmpty {
            let at = draw.below(lines.count)
            switch draw.below(11) {
            case 0: lines.remove(at: at)
            case 1: lines.insert(lines[at], at: draw.below(lines.count))
            case 2: lines.swapAt(at, draw.below(lines.count))
            case 3: lines[at] = String(repeating: " ", count: draw.below(6)) + lines[at]
            case 4, 5, 6: replaceValue(&lines[at], draw.one(of: words))
            case 7: replaceValue(&lines[at], "\"" + expression(&draw) + "\"")
            case 8: replaceValue(&lines[at], "{expr: \"" + expression(&draw) + "\"}")
            case 9:
                let other = draw.one(of: others).split(separator: "\n").map(String.init)
                if !other.isEmpty { lines.insert(draw.one(of: other), at: at) }
            default: lines[at] = bytes(lines[at], &draw)
            }
        }
        return lines.joined(separator: "\n")
    }

    static func expression(_ draw: inout Draw) -> String {
        (0...draw.below(9)).map { _ in draw.one(of: pieces) }.joined(separator: draw.below(2) == 0 ? " " : "")
    }

    private static func replaceValue(_ line: inout String, _ value: String) {
        guard let colon = line.lastIndex(of: ":") else { return line = value }
        line = line[...colon] + " " + value
    }

    private static func bytes(_ line: String, _ draw: inout Draw) -> String {
        var bytes = Array(line.utf8)
        guard !bytes.isEmpty else { return draw.one(of: words) }
        bytes[draw.below(bytes.count)] = UInt8(truncatingIfNeeded: draw.next())
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Changes to files.
enum ByteMutation {
    private static let numbers: [UInt64] = [
        0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 40, 1 << 62,
        .max >> 1, 1 << 63, .max,
    ]

    static func apply(_ bytes: inout [UInt8], _ draw: inout Draw) {
        for _ in 0...draw.below(6) where !bytes.isEmpty {
            let at = draw.below(bytes.count)
            switch draw.below(7) {
            case 0: bytes[at] ^= 1 << UInt8(draw.below(8))
            case 1: bytes[at] = UInt8(truncatingIfNeeded: draw.next())
            case 2, 3:
                let (value, width) = (draw.one(of: numbers), draw.one(of: [1, 2, 4, 8]))
                let place = draw.below(2) == 0 ? at & ~7 : at
                for index in 0..<width where place + index < bytes.count {
                    bytes[place + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
                }
            case 4: bytes.removeSubrange(at..<min(bytes.count, at + 1 + draw.below(64)))
            case 5:
                bytes.insert(
                    contentsOf: bytes[at..<min(bytes.count, at + 1 + draw.below(64))], at: draw.below(bytes.count))
            default: if draw.below(4) == 0 { bytes.removeLast(bytes.count - at) }
            }
        }
    }
}
