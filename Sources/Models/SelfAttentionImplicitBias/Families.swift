import Foundation
import Modeling
import Numerics

// How each family draws its tokens.
extension DataSet {
    static func unitVectors(_ count: Int, _ d: Int, _ stream: inout RandomStream) -> [Double] {
        var rows = Array(repeating: 0.0, count: count * d)
        rows.withUnsafeMutableBufferPointer { stream.fillNormal($0) }
        for k in 0..<count {
            let norm = rows[(k * d)..<((k + 1) * d)].reduce(0) { $0 + $1 * $1 }.squareRoot()
            for j in 0..<d { rows[k * d + j] /= norm }
        }
        return rows
    }

    static func signalTokens(_ p: Parameters, _ random: RandomStream) throws -> [Double] {
        var stream = random.substream(Streams.tokens)
        let (d, signals) = (p.d, p.geometry.signalCount)
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
    static func signalDecoder(_ p: Parameters) -> [Double] {
        var u = Array(repeating: 0.0, count: p.d)
        u[0] = 1 / p.signal
        if p.geometry == .orthogonal { u[1] = -1 / p.signal }
        return u
    }

    static func sinTokens(_ p: Parameters) -> (X: [Double], u: [Double]) {
        let w = p.frequencies
        var X: [Double] = []
        for i in 1...p.n {
            for t in 1...p.T {
                for a in 1...p.d {
                    let (i, t, a) = (Double(i), Double(t), Double(a))
                    X.append(Foundation.sin(1 + w[0] * i * a + w[1] * t * t + w[2] * t * a))
                }
            }
        }
        let u = (1...p.d).map { cos(w[3] * Double($0)) }
        let norm = u.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return (X, u.map { $0 / norm })
    }
}

/// `count` orthonormal Gaussian vectors of length `d` as rows, uniform among those without components `axes`.
func orthonormalRows(
    _ count: Int, _ d: Int, orthogonalTo axes: [Int], _ stream: inout RandomStream
) throws -> [Double] {
    guard count <= d - axes.count else {
        throw ModelError.parameter(
            Keys.d, "is \(d), too small for \(count) orthogonal vectors besides \(axes.count) axes")
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
