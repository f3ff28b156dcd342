import Modeling

extension SAIBParameters {
    /// What does not fit together, apart from the sizes.
    func check(_ point: ParameterPoint, method: String) throws {
        func error(_ name: String, _ what: String) -> ModelError { .parameter(name, what) }
        if isBalanced && n % 2 != 0 && method != "closed-form" {
            throw error("n", "is \(n) and must be even: the labels of data: \(family.rawValue) are balanced")
        }
        try checkQuery()
        if method == "closed-form" {
            guard query == .external, family == .gaussian else {
                throw error(
                    "query", "of closed-form must be external, with data: gaussian; no formula is known for others")
            }
            return
        }
        if method == "symmetric" { try checkSymmetric() }
        if Self.isSampled(method) { try checkArrays() }
        if method == "svm" { return }
        if method == "gap-recursion" || method == "late-time" {
            if isJoint {
                throw error("joint", "must be false for \(method): its decoder is fixed; use gd or symmetric")
            }
        }
        if isJoint && loss == .linear && optimizer == .polyak {
            throw error("loss", "linear has no infimum with a trained decoder, which polyak needs; take logistic")
        }
        if isJoint && scores != nil { throw error("scores", "are those of a fixed decoder; give opt and joint: true") }
        if start == .explicit && W0 == nil { throw error("init", "explicit needs W0") }
        if start != .explicit && W0 != nil { throw error("W0", "belongs to init: explicit; leave init out") }
        if [.random, .adversarial, .mm].contains(start) && point["init_scale"] == nil {
            throw error("init_scale", "is needed by init: \(start.rawValue), the norm of W_0")
        }
        if ![.random, .adversarial, .mm].contains(start) && point["init_scale"] != nil {
            throw error("init_scale", "has no meaning with init: \(start.rawValue); leave one of them out")
        }
    }

    private func checkQuery() throws {
        let allowed: [SAIBQuery]
        switch family {
        case .gaussian, .orthogonal: allowed = [.noise, .opt, .external, .prompt]
        case .sphere: allowed = [.external, .first, .prompt]
        case .sin: allowed = [.first, .prompt]
        case .explicit: allowed = queries == nil ? [.first, .prompt] : [.external]
        }
        guard allowed.contains(query) else {
            let names = allowed.map(\.rawValue).joined(separator: ", ")
            throw ModelError.parameter(
                "query",
                "of data: \(family.rawValue) must be one of \(names)"
                    + (family == .explicit ? " (external needs queries, and queries need external)" : ""))
        }
    }

    private func checkSymmetric() throws {
        guard isBalanced else {
            throw ModelError.parameter("data", "must be gaussian or orthogonal for symmetric: it needs their symmetry")
        }
        guard query != .prompt else {
            throw ModelError.parameter("query", "prompt has no symmetric theory; take noise, opt or external")
        }
        guard start != .uniform && start != .explicit else {
            throw ModelError.parameter("init", "must be zero, random, adversarial or mm for symmetric")
        }
        if u != nil {
            throw ModelError.parameter("u", "cannot be given to symmetric, whose decoder is u_mm (joint: from 0)")
        }
    }

    private func checkArrays() throws {
        func error(_ name: String, _ what: String) -> ModelError { .parameter(name, what) }
        guard let d else { return }
        if let u, u.count != d { throw error("u", "has \(u.count) elements where d is \(d)") }
        if frequencies.count != 4 { throw error("sin_w", "must hold four numbers") }
        if isBalanced && d < 2 && geometry == .orthogonal {
            throw error("d", "must be at least 2 for two orthogonal signals")
        }
        if family == .orthogonal {
            let needed = n * (T - 1) + (geometry == .orthogonal ? 2 : 1)
            if d < needed {
                throw error("d", "is \(d); n (L-1) orthogonal noise tokens and the signals need \(needed)")
            }
        }
        if let W0 {
            let columns = query == .prompt ? 1 : queries?.shape[1] ?? d
            guard W0.elements.count == d * columns, W0.shape.first == d else {
                throw error("W0", "must have the shape (\(d), \(columns))")
            }
        }
        guard family == .explicit else { return }
        if let labels, labels.count != n || !labels.allSatisfy({ abs($0) == 1 }) {
            throw error("labels", "must hold n = \(n) numbers +1 or -1")
        }
        if let queries, queries.shape[0] != n { throw error("queries", "must have n = \(n) rows") }
        if let scores, scores.count != n * T { throw error("scores", "must have the shape (\(n), \(T))") }
        if opt == nil && (isJoint || (u == nil && scores == nil)) {
            throw error("opt", "is needed: without a fixed decoder (u or scores) nothing says which token is optimal")
        }
    }
}
