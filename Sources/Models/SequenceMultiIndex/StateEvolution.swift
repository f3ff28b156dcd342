import Dynamics
import Modeling
import Numerics

/// The map Q -> Qhat (I + Qhat)^-1 of state evolution (19), on the diagonal.
struct OverlapMap: Sendable {
    private let alpha: Double
    private var expectations: Expectations

    init(_ request: RunRequest, _ parameters: Parameters) throws {
        alpha = parameters.alpha
        expectations = try Expectations(request, parameters)
    }

    /// The new overlaps.
    mutating func image(_ q: [Double]) throws -> [Double] { image(of: try expectations.responses(q: q).means) }

    private func image(of responses: [Double]) -> [Double] {
        // Noise can make a mean square negative where it is nearly 0: the overlap is then 0, not negative.
        responses.map {
            let hat = max(0, alpha * $0)
            return hat / (1 + hat)
        }
    }

    /// Standard errors of the fixed point near q (22).
    ///
    /// The fixed point of the sampled map f is off by (I - J)^-1 times what f is off by there, J = df/dq: where state
    /// evolution converges slowly, near a threshold, that is many times the error of one iteration. What is left of the
    /// iteration, f(q) - q, is carried through in the same way and added in quadrature. Infinite where I - J is singular.
    mutating func fixedPointErrors(near q: [Double]) throws -> [Double] {
        let p = q.count
        let response = try expectations.responses(q: q)
        let image = image(of: response.means)
        guard let inverse = try inverseOfIdentityMinusSlope(at: q, image) else {
            return Array(repeating: .infinity, count: p)
        }
        let rest = SmallMatrix.product(inverse, zip(image, q).map { $0 - $1 }, p, p, 1)
        let groups = response.groupMeans[0].count
        var squares = Array(repeating: 0.0, count: p)
        for group in 0..<groups {
            let off = (0..<p).map { k in
                let damped = 1 + max(0, alpha * response.means[k])
                return alpha * (response.groupMeans[k][group] - response.means[k]) / (damped * damped)
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
            let other = try self.image(moved)
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

/// Methods `state-evolution`, and `fixed-point`: where it ends.
struct StateEvolution: Run {
    private var map: OverlapMap
    private var iteration: FixedPoint
    private var generalisation: Generalisation?

    /// With a limit of iterations it runs to its own end.
    init(_ request: RunRequest, _ parameters: Parameters) throws {
        map = try OverlapMap(request, parameters)
        iteration = FixedPoint(
            from: parameters.startOverlaps,
            rule: FixedPointRule(
                damping: parameters.damping, tolerance: parameters.tolerance,
                maximumIterations: parameters.maximumIterations))
        generalisation = Generalisation(request, parameters)
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        if time < .infinity {
            let target = Int(time)
            if iteration.iterations < target { try iteration.step { try map.image($0) } }
            return iteration.iterations == target
        }
        try iteration.advance(atMost: 1) { try map.image($0) }
        return iteration.isFinished
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        let q = iteration.value
        try Overlaps(bayesian: q).put(&generalisation, into: &sink)
        try sink.put(.C, diagonal(q.map { 1 - $0 }))
        if iteration.iterations > 0 { sink.put(.residual, iteration.residual) }
    }

    mutating func finish(into sink: inout ObservationSink) throws {
        guard iteration.rule.maximumIterations > 0 else { return }
        let q = iteration.value
        guard iteration.isConverged else {
            throw ModelError.notConverged(
                "state evolution still moves by \(iteration.residual) after \(iteration.iterations) iterations, at overlaps "
                    + "\(q); give more max_iterations or a larger tolerance")
        }
        try Overlaps(bayesian: q).put(&generalisation, into: &sink)
        try sink.put(.qStar, q)
        try sink.put(.qError, try map.fixedPointErrors(near: q))
        sink.put(.iterations, Double(iteration.iterations))
        sink.put(.residual, iteration.residual)
        sink.put(.converged, 1)
    }

    mutating func exchange(with archive: inout StateArchive) throws { try archive.exchange(&iteration) }
}
