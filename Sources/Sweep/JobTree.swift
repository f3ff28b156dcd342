import Yams

/// A YAML document whose every node knows where it stands.
struct JobTree: Sendable {
    enum Style: Sendable { case plain, quoted, block }

    enum Content: Sendable {
        case scalar(String, Style)
        case list([JobTree])
        case map([Entry])
    }

    struct Entry: Sendable {
        let key: String
        let keyLocation: SourceLocation
        var value: JobTree
    }

    var location: SourceLocation
    var content: Content

    /// An empty value (`key:` with nothing behind it, `~` or `null`).
    var isNull: Bool {
        guard case .scalar(let text, .plain) = content else { return false }
        return text.isEmpty || text == "~" || text.lowercased() == "null"
    }

    /// What the node is, for messages: `a list`, `'abc'`.
    var summary: String {
        switch content {
        case .list: return "a list"
        case .map: return "a mapping"
        case .scalar(let text, _): return isNull ? "nothing" : "'\(text)'"
        }
    }

    subscript(key: String) -> Entry? {
        guard case .map(let entries) = content else { return nil }
        return entries.first { $0.key == key }
    }
}

extension JobTree {
    /// More nodes than any job needs; a bound against files whose aliases expand without end.
    static let nodeLimit = 4_000_000
    /// What aliases may add to a job.
    static let aliasedNodeLimit = 100_000
    static let depthLimit = 64

    /// Parses one YAML document. `place` turns a line and column of `text` into a location.
    static func parse(
        _ text: String, path: String, place: (Int, Int) -> SourceLocation
    ) throws(JobErrors) -> JobTree {
        func fail(_ line: Int, _ column: Int, _ message: String, hint: String? = nil) -> JobErrors {
            JobErrors([JobError(path: path, location: place(line, column), message: message, hint: hint)])
        }
        if let (line, column) = firstTooDeep(text) {
            throw fail(line, column, "nested too deep", hint: "a job needs a few levels, not \(depthLimit)")
        }
        if let (line, column, message) = YAMLAliases.problem(text) { throw fail(line, column, message) }
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            switch error {
            case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
                .composer(let context, let problem, let mark, _):
                throw syntaxError(text, context, problem, mark, fail)
            case .duplicatedKeysInMapping(let keys, let context):
                let key = keys.first ?? ""
                let line = repetition(of: key, after: context.mark, in: text) ?? context.mark.line
                throw fail(
                    line, context.mark.column, "key '\(key)' is given more than once",
                    hint: repeatedKeyHint(line == context.mark.line ? nil : context.mark.line))
            case .reader(let problem, let offset, _, _):
                let before = text.prefix(offset ?? 0)
                let line = before.reduce(1) { $1.isNewline ? $0 + 1 : $0 }
                throw fail(line, 1, "not readable as YAML: \(problem)")
            default:
                throw fail(1, 1, "not readable as YAML: \(error)")
            }
        } catch {
            throw fail(1, 1, "not readable as YAML: \(error)")
        }
        guard let node else { throw fail(1, 1, "the job is empty", hint: "see 'dynsweep models' and docs/job-file.md") }
        // Every value takes a character at least, unless it is an alias's.
        var budget = min(nodeLimit, text.utf8.count + aliasedNodeLimit)
        return try convert(node, path: path, place: place, depth: 0, budget: &budget)
    }

    private static func repeatedKeyHint(_ firstLine: Int?) -> String {
        "keep one of them" + (firstLine.map { "; the first is in line \($0)" } ?? "")
    }

    /// The line of the second `key` in a block mapping whose first one is at `mark`; the YAML library tells the first.
    private static func repetition(of key: String, after mark: Mark, in text: String) -> Int? {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let start = String(repeating: " ", count: mark.column - 1) + key
        for (number, line) in lines.enumerated() where number >= mark.line && line.hasPrefix(start) {
            if line.dropFirst(start.count).drop(while: { $0 == " " }).hasPrefix(":") { return number + 1 }
        }
        return nil
    }

    private static func syntaxError(
        _ text: String, _ context: YamlError.Context?, _ problem: String, _ mark: Mark,
        _ fail: (Int, Int, String, String?) -> JobErrors
    ) -> JobErrors {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        // libYAML blames the token after a tab; the tab itself is what the user has to find.
        for (number, line) in lines.enumerated() {
            guard number < mark.line, let tab = line.firstIndex(of: "\t"),
                line[..<tab].allSatisfy({ $0 == " " || $0 == "-" })
            else { continue }
            return fail(
                number + 1, line.distance(from: line.startIndex, to: tab) + 1, "a tab is used for indentation",
                "YAML is indented with spaces only")
        }
        switch problem {
        case "found undefined alias":
            return fail(
                mark.line, mark.column, "the YAML alias has no anchor before it",
                "define it with &name, or quote a text that starts with '*'")
        case "but found another document":
            return fail(mark.line, mark.column, "a second YAML document starts here", "a job file holds one job")
        default:
            let place = context.map { ", \($0.text) that starts at line \($0.mark.line), column \($0.mark.column)" }
            return fail(mark.line, mark.column, "YAML syntax: \(problem)\(place ?? "")", nil)
        }
    }

    /// The first bracket or indentation beyond the depth limit; the YAML library would recurse on it without bound.
    private static func firstTooDeep(_ text: String) -> (Int, Int)? {
        var (line, column, depth) = (1, 0, 0)
        var isIndentation = true
        for scalar in text.unicodeScalars {
            column += 1
            if isIndentation {
                isIndentation = scalar == " " || scalar == "-" || scalar == "?"
                if column > 8 * depthLimit { return (line, column) }
            }
            switch scalar {
            case "\n": (line, column, isIndentation) = (line + 1, 0, true)
            case "[", "{":
                depth += 1
                if depth > depthLimit { return (line, column) }
            case "]", "}": depth = max(0, depth - 1)
            default: break
            }
        }
        return nil
    }

    private static func convert(
        _ node: Node, path: String, place: (Int, Int) -> SourceLocation, depth: Int, budget: inout Int
    ) throws(JobErrors) -> JobTree {
        let mark = node.mark
        let location = place(mark?.line ?? 1, mark?.column ?? 1)
        budget -= 1
        guard budget >= 0 else {
            throw JobErrors([JobError(path: path, location: location, message: "the job has too many values")])
        }
        guard depth <= 2 * depthLimit else {
            throw JobErrors([JobError(path: path, location: location, message: "nested too deep")])
        }
        switch node {
        case .scalar(let scalar):
            let style: Style
            switch scalar.style {
            case .singleQuoted, .doubleQuoted: style = .quoted
            case .literal, .folded: style = .block
            default: style = .plain
            }
            return JobTree(location: location, content: .scalar(scalar.string, style))
        case .sequence(let sequence):
            var items: [JobTree] = []
            items.reserveCapacity(sequence.count)
            for item in sequence {
                items.append(try convert(item, path: path, place: place, depth: depth + 1, budget: &budget))
            }
            return JobTree(location: location, content: .list(items))
        case .mapping(let mapping):
            var entries: [Entry] = []
            for (key, value) in mapping {
                let keyLocation = place(key.mark?.line ?? 1, key.mark?.column ?? 1)
                guard case .scalar(let name) = key else {
                    throw JobErrors([JobError(path: path, location: keyLocation, message: "a key must be a name")])
                }
                if entries.contains(where: { $0.key == name.string }) {
                    throw JobErrors([
                        JobError(
                            path: path, location: keyLocation, message: "key '\(name.string)' is given more than once",
                            hint: repeatedKeyHint(nil))
                    ])
                }
                entries.append(
                    Entry(
                        key: name.string, keyLocation: keyLocation,
                        value: try convert(value, path: path, place: place, depth: depth + 1, budget: &budget)))
            }
            return JobTree(location: location, content: .map(entries))
        case .alias:
            throw JobErrors([JobError(path: path, location: location, message: "the YAML alias has no anchor")])
        }
    }
}
