import Foundation
import Modeling
import Numerics

/// Substreams of a task: independent uses of randomness.
enum Streams {
    static let tokens: UInt32 = 1
    static let queries: UInt32 = 2
    static let labels: UInt32 = 3
    static let start: UInt32 = 4
}

/// One data set (X_i, q_i, y_i, opt_i) with its decoder.
package struct DataSet: Sendable {
    package let n: Int
    package let T: Int
    package let d: Int
    /// d_q, the length of a query.
    package let dq: Int
    /// Tokens x_{i,tau}, (n, T, d).
    package private(set) var X: [Double]
    /// Queries, (n, d_q).
    package private(set) var Q: [Double]
    package private(set) var y: [Double]
    /// The optimal token of each sequence.
    package private(set) var opt: [Int]
    /// The fixed decoder, or the start u_0 of a trained one. Empty when scores are given in its place.
    package private(set) var u: [Double] = []
    /// gamma_{i,tau} of ``u``, (n, T), or given.
    package private(set) var scores: [Double] = []

    /// - Throws: ``ModelError`` for data that cannot be: infeasible u_mm as decoder, ties of the largest score.
    package init(_ p: Parameters, _ random: RandomStream) throws {
        (n, T, d, dq) = (p.n, p.T, p.d, p.dq)
        y = (0..<p.n).map { $0 % 2 == 0 ? 1 : -1 }
        (Q, opt) = ([], [])
        switch p.family {
        case .gaussian, .orthogonal:
            X = try Self.signalTokens(p, random)
            opt = Array(repeating: p.query == .opt ? 0 : p.T - 1, count: n)
            u = Self.signalDecoder(p)
        case .sphere:
            var (tokens, labels) = (random.substream(Streams.tokens), random.substream(Streams.labels))
            X = Self.unitVectors(n * T, d, &tokens)
            y = (0..<p.n).map { _ in labels.uniform() < 0.5 ? 1 : -1 }
            u = Self.unitVectors(1, d, &labels)
        case .sin:
            (X, u) = Self.sinTokens(p)
        case .explicit:
            X = p.explicit?.tokens.elements ?? []
            y = p.explicit?.labels ?? []
            opt = p.explicit?.opt ?? []
        }
        switch p.query {
        case .noise, .opt, .first:
            for i in 0..<n { Q += X[(i * T * d)..<(i * T * d + d)] }
        case .prompt: Q = Array(repeating: 1, count: n)
        case .external:
            var stream = random.substream(Streams.queries)
            if let given = p.explicit?.queries {
                Q = given.elements
            } else if p.family == .orthogonal && n <= d {
                Q = try orthonormalRows(n, d, orthogonalTo: [], &stream)
            } else {
                Q = Self.unitVectors(n, d, &stream)
            }
        }
        try decode(p)
    }

    /// The decoder, its scores, and the optimal tokens that follow from them.
    private mutating func decode(_ p: Parameters) throws {
        if let given = p.explicit?.scores {
            (scores, u) = (given, [])
            return
        }
        if p.isJoint {
            // The optimal tokens of sphere and sin are those of the decoder that the labels hide.
            if opt.isEmpty { opt = try Self.argmax(scores(of: u), n, T, of: Keys.tokens) }
            u = p.u ?? Array(repeating: 0, count: d)
            scores = scores(of: u)
            return
        }
        if let given = p.u { u = given }
        if u.isEmpty {
            let solution = try decoderProblem()
            try require(
                solution.isFeasible, Keys.opt,
                "admits no u with y_i u.x_opt >= 1 for all sequences; give the decoder u or scores")
            u = decoder(solution)
        }
        scores = scores(of: u)
        let best = try Self.argmax(scores, n, T, of: Keys.u)
        if p.family == .explicit { try Self.check(opt, are: best) }
        opt = best
    }

    /// - Throws: when optimal tokens that are given are not where the scores of the fixed decoder are largest.
    static func check(_ opt: [Int], are best: [Int]) throws {
        try require(
            opt == best, Keys.opt,
            "is not where the scores of the fixed decoder are largest, \(best); leave it out or change u")
    }

    /// The token of the largest score in each sequence; `origin` is what a tie is blamed on.
    static func argmax(_ scores: [Double], _ n: Int, _ T: Int, of origin: Key<ArrayValue>) throws -> [Int] {
        try (0..<n).map { i in
            let row = scores[(i * T)..<((i + 1) * T)]
            let best = row.max() ?? 0
            guard row.filter({ $0 == best }).count == 1, let index = row.firstIndex(of: best) else {
                throw ModelError.parameter(
                    origin,
                    "gives sequence \(i) several tokens with the largest score \(best): no token is optimal alone")
            }
            return index - i * T
        }
    }

    /// gamma_{i,tau} = y_i u.x_{i,tau}, (5), as (n, T).
    static func scores(_ X: [Double], _ y: [Double], _ u: [Double]) -> [Double] {
        var result = Array(repeating: 0.0, count: X.count / u.count)
        BLAS.gemv(rows: result.count, columns: u.count, X, leading: u.count, u, &result)
        let T = result.count / y.count
        for k in result.indices where y[k / T] < 0 { result[k] = -result[k] }
        return result
    }

    /// The scores of a decoder, (n, T).
    package func scores(of u: [Double]) -> [Double] { Self.scores(X, y, u) }

    /// The u-SVM, (14).
    package func decoderProblem() throws -> LeastDistance {
        try LeastDistance(gram: rowOverlaps(decoderRows(), n), targets: Array(repeating: 1, count: n))
    }

    /// y_i x_{i,opt}.
    private func decoderRows() -> [Double] {
        (0..<n).flatMap { i in
            let start = (i * T + opt[i]) * d
            return X[start..<(start + d)].map { y[i] * $0 }
        }
    }

    /// u_mm = sum_i lambda_i y_i x_{i,opt}.
    package func decoder(_ solution: LeastDistance) -> [Double] {
        var result = Array(repeating: 0.0, count: d)
        BLAS.gemv(.transposed, rows: n, columns: d, decoderRows(), leading: d, solution.multipliers, &result)
        return result
    }
}
