import Modeling

extension Job {
    /// What forbids to go on with the results of `old`, an earlier form of this job; empty when this job extends it.
    ///
    /// More values along an axis, further axes (when the old value is on them), more seeds and more methods are
    /// extensions; name, output, limits and figure do not matter.
    ///
    /// - Parameter isComputed: whether the old results hold anything of a method (index into `old.grids`) at a point;
    ///   only such points must not be left out by a new `where`.
    public func incompatibilities(
        with old: Job, isComputed: (_ method: Int, _ point: Int) -> Bool = { _, _ in true }
    ) -> [String] { compare(with: old, isComputed: isComputed).differences }

    /// As ``incompatibilities(with:isComputed:)``; also the maps that were made on the way, by index into `old.grids`.
    package func compare(
        with old: Job, isComputed: (_ method: Int, _ point: Int) -> Bool
    ) -> (differences: [String], maps: [Int: GridMap]) {
        guard old.model.name == model.name else {
            return (["model: the file has '\(old.model.name)', the job has '\(model.name)'"], [:])
        }
        var found: [String] = []
        var maps: [Int: GridMap] = [:]
        var differs = false
        func add(_ text: String) {
            differs = true
            if !found.contains(text) { found.append(text) }
        }
        for (index, before) in old.grids.enumerated() {
            guard let after = grids.first(where: { $0.method.name == before.method.name }) else {
                add("method '\(before.method.name)': the file has it, the job does not")
                continue
            }
            differs = false
            compareTimes(before, after, add)
            compareObservables(before, after, add)
            compareSeeds(before, after, add)
            if !differs { maps[index] = comparePoints(before, after, { isComputed(index, $0) }, add) }
        }
        return (found, maps)
    }

    private func compareTimes(_ before: MethodGrid, _ after: MethodGrid, _ add: (String) -> Void) {
        guard before.method.isTimed, before.times != after.times else { return }
        guard before.times.unit == after.times.unit else {
            return add(
                "record.time_unit: the file has \(before.times.unit.rawValue), the job has \(after.times.unit.rawValue)"
            )
        }
        func summary(_ times: RecordingTimes) -> String {
            let ends = [times.values.first, times.values.last].compactMap { $0 }.map(ScalarText.format)
            return "\(times.values.count) from \(ends.joined(separator: " to "))"
        }
        let (one, other) = (summary(before.times), summary(after.times))
        add(
            "record.times: the file has \(one), the job has "
                + (one == other ? "as many with other values between" : other))
    }

    private func compareObservables(_ before: MethodGrid, _ after: MethodGrid, _ add: (String) -> Void) {
        let (one, other) = (before.observables.map(\.name), after.observables.map(\.name))
        for name in one where !other.contains(name) {
            add("observable '\(name)' of method '\(before.method.name)': the file has it, the job does not")
        }
        for name in other where !one.contains(name) {
            add(
                "observable '\(name)' of method '\(before.method.name)': the job asks for it, the file does not have it"
            )
        }
    }

    private func compareSeeds(_ before: MethodGrid, _ after: MethodGrid, _ add: (String) -> Void) {
        guard let one = before.seeds, let other = after.seeds else { return }
        let method = after.method.name
        let name = ownSeeds[method] == nil ? "seeds" : "seeds of method '\(method)'"
        if other.base > one.base {
            add("\(name): the file starts at \(one.base), the job at \(other.base)")
        } else if other.base + other.count < one.base + one.count {
            add("\(name): the file has \(one.count) from \(one.base), the job has \(other.count) from \(other.base)")
        }
    }

    /// Which parameters say why points of the file are not in the job.
    private func compareParameters(_ before: MethodGrid, _ after: MethodGrid, _ add: (String) -> Void) {
        for name in Set(before.usedParameters + after.usedParameters).sorted() {
            switch (before.values(of: name), after.values(of: name)) {
            case (nil, nil): continue
            case (let old?, nil): add("\(old.title): the file has \(old.text), the job does not give it")
            case (nil, let new?): add("\(new.title): the job has \(new.text), the file does not have it")
            case (let old?, let new?): compare(old, new, add)
            }
        }
    }

    private func compare(_ old: MethodGrid.ValueSet, _ new: MethodGrid.ValueSet, _ add: (String) -> Void) {
        guard !old.isExpression, !new.isExpression else { return }
        let known = Set(new.values)
        let missing = old.values.filter { !known.contains($0) }
        guard !missing.isEmpty else { return }
        let listed = missing.prefix(5).map(\.text).joined(separator: ", ")
        let rest = missing.count > 5 ? " and \(missing.count - 5) more" : ""
        if old.isAxis {
            add("\(old.title): the file has \(listed)\(rest), the job does not")
        } else {
            add("\(old.title): the file has \(listed), the job has \(new.text)")
        }
    }

    /// Points of the file that the job does not have, or leaves out.
    private func comparePoints(
        _ before: MethodGrid, _ after: MethodGrid, _ isComputed: (Int) -> Bool, _ add: (String) -> Void
    ) -> GridMap {
        let map = GridMap(from: before, to: after)
        if before.hasSamePoints(as: after), before.filter == after.filter { return map }
        var missing = 0
        var excluded = 0
        for point in 0..<before.pointCount where before.isIncluded(point) && isComputed(point) {
            let places = map.points(point)
            if places.isEmpty {
                missing += 1
            } else if !places.contains(where: after.isIncluded) {
                excluded += 1
            }
        }
        func points(_ count: Int) -> String { count == 1 ? "1 point" : "\(count) points" }
        let method = before.method.name
        if missing > 0 {
            var reasons = 0
            compareParameters(before, after) {
                reasons += 1
                add($0)
            }
            if reasons == 0 {
                let names = Set(before.derived.map(\.name) + after.derived.map(\.name)).sorted()
                let why =
                    names.isEmpty
                    ? "axes are combined differently"
                    : "the expression of \(names.joined(separator: ", ")) or the axes give other values"
                add(
                    "grid of method '\(method)': \(points(missing)) of the file \(missing == 1 ? "is" : "are") not in "
                        + "the job (\(why))")
            }
        }
        if excluded > 0 {
            add("where: the job leaves out \(points(excluded)) of method '\(method)' that the file has")
        }
        return map
    }
}

extension MethodGrid {
    /// All values that a parameter takes in a grid.
    struct ValueSet {
        let title: String
        let values: [ParameterValue]
        let isAxis: Bool
        let isExpression: Bool

        var text: String {
            if isExpression { return "an expression" }
            let listed = values.prefix(5).map(\.text).joined(separator: ", ")
            return listed + (values.count > 5 ? ", ..." : "")
        }
    }

    func values(of name: String) -> ValueSet? {
        for axis in axes {
            for coordinate in axis.coordinates where coordinate.name == name {
                return ValueSet(title: "axis '\(name)'", values: coordinate.values, isAxis: true, isExpression: false)
            }
        }
        if derived.contains(where: { $0.name == name }) {
            return ValueSet(title: "parameter '\(name)'", values: [], isAxis: false, isExpression: true)
        }
        return fixed[name].map {
            ValueSet(title: "parameter '\(name)'", values: [$0], isAxis: false, isExpression: false)
        }
    }
}
