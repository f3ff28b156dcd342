import Modeling

/// The conditions that tie parameters together. Both the job check (each on the sub-grid of its own parameters) and
/// ``SAIBParameters`` use them.
enum SAIBRules {
    struct Rule: Sendable {
        /// The parameter that an error points at.
        let name: String
        let violation: @Sendable (Choices) -> String?
        let constraint: Constraint

        init(_ name: String, _ others: [String], _ violation: @escaping @Sendable (Choices) -> String?) {
            self.name = name
            self.violation = violation
            constraint = Constraint([name] + others) { point in
                violation(Choices(point: point)).map { "\(name) \($0)" }
            }
        }
    }

    /// A point with its derived defaults; what is not known is nil.
    struct Choices {
        let point: ParameterPoint

        var family: SAIBFamily { (try? point.choice("data")) ?? (has("tokens") ? .explicit : .gaussian) }
        var isBalanced: Bool { family == .gaussian || family == .orthogonal }
        var query: SAIBQuery {
            if let query: SAIBQuery = try? point.choice("query") { return query }
            switch family {
            case .gaussian, .orthogonal: return .noise
            case .sphere: return .external
            case .sin: return .first
            case .explicit: return has("queries") ? .external : .first
            }
        }
        var start: SAIBStart {
            if let start: SAIBStart = try? point.choice("init") { return start }
            return has("W0") ? .explicit : has("init_scale") ? .random : .zero
        }
        var needsScale: Bool { [.random, .adversarial, .mm].contains(start) }
        var isJoint: Bool { (try? point.flag("joint")) ?? false }
        var isOrthogonal: Bool { point["geometry"] == .text("orthogonal") }
        var tokens: [Int]? { family == .explicit ? shape("tokens") : nil }
        var T: Int? { tokens?[1] ?? (try? point.integer("L")) }

        func has(_ name: String) -> Bool { point[name] != nil }
        func shape(_ name: String) -> [Int]? { elements(name)?.shape }
        func elements(_ name: String) -> ArrayValue? { (try? point.arrayIfGiven(name)) ?? nil }

        /// n, d and alpha as far as the job says; infinite where they become too large.
        var sizes: (n: Double?, d: Double?, alpha: Double?) {
            if let tokens { return (Double(tokens[0]), Double(tokens[2]), Double(tokens[0]) / Double(tokens[2])) }
            let (n, d) = (try? point.realIfGiven("n"), try? point.realIfGiven("d"))
            let alpha = (try? point.realIfGiven("alpha")) ?? nil
            switch (n ?? nil, d ?? nil, alpha) {
            case (nil, let d?, let alpha?):
                let pieces = isBalanced ? 2.0 : 1
                return (max(1, (alpha * d / pieces).rounded()) * pieces, d, alpha)
            case (let n?, nil, let alpha?): return (n, max(1, (n / alpha).rounded()), alpha)
            case (let n, let d, let alpha): return (n, d, alpha ?? n.flatMap { n in d.map { n / $0 } })
            }
        }
        /// The same as whole numbers, nil where unknown or too large.
        var n: Int? { sizes.n.flatMap { $0 <= SAIBRules.largest ? Int($0) : nil } }
        var d: Int? { sizes.d.flatMap { $0 <= SAIBRules.largest ? Int($0) : nil } }
        /// Numbers in a query.
        var queryLength: Int? { query == .prompt ? 1 : shape("queries")?[1] ?? d }
    }

    static let largest = 1e6
    private static let family = ["data", "tokens"]
    private static let sizes = ["n", "d", "alpha", "data", "tokens"]

    /// True for methods that draw (or are given) tokens in R^d.
    static func isSampled(_ method: String) -> Bool { method != "symmetric" && method != "closed-form" }

    /// The rules of one method, in the order in which a point should be told.
    static func rules(_ method: String) -> [Rule] {
        var rules = general(method)
        switch method {
        case "closed-form": return rules
        case "symmetric": rules += symmetric
        default: rules += arrays
        }
        if method == "gap-recursion" || method == "late-time" {
            rules.append(
                Rule("joint", []) { c in
                    c.isJoint ? "must be false for \(method), whose decoder is fixed; use gd or symmetric" : nil
                })
        }
        return method == "svm" ? rules : rules + training
    }

    private static func others(_ names: [String], but name: String) -> [String] { names.filter { $0 != name } }

    private static func general(_ method: String) -> [Rule] {
        var rules = [
            Rule("data", ["tokens"]) { c in
                c.family == .explicit && !c.has("tokens") ? "explicit needs tokens of shape (n, L, d)" : nil
            }
        ]
        for name in ["tokens", "queries", "labels", "opt", "scores"] {
            rules.append(
                Rule(name, others(family, but: name)) { c in
                    c.has(name) && c.family != .explicit
                        ? "belongs to data: explicit, with tokens; leave it out of \(c.family.rawValue)" : nil
                })
        }
        for (axis, name) in ["n", "L", "d"].enumerated() {
            rules.append(
                Rule(name, family) { c in
                    guard let size = c.tokens?[axis], let given = try? c.point.integer(name), given != size else {
                        return nil
                    }
                    return "is \(given) where the tokens given have \(size); leave it out"
                })
        }
        rules += [
            Rule("alpha", others(sizes, but: "alpha")) { c in
                guard c.has("alpha") else { return nil }
                if c.tokens != nil { return "has no meaning with tokens given; leave it out" }
                if c.has("n") && c.has("d") { return "is n/d: give two of alpha, n, d" }
                let sizes = c.sizes
                return max(sizes.n ?? 0, sizes.d ?? 0) > largest ? "makes n or d larger than \(Int(largest))" : nil
            },
            Rule("L", family) { c in
                c.T == nil ? "is needed: the number of tokens a sequence" : nil
            },
            Rule("tokens", ["data"]) { c in
                c.tokens.map { $0[1] < 2 } ?? false ? "must have at least two tokens a sequence" : nil
            },
        ]
        if method == "closed-form" {
            rules += [
                Rule("alpha", others(sizes, but: "alpha")) { c in
                    c.sizes.alpha == nil ? "is needed, or n and d" : nil
                },
                Rule("query", family + ["queries"]) { c in
                    c.query == .external && c.family == .gaussian
                        ? nil : "of closed-form must be external, with data: gaussian; no formula is known for others"
                },
            ]
            return rules
        }
        rules += [
            Rule("n", others(sizes, but: "n")) { c in
                guard let n = c.sizes.n else { return "is needed, or alpha and d" }
                return c.isBalanced && n.truncatingRemainder(dividingBy: 2) != 0
                    ? "is \(Int(n)) and must be even: the labels of data: \(c.family.rawValue) are balanced" : nil
            },
            Rule("query", family + ["queries"]) { c in
                let allowed: [SAIBQuery]
                switch c.family {
                case .gaussian, .orthogonal: allowed = [.noise, .opt, .external, .prompt]
                case .sphere: allowed = [.external, .first, .prompt]
                case .sin: allowed = [.first, .prompt]
                case .explicit: allowed = c.has("queries") ? [.external] : [.first, .prompt]
                }
                let names = allowed.map(\.rawValue).joined(separator: ", ")
                return allowed.contains(c.query)
                    ? nil
                    : "of data: \(c.family.rawValue) must be one of \(names)"
                        + (c.family == .explicit ? " (external needs queries, and queries need external)" : "")
            },
        ]
        if isSampled(method) {
            rules.append(
                Rule("d", others(sizes, but: "d")) { c in
                    c.sizes.d == nil ? "is needed, or n and alpha" : nil
                })
        }
        return rules
    }

    private static let symmetric = [
        Rule("data", ["tokens"]) { c in
            c.isBalanced ? nil : "must be gaussian or orthogonal for symmetric, which needs their symmetry"
        },
        Rule("query", family + ["queries"]) { c in
            c.query == .prompt ? "prompt has no symmetric theory; take noise, opt or external" : nil
        },
        Rule("init", ["W0", "init_scale"]) { c in
            c.start == .uniform || c.start == .explicit
                ? "must be zero, random, adversarial or mm for symmetric" : nil
        },
        Rule("u", []) { c in
            c.has("u") ? "cannot be given to symmetric, whose decoder is u_mm (joint: from 0)" : nil
        },
    ]

    /// Shapes of what is drawn or given.
    private static let arrays = [
        Rule("u", sizes) { c in
            guard let given = c.shape("u")?[0], let d = c.d, given != d else { return nil }
            return "has \(given) elements where d is \(d)"
        },
        Rule("sin_w", []) { c in c.shape("sin_w").map { $0[0] != 4 } ?? false ? "must hold four numbers" : nil },
        Rule("d", ["n", "alpha", "data", "tokens", "L", "geometry"]) { c in
            guard c.isBalanced, let d = c.d, let n = c.n, let T = c.T else { return nil }
            let signals = c.isOrthogonal ? 2 : 1
            let needed = c.family == .orthogonal ? n * (T - 1) + signals : signals
            return d < needed ? "is \(d); the signals and the orthogonal noise tokens need \(needed)" : nil
        },
        Rule("W0", sizes + ["query", "queries"]) { c in
            guard let W0 = c.elements("W0"), let d = c.d, let columns = c.queryLength else { return nil }
            let fits = W0.elements.count == d * columns && W0.shape.first == d
            return fits ? nil : "must have the shape (\(d), \(columns))"
        },
        Rule("labels", family) { c in
            guard let labels = c.elements("labels")?.elements, let n = c.tokens?[0] else { return nil }
            let fits = labels.count == n && labels.allSatisfy { abs($0) == 1 }
            return fits ? nil : "must hold n = \(n) numbers +1 or -1"
        },
        Rule("queries", family) { c in
            guard let rows = c.shape("queries")?[0], let n = c.tokens?[0], rows != n else { return nil }
            return "must have n = \(n) rows"
        },
        Rule("scores", family) { c in
            guard let shape = c.shape("scores"), let tokens = c.tokens, shape != [tokens[0], tokens[1]] else {
                return nil
            }
            return "must have the shape (\(tokens[0]), \(tokens[1]))"
        },
        Rule("opt", family + ["joint", "u", "scores"]) { c in
            guard let tokens = c.tokens else { return nil }
            guard let opt = c.elements("opt")?.elements else {
                return c.isJoint || !(c.has("u") || c.has("scores"))
                    ? "is needed: without a fixed decoder (u or scores) nothing says which token is optimal" : nil
            }
            let fits =
                opt.count == tokens[0] && opt.allSatisfy { $0 >= 0 && $0 < Double(tokens[1]) && $0 == $0.rounded() }
            return fits ? nil : "must hold n = \(tokens[0]) positions from 0 to L - 1 = \(tokens[1] - 1)"
        },
        Rule("scores", ["joint"]) { c in
            c.isJoint && c.has("scores") ? "are those of a fixed decoder; give opt and joint: true alone" : nil
        },
    ]

    private static let training = [
        Rule("loss", ["joint", "optimizer"]) { c in
            c.isJoint && c.point["loss"] == .text("linear") && c.point["optimizer"] == .text("polyak")
                ? "linear has no infimum with a trained decoder, which polyak needs; take logistic" : nil
        },
        Rule("init", ["W0", "init_scale"]) { c in
            c.start == .explicit && !c.has("W0") ? "explicit needs W0" : nil
        },
        Rule("W0", ["init", "init_scale"]) { c in
            c.start != .explicit && c.has("W0") ? "belongs to init: explicit; leave init out" : nil
        },
        Rule("init_scale", ["init", "W0"]) { c in
            if c.needsScale == c.has("init_scale") { return nil }
            return c.needsScale
                ? "is needed by init: \(c.start.rawValue), the norm of W_0"
                : "has no meaning with init: \(c.start.rawValue); leave one of them out"
        },
    ]
}
