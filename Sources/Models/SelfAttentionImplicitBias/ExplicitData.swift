import Modeling

/// Data that the job gives (`data: explicit`), checked.
package struct ExplicitData: Sendable {
    /// X, shape (n, T, d) with T at least 2.
    let tokens: ArrayValue
    /// q, shape (n, d_q); nil unless queries are external.
    let queries: ArrayValue?
    /// y, +1 or -1 each.
    let labels: [Double]
    /// The position of each sequence's optimal token.
    let opt: [Int]
    /// gamma, (n, T), in place of a decoder.
    let scores: [Double]?

    var n: Int { tokens.shape[0] }
    var T: Int { tokens.shape[1] }
    var d: Int { tokens.shape[2] }
    var queryLength: Int { queries?.shape[1] ?? d }

    init(_ point: Reader, _ query: Query, isJoint: Bool, _ method: Method) throws {
        guard let tokens = try point.given(Keys.tokens) else {
            throw ModelError.parameter(Keys.data, "explicit needs tokens of shape (n, L, d)")
        }
        let (n, T, d) = (tokens.shape[0], tokens.shape[1], tokens.shape[2])
        guard T >= 2, n * d > 0 else {
            throw ModelError.parameter(Keys.tokens, "must have at least two tokens a sequence")
        }
        guard !point.isGiven(Keys.alpha) else {
            throw ModelError.parameter(Keys.alpha, "has no meaning with tokens given; leave it out")
        }
        let balanced = ArrayValue(shape: [n], elements: (0..<n).map { $0 % 2 == 0 ? 1 : -1 })
        let labels = try point.read(Keys.labels, or: balanced).elements
        guard labels.count == n && labels.allSatisfy({ abs($0) == 1 }) else {
            throw ModelError.parameter(Keys.labels, "must hold n = \(n) numbers +1 or -1")
        }
        let queries = query == .external ? try point.given(Keys.queries) : nil
        if let queries, queries.shape[0] != n { throw ModelError.parameter(Keys.queries, "must have n = \(n) rows") }
        let scores = isJoint ? nil : try point.given(Keys.scores)
        if isJoint && point.isGiven(Keys.scores) {
            throw ModelError.parameter(Keys.scores, "are those of a fixed decoder; give opt and joint: true alone")
        }
        if let scores, scores.shape != [n, T] {
            throw ModelError.parameter(Keys.scores, "must have the shape (\(n), \(T))")
        }

        // What a fixed decoder that is given says of the optimal tokens.
        var best: [Int]?
        if let scores {
            best = try DataSet.argmax(scores.elements, n, T, of: Keys.scores)
        } else if !isJoint, let u = try point.decoder(d) {
            best = try DataSet.argmax(DataSet.scores(tokens.elements, labels, u), n, T, of: Keys.u)
        }
        func derived() throws -> ArrayValue {
            if let best { return ArrayValue(shape: [n], elements: best.map { Double($0) }) }
            throw ModelError.parameter(
                Keys.opt, "is needed: without a fixed decoder (u or scores) nothing says which token is optimal")
        }
        let opt = try point.read(Keys.opt, or: derived()).elements
        guard opt.count == n && opt.allSatisfy({ $0 >= 0 && $0 < Double(T) && $0 == $0.rounded() }) else {
            throw ModelError.parameter(Keys.opt, "must hold n = \(n) positions from 0 to L - 1 = \(T - 1)")
        }
        self.opt = opt.map { Int($0) }
        if let best { try DataSet.check(self.opt, are: best) }
        (self.tokens, self.queries, self.labels, self.scores) = (tokens, queries, labels, scores?.elements)
    }
}
