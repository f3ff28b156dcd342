import Foundation
import Modeling

/// Reads a job: goes on after a mistake where that makes sense, so that one reading reports several.
struct JobReader {
    static let keys = [
        "name", "model", "methods", "parameters", "zip", "per_method", "where", "seeds", "record", "output", "limits",
        "figure",
    ]

    let path: String
    let text: String
    let overrides: [String]
    let models: [any Model]
    var errors: [JobError] = []
    var notes: [JobError] = []

    init(path: String, text: String, overrides: [String], models: [any Model]) {
        self.path = path
        self.text = text
        self.overrides = overrides
        self.models = models
    }

    /// The document with all overrides in place, and the model that it names.
    func readTree() throws(JobErrors) -> (root: JobTree, model: any Model) {
        var root = try JobTree.parse(text, path: path) { .file(line: $0, column: $1) }
        guard case .map = root.content else {
            let isEmpty = root.isNull
            throw JobErrors([
                JobError(
                    path: path, location: root.location,
                    message: isEmpty
                        ? "the job is empty" : "a job is a mapping of keys such as 'model:', not \(root.summary)",
                    hint: "keys: " + Self.keys.joined(separator: ", "))
            ])
        }
        let changes = try JobOverride.parse(overrides, path: path)
        for change in changes where change.path == ["model"] { try change.apply(to: &root, path: path, names: nil) }
        let model = try readModel(root)
        let names = ParameterNames(model)
        for change in changes where change.path != ["model"] { try change.apply(to: &root, path: path, names: names) }
        return (root, model)
    }

    mutating func read(checksOutput: Bool) throws(JobErrors) -> Job {
        let (root, model) = try readTree()
        let names = ParameterNames(model)
        checkKeys(root, Self.keys)
        let stem = PathText.stem(path)
        let name = readName(root) ?? stem
        let methods = readMethods(root, model)
        let parameters = readParameters(root["parameters"], names, "parameters")
        let perMethod = readPerMethod(root, model, methods, names)
        let zips = readZips(root, names, parameters.sources)
        let conditions = readConditions(root)
        let limits = readLimits(root)
        let (times, choice) = readRecord(root, methods, model)
        let (seeds, ownSeeds) = readSeeds(root, methods, choice)
        let output = readOutput(root, name, checksOutput: checksOutput)
        let figure = readFigure(root, names, methods)
        guard errors.isEmpty else { throw JobErrors(errors) }

        let builder = GridBuilder(
            model: model, path: path, names: names, zips: zips, conditions: conditions, limits: limits,
            parametersLocation: root["parameters"]?.keyLocation ?? .job, checksPoints: checksOutput)
        var grids: [MethodGrid] = []
        var given: [String: SourceLocation] = [:]
        for source in parameters.sources { given[source.spec.name] = source.keyLocation }
        for method in methods {
            var sources = parameters.sources
            for override in perMethod[method.name] ?? [] {
                if let index = sources.firstIndex(where: {
                    names.key(of: $0.spec) == names.key(of: override.spec)
                }) {
                    sources[index] = override
                } else {
                    sources.append(override)
                    given[override.spec.name] = given[override.spec.name] ?? override.keyLocation
                }
            }
            do {
                grids.append(
                    try builder.grid(
                        method, sources, seeds: (ownSeeds[method.name] ?? seeds).range, times: times,
                        observables: observables(of: method, choice)))
            } catch {
                // What is wrong for several methods alike is said of the first.
                let isNews = { (its: JobError) in
                    !errors.contains { $0.location == its.location && $0.withoutMethod == its.withoutMethod }
                }
                errors += error.errors.filter(isNews)
            }
        }
        guard errors.isEmpty else { throw JobErrors(errors) }
        try checkTotal(grids, limits, root)
        try checkRecords(grids, root)
        let axes = try builder.rootAxes(parameters.sources)
        noteUnused(grids, given)
        return Job(
            name: name, path: path, text: text, overrides: overrides, model: model, grids: grids, axes: axes,
            times: times, seeds: seeds, ownSeeds: ownSeeds, output: output, limits: limits, figure: figure,
            notes: notes, locations: given)
    }

    /// What the job says of parameters, as written: before methods leave out what they do not use.
    mutating func readParts() throws(JobErrors) -> JobParts {
        let (root, model) = try readTree()
        let names = ParameterNames(model)
        let methods = readMethods(root, model)
        let parameters = readParameters(root["parameters"], names, "parameters").sources
        let parts = JobParts(
            root: root, methods: methods.map(\.name), parameters: parameters,
            perMethod: readPerMethod(root, model, methods, names), zips: readZips(root, names, parameters).map(\.names))
        guard errors.isEmpty else { throw JobErrors(errors) }
        return parts
    }

    // MARK: Helpers

    mutating func fail(_ location: SourceLocation, _ message: String, hint: String? = nil) {
        errors.append(JobError(path: path, location: location, message: message, hint: hint))
    }

    /// Unknown keys of a mapping; `whose` says of what, for messages.
    mutating func checkKeys(_ tree: JobTree, _ known: [String], _ whose: String = "") {
        guard case .map(let entries) = tree.content else { return }
        for entry in entries where !known.contains(entry.key) {
            fail(
                entry.keyLocation, "unknown key '\(entry.key)'\(whose)\(Nearest.suggestion(entry.key, among: known))",
                hint: "known: " + known.joined(separator: ", "))
        }
    }

    /// The text of a scalar, or an error saying what `what` must be.
    mutating func scalar(_ tree: JobTree, _ what: String, _ expected: String) -> String? {
        guard case .scalar(let text, _) = tree.content, !tree.isNull else {
            fail(tree.location, "\(what) must be \(expected), not \(tree.summary)")
            return nil
        }
        return text
    }

    /// A list of scalars, or one scalar standing for a list of one.
    mutating func scalars(_ tree: JobTree, _ what: String, _ expected: String) -> [(text: String, tree: JobTree)] {
        let items: [JobTree]
        switch tree.content {
        case .list(let list): items = list
        case .scalar where !tree.isNull: items = [tree]
        default:
            fail(tree.location, "\(what) must be a list of \(expected), not \(tree.summary)")
            return []
        }
        if items.isEmpty { fail(tree.location, "\(what) is an empty list") }
        return items.compactMap { item in scalar(item, "an entry of \(what)", "one of \(expected)").map { ($0, item) } }
    }

    mutating func integer(_ tree: JobTree, _ what: String, atLeast minimum: Int) -> Int? {
        guard case .scalar(let text, .plain) = tree.content, let value = ScalarText.integer(text), value >= minimum
        else {
            let bound = minimum == .min ? "" : " >= \(minimum)"
            fail(tree.location, "\(what) must be an integer\(bound), not \(tree.summary)")
            return nil
        }
        return value
    }

    mutating func positive(_ tree: JobTree, _ what: String) -> Double? {
        guard case .scalar(let text, .plain) = tree.content, case .finite(let value)? = ScalarText.number(text),
            value > 0
        else {
            fail(tree.location, "\(what) must be a number > 0, not \(tree.summary)")
            return nil
        }
        return value
    }

    // MARK: Model, methods, parameters

    private func readModel(_ root: JobTree) throws(JobErrors) -> any Model {
        func failure(_ location: SourceLocation, _ message: String) -> JobErrors {
            JobErrors([
                JobError(
                    path: path, location: location, message: message,
                    hint: "models: " + models.map(\.name).joined(separator: ", "))
            ])
        }
        guard let entry = root["model"] else {
            // Without a model little else can be judged, but a misspelt key can.
            if case .map(let entries) = root.content,
                let near = entries.first(where: {
                    !Self.keys.contains($0.key) && Nearest.name($0.key, among: ["model"]) != nil
                })
            {
                throw failure(near.keyLocation, "unknown key '\(near.key)'; did you mean 'model'?")
            }
            throw failure(.job, "key 'model' is missing")
        }
        guard case .scalar(let name, _) = entry.value.content, !entry.value.isNull else {
            throw failure(entry.value.location, "'model' must be a name, not \(entry.value.summary)")
        }
        guard let model = models.first(where: { $0.name == name }) else {
            throw failure(
                entry.value.location, "unknown model '\(name)'\(Nearest.suggestion(name, among: models.map(\.name)))")
        }
        return model
    }

    private mutating func readName(_ root: JobTree) -> String? {
        guard let entry = root["name"], let name = scalar(entry.value, "'name'", "a text") else { return nil }
        if name.contains("/") || name.unicodeScalars.contains(where: { $0.value < 32 }) {
            fail(entry.value.location, "'name' must not contain '/' or control characters")
        }
        return name
    }

    private mutating func readMethods(_ root: JobTree, _ model: any Model) -> [MethodSpec] {
        let known = model.methods.map(\.name)
        let hint = "methods of \(model.name): " + known.joined(separator: ", ")
        guard let entry = root["methods"] else {
            fail(.job, "key 'methods' is missing", hint: hint)
            return []
        }
        var methods: [MethodSpec] = []
        for (name, tree) in scalars(entry.value, "'methods'", "method names") {
            guard let method = model.methods.first(where: { $0.name == name }) else {
                fail(tree.location, "unknown method '\(name)'\(Nearest.suggestion(name, among: known))", hint: hint)
                continue
            }
            if methods.contains(where: { $0.name == name }) {
                fail(tree.location, "method '\(name)' is listed twice")
                continue
            }
            methods.append(method)
        }
        return methods
    }

    private mutating func readParameters(
        _ entry: JobTree.Entry?, _ names: ParameterNames, _ what: String, besides others: Set<String> = []
    ) -> (sources: [ParameterSource], isGiven: Bool) {
        guard let entry else { return ([], false) }
        guard case .map(let entries) = entry.value.content else {
            if !entry.value.isNull {
                fail(
                    entry.value.location,
                    "'\(what)' must be a mapping of parameters to values, not \(entry.value.summary)")
            }
            return ([], true)
        }
        var sources: [ParameterSource] = []
        var spellings: [String: String] = [:]
        for entry in entries where !others.contains(entry.key) {
            guard let spec = names.spec(entry.key) else {
                fail(
                    entry.keyLocation,
                    "unknown parameter '\(entry.key)'\(Nearest.suggestion(entry.key, among: names.all + others))",
                    hint: "'dynsweep models \(names.model)' lists the parameters")
                continue
            }
            if let other = spellings[names.key(of: spec)] {
                let isSame = names.spec(other)?.name == spec.name
                fail(
                    entry.keyLocation,
                    "'\(entry.key)' and '\(other)' "
                        + (isSame ? "are the same parameter" : "stand in place of each other")
                        + "; give one of them")
                continue
            }
            spellings[names.key(of: spec)] = entry.key
            do {
                sources.append(try ParameterReader(spec: spec, path: path).read(entry))
            } catch {
                errors += error.errors
            }
        }
        return (sources, true)
    }

    private mutating func readPerMethod(
        _ root: JobTree, _ model: any Model, _ methods: [MethodSpec], _ names: ParameterNames
    ) -> [String: [ParameterSource]] {
        guard let entry = root["per_method"] else { return [:] }
        guard case .map(let entries) = entry.value.content else {
            fail(
                entry.value.location,
                "'per_method' must be a mapping of methods to parameters and seeds, not \(entry.value.summary)")
            return [:]
        }
        var result: [String: [ParameterSource]] = [:]
        for entry in entries {
            guard methods.contains(where: { $0.name == entry.key }) else {
                let listed = methods.map(\.name)
                let isKnown = model.methods.contains { $0.name == entry.key }
                fail(
                    entry.keyLocation,
                    isKnown
                        ? "method '\(entry.key)' is not listed in 'methods'"
                        : "unknown method '\(entry.key)'\(Nearest.suggestion(entry.key, among: listed))",
                    hint: "listed: " + listed.joined(separator: ", "))
                continue
            }
            result[entry.key] =
                readParameters(entry, names, "per_method.\(entry.key)", besides: ["seeds"]).sources
        }
        return result
    }

    private mutating func readZips(
        _ root: JobTree, _ names: ParameterNames, _ sources: [ParameterSource]
    ) -> [(names: [String], location: SourceLocation)] {
        guard let entry = root["zip"] else { return [] }
        let hint = "write zip: [[L, step_size]]"
        guard case .list(let groups) = entry.value.content else {
            fail(
                entry.value.location, "'zip' must be a list of lists of parameters, not \(entry.value.summary)",
                hint: hint)
            return []
        }
        var zips: [(names: [String], location: SourceLocation)] = []
        var taken: Set<String> = []
        for group in groups {
            guard case .list(let items) = group.content, items.count >= 2 else {
                fail(group.location, "a zip needs a list of two or more parameters, not \(group.summary)", hint: hint)
                continue
            }
            var members: [String] = []
            for item in items {
                guard let name = scalar(item, "an entry of 'zip'", "a parameter") else { continue }
                guard let spec = names.spec(name) else {
                    fail(item.location, "unknown parameter '\(name)'\(Nearest.suggestion(name, among: names.all))")
                    continue
                }
                guard taken.insert(spec.name).inserted else {
                    fail(item.location, "parameter '\(name)' is zipped twice")
                    continue
                }
                guard let source = sources.first(where: { $0.spec.name == spec.name }) else {
                    if !errors.contains(where: { $0.message.contains("'\(name)'") }) {
                        fail(item.location, "'\(name)' is zipped and not given in 'parameters'")
                    }
                    continue
                }
                guard case .axis = source.kind else {
                    fail(
                        item.location, "'\(name)' is zipped and has no list of values", hint: "only axes can be zipped")
                    continue
                }
                members.append(spec.name)
            }
            guard members.count == items.count else { continue }
            zips.append((members, group.location))
        }
        return zips
    }

    private mutating func readConditions(_ root: JobTree) -> [ExpressionSource] {
        guard let entry = root["where"] else { return [] }
        var conditions: [ExpressionSource] = []
        for (text, tree) in scalars(entry.value, "'where'", "conditions") {
            guard case .scalar(_, let style) = tree.content else { continue }
            do {
                conditions.append(try expressionSource(text, style, tree.location, path))
            } catch {
                errors += error.errors
            }
        }
        return conditions
    }

    // MARK: The job as a whole

    private func checkTotal(_ grids: [MethodGrid], _ limits: JobLimits, _ root: JobTree) throws(JobErrors) {
        let total = grids.reduce(0) { $0 + $1.taskCount }
        guard total > limits.tasks else { return }
        throw JobErrors([
            JobError(
                path: path, location: root["parameters"]?.keyLocation ?? .job,
                message: "the job has \(total) tasks, more than the limit of \(limits.tasks)",
                hint: "use fewer values, or raise limits.tasks (at most \(UInt32.max))")
        ])
    }

    /// What one task records travels and is stored as one piece.
    private func checkRecords(_ grids: [MethodGrid], _ root: JobTree) throws(JobErrors) {
        for grid in grids where grid.largestRecord > MethodGrid.recordLimit {
            throw JobErrors([
                JobError(
                    path: path, location: root["record"]?.keyLocation ?? .job,
                    message: "a task of method '\(grid.method.name)' records "
                        + "\((grid.largestRecord + 500_000) / 1_000_000) MB, more than the limit of "
                        + "\(MethodGrid.recordLimit / 1_000_000) MB",
                    hint: "record fewer times or observables")
            ])
        }
    }

    private mutating func noteUnused(_ grids: [MethodGrid], _ given: [String: SourceLocation]) {
        for (name, location) in given.sorted(by: { $0.key < $1.key }) {
            let isUsed = grids.contains { grid in
                grid.fixed[name] != nil || grid.derived.contains { $0.name == name }
                    || grid.axes.contains { $0.coordinates.contains { $0.name == name } }
            }
            if !isUsed {
                notes.append(
                    JobError(
                        path: path, location: location,
                        message: "parameter '\(name)' is used by none of the job's methods", isNote: true))
            }
        }
    }
}
