import Dynamics
import Foundation
import Modeling
import Numerics

/// Methods `state-evolution` and `fixed-point`: M by iteration, or at the end of it.
struct MIWTheoryRun: Run {
    private let parameters: MIWParameters
    private let evolution: MIWStateEvolution
    private let errors: MIWErrors
    private let isTimed: Bool
    private var iteration: FixedPoint

    init(_ request: RunRequest, _ parameters: MIWParameters) throws {
        self.parameters = parameters
        isTimed = request.method == "state-evolution"
        evolution = MIWStateEvolution(
            link: parameters.link, alpha: parameters.alpha, contrast: parameters.contrast)
        errors = MIWErrors(link: parameters.link, contrast: parameters.contrast)
        iteration = FixedPoint(
            from: parameters.theoryStart,
            rule: FixedPointRule(
                damping: parameters.damping, tolerance: parameters.tolerance,
                maximumIterations: parameters.maximumIterations))
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = isTimed ? try nearestStep(time, unit: .steps, d: 1) : Int.max
        // A step takes from tens of microseconds to tens of milliseconds.
        var left = max(quantum / 2000, 1)
        while left > 0, !iteration.isFinished, iteration.iterations < target {
            do {
                try iteration.step(evolution.step)
            } catch let failure as MIWNotPositive {
                throw ModelError.diverged(step: iteration.iterations + 1, failure.what)
            } catch let failure as FixedPointError {
                throw ModelError.diverged(step: iteration.iterations + 1, "\(failure)")
            }
            left -= 1
        }
        return iteration.isFinished || iteration.iterations >= target
    }

    func observe(into sink: inout ObservationSink) throws { try put(into: &sink) }

    func finish(into sink: inout ObservationSink) throws {
        if !isTimed {
            guard iteration.isConverged else {
                throw ModelError.notConverged(
                    "M still changes by \(iteration.residual) after \(iteration.iterations) iterations (tol "
                        + "\(parameters.tolerance)); raise max_iter or tol (near a threshold it takes long)")
            }
            try put(into: &sink)
        }
        sink.put("iterations", Double(iteration.iterations))
        sink.put("residual", iteration.residual)
        sink.put("converged", iteration.isConverged ? 1 : 0)
    }

    private func put(into sink: inout ObservationSink) throws {
        let (M, p) = (iteration.value, parameters.p)
        try sink.put("M", miwPadded(M, p))
        try sink.put("Q", miwPadded(M, p))
        try sink.put("C", miwPadded((0..<p * p).map { ($0 % (p + 1) == 0 ? 1 : 0) - M[$0] }, p))
        MIWOverlaps(M, parameters.link).put(into: &sink)
        if sink.wants("test_error") { sink.put("test_error", errors.plugIn(M)) }
        if sink.wants("bayes_error") { sink.put("bayes_error", errors.bayes(M)) }
    }

    mutating func exchange(with archive: inout StateArchive) throws { try archive.exchange(&iteration) }
}

/// Method `weak-recovery`: thresholds at one point.
struct MIWRecoveryRun: Run {
    private let parameters: MIWParameters
    private let learnedOverlap: Double?

    init(_ request: RunRequest, _ parameters: MIWParameters) throws {
        self.parameters = parameters
        learnedOverlap = try request.point.realIfGiven("learned_overlap")
    }

    func advance(toward time: Double, quantum: Int) throws -> Bool { true }
    func observe(into sink: inout ObservationSink) throws {}
    /// All is computed at the end.
    func exchange(with archive: inout StateArchive) {}

    func finish(into sink: inout ObservationSink) throws {
        do {
            try putFirst(into: &sink)
            try putSecond(into: &sink)
        } catch let error as MIWNotConverged {
            throw ModelError.notConverged("the learned overlap still changes by \(error.residual) an iteration")
        } catch let error as ThresholdError {
            throw ModelError.notConverged("\(error)")
        } catch let error as LAPACKError {
            throw ModelError.notConverged("\(error)")
        } catch let error as MIWNotPositive {
            throw ModelError.inconsistent(error.what)
        }
    }

    private func putFirst(into sink: inout ObservationSink) throws {
        let link = parameters.link
        let linear = MIWLinearisation(link: link, p: parameters.p, contrast: parameters.contrast)
        let p = linear.p
        let trivial = try LAPACK.symmetricEigen(p, linear.firstOrder).values.filter { $0 > 1e-10 }.count
        sink.put("trivial_dimension", Double(trivial))
        guard trivial == 0 else {
            sink.put("difficulty", 0)
            sink.put("alpha_c", 0)
            return
        }
        let top = try TopEigenmatrix.byPowerIteration(size: p, tolerance: 1e-11, linear.apply)
        let dense = try TopEigenmatrix.spectrum(size: p, linear.apply).last ?? 0
        sink.put("difficulty", top.eigenvalue > 0 ? 1 : 2)
        sink.put("alpha_c", 1 / top.eigenvalue)
        sink.put("top_eigenvalue", top.eigenvalue)
        if p <= 3 { try sink.put("eigenvector", miwPadded(top.matrix, p)) }
        sink.put("iterations", Double(top.iterations))
        sink.put("spectrum_error", abs(dense - top.eigenvalue))
        guard link.hasDynamics, sink.wants("alpha_c_growth") else { return }
        sink.put("alpha_c_growth", try firstGrowthThreshold())
    }

    /// Where a small overlap grows: the sixth step from 1e-6 I, when the fastest direction leads.
    private func firstGrowthThreshold() throws -> Double {
        let p = parameters.p
        func trace(_ M: [Double]) -> Double { (0..<p).reduce(0) { $0 + M[$1 * p + $1] } }
        return try bisectThreshold(from: 0.1, to: 50, tolerance: 1e-7) { alpha in
            let evolution = MIWStateEvolution(link: parameters.link, alpha: alpha, contrast: parameters.contrast)
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
        guard let stairs = MIWStaircase(link: parameters.link) else { return }
        if ["first_overlap", "stability", "local_threshold", "stability_growth"].contains(where: { sink.wants($0) }) {
            let value = try learnedOverlap ?? stairs.learned(alpha: parameters.alpha)
            let eigenvalue = try stairs.eigenvalue(at: value)
            sink.put("first_overlap", value)
            sink.put("stability", parameters.alpha * eigenvalue)
            sink.put("local_threshold", 1 / eigenvalue)
            if sink.wants("stability_growth") {
                sink.put("stability_growth", try stairs.growth(alpha: parameters.alpha, at: value))
            }
        }
        if sink.wants("alpha_2") {
            sink.put("alpha_2", try stairs.threshold { alpha, value in alpha * (try stairs.eigenvalue(at: value)) })
        }
        if sink.wants("alpha_2_growth") {
            sink.put("alpha_2_growth", try stairs.threshold { try stairs.growth(alpha: $0, at: $1) })
        }
    }
}
