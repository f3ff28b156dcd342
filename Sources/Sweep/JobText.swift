import Modeling

extension JobTree {
    /// The node as YAML on one line, such as a `--set` argument takes.
    var flowText: String {
        switch content {
        case .scalar(let text, let style):
            if isNull { return "null" }
            return style == .plain && Self.isSafe(text) ? text : Self.quoted(text)
        case .list(let items): return "[" + items.map(\.flowText).joined(separator: ", ") + "]"
        case .map(let entries):
            let parts = entries.map { entry in
                (Self.isSafe(entry.key) ? entry.key : Self.quoted(entry.key)) + ": " + entry.value.flowText
            }
            return "{" + parts.joined(separator: ", ") + "}"
        }
    }

    /// Whether a plain scalar of this text means itself wherever it stands.
    static func isSafe(_ text: String) -> Bool {
        !text.isEmpty && text != "-"
            && text.unicodeScalars.allSatisfy { scalar in
                ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
                    || "_.+-/".unicodeScalars.contains(scalar)
            }
    }

    /// `text` in double quotes, on one line: a text of YAML and of JSON.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case _ where scalar.value < 32 || scalar.value == 127 || (0x2028...0x2029).contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

extension Job {
    /// The `--set` argument that sends the results to `path`.
    public static func override(forOutput path: String) -> String {
        "output=" + (JobTree.isSafe(path) && path.lowercased() != "null" ? path : JobTree.quoted(path))
    }
}

extension ParameterValue {
    /// The value as YAML on one line; it reads back as exactly this value.
    package var flowText: String {
        switch self {
        case .text(let text): return JobTree.quoted(text)
        case .array(let array): return "{value: \(Self.nested(array.elements[...], array.shape[...]))}"
        default: return text
        }
    }
}
