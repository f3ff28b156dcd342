/// A `--set KEY=VALUE` argument.
struct JobOverride {
    let text: String
    let path: [String]
    let value: JobTree

    /// Splits and parses arguments; the value is YAML.
    static func parse(_ arguments: [String], path: String) throws(JobErrors) -> [JobOverride] {
        var result: [JobOverride] = []
        var errors: [JobError] = []
        for argument in arguments {
            let location = SourceLocation.override(argument)
            guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
                errors.append(
                    JobError(
                        path: path, location: location, message: "expected KEY=VALUE",
                        hint: "for example --set L=4 or --set record.times=[0,10,100]"))
                continue
            }
            let key = argument[..<equals].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            let text = String(argument[argument.index(after: equals)...])
            guard !key.contains(""), !text.allSatisfy(\.isWhitespace) else {
                errors.append(
                    JobError(
                        path: path, location: location,
                        message: key.contains("") ? "the key has an empty part" : "there is no value after '='"))
                continue
            }
            do {
                let value = try JobTree.parse(text, path: path) { _, _ in location }
                result.append(JobOverride(text: argument, path: key, value: value))
            } catch {
                errors += error.errors
            }
        }
        guard errors.isEmpty else { throw JobErrors(errors) }
        return result
    }

    /// Puts the value into the tree: at a dotted path that starts with a key of the job, else as a parameter.
    func apply(to root: inout JobTree, path file: String, names: ParameterNames?) throws(JobErrors) {
        var keys = path
        if keys.count == 1, !JobReader.keys.contains(keys[0]) { keys = ["parameters", keys[0]] }
        if keys.count > 1, !JobReader.keys.contains(keys[0]) {
            throw error(
                file, "unknown key '\(keys[0])'\(Nearest.suggestion(keys[0], among: JobReader.keys))",
                "a dotted path starts with one of: " + JobReader.keys.joined(separator: ", "))
        }
        let parameterDepth = keys[0] == "parameters" ? 1 : keys[0] == "per_method" ? 2 : -1
        try set(keys[...], in: &root, depth: 0, parameterDepth, file, names)
    }

    private func error(_ file: String, _ message: String, _ hint: String? = nil) -> JobErrors {
        JobErrors([JobError(path: file, location: .override(text), message: message, hint: hint)])
    }

    private func set(
        _ keys: ArraySlice<String>, in tree: inout JobTree, depth: Int, _ parameterDepth: Int, _ file: String,
        _ names: ParameterNames?
    ) throws(JobErrors) {
        guard let key = keys.first else {
            tree = value
            return
        }
        if tree.isNull { tree.content = .map([]) }
        guard case .map(var entries) = tree.content else {
            let place = path.prefix(depth).joined(separator: ".")
            throw error(file, "'\(place)' is not a mapping in the job", "give it whole: --set \(place)={...}")
        }
        let index = entries.firstIndex { entry in
            if entry.key == key { return true }
            guard depth == parameterDepth, let names, let spec = names.spec(key), let its = names.spec(entry.key) else {
                return false
            }
            // By any name, and in any way: noise_std takes the place of noise.
            return names.key(of: its) == names.key(of: spec)
        }
        let location = SourceLocation.override(text)
        var child = index.map { entries[$0].value } ?? JobTree(location: location, content: .map([]))
        try set(keys.dropFirst(), in: &child, depth: depth + 1, parameterDepth, file, names)
        if let index {
            // The spelling of the argument counts from here on, and messages point at it.
            let isLeaf = keys.count == 1
            entries[index] = JobTree.Entry(
                key: isLeaf ? key : entries[index].key,
                keyLocation: isLeaf ? location : entries[index].keyLocation, value: child)
        } else {
            entries.append(JobTree.Entry(key: key, keyLocation: location, value: child))
        }
        tree.content = .map(entries)
    }
}
