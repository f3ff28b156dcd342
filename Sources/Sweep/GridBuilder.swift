import Modeling

/// Makes the grid of one method from what the job says of its parameters.
struct GridBuilder {
    let model: any Model
    let path: String
    let names: ParameterNames
    /// Zipped parameters: canonical names, and where the zip stands.
    let zips: [(names: [String], location: SourceLocation)]
    let conditions: [ExpressionSource]
    let limits: JobLimits
    let parametersLocation: SourceLocation
    /// Whether all points of a large grid are read, for what is wrong with them; not where a job was checked before.
    let checksPoints: Bool

    /// An axis before those that the method does not use are left out.
    private struct FullAxis {
        let members: [ParameterSource]
        let values: [[ParameterValue]]
        var count: Int { values.first?.count ?? 0 }

        /// The first index of each distinct combination of some members' values, and for each index the number of its
        /// combination among them.
        func distinct(_ chosen: [Int]) -> (kept: [Int], map: [Int]) {
            guard chosen.count < members.count else { return (Array(0..<count), Array(0..<count)) }
            var known: [[ParameterValue]: Int] = [:]
            var kept: [Int] = []
            var map: [Int] = []
            for index in 0..<count {
                let tuple = chosen.map { values[$0][index] }
                if known[tuple] == nil {
                    known[tuple] = kept.count
                    kept.append(index)
                }
                map.append(known[tuple] ?? 0)
            }
            return (kept, map)
        }
    }

    func fail(_ location: SourceLocation, _ message: String, hint: String? = nil) -> JobErrors {
        JobErrors([JobError(path: path, location: location, message: message, hint: hint)])
    }

    /// The axes that `sources` (in order) make, zips joined.
    private func fullAxes(_ sources: [ParameterSource]) throws(JobErrors) -> [FullAxis] {
        var axes: [FullAxis] = []
        var done: Set<String> = []
        for source in sources {
            guard case .axis(let values) = source.kind, !done.contains(source.spec.name) else { continue }
            guard let zip = zips.first(where: { $0.names.contains(source.spec.name) }) else {
                try checkRepeats(source)
                axes.append(FullAxis(members: [source], values: [values]))
                continue
            }
            var members: [ParameterSource] = []
            var columns: [[ParameterValue]] = []
            for name in zip.names {
                guard let member = sources.first(where: { $0.spec.name == name }), case .axis(let its) = member.kind
                else { continue }
                members.append(member)
                columns.append(its)
            }
            done.formUnion(zip.names)
            for (member, column) in Swift.zip(members, columns) where column.count != columns[0].count {
                throw fail(
                    zip.location,
                    "zipped axes have unequal lengths: '\(members[0].spec.name)' has \(columns[0].count) values, "
                        + "'\(member.spec.name)' has \(column.count)")
            }
            if members.count == 1 {
                try checkRepeats(members[0])
            } else {
                var seen: Set<[ParameterValue]> = []
                for index in columns[0].indices where !seen.insert(columns.map { $0[index] }).inserted {
                    let text = Swift.zip(members, columns).map { "\($0.spec.name) = \($1[index].text)" }
                    throw fail(zip.location, "the zipped axes have \(text.joined(separator: ", ")) twice")
                }
            }
            axes.append(FullAxis(members: members, values: columns))
        }
        return axes
    }

    private func checkRepeats(_ source: ParameterSource) throws(JobErrors) {
        guard let repeated = source.repeatedValue else { return }
        throw fail(
            repeated.location, "axis '\(source.spec.name)' has the value \(repeated.summary) twice",
            hint: "an axis holds each value once")
    }

    /// The root axes, for ``Job/axes``.
    func rootAxes(_ sources: [ParameterSource]) throws(JobErrors) -> [Axis] {
        try fullAxes(sources).map(Self.axis)
    }

    private static func coordinate(_ spec: ParameterSpec, _ values: [ParameterValue]) -> Coordinate {
        Coordinate(
            name: spec.name, symbol: spec.symbol, longName: spec.summary, units: spec.units, values: values)
    }

    /// The grid of `method` with parameters `sources`.
    func grid(
        _ method: MethodSpec, _ sources: [ParameterSource], seeds: SeedRange, times: RecordingTimes,
        observables: [Observable]
    ) throws(JobErrors) -> MethodGrid {
        let times = RecordingTimes(unit: times.unit, values: method.isTimed ? times.values : [])
        let whole = try wholeGrid(sources)
        let survey = GridSurvey(model, method, whole.box, times: times, isIncluded: whole.isIncluded)
        let reduced = try reduce(whole, to: survey.touched, sources)
        let box = reduced.box
        try checkSize(method, box.counts, method.isSeeded ? seeds.count : 1)

        var filter: PointFilter?
        if let condition = whole.condition {
            filter = try pointFilter(condition, whole.box.counts, reduced.places, box.axes, method)
        }
        let grid = MethodGrid(
            model: model, method: method, used: survey.touched, box: box,
            fixed: constants(whole.constants, among: reduced.needed),
            seeds: method.isSeeded ? seeds : nil, times: times, observables: observables, filter: filter)
        let errors = reduced.programs.compactMap { expressionProblem($0.source.spec, $0.expression, $0.program, grid) }
        guard errors.isEmpty else { throw JobErrors(errors) }
        // After expressions: a model is no judge of what they give.
        try report(survey.complaints, method, whole.box, sources)
        if checksPoints { try checkPoints(of: grid, box, sources) }
        return grid
    }

    // MARK: All that the job gives

    /// The points of a method with the axes of all that the job gives, whether the method looks at it or not.
    private struct WholeGrid {
        let axes: [FullAxis]
        let box: PointBox
        /// Plain defaults of what the job does not give, and given parameters with one value.
        let constants: ParameterPoint
        let bindings: [String: ExpressionBinding]
        let condition: ExpressionProgram?

        func isIncluded(_ indices: [Int]) -> Bool {
            guard let condition else { return true }
            let flat = condition.axes.reduce(0) { $0 * box.axes[$1].count + indices[$1] }
            return condition.value(at: flat) == 1
        }
    }

    /// Every expression is compiled over the full grid: its mistakes are mistakes whether it is used or not.
    private func wholeGrid(_ sources: [ParameterSource]) throws(JobErrors) -> WholeGrid {
        let full = try fullAxes(sources)
        let counts = full.map(\.count)
        var constants = ParameterPoint()
        for spec in model.parameters {
            if case .value(let value) = spec.defaultValue { constants[spec.name] = value.canonical }
        }
        var given = ParameterPoint()
        var bindings: [String: ExpressionBinding] = [:]
        for source in sources {
            let name = source.spec.name
            constants[name] = nil
            switch source.kind {
            case .fixed(let value):
                constants[name] = value
                given[name] = value
            case .expression(let expression): bindings[name] = .expression(expression)
            case .axis: break
            }
        }
        for (index, axis) in full.enumerated() {
            for (member, values) in Swift.zip(axis.members, axis.values) {
                bindings[member.spec.name] = .axis(index, values)
            }
        }
        for entry in constants.entries { bindings[entry.name] = .constant(entry.value) }

        var errors: [JobError] = []
        var derived: [DerivedCoordinate] = []
        for source in sources {
            guard case .expression(let expression) = source.kind else { continue }
            do {
                var compiler = compiler(counts, bindings)
                let program = try compiler.parameter(source.spec, expression)
                guard program.axes.isEmpty else {
                    derived.append(DerivedCoordinate(source.spec, program))
                    continue
                }
                let value = program.parameterValue(program.value(at: 0), source.spec.kind).canonical
                if let problem = source.spec.kind.problem(with: value) {
                    errors.append(
                        expression.error(
                            0,
                            "parameter '\(source.spec.name)' must be \(source.spec.kind.expectation), "
                                + "and the expression gives \(problem)"))
                }
                constants[source.spec.name] = value
                given[source.spec.name] = value
            } catch {
                errors.append(error)
            }
        }
        var condition: ExpressionProgram?
        if !conditions.isEmpty {
            do {
                var compiler = compiler(counts, bindings)
                condition = try compiler.condition(conditions)
            } catch {
                errors.append(error)
            }
        }
        guard errors.isEmpty else { throw JobErrors(errors) }
        let box = PointBox(axes: full.map(Self.axis), fixed: given, derived: derived, leftOut: [])
        return WholeGrid(axes: full, box: box, constants: constants, bindings: bindings, condition: condition)
    }

    private static func axis(_ full: FullAxis) -> Axis {
        Axis(coordinates: Swift.zip(full.members, full.values).map { coordinate($0.spec, $1) })
    }

    // MARK: What the method looks at

    /// The points of a method with the axes of what it looks at alone.
    private struct ReducedGrid {
        let box: PointBox
        /// What the method looks at, and all that its expressions refer to.
        let needed: Set<String>
        /// For each axis of the whole grid that is left: its place, and the new index of each of its values.
        let places: [Int: (axis: Int, map: [Int])]
        let programs: [(source: ParameterSource, expression: ExpressionSource, program: ExpressionProgram)]
    }

    /// Leaves out axes that the method does not look at; zipped coordinates of them leave too, and what coincides then
    /// merges.
    private func reduce(
        _ whole: WholeGrid, to used: Set<String>, _ sources: [ParameterSource]
    ) throws(JobErrors) -> ReducedGrid {
        let needed = withReferences(used, sources)
        var axes: [Axis] = []
        var places: [Int: (axis: Int, map: [Int])] = [:]
        for (index, axis) in whole.axes.enumerated() {
            let members = axis.members.indices.filter { needed.contains(axis.members[$0].spec.name) }
            guard !members.isEmpty else { continue }
            let (kept, map) = axis.distinct(members)
            places[index] = (axes.count, map)
            axes.append(
                Axis(
                    coordinates: members.map { member in
                        Self.coordinate(axis.members[member].spec, kept.map { axis.values[member][$0] })
                    }))
        }
        var bindings = whole.bindings
        for entry in whole.constants.entries { bindings[entry.name] = .constant(entry.value) }
        for (index, axis) in axes.enumerated() {
            for coordinate in axis.coordinates { bindings[coordinate.name] = .axis(index, coordinate.values) }
        }
        var derived: [DerivedCoordinate] = []
        var programs: [(source: ParameterSource, expression: ExpressionSource, program: ExpressionProgram)] = []
        for source in sources where needed.contains(source.spec.name) && whole.constants[source.spec.name] == nil {
            guard case .expression(let expression) = source.kind else { continue }
            do {
                var compiler = compiler(axes.map(\.count), bindings)
                let program = try compiler.parameter(source.spec, expression)
                derived.append(DerivedCoordinate(source.spec, program))
                programs.append((source, expression, program))
            } catch {
                throw JobErrors([error])
            }
        }
        let leftOut = Set(sources.map(\.spec.name)).subtracting(needed)
            .subtracting(whole.box.fixed.entries.map(\.name))
        return ReducedGrid(
            box: PointBox(axes: axes, fixed: whole.box.fixed, derived: derived, leftOut: leftOut), needed: needed,
            places: places, programs: programs)
    }

    /// The fixed values of a grid as a file shows them: given ones and plain defaults.
    private func constants(_ all: ParameterPoint, among needed: Set<String>) -> ParameterPoint {
        all.filter { needed.contains($0.name) }
    }

    // MARK: What the model says of points

    /// Points that the survey of a large grid did not read, as far as there is time.
    private func checkPoints(of grid: MethodGrid, _ box: PointBox, _ sources: [ParameterSource]) throws(JobErrors) {
        guard grid.pointCount > GridSurvey.cellLimit else { return }
        let survey = GridSurvey(
            model, grid.method, box, times: grid.times, limit: Self.checkLimit,
            isIncluded: { grid.isIncluded(grid.point(at: $0)) })
        try report(survey.complaints, grid.method, box, sources)
    }

    /// So many points of a large grid are checked before it is begun.
    private static let checkLimit = 32_768

    private func report(
        _ complaints: [GridSurvey.Complaint], _ method: MethodSpec, _ box: PointBox, _ sources: [ParameterSource]
    ) throws(JobErrors) {
        guard !complaints.isEmpty else { return }
        func location(_ name: String, _ others: Set<String>) -> SourceLocation {
            let source = sources.first { $0.spec.name == name } ?? sources.first { others.contains($0.spec.name) }
            return source?.keyLocation ?? parametersLocation
        }
        throw JobErrors(
            complaints.map { complaint in
                switch complaint.error {
                case .needed(let name):
                    let spec = names.spec(name)
                    return JobError(
                        path: path, location: parametersLocation,
                        message: "method '\(method.name)' needs parameter '\(name)', and the job does not give it",
                        hint: spec.map { "'\(name)' is \($0.kind.expectation): \($0.summary)" })
                case .parameter("record", _):
                    return JobError(path: path, location: .job, message: "method '\(method.name)': \(complaint.error)")
                case .parameter(let name, _), .conflict(let name, _):
                    let place = box.describe(complaint.indices, among: complaint.touched)
                    return JobError(
                        path: path, location: location(name, complaint.touched),
                        message: "method '\(method.name)': \(complaint.error)"
                            + (place.isEmpty ? "" : " (at \(place))"),
                        hint: place.isEmpty ? nil : "leave such points out with 'where'")
                default:
                    return JobError(
                        path: path, location: parametersLocation,
                        message: "method '\(method.name)': \(complaint.error)")
                }
            })
    }

    private func compiler(_ counts: [Int], _ bindings: [String: ExpressionBinding]) -> ExpressionCompiler {
        ExpressionCompiler(axisCounts: counts, knownNames: names.all) { name in
            names.spec(name).map { ($0, bindings[$0.name] ?? .absent) }
        }
    }

    /// `used`, and all that their expressions refer to.
    private func withReferences(_ used: Set<String>, _ sources: [ParameterSource]) -> Set<String> {
        var needed = used
        var open = Array(used)
        while let name = open.popLast() {
            guard let source = sources.first(where: { $0.spec.name == name }),
                case .expression(let expression) = source.kind
            else { continue }
            for reference in expression.expression.names {
                guard let spec = names.spec(reference), needed.insert(spec.name).inserted else { continue }
                open.append(spec.name)
            }
        }
        return needed
    }

    private func checkSize(_ method: MethodSpec, _ counts: [Int], _ seeds: Int) throws(JobErrors) {
        if let size = Box.size(counts + [seeds]), size <= limits.tasks { return }
        let factors = (counts + (seeds > 1 ? [seeds] : [])).map(String.init).joined(separator: " x ")
        throw fail(
            parametersLocation,
            "the grid of method '\(method.name)' has \(factors) tasks, more than the limit of \(limits.tasks)",
            hint: "use fewer values, or raise limits.tasks (at most \(UInt32.max))")
    }
}
