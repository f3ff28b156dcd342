import Foundation
import Modeling

extension JobReader {
    // MARK: Recording

    /// Times, and which observables the job asks for.
    mutating func readRecord(
        _ root: JobTree, _ methods: [MethodSpec], _ model: any Model
    ) -> (times: RecordingTimes, choice: ObservableChoice) {
        let timed = methods.filter(\.isTimed).map(\.name)
        let empty = RecordingTimes(unit: .steps, values: [])
        let missing = "for example record: {times: {logspace: [1, 100000, 60]}}"
        guard let entry = root["record"] else {
            if let method = timed.first {
                fail(.job, "key 'record' is missing: method '\(method)' needs recording times", hint: missing)
            }
            return (empty, ObservableChoice())
        }
        guard case .map = entry.value.content else {
            fail(entry.value.location, "'record' must be a mapping, not \(entry.value.summary)", hint: missing)
            return (empty, ObservableChoice())
        }
        checkKeys(entry.value, ["times", "time_unit", "observables", "kernels"], " of 'record'")
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
        let kernels = readKernels(entry.value, methods, model)
        let names = readObservables(entry.value, methods, kernels: kernels)
        return (
            RecordingTimes(unit: unit, values: timed.isEmpty ? [] : values),
            ObservableChoice(names: names, kernels: kernels)
        )
    }

    /// Whether the job asks for the kernels of its methods.
    private mutating func readKernels(_ record: JobTree, _ methods: [MethodSpec], _ model: any Model) -> Bool {
        guard let entry = record["kernels"] else { return false }
        guard case .scalar(let text, .plain) = entry.value.content, let isWanted = ScalarText.flag(text) else {
            fail(entry.value.location, "'kernels' must be true or false, not \(entry.value.summary)")
            return false
        }
        if isWanted, !methods.isEmpty, !methods.contains(where: \.hasKernels) {
            let others = model.methods.filter(\.hasKernels).map(\.name)
            fail(
                entry.keyLocation,
                others.isEmpty
                    ? "'kernels' is true, and model '\(model.name)' has no kernels"
                    : "'kernels' is true, and none of the job's methods has kernels",
                hint: others.isEmpty ? "leave 'kernels' out" : "methods with kernels: " + others.joined(separator: ", ")
            )
        }
        return isWanted
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

    private mutating func readObservables(_ record: JobTree, _ methods: [MethodSpec], kernels: Bool) -> [String]? {
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
        for method in methods
        where !(kernels && method.hasKernels) && !method.observables.contains(where: { names.contains($0.name) }) {
            fail(
                entry.keyLocation, "method '\(method.name)' has none of the listed observables",
                hint: "it has: " + method.observables.map(\.name).joined(separator: ", "))
        }
        return names
    }

    /// What `method` records, in the model's order, with the sources of aggregates.
    func observables(of method: MethodSpec, _ choice: ObservableChoice) -> [Observable] {
        var wanted = Set(method.observables.filter(choice.includes).map(\.name))
        for observable in method.observables where wanted.contains(observable.name) {
            if case .seedMean(let source)? = observable.aggregate { wanted.insert(source) }
        }
        return method.observables.filter { wanted.contains($0.name) }
    }
}

/// Which observables a job asks for.
struct ObservableChoice {
    /// Those that it names; nil: each method's default ones.
    var names: [String]?
    /// Whether it asks for all kernels too.
    var kernels = false

    func includes(_ observable: Observable) -> Bool {
        if kernels, observable.isKernel { return true }
        return names?.contains(observable.name) ?? observable.isRecordedByDefault
    }
}

extension MethodSpec {
    var hasKernels: Bool { observables.contains(where: \.isKernel) }
}
