import Dynamics
import Modeling
import Numerics

/// State evolution (11): Mhat = alpha E[g g^T], M <- I - (I + Mhat)^-1, by deterministic quadrature.
package struct StateEvolution: Sendable {
    package let link: Link
    package let alpha: Double
    package let contrast: Double

    package init(link: Link, alpha: Double, contrast: Double = 1) {
        (self.link, self.alpha, self.contrast) = (link, alpha, contrast)
    }

    /// The p of the link.
    package var p: Int { link.directions ?? 1 }

    /// One step from the overlap matrix M (p, p).
    package func step(_ M: [Double]) throws -> [Double] {
        let information = try outputInformation(M).map { alpha * $0 }
        var sum = information
        for i in 0..<p { sum[i * p + i] += 1 }
        // 1 - C_ii loses what a small overlap has; M = Mhat (I + Mhat)^-1 does not.
        let C = try positiveInverse("I + Mhat", sum, p)
        return SmallMatrix.symmetrised(SmallMatrix.product(information, C, p, p, p), p)
    }

    /// E[g g^T] at overlap M.
    package func outputInformation(_ M: [Double]) throws -> [Double] {
        guard M.allSatisfy(\.isFinite) else { throw NotPositive("I - M", M) }
        if link == .phaseParity {
            let result = PhaseParity(a: M[0]).information(b: M[4], c: M[8])
            return [result.x, 0, 0, 0, result.y, 0, 0, 0, result.z]
        }
        let grid = try FieldGrid(M, p)
        let V = SmallMatrix.complement(M, p)
        if link == .committee3 {
            let count = try SignCount(V)
            return grid.average(p) { w, sum in
                let parts = count.parts(w)
                for k in 0..<4 { sum.add(count.moments(parts, w, count: Lanes(repeating: Double(k)), hessian: false)) }
            }
        }
        let posterior = try SignProductPosterior(V, contrast: contrast)
        return grid.average(p) { w, sum in
            for label in [1.0, -1] {
                sum.add(posterior.moments(w, label: Lanes(repeating: label), hessian: false))
            }
        }
    }
}

extension SymmetricTriple {
    /// Adds D D^T/Z of one label. A label of probability below 1e-12 contributes below 1e-10, and its Z is rounding: left out.
    @inline(__always)
    mutating func add(_ m: Evidence) {
        let isTiny = m.Z .< Lanes(repeating: 1e-12)
        let inverse = (1 / m.Z.replacing(with: 1, where: isTiny)).replacing(with: 0, where: isTiny)
        add(.product(m.D * inverse, m.D))
    }
}

/// omega = M^{1/2} xi on a trapezoidal grid of xi in the eigenbasis of M, half of it: what is averaged is even in omega.
///
/// The rule converges exponentially once the step resolves functions on the scale of sqrt(V), V = I - M; directions of
/// eigenvalue 0 take one point.
struct FieldGrid: Sendable {
    /// omega and weights.
    private let nodes: [(v: Triple, w: Lanes)]

    static let cutoff = 7.0
    static let leastStep = 0.03

    /// The step along a direction of eigenvalue `value`, when 1 minus the largest is `least`.
    static func step(_ value: Double, least: Double) -> Double {
        max(leastStep, min(0.45, 0.6 * (max(least, 1e-12) / value).squareRoot()))
    }

    init(_ M: [Double], _ p: Int) throws {
        let eigen = try LAPACK.symmetricEigen(p, SmallMatrix.symmetrised(M, p), vectors: true)
        guard let largest = eigen.values.last, largest < 1 else {
            throw NotPositive("I - M", SmallMatrix.complement(M, p))
        }
        var points = [SIMD4<Double>(0, 0, 0, 1)]
        for (index, value) in eigen.values.enumerated() where value > 1e-15 {
            let (root, step) = (value.squareRoot(), Self.step(value, least: 1 - largest))
            let side = Int((Self.cutoff / step).rounded(.up))
            // The first axis that is used is halved.
            let isFirst = points.count == 1
            var next: [SIMD4<Double>] = []
            next.reserveCapacity(points.count * (2 * side + 1))
            for i in (isFirst ? 0 : -side)...side {
                let xi = step * Double(i)
                let weight = step * normalDensity(xi) * (isFirst && i > 0 ? 2 : 1)
                var direction = SIMD4<Double>.zero
                for j in 0..<p { direction[j] = root * xi * eigen.vectors[index * p + j] }
                for point in points {
                    var moved = point + direction
                    moved.w = point.w * weight
                    next.append(moved)
                }
            }
            points = next
        }
        nodes = blocks(points)
    }

    /// The average of what `body` adds at each omega, p x p.
    @inline(__always)
    func average(_ p: Int, _ body: (Triple, inout SymmetricTriple) -> Void) -> [Double] {
        var sum = SymmetricTriple()
        for node in nodes {
            var value = SymmetricTriple()
            body(node.v, &value)
            sum.add(value, times: node.w)
        }
        return sum.sum(p)
    }
}

/// Methods `state-evolution` and `fixed-point`: M by iteration, or at the end of it.
struct TheoryRun: Run {
    private let parameters: MultiIndexWeakRecovery.Parameters
    private let evolution: StateEvolution
    private let isTimed: Bool
    private var iteration: FixedPoint

    init(_ parameters: MultiIndexWeakRecovery.Parameters, isTimed: Bool) {
        (self.parameters, self.isTimed) = (parameters, isTimed)
        evolution = StateEvolution(link: parameters.link, alpha: parameters.alpha, contrast: parameters.contrast)
        iteration = FixedPoint(
            from: parameters.M0,
            rule: FixedPointRule(
                damping: parameters.damping, tolerance: parameters.tolerance,
                maximumIterations: parameters.maximumIterations))
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = isTimed ? Int(time) : Int.max
        // A step takes from tens of microseconds to tens of milliseconds.
        var left = max(quantum / 2000, 1)
        while left > 0, !iteration.isFinished, iteration.iterations < target {
            do {
                try iteration.step(evolution.step)
            } catch {
                throw ModelError.diverged(step: iteration.iterations + 1, "\(error)")
            }
            left -= 1
        }
        return iteration.isFinished || iteration.iterations >= target
    }

    func observe(into sink: inout ObservationSink) throws {
        let M = iteration.value
        try sink.put(M: M, Q: M, C: SmallMatrix.complement(M, parameters.p), parameters.link)
        let errors = TestErrors(link: parameters.link, contrast: parameters.contrast)
        if sink.wants(.testError) { sink.put(.testError, errors.plugIn(M)) }
        if sink.wants(.bayesError) { sink.put(.bayesError, errors.bayes(M)) }
    }

    func finish(into sink: inout ObservationSink) throws {
        if !isTimed {
            guard iteration.isConverged else {
                throw ModelError.notConverged(
                    "M still changes by \(iteration.residual) after \(iteration.iterations) iterations (tolerance "
                        + "\(parameters.tolerance)); raise max_iterations or tolerance (near a threshold it takes long)"
                )
            }
            try observe(into: &sink)
        }
        sink.put(
            iterations: iteration.iterations, residual: iteration.residual, isConverged: iteration.isConverged)
    }

    mutating func exchange(with archive: inout StateArchive) throws { try archive.exchange(&iteration) }
}
