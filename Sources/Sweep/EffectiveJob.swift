import Modeling

extension Job {
    /// What the job says with all its overrides in place, as JSON: what readers of results look at.
    ///
    /// Parameters have their canonical names, and each is there once; their values, and ways to give them, stay as
    /// given (`{logspace: [0.01, 1, 9]}`). Numbers are numbers and texts are texts, by the rules of job files. `name` and
    /// `output` are there also when they were left out; `figure` is as the program understood it.
    public var effectiveText: String {
        let reader = JobReader(path: path, text: text, overrides: overrides, models: [model])
        // It was read before.
        guard let (root, _) = try? reader.readTree(), case .map(let entries) = root.content else { return "{}" }
        let names = ParameterNames(model)
        var parts: [(String, PlainValue)] = [("name", .text(name))]
        for entry in entries where !["name", "output", "figure"].contains(entry.key) {
            parts.append((entry.key, EffectiveJob(names: names).section(entry)))
        }
        parts.append(("output", .text(output)))
        if let figure { parts.append(("figure", figure.plain)) }
        return PlainValue.mapping(parts).json
    }
}

/// Turns what a job says into plain values.
private struct EffectiveJob {
    let names: ParameterNames

    func section(_ entry: JobTree.Entry) -> PlainValue {
        switch entry.key {
        case "model", "where": return texts(entry.value)
        case "methods": return list(entry.value, texts)
        case "parameters": return parameters(entry.value)
        case "zip": return list(entry.value) { group in list(group) { .text(canonical($0)) } }
        case "per_method":
            return map(entry.value) { method in
                // Its seeds are no parameter of any model.
                parameters(method.value)
            }
        default: return plain(entry.value, nil)
        }
    }

    private func canonical(_ tree: JobTree) -> String {
        guard case .scalar(let text, _) = tree.content else { return "" }
        return names.spec(text)?.name ?? text
    }

    private func parameters(_ tree: JobTree) -> PlainValue {
        guard case .map(let entries) = tree.content else { return .map([]) }
        return .mapping(
            entries.map { entry in
                let spec = names.spec(entry.key)
                return (spec?.name ?? entry.key, plain(entry.value, spec?.kind))
            })
    }

    private func map(_ tree: JobTree, _ value: (JobTree.Entry) -> PlainValue) -> PlainValue {
        guard case .map(let entries) = tree.content else { return .map([]) }
        return .mapping(entries.map { ($0.key, value($0)) })
    }

    /// A list; what stands alone is a list of one.
    private func list(_ tree: JobTree, _ value: (JobTree) -> PlainValue) -> PlainValue {
        guard case .list(let items) = tree.content else { return .list([value(tree)]) }
        return .list(items.map(value))
    }

    private func texts(_ tree: JobTree) -> PlainValue {
        switch tree.content {
        case .scalar(let text, _): .text(text)
        case .list(let items): .list(items.map(texts))
        case .map: plain(tree, nil)
        }
    }

    /// - Parameter kind: of the parameter that it is a value of.
    private func plain(_ tree: JobTree, _ kind: ParameterKind?) -> PlainValue {
        switch tree.content {
        case .scalar(let text, let style):
            if tree.isNull { return .null }
            return style == .plain ? Self.word(text, kind) : .text(text)
        case .list(let items): return .list(items.map { plain($0, kind) })
        case .map(let entries):
            return .mapping(entries.map { ($0.key, $0.key == "expr" ? texts($0.value) : plain($0.value, kind)) })
        }
    }

    private static func word(_ text: String, _ kind: ParameterKind?) -> PlainValue {
        switch kind {
        case .choice: return .text(text)
        case .flag: return ScalarText.flag(text).map(PlainValue.flag) ?? .text(text)
        case .integer, .real, .array, nil:
            if let whole = ScalarText.integer(text) { return .integer(whole) }
            if case .finite(let number)? = ScalarText.number(text) { return .real(number) }
            if kind == nil, let flag = ["true": true, "false": false][text.lowercased()] { return .flag(flag) }
            return .text(text)
        }
    }
}

/// A value of JSON.
indirect enum PlainValue: Sendable, Hashable {
    case null
    case flag(Bool)
    case integer(Int)
    case real(Double)
    case text(String)
    case list([PlainValue])
    /// In the order given.
    case map([Entry])

    struct Entry: Sendable, Hashable {
        let key: String
        let value: PlainValue
    }

    static func mapping(_ entries: [(String, PlainValue)]) -> PlainValue {
        .map(entries.map { Entry(key: $0.0, value: $0.1) })
    }

    init(_ value: ParameterValue) {
        switch value {
        case .integer(let number): self = .integer(number)
        case .real(let number): self = .real(number)
        case .text(let text): self = .text(text)
        case .flag(let flag): self = .flag(flag)
        case .array(let array): self = .list(array.elements.map(PlainValue.real))
        }
    }

    /// The value as JSON on one line, which readers of YAML understand too.
    var json: String {
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .flag(let flag): text += flag ? "true" : "false"
        case .integer(let number): text += String(number)
        case .real(let number): text += Self.number(number)
        case .text(let its): text += JobTree.quoted(its)
        case .list(let items):
            text += "["
            for (index, item) in items.enumerated() {
                if index > 0 { text += ", " }
                item.write(to: &text)
            }
            text += "]"
        case .map(let entries):
            text += "{"
            for (index, entry) in entries.enumerated() {
                if index > 0 { text += ", " }
                text += JobTree.quoted(entry.key) + ": "
                entry.value.write(to: &text)
            }
            text += "}"
        }
    }

    /// YAML 1.1 takes `1e-05` for a text.
    private static func number(_ value: Double) -> String {
        let text = "\(value)"
        guard let exponent = text.firstIndex(of: "e"), !text.contains(".") else { return text }
        return text[..<exponent] + ".0" + text[exponent...]
    }
}

extension FigureSpec {
    /// The block as readers of results find it.
    var plain: PlainValue {
        var parts: [(String, PlainValue)] = []
        func add(_ name: String, _ text: String?) { if let text { parts.append((name, .text(text))) } }
        add("x", x)
        add("y", y)
        add("hue", hue)
        add("panels", panels)
        add("xscale", xscale)
        add("yscale", yscale)
        if !at.isEmpty { parts.append(("at", .mapping(at.map { ($0.name, PlainValue($0.value)) }))) }
        if !xlines.isEmpty { parts.append(("xlines", .list(xlines.map(PlainValue.real)))) }
        if !ylines.isEmpty { parts.append(("ylines", .list(ylines.map(PlainValue.real)))) }
        if !methods.isEmpty { parts.append(("methods", .list(methods.map(PlainValue.text)))) }
        if let trajectories { parts.append(("trajectories", .flag(trajectories))) }
        if !compare.isEmpty {
            parts.append(("compare", .mapping(compare.map { ($0.method, .list($0.theories.map(PlainValue.text))) })))
        }
        return .mapping(parts)
    }
}
