import Dynamics
import Modeling
import Numerics

/// Method `closed-form`: gradient descent and Bernoulli SGD of the linear loss (``DGDLinearTheory``).
struct DGDClosedForm: Run {
    private let recorder: DGDRecorder
    private let clock: DGDClock
    private var theory: DGDLinearTheory
    private var step = 0
    /// Steps of the recording times so far.
    private var recorded: [Int] = []

    init(_ request: RunRequest, _ parameters: DGDParameters) throws {
        clock = DGDClock(request.times.unit, stepSize: parameters.stepSize)
        recorder = DGDRecorder(parameters)
        theory = DGDLinearTheory(parameters)
        let last = try clock.step(at: request.times.values.last ?? 0)
        guard theory.weightVariance == 0 || last <= DGDLinearTheory.longestWithBatches else {
            throw ModelError.parameter(
                "record",
                "asks for \(last) steps; closed-form with batch_fraction below 1 takes up to "
                    + "\(DGDLinearTheory.longestWithBatches)")
        }
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = try clock.step(at: time)
        guard theory.weightVariance > 0 else {
            step = max(step, target)
            return true
        }
        // A step takes a few microseconds for each node of the spectrum, whose number grows like the square root of t.
        for _ in 0..<max(quantum / 64, 1) where step < target {
            step += 1
            theory.reach(step)
        }
        guard theory.psi.last?.isFinite ?? true else {
            throw ModelError.diverged(step: step, DMFTError.diverged(step: step).description)
        }
        return step >= target
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        theory.reach(step)
        let (m, q) = (theory.overlap(step), theory.gram(step))
        guard m.isFinite, q.isFinite, abs(q) < 1e100 else {
            throw ModelError.diverged(step: step, DMFTError.diverged(step: step).description)
        }
        try recorder.observe(
            step: step, overlap: [m], gram: [q], train: theory.trainLoss(step), test: theory.testLoss(step), into: &sink
        )
        recorded.append(step)
        let now = recorded.count - 1
        for kernel in DMFTKernelName.allCases where sink.wants(kernel.rawValue) {
            for (past, s) in recorded.enumerated() {
                try sink.put(kernel.rawValue, [theory.kernel(kernel, step, s)], atTime: now, index: [past])
                try sink.put(kernel.rawValue, [theory.kernel(kernel, s, step)], atTime: past, index: [now])
            }
        }
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...DGDRules.longest)
        try archive.exchange(resizing: &recorded)
        try archive.exchange(&theory)
    }
}

extension DGDLinearTheory: Resumable {
    init(_ p: DGDParameters) {
        let (b, w) = (p.batches.fraction, p.batches.weight)
        self.init(
            alpha: p.alpha, stepSize: p.stepSize, ridge: p.ridge, meanWeight: b * w,
            weightVariance: b * (1 - b) * w * w,
            q0: p.prior.startGram[0], m0: p.prior.startOverlap[0], rho: p.prior.teacherGram[0], noise: p.noise * p.noise
        )
    }

    package mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(resizing: &psi)
        try archive.exchange(resizing: &weightGains)
        try archive.exchange(resizing: &lossGains)
        guard weightGains.count == max(psi.count - 1, 0), lossGains.count == weightGains.count else {
            throw StateArchiveError.invalid("the numbers of its steps do not agree")
        }
    }

    func kernel(_ name: DMFTKernelName, _ t: Int, _ s: Int) -> Double {
        switch name {
        case .C: C(t, s)
        case .Gamma: Gamma(t, s)
        case .Cg: Cg(t, s)
        case .R: R(t, s)
        }
    }
}

extension DMFTGradientDynamics {
    func closedFormCost(at point: ParameterPoint, times: RecordingTimes) throws -> Cost {
        let steps = Double(
            try DGDClock(times.unit, stepSize: point.real("step_size")).step(at: times.values.last ?? 0))
        // Of one mean over the spectrum, at the last time.
        let mean = (48 + 14 * steps.squareRoot()) * 0.2e-6
        let batches = try point.real("batch_fraction") < 1 ? min(steps, Double(DGDLinearTheory.longestWithBatches)) : 0
        return Cost(
            seconds: Double(times.values.count) * 6 * mean + batches * (4 * mean + 1e-9 * batches),
            memory: 1 << 14 + Int(24 * batches))
    }
}
