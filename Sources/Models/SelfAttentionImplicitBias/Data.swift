import Foundation
import Modeling
import Numerics

/// Substreams of a task: independent uses of randomness.
enum SAIBStreams {
    static let tokens: UInt32 = 1
    static let queries: UInt32 = 2
    static let labels: UInt32 = 3
    static let start: UInt32 = 4
}

/// One data set (X_i, q_i, y_i, opt_i) with its decoder.
package struct SAIBData: Sendable {
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
    package private(set) var u: [Double]
    /// gamma_{i,tau} of ``u``, (n, T), or given.
    package private(set) var scores: [Double]

    /// - Throws: ``ModelError`` for data that cannot be: infeasible u_mm as decoder, ties of the largest score.
    package init(_ p: SAIBParameters, _ random: RandomStream) throws {
        guard let d = p.d else { throw ModelError.parameter("d", "is needed") }
        n = p.n
        T = p.T
        self.d = d
        let size = Double(n) * Double(T) * Double(d)
        guard 24 * size < Double(ProcessInfo.processInfo.physicalMemory) else {
            throw ModelError.parameter("n", "L and d make \(8 * size / 1e9) GB of tokens, more than this machine has")
        }
        dq = p.query == .prompt ? 1 : p.queries?.shape[1] ?? d
        let count = n
        y = p.labels ?? (0..<count).map { $0 % 2 == 0 ? 1 : -1 }
        Q = []
        opt = []
        scores = []
        u = []
        switch p.family {
        case .gaussian, .orthogonal:
            X = try Self.signalTokens(p, d, random)
            let position = p.query == .opt ? 0 : p.T - 1
            opt = Array(repeating: position, count: n)
            u = Self.signalDecoder(p, d)
        case .sphere:
            var (tokens, labels) = (random.substream(SAIBStreams.tokens), random.substream(SAIBStreams.labels))
            X = Self.unitVectors(n * T, d, &tokens)
            y = (0..<count).map { _ in labels.uniform() < 0.5 ? 1 : -1 }
            u = Self.unitVectors(1, d, &labels)
        case .sin:
            (X, u) = Self.sinTokens(p, d)
        case .explicit:
            X = p.tokens?.elements ?? []
            opt = p.opt ?? []
        }
        switch p.query {
        case .noise, .opt, .first:
            for i in 0..<n { Q += X[(i * T * d)..<(i * T * d + d)] }
        case .prompt: Q = Array(repeating: 1, count: n)
        case .external:
            var stream = random.substream(SAIBStreams.queries)
            if let given = p.queries?.elements {
                Q = given
            } else if p.family == .orthogonal && n <= d {
                Q = try orthonormalRows(n, d, orthogonalTo: [], &stream)
            } else {
                Q = Self.unitVectors(n, d, &stream)
            }
        }
        try decode(p)
    }

    /// The decoder, its scores, and the optimal tokens that follow from them.
    private mutating func decode(_ p: SAIBParameters) throws {
        let prescribed = u
        if let given = p.u { u = given }
        if let given = p.scores {
            (scores, u) = (given, [])
        } else {
            if p.isJoint {
                // The optimal tokens of sphere and sin are those of the decoder that the labels hide.
                if opt.isEmpty { opt = try Self.argmax(tokenScores(prescribed), n, T, isPrescribed: false) }
                if p.u == nil { u = Array(repeating: 0, count: d) }
                scores = tokenScores(u)
                return
            }
            if u.isEmpty {
                let solution = try decoderProblem()
                guard solution.isFeasible else {
                    throw ModelError.parameter(
                        "opt", "admits no u with y_i u.x_opt >= 1 for all sequences; give the decoder u or scores")
                }
                u = decoder(solution)
            }
            scores = tokenScores(u)
        }
        let best = try Self.argmax(scores, n, T, isPrescribed: true)
        if p.family == .explicit, let given = p.opt, given != best {
            throw ModelError.parameter(
                "opt", "is not where the scores of the fixed decoder are largest, \(best); leave it out or change u")
        }
        opt = best
    }

    private static func argmax(_ scores: [Double], _ n: Int, _ T: Int, isPrescribed: Bool) throws -> [Int] {
        try (0..<n).map { i in
            let row = scores[(i * T)..<((i + 1) * T)]
            let best = row.max() ?? 0
            guard row.filter({ $0 == best }).count == 1, let index = row.firstIndex(of: best) else {
                throw ModelError.parameter(
                    isPrescribed ? "u" : "tokens",
                    "gives sequence \(i) several tokens with the largest score \(best): no token is optimal alone")
            }
            return index - i * T
        }
    }

    /// gamma_{i,tau} = y_i u.x_{i,tau}.
    package func tokenScores(_ u: [Double]) -> [Double] {
        var result = Array(repeating: 0.0, count: n * T)
        fill(&result, u)
        return result
    }

    /// Puts the scores of `u` into `result`, (n, T).
    func fill(_ result: inout [Double], _ u: [Double]) {
        BLAS.gemv(rows: n * T, columns: d, X, leading: d, u, &result)
        for i in 0..<n where y[i] < 0 { for tau in 0..<T { result[i * T + tau] = -result[i * T + tau] } }
    }

    /// The u-SVM.
    package func decoderProblem() throws -> LeastDistance {
        let rows = decoderRows()
        var gram = Array(repeating: 0.0, count: n * n)
        BLAS.gemm(.none, .transposed, m: n, n: n, k: d, rows, leadingA: d, rows, leadingB: d, &gram, leadingC: n)
        return try LeastDistance(gram: gram, targets: Array(repeating: 1, count: n))
    }

    /// y_i x_{i,opt}.
    private func decoderRows() -> [Double] {
        var rows: [Double] = []
        rows.reserveCapacity(n * d)
        for i in 0..<n {
            let start = (i * T + opt[i]) * d
            for a in 0..<d { rows.append(y[i] * X[start + a]) }
        }
        return rows
    }

    /// u_mm = sum_i lambda_i y_i x_{i,opt}.
    package func decoder(_ solution: LeastDistance) -> [Double] {
        var result = Array(repeating: 0.0, count: d)
        BLAS.gemv(.transposed, rows: n, columns: d, decoderRows(), leading: d, solution.multipliers, &result)
        return result
    }

    // MARK: Families

    static func unitVectors(_ count: Int, _ d: Int, _ stream: inout RandomStream) -> [Double] {
        var rows = Array(repeating: 0.0, count: count * d)
        rows.withUnsafeMutableBufferPointer { stream.fillNormal($0) }
        for k in 0..<count {
            let norm = rows[(k * d)..<((k + 1) * d)].reduce(0) { $0 + $1 * $1 }.squareRoot()
            for j in 0..<d { rows[k * d + j] /= norm }
        }
        return rows
    }

    private static func signalTokens(_ p: SAIBParameters, _ d: Int, _ random: RandomStream) throws -> [Double] {
        var stream = random.substream(SAIBStreams.tokens)
        let signals = p.geometry == .orthogonal ? 2 : 1
        let noiseCount = p.n * (p.T - 1)
        var noise: [Double]
        if p.family == .orthogonal {
            noise = try orthonormalRows(noiseCount, d, orthogonalTo: Array(0..<signals), &stream)
            for k in noise.indices { noise[k] *= p.sigma }
        } else {
            noise = Array(repeating: 0, count: noiseCount * d)
            noise.withUnsafeMutableBufferPointer { stream.fillNormal($0) }
            let scale = p.sigma / Double(d).squareRoot()
            for k in noise.indices { noise[k] *= scale }
            if p.projects { for k in 0..<noiseCount { for a in 0..<signals { noise[k * d + a] = 0 } } }
        }
        var X: [Double] = []
        X.reserveCapacity(p.n * p.T * d)
        for i in 0..<p.n {
            var signal = Array(repeating: 0.0, count: d)
            let isPositive = i % 2 == 0
            switch p.geometry {
            case .orthogonal: signal[isPositive ? 0 : 1] = p.signal
            case .antipodal: signal[0] = isPositive ? p.signal : -p.signal
            }
            let others = noise[(i * (p.T - 1) * d)..<((i + 1) * (p.T - 1) * d)]
            if p.query == .opt { X += signal + others } else { X += others + signal }
        }
        return X
    }

    /// u_mm of the two signals: e_0/U (antipodal) or (e_0 - e_1)/U (orthogonal).
    private static func signalDecoder(_ p: SAIBParameters, _ d: Int) -> [Double] {
        var u = Array(repeating: 0.0, count: d)
        u[0] = 1 / p.signal
        if p.geometry == .orthogonal { u[1] = -1 / p.signal }
        return u
    }

    private static func sinTokens(_ p: SAIBParameters, _ d: Int) -> (X: [Double], u: [Double]) {
        let w = p.frequencies
        var X: [Double] = []
        for i in 1...p.n {
            for t in 1...p.T {
                for a in 1...d {
                    let (i, t, a) = (Double(i), Double(t), Double(a))
                    X.append(Foundation.sin(1 + w[0] * i * a + w[1] * t * t + w[2] * t * a))
                }
            }
        }
        let u = (1...d).map { cos(w[3] * Double($0)) }
        let norm = u.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return (X, u.map { $0 / norm })
    }
}

/// `count` orthonormal Gaussian vectors of length `d` as rows, uniform among those without components `axes`.
func orthonormalRows(
    _ count: Int, _ d: Int, orthogonalTo axes: [Int], _ stream: inout RandomStream
) throws -> [Double] {
    guard count <= d - axes.count else {
        throw ModelError.parameter("d", "is \(d), too small for \(count) orthogonal vectors besides \(axes.count) axes")
    }
    var rows = Array(repeating: 0.0, count: count * d)
    rows.withUnsafeMutableBufferPointer { stream.fillNormal($0) }
    for k in 0..<count { for a in axes { rows[k * d + a] = 0 } }
    var overlaps = Array(repeating: 0.0, count: count)
    rows.withUnsafeMutableBufferPointer { rows in
        guard let base = rows.baseAddress else { return }
        for k in 0..<count {
            let row = base + k * d
            // Gram and Schmidt, three times: twice is enough to machine precision, the third evens out its last bits.
            for _ in 0..<3 {
                if k > 0 {
                    BLAS.gemv(rows: k, columns: d, base, leading: d, row, &overlaps)
                    BLAS.gemv(
                        .transposed, rows: k, columns: d, alpha: -1, base, leading: d, overlaps, beta: 1, row)
                }
                BLAS.scal(d, 1 / BLAS.dot(d, row, row).squareRoot(), row)
            }
        }
    }
    return rows
}
