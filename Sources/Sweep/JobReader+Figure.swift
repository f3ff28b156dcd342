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
                checkHeld(entry.value, names, ["time"] + dimensions)
                continue
            case "xlines", "ylines":
                checkLines(entry.value, "'\(entry.key)' of figure")
                continue
            case "methods":
                checkMethods(entry.value, "'methods' of figure", methods)
                continue
            case "compare":
                checkPairs(entry.value, methods)
                continue
            default: break
            }
            guard let text = scalar(entry.value, "'\(entry.key)' of figure", "a name") else { continue }
            switch entry.key {
            case "trajectories":
                if !["true", "false"].contains(text) {
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
    private mutating func checkHeld(_ tree: JobTree, _ names: ParameterNames, _ others: [String]) {
        guard case .map(let entries) = tree.content else {
            fail(tree.location, "'at' of figure must be a mapping of axes to values, not \(tree.summary)")
            return
        }
        for entry in entries {
            if names.spec(entry.key) == nil, !others.contains(entry.key) {
                fail(
                    entry.keyLocation,
                    "'at' of figure: no axis '\(entry.key)'\(Nearest.suggestion(entry.key, among: names.all + others))")
            }
            _ = scalar(entry.value, "'\(entry.key)' in 'at' of figure", "a value")
        }
    }

    /// `compare: {amp: bayes}`: a method, and the one or more that are its theory.
    private mutating func checkPairs(_ tree: JobTree, _ methods: [MethodSpec]) {
        guard case .map(let entries) = tree.content else {
            fail(
                tree.location, "'compare' of figure must be a mapping, not \(tree.summary)",
                hint: "a method and its theory, such as {sgd: ode} or {sgd: [ode, overlap-chain]}")
            return
        }
        for entry in entries {
            checkMethod(entry.key, entry.keyLocation, "'compare' of figure", methods)
            checkMethods(entry.value, "'\(entry.key)' in 'compare' of figure", methods)
        }
    }

    private mutating func checkMethods(_ tree: JobTree, _ what: String, _ methods: [MethodSpec]) {
        for (name, item) in scalars(tree, what, "the job's methods") { checkMethod(name, item.location, what, methods) }
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
    private mutating func checkLines(_ tree: JobTree, _ what: String) {
        for (text, item) in scalars(tree, what, "numbers") {
            guard case .finite? = ScalarText.number(text) else {
                fail(item.location, "\(what) must be numbers, not '\(text)'")
                continue
            }
        }
    }
}
