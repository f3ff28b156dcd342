import Modeling

extension JobReader {
    // MARK: Seeds

    /// The rule of all seeded methods, and the rules of methods that have one of their own.
    mutating func readSeeds(
        _ root: JobTree, _ methods: [MethodSpec], _ choice: ObservableChoice
    ) -> (common: SeedRule, own: [String: SeedRule]) {
        let seeded = methods.filter(\.isSeeded)
        var own: [String: SeedRule] = [:]
        if case .map(let entries)? = root["per_method"]?.value.content {
            for entry in entries {
                // Methods that the job does not have are a mistake of `per_method`.
                guard let method = methods.first(where: { $0.name == entry.key }), let its = entry.value["seeds"]
                else { continue }
                guard method.isSeeded else {
                    fail(
                        its.keyLocation,
                        "'seeds' is given for method '\(method.name)', which does not depend on a seed",
                        hint: seeded.isEmpty
                            ? nil : "methods with seeds: " + seeded.map(\.name).joined(separator: ", "))
                    continue
                }
                own[method.name] = readRule(its, [method], choice)
            }
        }
        guard let entry = root["seeds"] else { return (Self.usualSeeds, own) }
        if seeded.isEmpty, !methods.isEmpty {
            fail(
                entry.keyLocation, "'seeds' is given, and none of the methods depends on a seed",
                hint: "add a simulation to 'methods', or leave 'seeds' out")
            return (Self.usualSeeds, own)
        }
        // When every method has its own, the common rule says nothing; it must be right all the same.
        let others = seeded.filter { own[$0.name] == nil }
        return (readRule(entry, others.isEmpty ? seeded : others, choice), own)
    }

    private static let usualSeeds = SeedRule.fixed(SeedRange(base: 0, count: 1))

    private mutating func readRule(
        _ entry: JobTree.Entry, _ seeded: [MethodSpec], _ choice: ObservableChoice
    ) -> SeedRule {
        let usual = Self.usualSeeds
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
        let tolerances = readTolerances(sem, seeded, choice)
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
        _ entry: JobTree.Entry, _ seeded: [MethodSpec], _ choice: ObservableChoice
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
                observables(of: method, choice).filter { $0.aggregate == nil }.map(\.name)
            }
            guard known.contains(entry.key) else {
                fail(
                    entry.keyLocation,
                    "no seeded method records observable '\(entry.key)'\(Nearest.suggestion(entry.key, among: known))")
                continue
            }
            for method in seeded
            where !observables(of: method, choice).contains(where: { $0.name == entry.key }) {
                fail(entry.keyLocation, "method '\(method.name)' does not record observable '\(entry.key)'")
            }
            guard let error = positive(entry.value, "the standard error of '\(entry.key)'") else { continue }
            tolerances.append(SeedTolerance(observable: entry.key, standardError: error))
        }
        return tolerances
    }
}
