import Numerics

/// One step of sgd on a batch, and the storage it needs.
struct SMISGDBuffers: Sendable {
    /// Student, then teacher, (2p, d).
    private var weights: [Float]
    /// (B L, p), or (B L, 2p) for fresh data, which need the teacher's; gradients in them (B L, p).
    private var projections: [Float]
    private var signals: [Float]
    /// (p, d).
    private var gradient: [Float]
    private var lanes: [Lanes]

    /// `teacher` is (p, d).
    init(_ parameters: SMIParameters, teacher: [Double]) {
        let (network, p) = (parameters.network, parameters.p)
        let rows = parameters.batchSize * parameters.L
        weights = (teacher + teacher).map(Float.init)
        projections = Array(repeating: 0, count: rows * 2 * p)
        signals = Array(repeating: 0, count: rows * p)
        gradient = Array(repeating: 0, count: teacher.count)
        lanes = Array(
            repeating: .zero, count: 3 * network.inputs + 2 * network.scratchCount + network.outputs)
    }

    /// W <- (1 - kappa B/D) W - gamma/sqrt(D) sum delta x over batch number `batch`; W is (p, d).
    mutating func descend(
        _ parameters: SMIParameters, _ tokens: [Float], _ labels: [Lanes], batch: Int, _ W: inout [Double]
    ) {
        let (p, L, d) = (parameters.p, parameters.L, parameters.d)
        let count = Self.count(parameters, batch)
        _ = measure(parameters, tokens, labels, batch: batch, W)
        tokens.withUnsafeBufferPointer { x in
            guard let x = x.baseAddress.map({ $0 + batch * parameters.batchSize * L * d }) else { return }
            BLAS.gemm(
                .transposed, .none, m: p, n: d, k: count * L, signals, leadingA: p, x, leadingB: d, &gradient,
                leadingC: d)
        }
        let keep = 1 - parameters.weightDecay * Double(parameters.batchSize) / Double(d)
        let rate = parameters.stepSize / Double(d).squareRoot()
        W.withUnsafeMutableBufferPointer { W in
            gradient.withUnsafeBufferPointer { gradient in
                for i in W.indices { W[i] = keep * W[i] - rate * Double(gradient[i]) }
            }
        }
    }

    /// The sum of |y - yhat|_F^2 over batch number `batch`.
    mutating func loss(
        _ parameters: SMIParameters, _ tokens: [Float], _ labels: [Lanes], batch: Int, _ W: [Double]
    ) -> Double {
        measure(parameters, tokens, labels, batch: batch, W)
    }

    /// Sequences in a batch.
    private static func count(_ parameters: SMIParameters, _ batch: Int) -> Int {
        parameters.data == .fresh
            ? parameters.batchSize
            : min(parameters.batchSize, parameters.n - batch * parameters.batchSize)
    }

    /// Sets `signals`, the gradients in the projections, and returns the sum of the losses.
    private mutating func measure(
        _ parameters: SMIParameters, _ tokens: [Float], _ labels: [Lanes], batch: Int, _ W: [Double]
    ) -> Double {
        let (network, p, L, d) = (parameters.network, parameters.p, parameters.L, parameters.d)
        let isFresh = parameters.data == .fresh
        let count = Self.count(parameters, batch)
        let width = isFresh ? 2 * p : p
        for i in W.indices { weights[i] = Float(W[i]) }
        tokens.withUnsafeBufferPointer { x in
            guard let x = x.baseAddress.map({ $0 + batch * parameters.batchSize * L * d }) else { return }
            BLAS.gemm(
                .none, .transposed, m: count * L, n: width, k: d, alpha: 1 / Float(d).squareRoot(), x, leadingA: d,
                weights, leadingB: d, &projections, leadingC: width)
        }
        var loss = 0.0
        let firstLabel = batch * ((parameters.batchSize + 7) / 8) * network.outputs
        lanes.withUnsafeMutableBufferPointer { lanes in
            guard let z = lanes.baseAddress else { return }
            let teacher = z + network.inputs
            let delta = teacher + network.inputs
            let scratch = delta + network.inputs
            let target = scratch + network.scratchCount
            let other = target + network.outputs
            for first in stride(from: 0, to: count, by: 8) {
                let used = min(8, count - first)
                for lane in 0..<used {
                    for l in 0..<L {
                        let row = ((first + lane) * L + l) * width
                        for k in 0..<p { z[k * L + l][lane] = Double(projections[row + k]) }
                        if isFresh {
                            for k in 0..<p { teacher[k * L + l][lane] = Double(projections[row + p + k]) }
                        }
                    }
                }
                if isFresh {
                    network.forward(teacher, other)
                    for i in 0..<network.outputs { target[i] = network.output(other)[i] }
                } else {
                    for i in 0..<network.outputs { target[i] = labels[firstLabel + first / 8 * network.outputs + i] }
                }
                network.forward(z, scratch)
                let losses = network.backward(target, scratch, delta)
                for lane in 0..<used {
                    loss += losses[lane]
                    for l in 0..<L {
                        for k in 0..<p {
                            signals[((first + lane) * L + l) * p + k] = Float(delta[k * L + l][lane])
                        }
                    }
                }
            }
        }
        return loss
    }
}
