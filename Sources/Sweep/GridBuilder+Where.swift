import Modeling

extension GridBuilder {
    // MARK: Where

    /// The bits of `condition` on the method's own axes: a combination is in when any along the left-out axes is.
    func pointFilter(
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
    func expressionProblem(
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
}
