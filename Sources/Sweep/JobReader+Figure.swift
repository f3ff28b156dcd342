import Modeling

/// The `figure` block: read so that mistakes are answered before a run, and drawn by `dynsweep-plot`.
extension JobReader {
    mutating func readFigure(_ root: JobTree, _ names: ParameterNames, _ methods: [MethodSpec]) -> FigureSpec? {
        guard let entry = root["figure"] else { return nil }
        let keys = [
            "x", "y", "hue", "panels", "xscale", "yscale", "at", "xlines", "ylines", "methods", "trajectories",
            "compare",
        ]
        guard case .map(let entries) = entry.value.content else {
            fail(
                entry.value.location, "'figure' must be a mapping, not \(entry.value.summary)",
                hint: "keys: " + keys.joined(separator: ", "))
            return nil
        }
        checkKeys(entry.value, keys, " of 'figure'")
        let observables = methods.flatMap { $0.observables.map(\.name) }
        let dimensions = methods.flatMap { $0.observables.flatMap { $0.dimensions.map(\.name) } }
        var figure = FigureSpec()
        for entry in entries where keys.contains(entry.key) {
            switch entry.key {
            case "at":
                figure.at = readHeld(entry.value, names, ["time"] + dimensions)
                continue
            case "xlines":
                figure.xlines = readLines(entry.value, "'xlines' of figure")
                continue
            case "ylines":
                figure.ylines = readLines(entry.value, "'ylines' of figure")
                continue
            case "methods":
                figure.methods = readMethods(entry.value, "'methods' of figure", methods)
                continue
            case "compare":
                figure.compare = readPairs(entry.value, methods)
                continue
            default: break
            }
            guard let text = scalar(entry.value, "'\(entry.key)' of figure", "a name") else { continue }
            switch entry.key {
            case "trajectories":
                figure.trajectories = ["true": true, "false": false][text]
                if figure.trajectories == nil {
                    fail(entry.value.location, "'trajectories' of figure must be true or false, not '\(text)'")
                }
            case "xscale", "yscale":
                let scales = ["linear", "log", "symlog"]
                if !scales.contains(text) {
                    fail(
                        entry.value.location,
                        "'\(entry.key)' must be one of \(scales.joined(separator: ", ")), not '\(text)'")
                }
                if entry.key == "xscale" { figure.xscale = text } else { figure.yscale = text }
            case "y":
                if !observables.contains(text) {
                    fail(
                        entry.value.location,
                        "'y' of figure must be an observable, not '\(text)'\(Nearest.suggestion(text, among: observables))"
                    )
                }
                figure.y = text
            default:
                let others = (entry.key == "x" ? ["time"] : ["method", "none"]) + dimensions
                let spec = names.spec(text)
                if spec == nil, !others.contains(text) {
                    fail(
                        entry.value.location,
                        "'\(entry.key)' of figure must be a parameter or '\(others[0])', not '\(text)'"
                            + Nearest.suggestion(text, among: names.all + others))
                }
                let name = spec?.name ?? text
                switch entry.key {
                case "x": figure.x = name
                case "hue": figure.hue = name
                default: figure.panels = name
                }
            }
        }
        return figure
    }

    /// `at: {L: 4}`: axes by name, a value each.
    private mutating func readHeld(_ tree: JobTree, _ names: ParameterNames, _ others: [String]) -> [FigureSpec.Held] {
        guard case .map(let entries) = tree.content else {
            fail(tree.location, "'at' of figure must be a mapping of axes to values, not \(tree.summary)")
            return []
        }
        var held: [FigureSpec.Held] = []
        for entry in entries {
            let spec = names.spec(entry.key)
            if spec == nil, !others.contains(entry.key) {
                fail(
                    entry.keyLocation,
                    "'at' of figure: no axis '\(entry.key)'\(Nearest.suggestion(entry.key, among: names.all + others))")
            }
            guard let text = scalar(entry.value, "'\(entry.key)' in 'at' of figure", "a value") else { continue }
            held.append(FigureSpec.Held(name: spec?.name ?? entry.key, value: Self.value(text, spec?.kind)))
        }
        return held
    }

    private static func value(_ text: String, _ kind: ParameterKind?) -> ParameterValue {
        switch kind {
        case .choice: return .text(text)
        case .flag: return ScalarText.flag(text).map(ParameterValue.flag) ?? .text(text)
        case .integer, .real, .array, nil:
            if let whole = ScalarText.integer(text) { return .integer(whole) }
            if case .finite(let number)? = ScalarText.number(text) { return .real(number) }
            return .text(text)
        }
    }

    /// `compare: {amp: bayes}`: a method, and the one or more that are its theory.
    private mutating func readPairs(_ tree: JobTree, _ methods: [MethodSpec]) -> [FigureSpec.Pair] {
        guard case .map(let entries) = tree.content else {
            fail(
                tree.location, "'compare' of figure must be a mapping, not \(tree.summary)",
                hint: "a method and its theory, such as {sgd: ode} or {sgd: [ode, overlap-chain]}")
            return []
        }
        return entries.map { entry in
            checkMethod(entry.key, entry.keyLocation, "'compare' of figure", methods)
            return FigureSpec.Pair(
                method: entry.key,
                theories: readMethods(entry.value, "'\(entry.key)' in 'compare' of figure", methods))
        }
    }

    private mutating func readMethods(_ tree: JobTree, _ what: String, _ methods: [MethodSpec]) -> [String] {
        scalars(tree, what, "the job's methods").map { name, item in
            checkMethod(name, item.location, what, methods)
            return name
        }
    }

    private mutating func checkMethod(
        _ name: String, _ location: SourceLocation, _ what: String, _ methods: [MethodSpec]
    ) {
        let known = methods.map(\.name)
        if !known.contains(name) {
            fail(location, "\(what): the job has no '\(name)'\(Nearest.suggestion(name, among: known))")
        }
    }

    /// Reference lines: a number or a list of numbers.
    private mutating func readLines(_ tree: JobTree, _ what: String) -> [Double] {
        scalars(tree, what, "numbers").compactMap { text, item in
            guard case .finite(let number)? = ScalarText.number(text) else {
                fail(item.location, "\(what) must be numbers, not '\(text)'")
                return nil
            }
            return number
        }
    }
}
