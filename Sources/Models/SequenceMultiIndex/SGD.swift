import Foundation
import Modeling
import Numerics

/// Method `sgd` (sheet, sections 3.3 and 3.4): w_k <- (1 - kappa B/D) w_k - gamma/sqrt(D) sum over the batch of delta x.
///
/// Weights are float64; tokens, and products with them, float32: their rounding, 1e-7 of one step's gradient, adds up like
/// that gradient's noise. Gradients go through the projections only.
struct SMISGD: Run {
    private let parameters: SMIParameters
    private let network: SMINetwork
    private let d: Int
    private let p: Int
    private let recordsLoss: Bool
    /// With reused data (N L, d) all tokens, else those of a batch.
    private var tokens: [Float]
    /// With reused data the labels y, in blocks of eight sequences of a batch.
    private let labels: [Lanes]
    /// (p, d) and (p, d).
    private var W: [Double]
    private let teacher: [Double]
    private var buffers: SMISGDBuffers
    private var random: RandomStream
    private var step = 0
    private var halves: SMIFirstPassage
    private var generalisation: SMIGeneralisation?

    private let unit: TimeUnit
    private let teacherSquares: [Double]

    init(_ request: RunRequest, _ parameters: SMIParameters) throws {
        self.parameters = parameters
        network = parameters.network
        (d, p) = (parameters.d, parameters.p)
        let (L, B) = (parameters.L, parameters.batchSize)
        let isFresh = parameters.data == .fresh
        let n = isFresh ? B : parameters.n
        try parameters.checkMemory(bytes: 4 * Double(n) * Double(L) * Double(d) + 8 * Double(n) * Double(L * L))
        var initial = request.random.substream(SMIStreams.initial)
        let start = Self.initialWeights(parameters, &initial)
        (W, teacher) = (start.student, start.teacher)
        random = request.random.substream(SMIStreams.tokens)
        buffers = SMISGDBuffers(parameters, teacher: teacher)
        unit = request.times.unit
        let (size, target) = (d, start.teacher)
        teacherSquares = (0..<p).map { k in
            target[(k * size)..<((k + 1) * size)].reduce(0) { $0 + $1 * $1 }
        }
        recordsLoss = request.observables.contains("train_loss") && !isFresh
        halves = SMIFirstPassage(layers: p)
        generalisation = SMIGeneralisation(request, parameters)
        if isFresh {
            tokens = Array(repeating: 0, count: n * L * d)
            labels = []
        } else {
            var filled = Array(repeating: Float(0), count: n * L * d)
            var stream = request.random.substream(SMIStreams.tokens)
            filled.withUnsafeMutableBufferPointer { stream.fillNormal($0) }
            tokens = filled
            labels = Self.labels(tokens, teacher, parameters)
        }
        halves.note(overlaps.cosines, at: 0)
    }

    /// Batches of reused data.
    private var batches: Int { (parameters.n + parameters.batchSize - 1) / parameters.batchSize }

    private static func initialWeights(
        _ parameters: SMIParameters, _ random: inout RandomStream
    ) -> (student: [Double], teacher: [Double]) {
        let (p, d) = (parameters.p, parameters.d)
        guard let start = parameters.prescribedStart,
            let factor = SMIGeneralisation.factor(
                M: start.M, Q: start.Q, T: SmallMatrix.diagonal(p, 1), p), 2 * p <= d
        else {
            let teacher = smiNormals(p * d, &random)
            let scale = parameters.initScale(default: 0.9)
            return (smiNormals(p * d, &random).map { scale * $0 }, teacher)
        }
        // Orthogonal vectors of length sqrt(d) (Gram and Schmidt, twice), mixed by the factor of the overlaps.
        var frame = smiNormals(2 * p * d, &random)
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

    /// y of all sequences, in blocks of eight that begin anew with every batch.
    private static func labels(_ tokens: [Float], _ teacher: [Double], _ parameters: SMIParameters) -> [Lanes] {
        let (network, d, p, L) = (parameters.network, parameters.d, parameters.p, parameters.L)
        let rows = parameters.n * L
        let weights = teacher.map(Float.init)
        var projections = Array(repeating: Float(0), count: rows * p)
        BLAS.gemm(
            .none, .transposed, m: rows, n: p, k: d, alpha: 1 / Float(d).squareRoot(), tokens, leadingA: d, weights,
            leadingB: d, &projections, leadingC: p)
        var lanes = Array(repeating: Lanes.zero, count: network.inputs + network.scratchCount)
        var result: [Lanes] = []
        for first in stride(from: 0, to: parameters.n, by: parameters.batchSize) {
            let batch = min(parameters.batchSize, parameters.n - first)
            for block in stride(from: 0, to: batch, by: 8) {
                for lane in 0..<min(8, batch - block) {
                    for i in 0..<network.inputs {
                        lanes[i % p * L + i / p][lane] =
                            Double(projections[(first + block + lane) * network.inputs + i])
                    }
                }
                lanes.withUnsafeMutableBufferPointer { lanes in
                    guard let z = lanes.baseAddress else { return }
                    network.forward(z, z + network.inputs)
                    let y = network.output(z + network.inputs)
                    for i in 0..<network.outputs { result.append(y[i]) }
                }
            }
        }
        return result
    }

    private var overlaps: SMIOverlaps {
        // SMIOverlaps takes p numbers a row.
        SMIOverlaps(
            SmallMatrix.transpose(W, p, d), teacher: SmallMatrix.transpose(teacher, p, d), p: p, d: d)
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let perUnit = unit == .steps ? 1 : Double(d) / Double(parameters.batchSize)
        let target = try nearestStep(time * perUnit, unit: .steps, d: 1)
        let weight = max(1, parameters.batchSize * parameters.L * (d + 500) / 2000)
        for _ in 0..<min(max(quantum / weight, 1), target - step) {
            let isFresh = parameters.data == .fresh
            if isFresh { tokens.withUnsafeMutableBufferPointer { random.fillNormal($0) } }
            let batch = isFresh ? 0 : step / parameters.repeats % batches
            buffers.descend(parameters, tokens, labels, batch: batch, &W)
            step += 1
            let cosines = try cosinesAfterStep()
            halves.note(cosines, at: Double(step))
        }
        return step == target
    }

    private func cosinesAfterStep() throws -> [Double] {
        try (0..<p).map { k in
            try W.withUnsafeBufferPointer { W in
                try teacher.withUnsafeBufferPointer { teacher in
                    guard let w = W.baseAddress.map({ $0 + k * d }), let t = teacher.baseAddress.map({ $0 + k * d })
                    else { return 0 }
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

    mutating func observe(into sink: inout ObservationSink) throws {
        let overlaps = overlaps
        try overlaps.put(into: &sink)
        try overlaps.putError(&generalisation, into: &sink)
        sink.put("steps", Double(step))
        sink.put("t", Double(step) * Double(parameters.batchSize) / Double(d))
        guard parameters.data == .reuse else { return }
        sink.put("epoch", Double(step) / Double(batches * parameters.repeats))
        if recordsLoss {
            var sum = 0.0
            for batch in 0..<batches { sum += buffers.loss(parameters, tokens, labels, batch: batch, W) }
            sink.put("train_loss", sum / Double(parameters.n))
        }
    }

    mutating func finish(into sink: inout ObservationSink) throws {
        try sink.put("steps_half", halves.times)
        try sink.put("t_half", halves.times.map { $0 * Double(parameters.batchSize) / Double(d) })
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...maximumStep)
        try archive.exchange(&W)
        // Reused data are drawn when the run is made.
        if parameters.data == .fresh { try archive.exchange(&random) }
        try archive.exchange(&halves)
    }
}
