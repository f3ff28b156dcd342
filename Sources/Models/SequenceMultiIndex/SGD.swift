import Modeling
import Numerics

/// Method `sgd` (16): w_k <- (1 - kappa B/D) w_k - gamma/sqrt(D) sum over the batch of delta x.
///
/// Weights are float64; tokens, and products with them, float32: their rounding, 1e-7 of one step's gradient, adds up like
/// that gradient's noise. Gradients go through the projections only.
struct SGD: Run {
    private let parameters: Parameters
    private let recordsLoss: Bool
    /// With reused data (N L, d) all tokens, else those of a batch.
    private var tokens: [Float]
    /// With reused data the labels y, in blocks of eight sequences of a batch.
    private var labels: [Lanes] = []
    /// (p, d) and (p, d).
    private var W: [Double]
    private let teacher: [Double]
    private let teacherSquares: [Double]
    private var batch: Batch
    private var random: RandomStream
    private var step = 0
    private var halves: FirstPassage
    private var generalisation: Generalisation?

    init(_ request: RunRequest, _ parameters: Parameters) throws {
        self.parameters = parameters
        let (p, d, isFresh) = (parameters.p, parameters.d, parameters.data == .fresh)
        var initial = request.random.substream(Streams.initial)
        let start = Self.initialWeights(parameters, &initial)
        (W, teacher) = (start.student, start.teacher)
        teacherSquares = (0..<p).map { k in
            start.teacher[(k * d)..<((k + 1) * d)].reduce(0) { $0 + $1 * $1 }
        }
        batch = Batch(parameters, teacher: teacher)
        recordsLoss = request.wants(.trainLoss) && !isFresh
        halves = FirstPassage(layers: p)
        generalisation = Generalisation(request, parameters)
        random = request.random.substream(Streams.tokens)
        tokens = Array(repeating: 0, count: parameters.n * parameters.L * d)
        if !isFresh {
            tokens.withUnsafeMutableBufferPointer { random.fillNormal($0) }
            labels.reserveCapacity(batches * ((parameters.batchSize + 7) / 8) * parameters.network.outputs)
            for number in 0..<batches { labels += batch.labels(parameters, tokens, number: number, teacher) }
        }
        halves.note(overlaps.cosines, at: 0)
    }

    /// Batches of the data.
    private var batches: Int { (parameters.n + parameters.batchSize - 1) / parameters.batchSize }

    private static func initialWeights(
        _ parameters: Parameters, _ random: inout RandomStream
    ) -> (student: [Double], teacher: [Double]) {
        let (p, d) = (parameters.p, parameters.d)
        guard let start = parameters.prescribedStart,
            let factor = Generalisation.factor(M: start.M, Q: start.Q, T: SmallMatrix.diagonal(p, 1), p)
        else {
            let teacher = normals(p * d, &random)
            return (normals(p * d, &random).map { parameters.initScale * $0 }, teacher)
        }
        // Orthogonal vectors of length sqrt(d) (Gram and Schmidt, twice), mixed by the factor of the overlaps.
        var frame = normals(2 * p * d, &random)
        for k in 0..<2 * p {
            for _ in 0..<2 {
                for j in 0..<k {
                    var along = 0.0
                    for i in 0..<d { along += frame[k * d + i] * frame[j * d + i] }
                    for i in 0..<d { frame[k * d + i] -= along / Double(d) * frame[j * d + i] }
                }
                let norm = (0..<d).reduce(0) { $0 + frame[k * d + $1] * frame[k * d + $1] }
                let scale = (Double(d) / norm).squareRoot()
                for i in 0..<d { frame[k * d + i] *= scale }
            }
        }
        var student = Array(repeating: 0.0, count: p * d)
        for k in 0..<p {
            for j in 0...(p + k) {
                let weight = factor[(p + k) * 2 * p + j]
                for i in 0..<d { student[k * d + i] += weight * frame[j * d + i] }
            }
        }
        return (student, Array(frame[..<(p * d)]))
    }

    private var overlaps: Overlaps { Overlaps(W, teacher: teacher, p: parameters.p, byLayer: true) }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = Int(time)
        let weight = max(1, parameters.batchSize * parameters.L * (parameters.d + 500) / 2000)
        for _ in 0..<min(max(quantum / weight, 1), target - step) {
            if parameters.data == .fresh { tokens.withUnsafeMutableBufferPointer { random.fillNormal($0) } }
            batch.descend(parameters, tokens, labels, number: step / parameters.repeats % batches, &W)
            step += 1
            halves.note(try cosinesAfterStep(), at: Double(step))
        }
        return step == target
    }

    private func cosinesAfterStep() throws -> [Double] {
        let d = parameters.d
        return try W.withUnsafeBufferPointer { W in
            try teacher.withUnsafeBufferPointer { teacher in
                guard let W = W.baseAddress, let teacher = teacher.baseAddress else { return [] }
                return try (0..<parameters.p).map { k in
                    let (w, t) = (W + k * d, teacher + k * d)
                    let square = BLAS.dot(d, w, w)
                    guard square < 1e12 * Double(d) else {
                        throw ModelError.diverged(
                            step: step, "the weights of layer \(k + 1) left the numbers; the step size may be too large"
                        )
                    }
                    return square > 0 ? abs(BLAS.dot(d, w, t)) / (square * teacherSquares[k]).squareRoot() : 0
                }
            }
        }
    }

    /// Steps as samples seen per dimension.
    private func time(_ steps: Double) -> Double { steps * Double(parameters.batchSize) / Double(parameters.d) }

    mutating func observe(into sink: inout ObservationSink) throws {
        let overlaps = overlaps
        try overlaps.put(&generalisation, into: &sink)
        try overlaps.putPublished(into: &sink)
        sink.put(.steps, Double(step))
        sink.put(.t, time(Double(step)))
        guard parameters.data == .reuse else { return }
        sink.put(.epoch, Double(step) / Double(batches * parameters.repeats))
        if recordsLoss {
            var sum = 0.0
            for number in 0..<batches { sum += batch.measure(parameters, tokens, labels, number: number, W) }
            sink.put(.trainLoss, sum / Double(parameters.n))
        }
    }

    mutating func finish(into sink: inout ObservationSink) throws {
        try sink.put(.stepsHalf, halves.times)
        try sink.put(.tHalf, halves.times.map(time))
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...maximumStep)
        try archive.exchange(&W)
        // Reused data are drawn when the run is made.
        if parameters.data == .fresh { try archive.exchange(&random) }
        try archive.exchange(&halves)
    }
}

/// One step of sgd on a batch, and the storage it needs.
private struct Batch: Sendable {
    /// Student, then teacher, (2p, d).
    private var weights: [Float]
    /// (B L, p), or (B L, 2p) for fresh data, which need the teacher's; gradients in them (B L, p).
    private var projections: [Float]
    private var signals: [Float]
    /// (p, d).
    private var gradient: [Float]
    private var work: Workspace

    /// `teacher` is (p, d).
    init(_ parameters: Parameters, teacher: [Double]) {
        let (p, rows) = (parameters.p, parameters.batchSize * parameters.L)
        weights = (teacher + teacher).map(Float.init)
        projections = Array(repeating: 0, count: rows * 2 * p)
        signals = Array(repeating: 0, count: rows * p)
        gradient = Array(repeating: 0, count: teacher.count)
        work = Workspace(parameters.network)
    }

    /// W <- (1 - kappa B/D) W - gamma/sqrt(D) sum delta x over batch `number`; W is (p, d).
    mutating func descend(
        _ parameters: Parameters, _ tokens: [Float], _ labels: [Lanes], number: Int, _ W: inout [Double]
    ) {
        let (p, L, d) = (parameters.p, parameters.L, parameters.d)
        let first = number * parameters.batchSize
        _ = measure(parameters, tokens, labels, number: number, W)
        tokens.withUnsafeBufferPointer { x in
            guard let x = x.baseAddress.map({ $0 + first * L * d }) else { return }
            BLAS.gemm(
                .transposed, .none, m: p, n: d, k: min(parameters.batchSize, parameters.n - first) * L, signals,
                leadingA: p, x, leadingB: d, &gradient, leadingC: d)
        }
        let keep = 1 - parameters.weightDecay * Double(parameters.batchSize) / Double(d)
        let rate = parameters.stepSize / Double(d).squareRoot()
        W.withUnsafeMutableBufferPointer { W in
            gradient.withUnsafeBufferPointer { gradient in
                for i in W.indices { W[i] = keep * W[i] - rate * Double(gradient[i]) }
            }
        }
    }

    /// Sets `signals`, the gradients in the projections, and returns the sum of |y - yhat|_F^2 over batch `number`.
    mutating func measure(
        _ parameters: Parameters, _ tokens: [Float], _ labels: [Lanes], number: Int, _ W: [Double]
    ) -> Double {
        let (network, p, L, isFresh) = (parameters.network, parameters.p, parameters.L, parameters.data == .fresh)
        let width = isFresh ? 2 * p : p
        var loss = 0.0
        let firstLabel = number * ((parameters.batchSize + 7) / 8) * network.outputs
        // Out of its place while it is written.
        var signals: [Float] = []
        swap(&signals, &self.signals)
        defer { swap(&signals, &self.signals) }
        pass(parameters, tokens, number: number, W, width: width) { first, count, rows, pair in
            if isFresh {
                network.gather(rows + p, width: width, count: count, into: pair.teacher)
                network.forward(pair.teacher, pair.teacherPass)
            } else {
                let target = network.output(pair.teacherPass)
                for i in 0..<network.outputs { target[i] = labels[firstLabel + first / 8 * network.outputs + i] }
            }
            let losses = network.backward(network.output(pair.teacherPass), pair.studentPass, pair.delta)
            for lane in 0..<count {
                loss += losses[lane]
                for l in 0..<L {
                    for k in 0..<p { signals[((first + lane) * L + l) * p + k] = Float(pair.delta[k * L + l][lane]) }
                }
            }
        }
        return loss
    }

    /// y of batch `number` for weights W, in blocks of eight.
    mutating func labels(_ parameters: Parameters, _ tokens: [Float], number: Int, _ W: [Double]) -> [Lanes] {
        let network = parameters.network
        var result: [Lanes] = []
        pass(parameters, tokens, number: number, W, width: network.layers) { _, _, _, pair in
            result += UnsafeBufferPointer(start: network.output(pair.studentPass), count: network.outputs)
        }
        return result
    }

    /// Projects batch `number` on W (and the teacher, when `width` is 2p) and passes it through the network of weights W, eight
    /// sequences at a time. `body` gets the number of the first one, their count, their projections, and the pass.
    @inline(__always)
    private mutating func pass(
        _ parameters: Parameters, _ tokens: [Float], number: Int, _ W: [Double], width: Int,
        _ body: (_ first: Int, _ count: Int, UnsafePointer<Float>, Workspace.Pair) -> Void
    ) {
        let (network, L, d) = (parameters.network, parameters.L, parameters.d)
        let start = number * parameters.batchSize
        let count = min(parameters.batchSize, parameters.n - start)
        for i in W.indices { weights[i] = Float(W[i]) }
        tokens.withUnsafeBufferPointer { x in
            guard let x = x.baseAddress.map({ $0 + start * L * d }) else { return }
            BLAS.gemm(
                .none, .transposed, m: count * L, n: width, k: d, alpha: 1 / Float(d).squareRoot(), x, leadingA: d,
                weights, leadingB: d, &projections, leadingC: width)
        }
        work.withPair { pair in
            projections.withUnsafeBufferPointer { projections in
                guard let projections = projections.baseAddress else { return }
                for first in stride(from: 0, to: count, by: 8) {
                    let rows = projections + first * L * width
                    network.gather(rows, width: width, count: count - first, into: pair.student)
                    network.forward(pair.student, pair.studentPass)
                    body(first, min(8, count - first), rows, pair)
                }
            }
        }
    }
}
