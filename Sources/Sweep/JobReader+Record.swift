import Foundation
import Modeling

extension JobReader {
    // MARK: Recording

    /// Times, and the observables that the job names (nil: default ones).
    mutating func readRecord(
        _ root: JobTree, _ methods: [MethodSpec], _ model: any Model
    ) -> (times: RecordingTimes, observables: [String]?) {
        let timed = methods.filter(\.isTimed).map(\.name)
        let empty = RecordingTimes(unit: .steps, values: [])
        let missing = "for example record: {times: {logspace: [1, 100000, 60]}}"
        guard let entry = root["record"] else {
            if let method = timed.first {
                fail(.job, "key 'record' is missing: method '\(method)' needs recording times", hint: missing)
            }
            return (empty, nil)
        }
        guard case .map = entry.value.content else {
            fail(entry.value.location, "'record' must be a mapping, not \(entry.value.summary)", hint: missing)
            return (empty, nil)
        }
        checkKeys(entry.value, ["times", "time_unit", "observables"], " of 'record'")
        var unit = TimeUnit.steps
        if let its = entry.value["time_unit"], let text = scalar(its.value, "'time_unit'", "steps or t") {
            if let known = TimeUnit(rawValue: text) {
                unit = known
            } else {
                fail(
                    its.value.location, "'time_unit' must be steps or t, not '\(text)'",
                    hint: "t is the model's rescaled time in which theory has a limit")
            }
        }
        var values: [Double] = []
        if let its = entry.value["times"] {
            values = readTimes(its.value, unit)
        } else if let method = timed.first {
            fail(entry.keyLocation, "'record' has no 'times', and method '\(method)' needs them", hint: missing)
        }
        let observables = readObservables(entry.value, methods)
        return (RecordingTimes(unit: unit, values: timed.isEmpty ? [] : values), observables)
    }

    private mutating func readTimes(_ tree: JobTree, _ unit: TimeUnit) -> [Double] {
        var times: [Double] = []
        switch tree.content {
        case .map(let entries):
            guard entries.count == 1, let entry = entries.first,
                ["linspace", "logspace", "range"].contains(entry.key)
            else {
                let key = entries.first?.key ?? ""
                fail(
                    entries.first?.keyLocation ?? tree.location,
                    "'times' needs exactly one of linspace, logspace, range\(Nearest.suggestion(key, among: ["linspace", "logspace", "range"]))"
                )
                return []
            }
            do {
                times = try SpacingReader(path: path, name: "'times'").read(entry)
            } catch {
                errors += error.errors
                return []
            }
            guard times.allSatisfy(\.isFinite) else {
                fail(entry.value.location, "recording times must be finite")
                return []
            }
            if let last = times.last, let first = times.first, last < first {
                fail(entry.value.location, "recording times must increase")
                return []
            }
            if let first = times.first, first < 0 {
                fail(entry.value.location, "recording times must be >= 0, not \(ScalarText.format(first))")
                return []
            }
        default:
            for (text, item) in scalars(tree, "'times'", "times") {
                guard let number = ScalarText.number(text) else {
                    fail(item.location, "a recording time must be a number, not '\(text)'")
                    return []
                }
                guard case .finite(let time) = number else {
                    fail(item.location, "a recording time must be finite, not '\(text)'")
                    return []
                }
                guard time >= 0 else {
                    fail(item.location, "recording times must be >= 0, not \(text)")
                    return []
                }
                if let last = times.last, time <= last {
                    fail(item.location, "recording times must increase: \(text) comes after \(ScalarText.format(last))")
                    return []
                }
                times.append(time)
            }
        }
        guard unit == .steps else { return times }
        // Steps are whole: times are rounded, and what coincides then is one time.
        var steps: [Double] = []
        for time in times {
            let step = time.rounded()
            guard step <= 0x1p53 else {
                fail(tree.location, "recording times must be at most 2^53 steps, not \(ScalarText.format(time))")
                return []
            }
            if steps.last != step { steps.append(step) }
        }
        return steps
    }

    private mutating func readObservables(_ record: JobTree, _ methods: [MethodSpec]) -> [String]? {
        guard let entry = record["observables"] else { return nil }
        let known = methods.flatMap { $0.observables.map(\.name) }.reduce(into: [String]()) {
            if !$0.contains($1) { $0.append($1) }
        }
        var names: [String] = []
        let before = errors.count
        for (name, tree) in scalars(entry.value, "'observables'", "observables") {
            guard known.contains(name) else {
                fail(
                    tree.location, "unknown observable '\(name)'\(Nearest.suggestion(name, among: known))",
                    hint: "observables of the job's methods: " + known.joined(separator: ", "))
                continue
            }
            guard !names.contains(name) else {
                fail(tree.location, "observable '\(name)' is listed twice")
                continue
            }
            names.append(name)
        }
        guard errors.count == before else { return names }
        for method in methods where !method.observables.contains(where: { names.contains($0.name) }) {
            fail(
                entry.keyLocation, "method '\(method.name)' has none of the listed observables",
                hint: "it has: " + method.observables.map(\.name).joined(separator: ", "))
        }
        return names
    }

    /// What `method` records, in the model's order, with the sources of aggregates.
    func observables(of method: MethodSpec, _ names: [String]?) -> [ObservableSpec] {
        var wanted = Set(
            method.observables.filter { names?.contains($0.name) ?? $0.isRecordedByDefault }.map(\.name))
        for observable in method.observables where wanted.contains(observable.name) {
            if case .seedMean(let source)? = observable.aggregate { wanted.insert(source) }
        }
        return method.observables.filter { wanted.contains($0.name) }
    }

    // MARK: Seeds

    mutating func readSeeds(_ root: JobTree, _ methods: [MethodSpec], _ observableNames: [String]?) -> SeedRule {
        let usual = SeedRule.fixed(SeedRange(base: 0, count: 1))
        guard let entry = root["seeds"] else { return usual }
        let seeded = methods.filter(\.isSeeded)
        if seeded.isEmpty, !methods.isEmpty {
            fail(
                entry.keyLocation, "'seeds' is given, and none of the methods depends on a seed",
                hint: "add a simulation to 'methods', or leave 'seeds' out")
            return usual
        }
        guard case .map(let entries) = entry.value.content else {
            guard let count = integer(entry.value, "'seeds'", atLeast: 1) else { return usual }
            return .fixed(SeedRange(base: 0, count: count))
        }
        checkKeys(entry.value, ["count", "base", "sem", "max", "min"], " of 'seeds'")
        var base = 0
        if let its = entry.value["base"] { base = integer(its.value, "'base' of seeds", atLeast: 0) ?? 0 }
        let bound = Int(UInt32.max)
        guard let sem = entry.value["sem"] else {
            for entry in entries where entry.key == "max" || entry.key == "min" {
                fail(entry.keyLocation, "'\(entry.key)' of seeds goes with 'sem'")
            }
            guard let its = entry.value["count"] else {
                fail(
                    entry.keyLocation, "'seeds' needs 'count' or 'sem'", hint: "for example seeds: {count: 16, base: 7}"
                )
                return usual
            }
            let count = integer(its.value, "'count' of seeds", atLeast: 1) ?? 1
            if count > bound || base > Int.max - bound { fail(its.value.location, "too many seeds") }
            return .fixed(SeedRange(base: base, count: min(count, bound)))
        }
        if let count = entry.value["count"] {
            fail(count.keyLocation, "'count' and 'sem' exclude each other", hint: "bound a sem rule with 'max'")
        }
        let tolerances = readTolerances(sem, seeded, observableNames)
        guard let its = entry.value["max"] else {
            fail(sem.keyLocation, "'sem' needs 'max', the most seeds a point may get")
            return usual
        }
        guard let maximum = integer(its.value, "'max' of seeds", atLeast: 2) else { return usual }
        var minimum = min(8, maximum)
        if let its = entry.value["min"] {
            minimum = integer(its.value, "'min' of seeds", atLeast: 2) ?? minimum
            if minimum > maximum { fail(its.value.location, "'min' of seeds is larger than 'max'") }
        }
        if maximum > bound || base > Int.max - bound { fail(its.value.location, "too many seeds") }
        return .untilPrecise(
            tolerances: tolerances, minimum: minimum, range: SeedRange(base: base, count: min(maximum, bound)))
    }

    private mutating func readTolerances(
        _ entry: JobTree.Entry, _ seeded: [MethodSpec], _ observableNames: [String]?
    ) -> [SeedTolerance] {
        guard case .map(let entries) = entry.value.content, !entries.isEmpty else {
            fail(
                entry.value.location, "'sem' must map observables to standard errors, not \(entry.value.summary)",
                hint: "for example sem: {test_loss: 0.002}")
            return []
        }
        var tolerances: [SeedTolerance] = []
        for entry in entries {
            let known = seeded.flatMap { method in
                observables(of: method, observableNames).filter { $0.aggregate == nil }.map(\.name)
            }
            guard known.contains(entry.key) else {
                fail(
                    entry.keyLocation,
                    "no seeded method records observable '\(entry.key)'\(Nearest.suggestion(entry.key, among: known))")
                continue
            }
            for method in seeded
            where !observables(of: method, observableNames).contains(where: { $0.name == entry.key }) {
                fail(entry.keyLocation, "method '\(method.name)' does not record observable '\(entry.key)'")
            }
            guard let error = positive(entry.value, "the standard error of '\(entry.key)'") else { continue }
            tolerances.append(SeedTolerance(observable: entry.key, standardError: error))
        }
        return tolerances
    }
}
