/// What of YAML's aliases a job may use, found before the YAML library composes the document: it would follow a chain of them
/// without bound, and compare keys made of them value by value.
enum YAMLAliases {
    static let limit = 100

    /// Where there is too much of them, or one in a key, and what to say of it; nil when all is well.
    static func problem(_ text: String) -> (line: Int, column: Int, message: String)? {
        guard text.utf8.contains(UInt8(ascii: "*")) else { return nil }
        var scan = Scan()
        var count = 0
        var key: (line: Int, column: Int)?
        for scalar in text.unicodeScalars {
            switch scan.take(scalar) {
            case .alias:
                count += 1
                if count > limit { return (scan.line, scan.column, "more than \(limit) YAML aliases") }
            case .collectionAsKey: key = key ?? (scan.line, scan.column)
            case nil: break
            }
        }
        guard count > 0, let key else { return nil }
        return (key.line, key.column, "a key must be a name, not a list, a mapping or an alias")
    }

    /// Walks through a text, past what is quoted or a comment.
    private struct Scan {
        enum Find { case alias, collectionAsKey }

        private(set) var line = 1
        private(set) var column = 0
        /// The quotes that are open.
        private var quote: Unicode.Scalar?
        private var isComment = false
        private var isEscaped = false
        /// Whether a new token may begin here.
        private var isStart = true
        /// Whether what has just ended is a collection or an alias, so that a colon makes a key of it.
        private var endsNode = false
        private var isInAlias = false

        mutating func take(_ scalar: Unicode.Scalar) -> Find? {
            column += 1
            if scalar == "\n" {
                (line, column, isComment, isStart, endsNode, isInAlias) = (line + 1, 0, false, true, false, false)
                return nil
            }
            if isComment { return nil }
            if let open = quote {
                if isEscaped {
                    isEscaped = false
                } else if scalar == "\\", open == "\"" {
                    isEscaped = true
                } else if scalar == open {
                    quote = nil
                }
                return nil
            }
            let wasStart = isStart
            isStart = scalar == " " || scalar == "\t" || "[{,:?-".unicodeScalars.contains(scalar)
            switch scalar {
            case "#" where wasStart:
                isComment = true
            case "\"", "'":
                if wasStart { quote = scalar }
            case "*" where wasStart:
                (isInAlias, endsNode) = (true, true)
                return .alias
            case "?" where wasStart:
                return .collectionAsKey
            case "]", "}":
                (endsNode, isInAlias) = (true, false)
            case ":" where endsNode && !isInAlias:
                return .collectionAsKey
            case " ", "\t":
                // An alias ends at a blank; a colon behind it makes a key.
                isInAlias = false
            case _ where !isInAlias:
                endsNode = false
            default: break
            }
            return nil
        }
    }
}
