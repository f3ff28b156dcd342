import Numerics

extension SMIMap {
    /// Standard errors of the fixed point near q.
    ///
    /// The fixed point of the sampled map f is off by (I - J)^-1 times what f is off by there, J = df/dq: where state
    /// evolution converges slowly, near a threshold, that is many times the error of one iteration. What is left of the
    /// iteration, f(q) - q, is carried through in the same way and added in quadrature. Infinite where I - J is singular.
    mutating func fixedPointErrors(near q: [Double]) throws -> [Double] {
        let p = q.count
        let response = try expectations.responses(q: q)
        let hats = response.means.map { max(0, alpha * $0) }
        let image = hats.map { $0 / (1 + $0) }
        guard let inverse = try inverseOfIdentityMinusSlope(at: q, image) else {
            return Array(repeating: .infinity, count: p)
        }
        let rest = SmallMatrix.product(inverse, zip(image, q).map { $0 - $1 }, p, p, 1)
        let groups = response.groupMeans[0].count
        var squares = Array(repeating: 0.0, count: p)
        for group in 0..<groups {
            let off = (0..<p).map { k in
                alpha * (response.groupMeans[k][group] - response.means[k]) / ((1 + hats[k]) * (1 + hats[k]))
            }
            let moved = SmallMatrix.product(inverse, off, p, p, 1)
            for k in 0..<p { squares[k] += moved[k] * moved[k] }
        }
        let count = Double(groups)
        return zip(squares, rest).map { ($0 / (count * (count - 1)) + $1 * $1).squareRoot() }
    }

    /// (I - J)^-1 by differences on the same sequences, on which f is smooth; nil where there is none.
    private mutating func inverseOfIdentityMinusSlope(at q: [Double], _ image: [Double]) throws -> [Double]? {
        let p = q.count
        var matrix = SmallMatrix.diagonal(p, 1)
        for j in 0..<p {
            // Well inside of (0, 1), and not so small that importance draws of a layer at 0 make noise of it.
            let step = q[j] < 0.5 ? max(1e-3, 0.02 * q[j]) : -0.02 * (1 - q[j])
            var moved = q
            moved[j] += step
            let other = try self.image(moved).means
            for k in 0..<p { matrix[k * p + j] -= (other[k] - image[k]) / step }
        }
        // A^-1 = (A^T A)^-1 A^T.
        let transposed = SmallMatrix.transpose(matrix, p, p)
        let square = SmallMatrix.product(transposed, matrix, p, p, p)
        return SmallMatrix.cholesky(square, p, tolerance: 0, allowsZero: false).map {
            SmallMatrix.product(SmallMatrix.inverse(factor: $0, p), transposed, p, p, p)
        }
    }
}
