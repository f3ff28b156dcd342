import Foundation
import Modeling
import Numerics

/// Methods `gd` and `langevin` (sheet, section 5.2): W of several runs on the same data set.
package struct EWQDescent: Run {
    private let p: EWQParameters
    private let scale: EWQScale
    private let isLangevin: Bool
    private let clock: StepClock
    private let target: [Double]
    private let samples: Int
    private var pass: EWQGradient

    /// W (m_s x d) of each run, one run after the other.
    package private(set) var W: [Double]
    private var step = 0
    /// Whether all runs have interpolated their data.
    private var isStopped = false
    private var rule: FactorStepRule
    /// Langevin: the sum of S over runs and steps after burn_in.
    private var sum: [Double]
    private var sampleCount = 0

    // Follows from W.
    private var hasGradient = false
    // Scratch of one run.
    private var slope: [Double]

    init(_ request: RunRequest, _ parameters: EWQParameters) throws {
        let sizes = try parameters.requiredSizes()
        try EWQParameters.checkMemory(bytes: Self.bytes(sizes, parameters))
        let data = EWQData(sizes, noise: parameters.noise, request.random)
        self.init(
            parameters, data, isLangevin: request.method == "langevin", unit: request.times.unit,
            random: request.random)
    }

    /// Descent on a given data set; starts come from `random`.
    package init(
        _ parameters: EWQParameters, _ data: EWQData, isLangevin: Bool, unit: TimeUnit = .steps, random: RandomStream
    ) {
        p = parameters
        let (d, width, runs) = (data.sizes.dimension, parameters.studentWidth, parameters.runs)
        scale = EWQScale(kappa: Double(data.sizes.width) / Double(d), d: d)
        self.isLangevin = isLangevin
        clock = StepClock(unit, stepSize: parameters.stepSize)
        target = data.target
        samples = data.sizes.samples
        // The posterior knows the noise, descent does not.
        pass = EWQGradient(data, width: width, runs: runs, noiseMean: isLangevin ? parameters.noise : 0)
        W = Array(repeating: 0, count: runs * width * d)
        for run in 0..<runs {
            var stream = random.substream(EWQStreams.start(run: run))
            for i in 0..<width * d { W[run * width * d + i] = parameters.initScale * stream.normal() }
        }
        rule = FactorStepRule(
            isLangevin ? .langevin : parameters.optimizer == .adam ? .adam : .gd, stepSize: parameters.stepSize,
            weightDecay: parameters.weightDecay, count: W.count,
            kicks: isLangevin ? (0..<runs).map { random.substream(EWQStreams.kicks(run: $0)) } : [])
        sum = Array(repeating: 0, count: isLangevin ? d * d : 0)
        slope = Array(repeating: 0, count: width * d)
    }

    static func bytes(_ sizes: EWQSizes, _ p: EWQParameters) -> Double {
        let d = Double(sizes.dimension)
        return EWQGradient.bytes(sizes, width: p.studentWidth, runs: p.runs)
            + 8 * Double(p.runs) * Double(p.studentWidth) * d * (p.optimizer == .adam ? 3 : 1)
            + 8 * d * d * Double(p.runs + 2)
    }

    // MARK: Steps

    package mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = try clock.step(at: time)
        let weight = 1 + samples / 100 * W.count / 100
        var left = max(quantum / weight, 1)
        while step < target, left > 0 {
            if isStopped {
                step = target
            } else {
                try nextStep()
                left -= 1
            }
        }
        return step >= target
    }

    private mutating func evaluate() {
        guard !hasGradient else { return }
        pass.evaluate(W)
        hasGradient = true
    }

    /// The gradients of (1/4) sum_i e_i^2 at the present W, runs x m_s x d.
    package mutating func lossGradients() -> [Double] {
        evaluate()
        return pass.gradient
    }

    private mutating func nextStep() throws {
        evaluate()
        if !isLangevin, pass.trainErrors.allSatisfy({ $0 < p.stopError }) {
            isStopped = true
            return
        }
        // Minus the log likelihood is (1/(2 Delta)) sum_i e_i^2/kappa.
        let stretch = isLangevin ? 1 / (p.noise * (2 + p.noise)) : 1
        for run in 0..<p.runs {
            let first = run * slope.count
            for i in slope.indices { slope[i] = stretch * pass.gradient[first + i] }
            rule.apply(to: &W, at: first, slope, moment: first, run: run, step: step)
        }
        step += 1
        hasGradient = false
        let norm = BLAS.dot(W.count, W, W)
        guard norm.isFinite, norm < 1e12 * Double(W.count) else {
            throw ModelError.diverged(
                step: step, "the weights are not bounded; a step size further below its bound may help")
        }
        if isLangevin, step > p.burnIn {
            let width = Double(p.studentWidth * p.runs)
            // The sum over runs at once: W^T W over all their rows.
            BLAS.gemm(
                .transposed, .none, m: scale.d, n: scale.d, k: p.runs * p.studentWidth,
                alpha: Double(p.runs) / width, W, leadingA: scale.d, W, leadingB: scale.d, beta: 1, &sum,
                leadingC: scale.d)
            sampleCount += p.runs
        }
    }

    // MARK: Observables

    package mutating func observe(into sink: inout ObservationSink) throws {
        let d = scale.d
        var S: [Double] = []
        S.reserveCapacity(p.runs * d * d)
        for run in 0..<p.runs {
            S += EWQData.square(Array(W[run * slope.count..<(run + 1) * slope.count]), d: d, width: p.studentWidth)
        }
        let result = RunAverage(S, target: target, average: sum, of: sampleCount)
        sink.put("R", scale.R(result.averageError))
        sink.put("R_single", scale.R(result.meanError))
        sink.put("R_single_std", scale.R(result.deviation))
        sink.put("spread", scale.R(result.spread))
        if sink.wants("R_runs") { try sink.put("R_runs", result.errors.map { scale.R($0) }) }
        let targetTrace = scale.trace(target)
        let traces = (0..<p.runs).map { scale.trace(S, at: $0 * d * d) }
        sink.put("trace", traces.reduce(0, +) / Double(p.runs))
        let tests = zip(result.errors, traces).map {
            scale.testError(R: scale.R($0), traceDifference: $1 - targetTrace)
        }
        sink.put("test_error", tests.reduce(0, +) / Double(p.runs))
        if sink.wants("train_error") {
            evaluate()
            sink.put("train_error", pass.trainErrors.reduce(0, +) / Double(p.runs))
        }
    }

    package mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...maximumStep)
        try archive.exchange(&isStopped)
        try archive.exchange(&W)
        try archive.exchange(&rule)
        try archive.exchange(&sum)
        try archive.exchange(&sampleCount, in: 0...maximumStep)
        if archive.isRestoring { hasGradient = false }
    }
}
