import Foundation
import Modeling
import Numerics

/// Methods `gd` and `langevin` (sheet, section 6.2): U and V of several runs on the same data set.
package struct BSRDescent: Run {
    private let p: BSRParameters
    private let sizes: BSRSizes
    private let isLangevin: Bool
    private let clock: StepClock
    private let target: [Double]
    private var pass: BSRGradient

    /// U (m x r_s) and V (r_s x M) of each run, one run after the other.
    package private(set) var U: [Double]
    package private(set) var V: [Double]
    private var step = 0
    /// Whether all runs have interpolated their data.
    private var isStopped = false
    private var rule: FactorStepRule
    /// Langevin: the sum of S over runs and steps after burn_in.
    private var sum: [Double]
    private var sampleCount = 0

    // Follows from U and V.
    private var S: [Double]
    private var differences: [Float]
    private var hasGradient = false
    // Scratch of one run.
    private var G: [Double]
    private var stepU: [Double]
    private var stepV: [Double]

    init(_ request: RunRequest, _ parameters: BSRParameters) throws {
        let sizes = try parameters.requiredSizes()
        try BSRParameters.checkMemory(bytes: Self.bytes(sizes, parameters))
        let data = BSRData(sizes, noise: parameters.noise, request.random)
        self.init(
            parameters, data, isLangevin: request.method == "langevin", unit: request.times.unit,
            random: request.random)
    }

    /// Descent on a given data set; starts come from `random`.
    package init(
        _ parameters: BSRParameters, _ data: BSRData, isLangevin: Bool, unit: TimeUnit = .steps, random: RandomStream
    ) {
        p = parameters
        sizes = data.sizes
        self.isLangevin = isLangevin
        clock = StepClock(unit, stepSize: parameters.stepSize)
        target = data.target
        let (m, M, r, runs) = (data.sizes.short, data.sizes.long, parameters.studentRank, parameters.runs)
        pass = BSRGradient(data, runs: runs)
        U = Array(repeating: 0, count: runs * m * r)
        V = Array(repeating: 0, count: runs * r * M)
        for run in 0..<runs {
            var stream = random.substream(BSRStreams.start(run: run))
            for i in 0..<m * r { U[run * m * r + i] = parameters.initScale * stream.normal() }
            for i in 0..<r * M { V[run * r * M + i] = parameters.initScale * stream.normal() }
        }
        rule = FactorStepRule(
            isLangevin ? .langevin : parameters.optimizer == .adamw ? .adamw : .gd, stepSize: parameters.stepSize,
            weightDecay: parameters.weightDecay, count: U.count + V.count,
            kicks: isLangevin ? (0..<runs).map { random.substream(BSRStreams.kicks(run: $0)) } : [])
        sum = Array(repeating: 0, count: isLangevin ? m * M : 0)
        S = Array(repeating: 0, count: runs * m * M)
        differences = Array(repeating: 0, count: runs * m * M)
        G = Array(repeating: 0, count: m * M)
        stepU = Array(repeating: 0, count: m * r)
        stepV = Array(repeating: 0, count: r * M)
        multiply()
    }

    static func bytes(_ sizes: BSRSizes, _ p: BSRParameters) -> Double {
        let factors = Double(p.studentRank) * Double(sizes.short + sizes.long) * Double(p.runs)
        let entries = Double(sizes.entries)
        return BSRGradient.bytes(sizes, runs: p.runs) + 8 * factors * (p.optimizer == .adamw ? 3 : 1)
            + entries * (12 * Double(p.runs) + 24)
    }

    // MARK: Steps

    package mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = try clock.step(at: time)
        let weight = 1 + sizes.samples * sizes.entries / 5000 * (1 + p.runs / 2)
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

    /// Gradients at the present U and V.
    package mutating func evaluate() {
        guard !hasGradient else { return }
        pass.evaluate(differences)
        hasGradient = true
    }

    /// Whether every run's training error is below the bound at which descent ends.
    private var isInterpolating: Bool { pass.trainErrors.allSatisfy { $0 < p.stopError } }

    private mutating func nextStep() throws {
        evaluate()
        if !isLangevin, isInterpolating {
            isStopped = true
            return
        }
        let (m, M, r) = (sizes.short, sizes.long, p.studentRank)
        for run in 0..<p.runs {
            factorGradients(run)
            rule.apply(to: &U, at: run * m * r, stepU, moment: run * m * r, run: run, step: step)
            rule.apply(to: &V, at: run * r * M, stepV, moment: U.count + run * r * M, run: run, step: step)
        }
        step += 1
        multiply()
        hasGradient = false
        let norm = S.reduce(0) { $0 + $1 * $1 }
        guard norm.isFinite, norm < 1e12 * Double(S.count) else {
            throw ModelError.diverged(step: step, "the weights are not bounded; the step size may be too large")
        }
        if isLangevin, step > p.burnIn {
            for run in 0..<p.runs { for j in sum.indices { sum[j] += S[run * sum.count + j] } }
            sampleCount += p.runs
        }
    }

    /// G V^T/(2 sqrt(r p)) and U^T G/(2 sqrt(r p)) of one run, to `stepU` and `stepV` (langevin: over Delta in place of 2).
    private mutating func factorGradients(_ run: Int) {
        let (m, M, r) = (sizes.short, sizes.long, p.studentRank)
        let entries = m * M
        for j in 0..<entries { G[j] = Double(pass.gradient[run * entries + j]) }
        let scale = 1 / ((isLangevin ? p.noise : 2) * (Double(r) * Double(entries)).squareRoot())
        V.withUnsafeBufferPointer { V in
            U.withUnsafeBufferPointer { U in
                guard let u = U.baseAddress, let v = V.baseAddress else { return }
                BLAS.gemm(
                    .none, .transposed, m: m, n: r, k: M, alpha: scale, G, leadingA: M, v + run * r * M, leadingB: M,
                    &stepU, leadingC: r)
                BLAS.gemm(
                    .transposed, .none, m: r, n: M, k: m, alpha: scale, u + run * m * r, leadingA: r, G, leadingB: M,
                    &stepV, leadingC: M)
            }
        }
    }

    /// S = U V/sqrt(r_s) of all runs, and what it differs from the target by.
    private mutating func multiply() {
        let (m, M, r) = (sizes.short, sizes.long, p.studentRank)
        let entries = m * M
        let scale = 1 / Double(r).squareRoot()
        for run in 0..<p.runs {
            S.withUnsafeMutableBufferPointer { S in
                U.withUnsafeBufferPointer { U in
                    V.withUnsafeBufferPointer { V in
                        guard let s = S.baseAddress, let u = U.baseAddress, let v = V.baseAddress else { return }
                        BLAS.gemm(
                            m: m, n: M, k: r, alpha: scale, u + run * m * r, leadingA: r, v + run * r * M, leadingB: M,
                            s + run * entries, leadingC: M)
                    }
                }
            }
            for j in 0..<entries { differences[run * entries + j] = Float(S[run * entries + j] - target[j]) }
        }
    }

    /// The gradients of (1/4) sum_i (yhat_i - y_i)^2 in U and V of one run: what a step of size 1 subtracts.
    package mutating func lossGradients(_ run: Int) -> (U: [Double], V: [Double]) {
        evaluate()
        factorGradients(run)
        return (stepU, stepV)
    }

    /// The training error of each run at the present U and V.
    package mutating func trainErrors() -> [Double] {
        evaluate()
        return pass.trainErrors
    }

    /// Puts all runs at the given factors (one run after the other).
    package mutating func move(U: [Double], V: [Double]) {
        (self.U, self.V) = (U, V)
        multiply()
        hasGradient = false
    }

    // MARK: Observables

    package mutating func observe(into sink: inout ObservationSink) throws {
        let entries = Double(sizes.entries)
        let result = RunAverage(S, target: target, average: sum, of: sampleCount)
        sink.put("E", result.averageError / entries)
        sink.put("E_single", result.meanError / entries)
        sink.put("E_single_std", result.deviation / entries)
        sink.put("spread", result.spread / entries)
        sink.put("norm2", result.norm / entries)
        if sink.wants("E_runs") { try sink.put("E_runs", result.errors.map { $0 / entries }) }
        if sink.wants("train_error") {
            evaluate()
            sink.put("train_error", pass.trainErrors.reduce(0, +) / Double(p.runs))
        }
    }

    package mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...maximumStep)
        try archive.exchange(&isStopped)
        try archive.exchange(&U)
        try archive.exchange(&V)
        try archive.exchange(&rule)
        try archive.exchange(&sum)
        try archive.exchange(&sampleCount, in: 0...maximumStep)
        guard archive.isRestoring else { return }
        multiply()
        hasGradient = false
    }
}
