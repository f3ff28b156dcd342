import Dynamics
import Foundation
import Modeling
import Numerics

/// Methods `gd` and `sgd`: equation (1) of the sheet on a fixed data set, for several runs (their own starts and batches)
/// at once, whose weights are columns side by side.
///
/// W is in double precision; the two products with the inputs, in which almost all time goes, are in single precision. That
/// changes overlaps, norms and losses by 2e-7 to 2e-6 over 100 steps at d = 800, and halves the time.
package struct DGDSimulation<Channel: DMFTChannel>: Run {
    package let parameters: DGDParameters
    package let data: DGDData
    private let channel: Channel
    private let clock: DGDClock
    private let layout: DGDLayout
    /// Nil when no test loss is asked for: its nodes cost as much as many steps.
    private let population: DMFTPopulation<Channel>?
    private let recorder: DGDRecorder
    private let targets: [Double]
    /// Whether C is asked for.
    private let isKeeping: Bool

    /// The transposes of all W, row after row: run, student column.
    package private(set) var W: [Double]
    package private(set) var step = 0
    private var masks: [BatchMasks]
    /// W at each recording time so far, when C is asked for.
    private var kept: [Double] = []

    // Scratch.
    private var single: [Float]
    private var double: [Double]
    private var weights: [Double]
    /// Whether `single` holds the full-batch gradient at the present W, which an observation has made.
    private var hasGradient = false

    init(_ request: RunRequest, _ p: DGDParameters, _ channel: Channel) throws {
        try p.checkSimulation()
        let data = DGDData(p, noiseCount: channel.noiseCount, request.random)
        self.init(
            p, channel, data, starts: data.starts(p, request.random), unit: request.times.unit, random: request.random,
            keeps: request.observables.contains("C"), testing: request.observables.contains("test_loss"))
    }

    /// A simulation on the given data set from the given starts (transposes of W_0, run after run).
    package init(
        _ p: DGDParameters, _ channel: Channel, _ data: DGDData, starts: [Double], unit: TimeUnit = .steps,
        random: RandomStream, keeps: Bool = false, testing: Bool = true
    ) {
        parameters = p
        self.channel = channel
        self.data = data
        clock = DGDClock(unit, stepSize: p.stepSize)
        layout = DGDLayout(
            data, students: p.students, runs: p.runs, targetWidth: channel.targetWidth, batches: p.batches)
        population = testing ? DMFTPopulation(channel: channel, prior: p.prior) : nil
        recorder = DGDRecorder(p)
        targets = data.targets(channel)
        isKeeping = keeps
        W = starts
        masks =
            p.batches.mask == .full
            ? []
            : (0..<p.runs).map {
                BatchMasks(p.batches, count: data.samples, random: random.substream(DGDStreams.masks(run: $0)))
            }
        single = Array(repeating: 0, count: layout.singleCount)
        double = Array(repeating: 0, count: layout.doubleCount)
        weights = Array(repeating: 0, count: masks.count * data.stride)
    }

    package mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...DGDRules.longest)
        try archive.exchange(&W)
        try archive.exchange(&masks)
        try archive.exchange(resizing: &kept)
        guard kept.count % W.count == 0 else {
            throw StateArchiveError.invalid("\(kept.count) kept weights are not whole sets of \(W.count)")
        }
        if archive.isRestoring { hasGradient = false }
    }

    package mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = try clock.step(at: time)
        for _ in 0..<min(max(quantum, 1), max(target - step, 0)) { try nextStep() }
        return step >= target
    }

    private mutating func nextStep() throws {
        if !hasGradient {
            let stride = data.stride
            for run in masks.indices {
                weights.withUnsafeMutableBufferPointer { weights in
                    guard let base = weights.baseAddress else { return }
                    masks[run].next(into: base + run * stride)
                }
            }
            withPass { pass, weights in
                if let weights { pass.batch(weights) } else { _ = pass.all(makesGradient: true, sumsLoss: false) }
            }
        }
        hasGradient = false
        update()
        step += 1
        let norms = squareNorms()
        guard norms.allSatisfy(\.isFinite) else {
            throw ModelError.diverged(step: step, "the weights are not finite; the step size may be too large")
        }
        guard parameters.isSpherical else { return }
        let (q0, d) = (parameters.prior.startGram[0], data.d)
        W.withUnsafeMutableBufferPointer { W in
            guard let base = W.baseAddress else { return }
            for (row, norm) in norms.enumerated() { BLAS.scal(d, (q0 / norm).squareRoot(), base + row * d) }
        }
    }

    /// W = (1 - eta lambda) W - eta A^T g.
    private mutating func update() {
        let keeps = 1 - parameters.stepSize * parameters.ridge
        let rate = parameters.stepSize / Double(data.d).squareRoot()
        let at = layout.gradientAt
        single.withUnsafeBufferPointer { single in
            W.withUnsafeMutableBufferPointer { W in
                for i in W.indices { W[i] = keeps * W[i] - rate * Double(single[at + i]) }
            }
        }
    }

    /// q_ii of each column of W.
    private func squareNorms() -> [Double] {
        W.withUnsafeBufferPointer { W in
            guard let base = W.baseAddress else { return [] }
            return (0..<layout.columns).map {
                BLAS.dot(data.d, base + $0 * data.d, base + $0 * data.d) / Double(data.d)
            }
        }
    }

    /// Lends scratch memory, with the present W in it, to `body`; also the weights of the batch, nil for full batch.
    private mutating func withPass<Result>(_ body: (DGDPass<Channel>, UnsafePointer<Double>?) -> Result) -> Result {
        Self.lend(layout, channel, data.inputs, targets, W, weights, &single, &double, body)
    }

    private static func lend<Result>(
        _ layout: DGDLayout, _ channel: Channel, _ inputs: UnsafePointer<Float>, _ targets: UnsafePointer<Double>,
        _ W: UnsafePointer<Double>, _ weights: [Double], _ single: UnsafeMutablePointer<Float>,
        _ double: UnsafeMutablePointer<Double>, _ body: (DGDPass<Channel>, UnsafePointer<Double>?) -> Result
    ) -> Result {
        let pass = DGDPass(
            layout: layout, channel: channel, inputs: inputs, targets: targets, single: single, double: double)
        pass.load(W)
        return weights.withUnsafeBufferPointer { body(pass, $0.isEmpty ? nil : $0.baseAddress) }
    }

    package mutating func observe(into sink: inout ObservationSink) throws {
        let (k, a, d) = (parameters.students, parameters.teachers, data.d)
        let runs = (0..<parameters.runs).map { run in
            let own = Array(W[(run * k * d)..<((run + 1) * k * d)])
            return (Self.overlaps(own, data.teacher, k, a, d), Self.overlaps(own, own, k, k, d))
        }
        try recorder.observe(
            step: step, runs: runs, test: { population?.loss(overlap: $0, gram: $1) ?? .nan }, into: &sink)
        if sink.wants("train_loss") {
            let isFullBatch = masks.isEmpty
            let sum = withPass { pass, _ in pass.all(makesGradient: isFullBatch, sumsLoss: true) }
            hasGradient = isFullBatch
            let mean = sum / Double(data.samples * parameters.runs)
            guard mean.isFinite else {
                throw ModelError.diverged(step: step, "the training loss is not finite; the step size may be too large")
            }
            sink.put("train_loss", mean)
        }
        if isKeeping { try observeKernel(into: &sink) }
    }

    /// C between the present and all recording times so far, and its transpose.
    private mutating func observeKernel(into sink: inout ObservationSink) throws {
        let (k, d, R) = (parameters.students, data.d, Double(parameters.runs))
        let now = sink.timeIndex
        kept += W
        for earlier in 0..<kept.count / W.count {
            var C = Array(repeating: 0.0, count: k * k)
            for run in 0..<parameters.runs {
                let at = run * k * d
                let then = Array(kept[(earlier * W.count + at)..<(earlier * W.count + at + k * d)])
                let own = Self.overlaps(Array(W[at..<(at + k * d)]), then, k, k, d)
                for i in 0..<k * k { C[i] += own[i] / R }
            }
            try sink.put("C", C, atTime: now, index: [earlier])
            try sink.put("C", SmallMatrix.transpose(C, k, k), atTime: earlier, index: [now])
        }
    }

    /// a b^T/d of `rows` x d and `columns` x d numbers.
    private static func overlaps(_ a: [Double], _ b: [Double], _ rows: Int, _ columns: Int, _ d: Int) -> [Double] {
        var result = Array(repeating: 0.0, count: rows * columns)
        BLAS.gemm(
            .none, .transposed, m: rows, n: columns, k: d, alpha: 1 / Double(d), a, leadingA: d, b, leadingB: d,
            &result,
            leadingC: columns)
        return result
    }
}

extension DGDData {
    /// Every sample's target: number c of sample mu at c stride + mu.
    func targets(_ channel: some DMFTChannel) -> [Double] {
        let a = channel.teachers
        let block = DGDLayout.block(d: d, tokens: tokens, stride: stride)
        let noise = noise.isEmpty ? [0] : noise
        // W*^T/sqrt(d), and the inputs of a block, in double precision.
        let scaled = teacher.map { $0 / Double(d).squareRoot() }
        var rows = Array(repeating: 0.0, count: block * d)
        var fields = Array(repeating: 0.0, count: a * tokens * block)
        var targets = Array(repeating: 0.0, count: channel.targetWidth * stride)
        targets.withUnsafeMutableBufferPointer { targets in
            fields.withUnsafeMutableBufferPointer { fields in
                noise.withUnsafeBufferPointer { noise in
                    guard let targets = targets.baseAddress, let fields = fields.baseAddress,
                        let noise = noise.baseAddress
                    else { return }
                    for first in Swift.stride(from: 0, to: stride, by: block) {
                        let count = min(block, stride - first)
                        for l in 0..<tokens {
                            let at = (l * stride + first) * d
                            for i in 0..<count * d { rows[i] = Double(inputs[at + i]) }
                            BLAS.gemm(
                                .none, .transposed, m: a, n: count, k: d, scaled, leadingA: d, rows, leadingB: d,
                                fields + l * block, leadingC: tokens * block)
                        }
                        channel.target(
                            TargetBatch(
                                blocks: count / 8, fields: fields, tokenStride: block, teacherStride: tokens * block,
                                noise: noise + first, noiseStride: stride, targets: targets + first,
                                targetStride: stride))
                    }
                }
            }
        }
        return targets
    }
}
