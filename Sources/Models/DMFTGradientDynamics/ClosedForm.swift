import Dynamics
import Modeling

/// Method `closed-form`: gradient descent and Bernoulli SGD of the linear loss (``LinearTheory``).
struct ClosedForm: Run {
    private let parameters: Parameters
    private var theory: LinearTheory
    private var step = 0
    /// Steps of the recording times so far.
    private var recorded: [Int] = []

    init(_ p: Parameters, _ request: RunRequest) throws {
        parameters = p
        let (b, w) = (p.batches.fraction, p.batches.weight)
        theory = LinearTheory(
            alpha: p.alpha, stepSize: p.stepSize, ridge: p.ridge, meanWeight: b * w,
            weightVariance: b * (1 - b) * w * w, q0: p.prior.startGram[0], m0: p.prior.startOverlap[0],
            rho: p.prior.teacherGram[0], noise: p.noise)
        let last = Int(request.times.last ?? 0)
        guard theory.weightVariance == 0 || last <= LinearTheory.longestWithBatches else {
            throw ModelError.parameter(
                "record",
                "asks for \(last) steps; closed-form with batch_fraction below 1 takes up to "
                    + "\(LinearTheory.longestWithBatches)")
        }
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = Int(time)
        guard theory.weightVariance > 0 else {
            step = target
            return true
        }
        // A step takes a few microseconds for each node of the spectrum, whose number grows like the square root of t.
        for _ in 0..<max(quantum / 64, 1) where step < target {
            step += 1
            theory.reach(step)
        }
        try check(theory.psi.last ?? 0)
        return step >= target
    }

    private func check(_ values: Double...) throws {
        guard values.allSatisfy(\.isFinite) else {
            throw ModelError.diverged(step: step, DMFTError.diverged(step: step).description)
        }
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        theory.reach(step)
        let (m, q) = (theory.overlap(step), theory.gram(step))
        try check(m, abs(q) < 1e100 ? q : .infinity)
        try parameters.record(
            step: step, runs: [([m], [q])], test: { _, _ in theory.testLoss(step) }, into: &sink)
        if sink.wants(.trainLoss) { sink.put(.trainLoss, theory.trainLoss(step)) }
        recorded.append(step)
        try DMFTKernelName.put(recorded: recorded, into: &sink) { kernel, t, s in
            switch kernel {
            case .C: [theory.C(t, s)]
            case .R: [theory.R(t, s)]
            case .Gamma: [theory.Gamma(t, s)]
            case .Cg: [theory.Cg(t, s)]
            }
        }
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...maximumStep)
        try archive.exchange(resizing: &recorded)
        try archive.exchange(&theory)
    }
}
