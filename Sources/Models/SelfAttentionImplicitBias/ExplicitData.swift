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
        try require(point.isGiven(Keys.tokens), Keys.data, "explicit needs tokens of shape (n, L, d)")
        let tokens = try point[Keys.tokens]
        let (n, T, d) = (tokens.shape[0], tokens.shape[1], tokens.shape[2])
        try require(T >= 2 && n * d > 0, Keys.tokens, "must have at least two tokens a sequence")
        try require(!point.isGiven(Keys.alpha), Keys.alpha, "has no meaning with tokens given; leave it out")
        let balanced = ArrayValue(shape: [n], elements: (0..<n).map { $0 % 2 == 0 ? 1 : -1 })
        let labels = try point.read(Keys.labels, or: balanced).elements
        try require(
            labels.count == n && labels.allSatisfy { abs($0) == 1 }, Keys.labels,
            "must hold n = \(n) numbers +1 or -1")
        let queries = query == .external ? try point[Keys.queries] : nil
        try require(
            queries.map { $0.shape[0] == n && $0.shape[1] > 0 } ?? true, Keys.queries, "must have n = \(n) rows")
        try require(
            !isJoint || !point.isGiven(Keys.scores), Keys.scores,
            "are those of a fixed decoder; give opt and joint: true alone")
        let scores = try point.given(Keys.scores)
        try require(scores.map { $0.shape == [n, T] } ?? true, Keys.scores, "must have the shape (\(n), \(T))")

        // What a fixed decoder that is given says of the optimal tokens.
        var best: [Int]?
        if let scores {
            best = try DataSet.argmax(scores.elements, n, T, of: Keys.scores)
        } else if !isJoint, let u = try point.decoder(d) {
            best = try DataSet.argmax(DataSet.scores(tokens.elements, labels, u), n, T, of: Keys.u)
        }
        func derived() throws -> ArrayValue {
            try require(
                best != nil, Keys.opt,
                "is needed: without a fixed decoder (u or scores) nothing says which token is optimal")
            return ArrayValue(shape: [n], elements: (best ?? []).map { Double($0) })
        }
        let opt = try point.read(Keys.opt, or: derived()).elements
        try require(
            opt.count == n && opt.allSatisfy { $0 >= 0 && $0 < Double(T) && $0 == $0.rounded() }, Keys.opt,
            "must hold n = \(n) positions from 0 to L - 1 = \(T - 1)")
        self.opt = opt.map { Int($0) }
        if let best { try DataSet.check(self.opt, are: best) }
        (self.tokens, self.queries, self.labels, self.scores) = (tokens, queries, labels, scores?.elements)
    }
}
