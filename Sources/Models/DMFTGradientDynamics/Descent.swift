import Dynamics
import Foundation
import Modeling
import Numerics
import Randomness

/// Methods `gd` and `sgd`: (11) to (13) on a fixed data set, for several runs (their own starts and batches) at once, whose
/// weights are columns side by side.
///
/// W is in double precision; the two products with the inputs, in which almost all time goes, are in single precision. That
/// changes overlaps, norms and losses by 2e-7 to 2e-6 over 100 steps at d = 800, and halves the time.
package struct Descent<Channel: DMFTChannel>: Run {
    package let parameters: Parameters
    private let data: DataSet
    private let channel: Channel
    private let layout: Layout
    /// Nil when no test loss is asked for: its nodes cost as much as many steps.
    private let population: DMFTPopulation<Channel>?
    private let targets: [Double]
    private let keepsWeights: Bool

    /// The transposes of all W, row after row: run, student column.
    package private(set) var W: [Double]
    private var step = 0
    private var masks: [BatchMasks]
    /// W at each recording time so far, when C is asked for.
    private var kept: [Double] = []

    // Scratch.
    private var single: [Float]
    private var double: [Double]
    private var weights: [Double]
    /// Whether `single` holds the full-batch gradient at the present W, which an observation has made.
    private var hasGradient = false

    /// A simulation on its own data set from its own starts, or on given ones (transposes of W_0, run after run).
    package init(
        _ p: Parameters, _ channel: Channel, _ request: RunRequest, _ given: (data: DataSet, starts: [Double])? = nil
    ) {
        parameters = p
        let data = given?.data ?? DataSet(p, noiseCount: channel.noiseCount, request.random)
        self.channel = channel
        self.data = data
        layout = Layout(p, data)
        population = request.wants(.testLoss) ? DMFTPopulation(channel: channel, prior: p.prior) : nil
        targets = data.targets(channel)
        keepsWeights = request.wants(.C)
        W = given?.starts ?? data.starts(p, request.random)
        masks = (p.batches.mask == .full ? 0..<0 : 0..<p.runs).map { run in
            BatchMasks(p.batches, count: data.samples, random: request.random.substream(Streams.masks(run: run)))
        }
        single = Array(repeating: 0, count: layout.singleCount)
        double = Array(repeating: 0, count: layout.doubleCount)
        weights = Array(repeating: 0, count: masks.count * data.stride)
    }

    package mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...maximumStep)
        try archive.exchange(&W)
        try archive.exchange(&masks)
        try archive.exchange(resizing: &kept)
        guard kept.count % W.count == 0 else {
            throw StateArchiveError.invalid("\(kept.count) kept weights are not whole sets of \(W.count)")
        }
        if archive.isRestoring { hasGradient = false }
    }

    package mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = Int(time)
        for _ in 0..<min(max(quantum, 1), target - step) { try nextStep() }
        return step >= target
    }

    private mutating func nextStep() throws {
        if !hasGradient {
            let stride = data.stride
            weights.withUnsafeMutableBufferPointer { weights in
                guard let base = weights.baseAddress else { return }
                for run in masks.indices { masks[run].next(into: base + run * stride) }
            }
            withPass { $0.gradient() }
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

    /// Lends scratch memory, with the present W in it, to `body`.
    private mutating func withPass<Result>(_ body: (Pass<Channel>) -> Result) -> Result {
        func lend(
            _ layout: Layout, _ channel: Channel, _ inputs: UnsafePointer<Float>, _ targets: UnsafePointer<Double>,
            _ W: UnsafePointer<Double>, _ weights: UnsafePointer<Double>, _ single: UnsafeMutablePointer<Float>,
            _ double: UnsafeMutablePointer<Double>
        ) -> Result {
            for i in 0..<layout.columns * layout.d { single[i] = Float(W[i]) }
            return body(
                Pass(
                    layout: layout, channel: channel, inputs: inputs, targets: targets, weights: weights,
                    single: single, double: double))
        }
        return lend(layout, channel, data.inputs, targets, W, weights, &single, &double)
    }

    package mutating func observe(into sink: inout ObservationSink) throws {
        let (k, a, d) = (parameters.students, parameters.teachers, data.d)
        let runs = (0..<parameters.runs).map { run in
            let own = Array(W[(run * k * d)..<((run + 1) * k * d)])
            return (overlaps(own, data.teacher, k, a), overlaps(own, own, k, k))
        }
        try parameters.record(
            step: step, runs: runs, test: { population?.loss(overlap: $0, gram: $1) ?? .nan }, into: &sink)
        if sink.wants(.trainLoss) {
            let isFullBatch = masks.isEmpty
            let sum = withPass { $0.losses(makesGradient: isFullBatch) }
            hasGradient = isFullBatch
            let mean = sum / Double(data.samples * parameters.runs)
            guard mean.isFinite else {
                throw ModelError.diverged(step: step, "the training loss is not finite; the step size may be too large")
            }
            sink.put(.trainLoss, mean)
        }
        if keepsWeights { try observeKernel(into: &sink) }
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
                let own = overlaps(Array(W[at..<(at + k * d)]), then, k, k)
                for i in 0..<k * k { C[i] += own[i] / R }
            }
            try sink.put(.C, C, atTime: now, index: [earlier])
            try sink.put(.C, SmallMatrix.transpose(C, k, k), atTime: earlier, index: [now])
        }
    }

    /// a b^T/d of `rows` x d and `columns` x d numbers.
    private func overlaps(_ a: [Double], _ b: [Double], _ rows: Int, _ columns: Int) -> [Double] {
        let d = data.d
        var result = Array(repeating: 0.0, count: rows * columns)
        BLAS.gemm(
            .none, .transposed, m: rows, n: columns, k: d, alpha: 1 / Double(d), a, leadingA: d, b, leadingB: d,
            &result, leadingC: columns)
        return result
    }
}
