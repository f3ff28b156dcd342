import Modeling
import Numerics

/// Method `weak-recovery`: thresholds at one point.
struct Thresholds: Sendable {
    let parameters: MultiIndexWeakRecovery.Parameters

    func put(into sink: inout ObservationSink) throws {
        try putFirst(into: &sink)
        try putSecond(into: &sink)
    }

    private func putFirst(into sink: inout ObservationSink) throws {
        let (link, p) = (parameters.link, parameters.p)
        let linear = try Linearisation(link: link, p: p, contrast: parameters.contrast)
        let trivial = try LAPACK.symmetricEigen(p, linear.firstOrder).values.filter { $0 > 1e-10 }.count
        sink.put(.trivialDimension, Double(trivial))
        guard trivial == 0 else {
            sink.put(.difficulty, 0)
            sink.put(.alphaC, 0)
            return
        }
        let top = try TopEigenmatrix.byPowerIteration(size: p, tolerance: 1e-11, linear.apply)
        let dense = try TopEigenmatrix.spectrum(size: p, linear.apply).last ?? 0
        sink.put(.difficulty, top.eigenvalue > 0 ? 1 : 2)
        sink.put(.alphaC, 1 / top.eigenvalue)
        sink.put(.topEigenvalue, top.eigenvalue)
        if p <= 3 { try sink.put(.eigenvector, padded(top.matrix)) }
        sink.put(.powerIterations, Double(top.iterations))
        sink.put(.spectrumError, abs(dense - top.eigenvalue))
        guard link.hasDynamics, sink.wants(.alphaCGrowth) else { return }
        sink.put(.alphaCGrowth, try firstGrowthThreshold())
    }

    /// Where a small overlap grows: the sixth step from 1e-6 I, when the fastest direction leads.
    private func firstGrowthThreshold() throws -> Double {
        let p = parameters.p
        func trace(_ M: [Double]) -> Double { (0..<p).reduce(0) { $0 + M[$1 * p + $1] } }
        return try bisectThreshold(from: 0.1, to: 50, tolerance: 1e-7) { alpha in
            let evolution = StateEvolution(link: parameters.link, alpha: alpha, contrast: parameters.contrast)
            var M = SmallMatrix.diagonal(p, 1e-6)
            for _ in 0..<6 {
                let image = try evolution.step(M)
                let scale = 1e-6 * Double(p) / trace(image)
                if scale < .infinity { M = image.map { $0 * scale } }
            }
            return trace(try evolution.step(M)) > trace(M)
        }
    }

    private func putSecond(into sink: inout ObservationSink) throws {
        guard let stairs = Staircase(link: parameters.link) else { return }
        let atPoint: [Observable] = [.firstOverlap, .stability, .localThreshold, .stabilityGrowth]
        if atPoint.contains(where: { sink.wants($0) }) {
            let value = try parameters.learnedOverlap ?? stairs.learned(alpha: parameters.alpha)
            let eigenvalue = try stairs.eigenvalue(at: value)
            sink.put(.firstOverlap, value)
            sink.put(.stability, parameters.alpha * eigenvalue)
            sink.put(.localThreshold, 1 / eigenvalue)
            if sink.wants(.stabilityGrowth) {
                sink.put(.stabilityGrowth, try stairs.growth(alpha: parameters.alpha, at: value))
            }
        }
        if sink.wants(.alpha2) {
            sink.put(.alpha2, try stairs.threshold { alpha, value in alpha * (try stairs.eigenvalue(at: value)) })
        }
        if sink.wants(.alpha2Growth) {
            sink.put(.alpha2Growth, try stairs.threshold { try stairs.growth(alpha: $0, at: $1) })
        }
    }
}
