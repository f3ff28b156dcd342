import Modeling

/// What a job says of its parameters, as written.
struct JobParts {
    let root: JobTree
    let methods: [String]
    let parameters: [ParameterSource]
    let perMethod: [String: [ParameterSource]]
    /// Canonical names of the parameters of each zip.
    let zips: [[String]]
}

/// Why jobs have no common one: what job number `second` differs in from job number `first`.
public struct JobUnionError: Error, Sendable {
    public let first: Int
    public let second: Int
    public let differences: [String]
}

extension Job {
    /// A job whose grid holds the grids of all `jobs` (at least one).
    ///
    /// When one of them does, it is that one. Else it is one of them, the first that can be, with further
    /// ``overrides``: axes hold the values of all, as do methods and seeds; everything else must agree.
    public static func union(of jobs: [Job], models: [any Model]) throws(JobUnionError) -> Job {
        if let whole = jobs.first(where: { $0.differences(from: jobs).isEmpty }) { return whole }
        var failure: JobUnionError?
        for base in jobs.indices {
            do {
                return try JobUnion(jobs: jobs, base: base, models: models).job()
            } catch {
                failure = failure ?? error
            }
        }
        throw failure ?? JobUnionError(first: 0, second: 0, differences: ["there is no job"])
    }

    /// What of `others` this job does not hold, by their index.
    func differences(from others: [Job]) -> [(index: Int, text: [String])] {
        for (index, other) in others.enumerated() {
            let found = incompatibilities(with: other) + ruleDifference(from: other)
            if !found.isEmpty { return [(index, found)] }
        }
        return []
    }

    /// Seeds that one rule spares another may need, so that rules are not joined but for their range.
    private func ruleDifference(from other: Job) -> [String] {
        var found: [String] = []
        for (method, grid) in grids.enumerated() where grid.seeds != nil {
            guard let itsMethod = other.grids.firstIndex(where: { $0.method.name == grid.method.name }) else {
                continue
            }
            let (rule, its) = (seedRule(of: method), other.seedRule(of: itsMethod))
            switch (rule, its) {
            case (.fixed, .fixed): continue
            case (.untilPrecise(let one, let minimum, _), .untilPrecise(let other, let itsMinimum, _))
            where one == other && minimum == itsMinimum: continue
            default:
                let isOwn = ownSeeds[grid.method.name] != nil || other.ownSeeds[grid.method.name] != nil
                let name = isOwn ? "seeds of method '\(grid.method.name)'" : "seeds"
                let text = "\(name): the file has \(its), the job has \(rule)"
                if !found.contains(text) { found.append(text) }
            }
        }
        return found
    }
}

/// Builds the union of jobs as overrides of one of them. It tries what may work; whether the result holds all jobs is
/// judged by ``Job/incompatibilities(with:isComputed:)``, as for any other job that goes on with earlier results.
private struct JobUnion {
    private let jobs: [Job]
    private let base: Int
    private let models: [any Model]
    private let parts: [JobParts]
    /// All jobs, the base first.
    private let order: [Int]

    init(jobs: [Job], base: Int, models: [any Model]) throws(JobUnionError) {
        self.jobs = jobs
        self.base = base
        self.models = models
        order = [base] + jobs.indices.filter { $0 != base }
        var parts: [JobParts] = []
        for (index, job) in jobs.enumerated() {
            do {
                var reader = JobReader(path: job.path, text: job.text, overrides: job.overrides, models: models)
                parts.append(try reader.readParts())
            } catch {
                throw JobUnionError(first: base, second: index, differences: ["\(error)"])
            }
        }
        self.parts = parts
    }

    func job() throws(JobUnionError) -> Job {
        let job: Job
        do {
            job = try Job.parse(
                text: jobs[base].text, path: jobs[base].path, overrides: jobs[base].overrides + overrides(),
                models: models, checksOutput: false)
        } catch {
            throw JobUnionError(
                first: base, second: order.dropFirst().first ?? base,
                differences: ["together they are no valid job: \(error)"])
        }
        if let (index, text) = job.differences(from: jobs).first {
            throw JobUnionError(first: base, second: index, differences: text)
        }
        return job
    }

    private func overrides() -> [String] {
        let methods = unique(order.flatMap { parts[$0].methods })
        var result: [String] = []
        if methods != parts[base].methods { result.append("methods=[\(methods.joined(separator: ", "))]") }
        result += rootParameters()
        for method in methods { result += methodParameters(method) }
        result += seeds(of: methods)
        if parts[base].root["record"] == nil, let entry = order.lazy.compactMap({ parts[$0].root["record"] }).first {
            result.append("record=\(entry.value.flowText)")
        }
        return result
    }

    private func unique(_ names: [String]) -> [String] {
        var seen: Set<String> = []
        return names.filter { seen.insert($0).inserted }
    }

    // MARK: Parameters

    private func rootParameters() -> [String] {
        var result: [String] = []
        let zipped = Set(order.flatMap { parts[$0].zips.joined() })
        for zip in parts[base].zips { result += self.zip(zip) }
        for name in unique(order.flatMap { parts[$0].parameters.map(\.spec.name) }) where !zipped.contains(name) {
            // Jobs whose methods do not depend on it have no say.
            let says = order.filter { depends(jobs[$0], on: name) }
            let kinds = says.compactMap { kind(of: name, in: $0) }
            guard kinds.count == says.count, !says.isEmpty else { continue }
            let isGivenByBase = says.first == base && parts[base].parameters.contains { $0.spec.name == name }
            if let text = joined(kinds, isGiven: isGivenByBase) { result.append("parameters.\(name)=\(text)") }
        }
        return result
    }

    private func depends(_ job: Job, on name: String) -> Bool {
        job.grids.contains { $0.usedParameters.contains(name) || $0.values(of: name) != nil }
    }

    /// What a job gives `name`: what it says, else the default.
    private func kind(of name: String, in job: Int) -> ParameterSource.Kind? {
        if let source = parts[job].parameters.first(where: { $0.spec.name == name }) { return source.kind }
        guard case .value(let value)? = jobs[job].model.parameters.first(where: { $0.name == name })?.defaultValue
        else { return nil }
        return .fixed(value.canonical)
    }

    /// What `per_method` says of a method, by all jobs that have the method.
    private func methodParameters(_ method: String) -> [String] {
        let havers = order.filter { parts[$0].methods.contains(method) }
        var result: [String] = []
        for name in unique(havers.flatMap { parts[$0].perMethod[method]?.map(\.spec.name) ?? [] }) {
            let kinds = havers.compactMap { job in
                parts[job].perMethod[method]?.first { $0.spec.name == name }?.kind
            }
            guard kinds.count == havers.count else { continue }
            if let text = joined(kinds, isGiven: havers.first == base) {
                result.append("per_method.\(method).\(name)=\(text)")
            }
        }
        return result
    }

    /// What holds all of `kinds`, as YAML; nil when nothing needs to be said (the base says it, `isGiven`) or nothing can.
    private func joined(_ kinds: [ParameterSource.Kind], isGiven: Bool) -> String? {
        var columns: [[ParameterValue]] = []
        var hasAxis = false
        for kind in kinds {
            switch kind {
            case .fixed(let value): columns.append([value])
            case .axis(let values):
                columns.append(values)
                hasAxis = true
            case .expression(let source):
                return isGiven ? nil : "{expr: \(JobTree.quoted(source.text))}"
            }
        }
        guard let first = columns.first else { return nil }
        // Two fixed values that differ make no axis: nobody asked for one.
        guard hasAxis else { return isGiven ? nil : first[0].flowText }
        let all = Self.merged(columns.map { $0.map { [$0] } }).map { $0[0] }
        if isGiven, all == first, case .axis? = kinds.first { return nil }
        return Self.axis(all)
    }

    /// The values of an axis as YAML; many whole numbers in equal steps as a range.
    private static func axis(_ values: [ParameterValue]) -> String {
        let whole = values.compactMap { value -> Int? in
            guard case .integer(let number) = value, number.magnitude < 1 << 53 else { return nil }
            return number
        }
        if whole.count == values.count, whole.count > 8 {
            let step = whole[1] - whole[0]
            if step > 0, Swift.zip(whole, whole.dropFirst()).allSatisfy({ $1 - $0 == step }) {
                return "{range: [\(whole[0]), \(whole[whole.count - 1]), \(step)]}"
            }
        }
        return "[" + values.map(\.flowText).joined(separator: ", ") + "]"
    }

    /// Axes that move together stay together.
    private func zip(_ names: [String]) -> [String] {
        let says = order.filter { job in names.contains { depends(jobs[job], on: $0) } }
        var tables: [[[ParameterValue]]] = []
        for job in says {
            guard parts[job].zips.contains(where: { Set($0) == Set(names) }) else { return [] }
            var columns: [[ParameterValue]] = []
            for name in names {
                guard case .axis(let values)? = kind(of: name, in: job) else { return [] }
                columns.append(values)
            }
            tables.append(columns[0].indices.map { row in columns.map { $0[row] } })
        }
        guard let first = tables.first else { return [] }
        let all = Self.merged(tables)
        guard all != first else { return [] }
        return names.indices.map { column in
            "parameters.\(names[column])=" + Self.axis(all.map { $0[column] })
        }
    }

    /// All rows, each once: in increasing order when every table is, else in the order of their first appearance.
    private static func merged(_ tables: [[[ParameterValue]]]) -> [[ParameterValue]] {
        var seen: Set<[ParameterValue]> = []
        let all = tables.joined().filter { seen.insert($0).inserted }
        guard tables.allSatisfy({ table in Swift.zip(table, table.dropFirst()).allSatisfy { isLess($0, $1) } }),
            all.allSatisfy({ $0.allSatisfy { $0.number != nil } })
        else { return all }
        return all.sorted(by: isLess)
    }

    private static func isLess(_ one: [ParameterValue], _ other: [ParameterValue]) -> Bool {
        one.lexicographicallyPrecedes(other) { ($0.number ?? .nan) < ($1.number ?? .nan) }
    }

    // MARK: Seeds

    /// The seeds of all jobs together: of methods that have a rule of their own in one of them, and of all others.
    private func seeds(of methods: [String]) -> [String] {
        let own = Set(jobs.flatMap(\.ownSeeds.keys))
        var result: [String] = []
        let common = order.filter { job in
            jobs[job].grids.contains { $0.seeds != nil && !own.contains($0.method.name) }
        }
        if let text = joined(common.map { jobs[$0].seeds }, isGiven: common.first == base) {
            result.append("seeds=\(text)")
        }
        for method in methods where own.contains(method) {
            let havers = order.filter { parts[$0].methods.contains(method) }
            let rules = havers.map { jobs[$0].ownSeeds[method] ?? jobs[$0].seeds }
            if let text = joined(rules, isGiven: havers.first == base && jobs[base].ownSeeds[method] != nil) {
                result.append("per_method.\(method).seeds=\(text)")
            }
        }
        return result
    }

    /// A rule for all seeds of `rules`, as YAML; nil when nothing needs to be said (the base says it, `isGiven`) or
    /// nothing can.
    private func joined(_ rules: [SeedRule], isGiven: Bool) -> String? {
        guard let first = rules.first else { return nil }
        let ranges = rules.map(\.range).sorted { ($0.base, $0.count) < ($1.base, $1.count) }
        var joined = ranges[0]
        for range in ranges.dropFirst() {
            // A gap between them would be computed by nobody's wish.
            guard range.base <= joined.base + joined.count else { return nil }
            let end = max(joined.base + joined.count, range.base + range.count)
            joined = SeedRange(base: joined.base, count: end - joined.base)
        }
        if isGiven, joined == first.range { return nil }
        switch first {
        case .fixed: return "{count: \(joined.count), base: \(joined.base)}"
        case .untilPrecise(let tolerances, let minimum, let range):
            // The rule counts from its first seed: another base is another rule.
            guard joined.base == range.base else { return nil }
            let errors = tolerances.map { "\($0.observable): \(ScalarText.format($0.standardError))" }
            return "{sem: {\(errors.joined(separator: ", "))}, min: \(minimum), max: \(joined.count), "
                + "base: \(joined.base)}"
        }
    }
}

extension ParameterValue {
    /// The value as a number, for ordering; nil for texts, flags and arrays.
    fileprivate var number: Double? {
        switch self {
        case .integer(let value): return Double(value)
        case .real(let value): return value
        case .text, .flag, .array: return nil
        }
    }
}
