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

    /// An axis before those that the method does not use are left out.
    private struct FullAxis {
        let members: [ParameterSource]
        let values: [[ParameterValue]]
        var count: Int { values.first?.count ?? 0 }
    }

    private func fail(_ location: SourceLocation, _ message: String, hint: String? = nil) -> JobErrors {
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
        try fullAxes(sources).map { axis in
            Axis(coordinates: Swift.zip(axis.members, axis.values).map { Self.coordinate($0.spec, $1) })
        }
    }

    private static func coordinate(_ spec: ParameterSpec, _ values: [ParameterValue]) -> Coordinate {
        Coordinate(
            name: spec.name, symbol: spec.symbol, longName: spec.summary, units: spec.units, values: values)
    }

    /// The grid of `method` with parameters `sources`.
    func grid(
        _ method: MethodSpec, _ sources: [ParameterSource], seeds: SeedRange, times: RecordingTimes,
        observables: [ObservableSpec]
    ) throws(JobErrors) -> MethodGrid {
        let full = try fullAxes(sources)
        let fullCounts = full.map(\.count)
        var constants = ParameterPoint()
        for spec in model.parameters {
            if case .value(let value) = spec.defaultValue { constants[spec.name] = value.canonical }
        }
        var given = ParameterPoint()
        for source in sources {
            constants[source.spec.name] = nil
            if case .fixed(let value) = source.kind {
                constants[source.spec.name] = value
                given[source.spec.name] = value
            }
        }

        // Every expression is compiled over the full grid first: its mistakes are mistakes whether it is used or not.
        var fullBindings: [String: ExpressionBinding] = [:]
        for source in sources {
            if case .expression(let expression) = source.kind {
                fullBindings[source.spec.name] = .expression(expression)
            }
        }
        for (index, axis) in full.enumerated() {
            for (member, values) in Swift.zip(axis.members, axis.values) {
                fullBindings[member.spec.name] = .axis(index, values)
            }
        }
        for (name, value) in constants.values { fullBindings[name] = .constant(value) }
        var errors: [JobError] = []
        for source in sources {
            guard case .expression(let expression) = source.kind else { continue }
            do {
                var compiler = compiler(fullCounts, fullBindings)
                let program = try compiler.parameter(source.spec, expression)
                if program.axes.isEmpty {
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
                }
            } catch {
                errors.append(error)
            }
        }
        var condition: ExpressionProgram?
        if !conditions.isEmpty {
            do {
                var compiler = compiler(fullCounts, fullBindings)
                condition = try compiler.condition(conditions)
            } catch {
                errors.append(error)
            }
        }
        guard errors.isEmpty else { throw JobErrors(errors) }

        let context = JobContext(timeUnit: times.unit, given: Set(sources.map(\.spec.name)), fixed: given)
        let used = model.parametersUsed(by: method.name, in: context).intersection(model.parameters.map(\.name))
        for spec in model.parameters where used.contains(spec.name) && spec.defaultValue == .required {
            if !sources.contains(where: { $0.spec.name == spec.name }) {
                errors.append(
                    JobError(
                        path: path, location: parametersLocation,
                        message: "method '\(method.name)' needs parameter '\(spec.name)', and the job does not give it",
                        hint: "'\(spec.name)' is \(spec.kind.expectation): \(spec.summary)"))
            }
        }
        guard errors.isEmpty else { throw JobErrors(errors) }
        let needed = withReferences(used, sources)

        // Axes that the method depends on; zipped coordinates that it does not use leave, and what coincides then merges.
        var axes: [Axis] = []
        var places: [Int: (axis: Int, map: [Int])] = [:]
        for (index, axis) in full.enumerated() {
            let members = axis.members.indices.filter { needed.contains(axis.members[$0].spec.name) }
            guard !members.isEmpty else { continue }
            var map: [Int] = []
            var kept: [Int] = []
            if members.count == axis.members.count {
                kept = Array(0..<axis.count)
                map = kept
            } else {
                var known: [[ParameterValue]: Int] = [:]
                for value in 0..<axis.count {
                    let tuple = members.map { axis.values[$0][value] }
                    if let place = known[tuple] {
                        map.append(place)
                    } else {
                        known[tuple] = kept.count
                        map.append(kept.count)
                        kept.append(value)
                    }
                }
            }
            places[index] = (axes.count, map)
            axes.append(
                Axis(
                    coordinates: members.map { member in
                        Self.coordinate(axis.members[member].spec, kept.map { axis.values[member][$0] })
                    }))
        }
        try checkSize(method, axes.map(\.count), method.isSeeded ? seeds.count : 1)

        var fixed = ParameterPoint()
        for (name, value) in constants.values where needed.contains(name) { fixed[name] = value }
        var bindings = fullBindings
        for (name, value) in constants.values { bindings[name] = .constant(value) }
        for (index, axis) in axes.enumerated() {
            for coordinate in axis.coordinates { bindings[coordinate.name] = .axis(index, coordinate.values) }
        }
        var derived: [DerivedCoordinate] = []
        var programs: [(ParameterSource, ExpressionSource, ExpressionProgram)] = []
        for source in sources where needed.contains(source.spec.name) && fixed[source.spec.name] == nil {
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

        var filter: PointFilter?
        if let condition {
            filter = try pointFilter(condition, fullCounts, places, axes, method)
        }
        let grid = MethodGrid(
            model: model, method: method, used: used, axes: axes, fixed: fixed,
            standIns: standIns(except: needed, constants, full), derived: derived, seeds: method.isSeeded ? seeds : nil,
            times: RecordingTimes(unit: times.unit, values: method.isTimed ? times.values : []),
            observables: observables, filter: filter)
        for (source, expression, program) in programs {
            if let error = expressionProblem(source.spec, expression, program, grid) { errors.append(error) }
        }
        guard errors.isEmpty else { throw JobErrors(errors) }
        errors += constraintProblems(grid, sources)
        guard errors.isEmpty else { throw JobErrors(errors) }
        return grid
    }

    private func compiler(_ counts: [Int], _ bindings: [String: ExpressionBinding]) -> ExpressionCompiler {
        ExpressionCompiler(axisCounts: counts, knownNames: names.all) { name in
            names.spec(name).map { ($0, bindings[$0.name] ?? .absent) }
        }
    }

    /// Values of the parameters that the method does not use, so that models can read whole points: the default, the
    /// given value (an axis' first), a typical one, or any valid one.
    private func standIns(except needed: Set<String>, _ constants: ParameterPoint, _ full: [FullAxis]) -> ParameterPoint
    {
        var point = ParameterPoint()
        for spec in model.parameters where !needed.contains(spec.name) {
            if case .value(let value) = spec.defaultValue {
                point[spec.name] = value
            } else if spec.defaultValue == .required {
                let onAxis = full.lazy.compactMap { axis in
                    axis.members.firstIndex { $0.spec.name == spec.name }.flatMap { axis.values[$0].first }
                }
                point[spec.name] = constants[spec.name] ?? onAxis.first ?? spec.typical ?? spec.kind.anyValue
            }
        }
        return point
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

    // MARK: Where

    /// The bits of `condition` on the method's own axes: a combination is in when any along the left-out axes is.
    private func pointFilter(
        _ condition: ExpressionProgram, _ fullCounts: [Int], _ places: [Int: (axis: Int, map: [Int])], _ axes: [Axis],
        _ method: MethodSpec
    ) throws(JobErrors) -> PointFilter {
        guard let size = Box.size(condition.counts), size <= limits.tasks else {
            throw fail(
                conditions[0].start, "the condition has more than \(limits.tasks) combinations to look at",
                hint: "use fewer values, or raise limits.tasks (at most \(UInt32.max))")
        }
        let kept = condition.axes.compactMap { places[$0]?.axis }
        let keptCounts = kept.map { axes[$0].count }
        var filter = PointFilter(axes: kept, counts: keptCounts)
        let strides = Box.strides(keptCounts)
        var isDirect = true
        var table: [[Int]] = []
        for axis in condition.axes {
            guard let place = places[axis], let position = kept.firstIndex(of: place.axis) else {
                isDirect = false
                table.append([])
                continue
            }
            if place.map.count != axes[place.axis].count { isDirect = false }
            table.append(place.map.map { $0 * strides[position] })
        }
        if isDirect {
            condition.evaluate(0..<size) { start, values in
                for (offset, value) in values.enumerated() where value == 1 { filter.include(start + offset) }
            }
        } else {
            var walk = BoxWalk(counts: condition.counts, tables: [table])
            condition.evaluate(0..<size) { _, values in
                for value in values {
                    if value == 1 { filter.include(walk.tracked[0]) }
                    walk.advance()
                }
            }
        }
        filter.countIncluded()
        guard filter.includedCount > 0 else {
            throw fail(conditions[0].start, "the condition leaves no point for method '\(method.name)'")
        }
        return filter
    }

    // MARK: Values at included points

    /// The first value of an expression out of its parameter's range at an included point.
    private func expressionProblem(
        _ spec: ParameterSpec, _ expression: ExpressionSource, _ program: ExpressionProgram, _ grid: MethodGrid
    ) -> JobError? {
        var error: JobError?
        program.evaluate(0..<program.pointCount) { start, numbers in
            guard error == nil else { return }
            for (offset, number) in numbers.enumerated() {
                let isRight: Bool
                switch spec.kind {
                case .real(let range): isRight = number.isFinite && range.contains(number)
                default: isRight = spec.kind.problem(with: program.parameterValue(number, spec.kind)) == nil
                }
                if isRight { continue }
                let strides = Box.strides(program.counts)
                let indices = program.counts.indices.map { (start + offset) / strides[$0] % program.counts[$0] }
                guard grid.hasIncludedPoint(along: program.axes, at: indices) else { continue }
                let value = program.parameterValue(number, spec.kind)
                let place = zip(program.axes, indices).flatMap { axis, index in
                    grid.axes[axis].coordinates.map { "\($0.name) = \($0.values[index].text)" }
                }.joined(separator: ", ")
                error = expression.error(
                    0,
                    "parameter '\(spec.name)' must be \(spec.kind.expectation), and the expression gives "
                        + "\(spec.kind.problem(with: value) ?? value.text) at \(place)",
                    hint: "leave such points out with 'where', or change the expression")
                return
            }
        }
        return error
    }

    /// One error for each of the model's constraints that an included point violates.
    private func constraintProblems(_ grid: MethodGrid, _ sources: [ParameterSource]) -> [JobError] {
        var errors: [JobError] = []
        for constraint in model.constraints(method: grid.method.name) {
            let axes = grid.axes(of: constraint.parameters)
            var found: (point: ParameterPoint, text: String)?
            Box.forEach(axes.map { grid.axes[$0].count }) { _, indices in
                var all = Array(repeating: 0, count: grid.axes.count)
                for (axis, index) in zip(axes, indices) { all[axis] = index }
                let point = grid.point(at: grid.point(at: all))
                if let text = constraint.violation(point), grid.hasIncludedPoint(along: axes, at: indices) {
                    found = (point, text)
                }
                return found == nil
            }
            guard let found else { continue }
            let place = constraint.parameters.compactMap { name in
                found.point[name].map { "\(name) = \($0.text)" }
            }.joined(separator: ", ")
            let source = constraint.parameters.lazy.compactMap { name in
                sources.first { $0.spec.name == name }
            }.first
            errors.append(
                JobError(
                    path: path, location: source?.keyLocation ?? parametersLocation,
                    message: "method '\(grid.method.name)': \(found.text)" + (place.isEmpty ? "" : " (at \(place))"),
                    hint: axes.isEmpty ? nil : "leave such points out with 'where'"))
        }
        return errors
    }
}

/// Parameter names of a model, with the symbols and aliases that mean the same.
struct ParameterNames: Sendable {
    private var specs: [String: ParameterSpec] = [:]
    /// Canonical names in the model's order, then other spellings.
    let all: [String]
    /// The model's name.
    let model: String

    init(_ model: any Model) {
        self.model = model.name
        let parameters = model.parameters
        var others: [String] = []
        // A canonical name is never shadowed by another parameter's symbol.
        for spec in parameters { specs[spec.name] = spec }
        for spec in parameters {
            for other in [spec.symbol] + spec.aliases where specs[other] == nil {
                specs[other] = spec
                others.append(other)
            }
        }
        all = parameters.map(\.name) + others
    }

    func spec(_ name: String) -> ParameterSpec? { specs[name] }
}
