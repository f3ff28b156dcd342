import Modeling

/// What a job says of one parameter for one method.
struct ParameterSource: Sendable {
    enum Kind: Sendable {
        case fixed(ParameterValue)
        case axis([ParameterValue])
        case expression(ExpressionSource)
    }

    let spec: ParameterSpec
    let kind: Kind
    let keyLocation: SourceLocation
    let valueLocation: SourceLocation
    /// The first value that an axis has twice. Zipped axes may have one, so this is judged when the zips are known.
    var repeatedValue: JobTree?
}

/// Reads the value of a parameter: a scalar, a list, a spacing, an expression or an array.
struct ParameterReader {
    /// The longest axis; more points come from more axes.
    static let longestAxis = 1_000_000

    let spec: ParameterSpec
    let path: String

    private typealias Value = ParameterValue

    func read(_ entry: JobTree.Entry) throws(JobErrors) -> ParameterSource {
        let tree = entry.value
        let kind: ParameterSource.Kind
        var repeated: JobTree?
        switch tree.content {
        case .scalar:
            if tree.isNull {
                throw fail(tree.location, "parameter '\(spec.name)' has no value", hint: expectation)
            }
            kind = .fixed(try element(tree))
        case .list(let items):
            let values = try list(items, tree)
            kind = .axis(values)
            var seen: Set<ParameterValue> = []
            repeated = zip(values, items).first { !seen.insert($0.0).inserted }?.1
        case .map(let entries): kind = try form(entries, tree)
        }
        return ParameterSource(
            spec: spec, kind: kind, keyLocation: entry.keyLocation, valueLocation: tree.location,
            repeatedValue: repeated)
    }

    private func fail(_ location: SourceLocation, _ message: String, hint: String? = nil) -> JobErrors {
        JobErrors([JobError(path: path, location: location, message: message, hint: hint)])
    }

    /// What a value has to be, for hints.
    private var expectation: String { "'\(spec.name)' is \(spec.kind.expectation): \(spec.summary)" }

    // MARK: Lists

    private func list(_ items: [JobTree], _ tree: JobTree) throws(JobErrors) -> [ParameterValue] {
        guard !items.isEmpty else {
            throw fail(tree.location, "axis '\(spec.name)' has no values", hint: "give at least one value")
        }
        try checkLength(Double(items.count), tree.location)
        if case .array = spec.kind, let item = items.first, case .list = item.content {
            throw fail(
                tree.location, "an array parameter is written '\(spec.name): {value: [...]}'",
                hint: "a plain list makes an axis; an axis of arrays is [{value: [...]}, {value: [...]}]")
        }
        var values: [ParameterValue] = []
        values.reserveCapacity(items.count)
        var errors: [JobError] = []
        for item in items {
            do {
                values.append(try element(item))
            } catch {
                errors += error.errors
            }
        }
        guard errors.isEmpty else { throw JobErrors(errors) }
        return values
    }

    // MARK: One value

    /// A scalar, or `{value: ...}` for an array parameter.
    private func element(_ tree: JobTree) throws(JobErrors) -> ParameterValue {
        if case .array(let dimensions) = spec.kind {
            guard let entry = tree["value"], case .map(let entries) = tree.content, entries.count == 1 else {
                throw fail(
                    tree.location, "parameter '\(spec.name)' is an array, not \(tree.summary)",
                    hint: "write {value: [...]}")
            }
            return .array(try array(entry.value, dimensions))
        }
        switch tree.content {
        case .list:
            throw fail(tree.location, "axis '\(spec.name)' has a list as a value", hint: expectation)
        case .map:
            throw fail(
                tree.location, "axis '\(spec.name)' has a mapping as a value",
                hint: "linspace, logspace, range and expr stand alone, not in a list")
        case .scalar(let text, let style):
            return try scalar(text, style, tree)
        }
    }

    private func scalar(
        _ text: String, _ style: JobTree.Style, _ tree: JobTree
    ) throws(JobErrors) -> ParameterValue {
        func wrong(_ found: String, _ suggestion: String = "") -> JobErrors {
            let looksComputed = text.contains { "+*/(^".contains($0) } && text.contains { $0.isNumber || $0 == "(" }
            var isNumeric = false
            switch spec.kind {
            case .integer, .real: isNumeric = true
            default: break
            }
            var hint: String?
            if isNumeric, ScalarText.number(text) != nil, style != .plain {
                hint = "numbers are written without quotes"
            }
            if isNumeric, looksComputed, ScalarText.number(text) == nil {
                hint = "a formula is written {expr: \"\(text)\"}"
            }
            return fail(
                tree.location, "parameter '\(spec.name)' must be \(spec.kind.expectation), not \(found)\(suggestion)",
                hint: hint)
        }
        if tree.isNull { throw wrong("empty") }
        switch spec.kind {
        case .integer:
            if style == .plain, let value = ScalarText.integer(text) {
                return try checked(.integer(value), tree.location)
            }
            throw wrong("'\(text)'")
        case .real:
            guard style == .plain, let number = ScalarText.number(text) else { throw wrong("'\(text)'") }
            guard case .finite(let value) = number else {
                throw fail(tree.location, "parameter '\(spec.name)' must be a finite number, not '\(text)'")
            }
            return try checked(.real(value), tree.location)
        case .flag:
            guard style == .plain, let value = ScalarText.flag(text) else { throw wrong("'\(text)'") }
            return .flag(value)
        case .choice(let choices):
            guard choices.contains(text) else {
                throw wrong("'\(text)'", Nearest.suggestion(text, among: choices))
            }
            return .text(text)
        case .array: throw wrong("'\(text)'")
        }
    }

    /// `value`, when it lies in the parameter's range.
    private func checked(_ value: ParameterValue, _ location: SourceLocation) throws(JobErrors) -> ParameterValue {
        if let problem = spec.kind.problem(with: value) {
            throw fail(location, "parameter '\(spec.name)' must be \(spec.kind.expectation), not \(problem)")
        }
        return value.canonical
    }

    private func array(_ tree: JobTree, _ dimensions: ClosedRange<Int>) throws(JobErrors) -> ArrayValue {
        var shape: [Int] = []
        var elements: [Double] = []
        try collect(tree, depth: 0, &shape, &elements)
        guard dimensions.contains(shape.count) else {
            throw fail(
                tree.location,
                "parameter '\(spec.name)' must be \(spec.kind.expectation), not \(shape.count) dimension\(shape.count == 1 ? "" : "s")"
            )
        }
        return ArrayValue(shape: shape, elements: elements)
    }

    private func collect(
        _ tree: JobTree, depth: Int, _ shape: inout [Int], _ elements: inout [Double]
    ) throws(JobErrors) {
        switch tree.content {
        case .list(let items):
            guard !items.isEmpty else { throw fail(tree.location, "array '\(spec.name)' has an empty list") }
            if depth == shape.count, elements.isEmpty { shape.append(items.count) }
            guard depth < shape.count, shape[depth] == items.count else {
                throw fail(
                    tree.location,
                    "array '\(spec.name)' is ragged: \(items.count) value\(items.count == 1 ? "" : "s") where other rows have "
                        + "\(depth < shape.count ? shape[depth] : 1)")
            }
            for item in items { try collect(item, depth: depth + 1, &shape, &elements) }
        case .scalar(let text, let style):
            guard depth == shape.count else {
                throw fail(tree.location, "array '\(spec.name)' is ragged: a number where other rows have a list")
            }
            guard style == .plain, let number = ScalarText.number(text) else {
                throw fail(tree.location, "array '\(spec.name)' must hold numbers, not \(tree.summary)")
            }
            guard case .finite(let value) = number else {
                throw fail(tree.location, "array '\(spec.name)' must hold finite numbers, not '\(text)'")
            }
            elements.append(value == 0 ? 0 : value)
        case .map:
            throw fail(tree.location, "array '\(spec.name)' must hold numbers, not a mapping")
        }
    }

    // MARK: Forms in braces

    private static let forms = ["linspace", "logspace", "range", "expr", "value"]

    private func form(_ entries: [JobTree.Entry], _ tree: JobTree) throws(JobErrors) -> ParameterSource.Kind {
        guard entries.count == 1, let entry = entries.first else {
            throw fail(
                tree.location,
                "parameter '\(spec.name)' needs exactly one of \(Self.forms.joined(separator: ", ")) in braces")
        }
        switch entry.key {
        case "linspace", "logspace", "range":
            return .axis(try spaced(entry))
        case "expr":
            guard case .scalar(let text, let style) = entry.value.content, !entry.value.isNull else {
                throw fail(
                    entry.value.location, "the expression of '\(spec.name)' must be a text, not \(entry.value.summary)",
                    hint: "write it in quotes: {expr: \"0.05 * sqrt(L)\"}")
            }
            if case .array = spec.kind {
                throw fail(
                    entry.value.location, "parameter '\(spec.name)' is an array and cannot be an expression",
                    hint: "write {value: [...]}")
            }
            return .expression(try expressionSource(text, style, entry.value.location, path))
        case "value":
            guard case .array = spec.kind else {
                throw fail(
                    entry.keyLocation, "parameter '\(spec.name)' is not an array",
                    hint: "write the value directly; it is \(spec.kind.expectation)")
            }
            return .fixed(try element(tree))
        default:
            throw fail(
                entry.keyLocation,
                "unknown form '\(entry.key)' for '\(spec.name)'\(Nearest.suggestion(entry.key, among: Self.forms))",
                hint: "one of: " + Self.forms.joined(separator: ", "))
        }
    }

    private func spaced(_ entry: JobTree.Entry) throws(JobErrors) -> [ParameterValue] {
        var isInteger = false
        switch spec.kind {
        case .real: break
        case .integer: isInteger = true
        default:
            throw fail(
                entry.keyLocation,
                "'\(entry.key)' makes numbers, and parameter '\(spec.name)' is \(spec.kind.expectation)",
                hint: "give a list of values")
        }
        let numbers = try SpacingReader(path: path, name: "'\(spec.name)'").read(entry)
        var values: [ParameterValue] = []
        values.reserveCapacity(numbers.count)
        for number in numbers {
            if isInteger {
                // Rounded to whole numbers; what coincides then is one value.
                guard let whole = Int(exactly: number.rounded()) else {
                    throw fail(entry.value.location, "parameter '\(spec.name)' must be \(spec.kind.expectation)")
                }
                if entry.key == "range", Double(whole) != number {
                    throw fail(
                        entry.value.location,
                        "parameter '\(spec.name)' must be \(spec.kind.expectation), not '\(ScalarText.format(number))'",
                        hint: "give whole numbers for start and step")
                }
                let value = try checked(.integer(whole), entry.value.location)
                if values.last != value { values.append(value) }
            } else {
                let value = try checked(.real(number), entry.value.location)
                guard values.last != value else {
                    throw fail(
                        entry.value.location,
                        "'\(entry.key)' of '\(spec.name)' has equal values; the ends are too close")
                }
                values.append(value)
            }
        }
        return values
    }

    private func checkLength(_ count: Double, _ location: SourceLocation) throws(JobErrors) {
        guard count <= Double(Self.longestAxis) else {
            throw fail(
                location,
                "axis '\(spec.name)' has \(ScalarText.format(count)) values; at most \(Self.longestAxis) are possible")
        }
    }
}

/// The source of an expression written at `location`.
func expressionSource(
    _ text: String, _ style: JobTree.Style, _ location: SourceLocation, _ path: String
) throws(JobErrors) -> ExpressionSource {
    var start = location
    var hasColumns = style != .block && !text.contains("\n")
    if case .file(let line, let column) = location {
        start = .file(line: line, column: column + (style == .quoted ? 1 : 0))
    } else {
        hasColumns = false
    }
    do {
        return try ExpressionSource(text: text, path: path, start: start, hasColumns: hasColumns)
    } catch {
        throw JobErrors([error])
    }
}

/// Reads the three numbers of `linspace`, `logspace` and `range`.
struct SpacingReader {
    let path: String
    /// What the numbers are for, for messages.
    let name: String

    func read(_ entry: JobTree.Entry) throws(JobErrors) -> [Double] {
        let isRange = entry.key == "range"
        let expected = isRange ? "[from, to, step]" : "[from, to, count]"
        guard case .list(let items) = entry.value.content, items.count == 3 else {
            throw fail(entry.value.location, "'\(entry.key)' of \(name) needs \(expected), not \(found(entry.value))")
        }
        let start = try number(items[0])
        let end = try number(items[1])
        if isRange {
            let step = try number(items[2])
            guard let count = Spacing.stepCount(from: start, to: end, step: step) else {
                throw fail(
                    items[2].location,
                    "'range' of \(name) never gets from \(ScalarText.format(start)) to "
                        + "\(ScalarText.format(end)) in steps of \(ScalarText.format(step))")
            }
            try checkLength(count, entry.value.location)
            return Spacing.stepped(from: start, to: end, step: step, count: Int(count))
        }
        guard case .scalar(let text, .plain) = items[2].content, let count = ScalarText.integer(text), count >= 1 else {
            throw fail(items[2].location, "the count of \(name) must be an integer >= 1, not \(items[2].summary)")
        }
        try checkLength(Double(count), entry.value.location)
        guard count == 1 || start != end else {
            throw fail(entry.value.location, "'\(entry.key)' of \(name) has the same value \(count) times")
        }
        guard entry.key == "logspace" else { return Spacing.linear(from: start, to: end, count: count) }
        for (item, value) in [(items[0], start), (items[1], end)] where value <= 0 {
            throw fail(
                item.location, "'logspace' of \(name) needs positive ends, not \(ScalarText.format(value))",
                hint: "the ends are the values themselves, not their exponents")
        }
        return Spacing.logarithmic(from: start, to: end, count: count)
    }

    private func found(_ tree: JobTree) -> String {
        guard case .list(let items) = tree.content else { return tree.summary }
        return "\(items.count) value\(items.count == 1 ? "" : "s")"
    }

    private func number(_ tree: JobTree) throws(JobErrors) -> Double {
        guard case .scalar(let text, .plain) = tree.content, let number = ScalarText.number(text) else {
            throw fail(tree.location, "the ends and step of \(name) must be numbers, not \(tree.summary)")
        }
        guard case .finite(let value) = number else {
            throw fail(tree.location, "the ends and step of \(name) must be finite numbers, not '\(text)'")
        }
        return value
    }

    private func checkLength(_ count: Double, _ location: SourceLocation) throws(JobErrors) {
        guard count <= Double(ParameterReader.longestAxis) else {
            throw fail(
                location,
                "\(name) gets \(ScalarText.format(count)) values; at most \(ParameterReader.longestAxis) are possible")
        }
    }

    private func fail(_ location: SourceLocation, _ message: String, hint: String? = nil) -> JobErrors {
        JobErrors([JobError(path: path, location: location, message: message, hint: hint)])
    }
}
