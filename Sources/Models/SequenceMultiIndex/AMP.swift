import Dynamics
import Modeling
import Numerics

/// Method `amp` (7) to (10).
struct AMP: Run {
    private let teacher: [Double]
    private var passing: MessagePassing<Tokens, TokenChannel, GaussianPrior>
    private var generalisation: Generalisation?
    private var halves: FirstPassage

    init(_ request: RunRequest, _ parameters: Parameters) throws {
        let (p, L, d, n) = (parameters.p, parameters.L, parameters.d, parameters.n)
        var initial = request.random.substream(Streams.initial)
        var random = request.random.substream(Streams.tokens)
        teacher = normals(d * p, &initial)
        let tokens = Tokens(tokens: normals(n * L * d, &random), fieldCount: n * L, signalCount: d, width: p)
        var z = Array(repeating: 0.0, count: n * L * p)
        tokens.fields(of: teacher, into: &z)
        let channel = try TokenChannel(
            Channel(parameters.network, draws: parameters.draws, random: request.random.substream(Streams.channel)),
            labels: parameters.network.indices(z), parameters)

        var estimate = normals(d * p, &initial)
        var C = SmallMatrix.diagonal(p, 1)
        if parameters.start == .cold {
            for i in estimate.indices { estimate[i] *= parameters.initScale }
        } else {
            // (11)
            let m = parameters.startOverlaps
            C = diagonal(m.map { 1 - $0 })
            for k in 0..<p {
                let spread = (m[k] * (1 - m[k])).squareRoot()
                for i in 0..<d { estimate[i * p + k] = m[k] * teacher[i * p + k] + spread * estimate[i * p + k] }
            }
        }
        passing = try MessagePassing(
            tokens, channel, GaussianPrior(signalCount: d, width: p), estimate: estimate, covariance: C,
            rule: MessagePassingRule(damping: parameters.damping, tolerance: parameters.tolerance))
        generalisation = Generalisation(request, parameters)
        halves = FirstPassage(layers: p)
        halves.note(overlaps.cosines, at: 0)
    }

    private var overlaps: Overlaps { Overlaps(passing.estimate, teacher: teacher, p: halves.times.count) }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = Int(time)
        guard passing.iteration < target, passing.rule.tolerance == 0 || !passing.isConverged else { return true }
        do {
            try passing.step()
        } catch MessagePassingError.diverged(let iteration, let what) {
            throw ModelError.diverged(step: iteration, what)
        }
        halves.note(overlaps.cosines, at: Double(passing.iteration))
        return passing.iteration == target
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        let overlaps = overlaps
        try overlaps.put(&generalisation, into: &sink)
        try overlaps.putPublished(into: &sink)
        try sink.put(.C, passing.covariance)
    }

    mutating func finish(into sink: inout ObservationSink) throws { try sink.put(.stepsHalf, halves.times) }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&passing)
        try archive.exchange(&halves)
    }
}

/// The tokens of all sequences as a linear map: fields x_l W^T/sqrt(D), a row a token.
private struct Tokens: SensingOperator {
    /// (N L, D), row-major.
    let tokens: [Double]
    let fieldCount: Int
    let signalCount: Int
    let width: Int

    private var scale: Double { 1 / Double(signalCount).squareRoot() }

    func fields(of estimate: UnsafePointer<Double>, into fields: UnsafeMutablePointer<Double>) {
        BLAS.gemm(
            m: fieldCount, n: width, k: signalCount, alpha: scale, tokens, leadingA: signalCount, estimate,
            leadingB: width, fields, leadingC: width)
    }

    func adjoint(of g: UnsafePointer<Double>, into signal: UnsafeMutablePointer<Double>) {
        BLAS.gemm(
            .transposed, .none, m: signalCount, n: width, k: fieldCount, alpha: scale, tokens, leadingA: signalCount, g,
            leadingB: width, signal, leadingC: width)
    }
}

/// The output functions g and A of (8) and (9): one posterior a sequence, all tokens of it together.
private struct TokenChannel: OutputChannel {
    private var channel: Channel
    /// u of every sequence, (N, L).
    private let labels: [Double]
    private let d: Int
    private let reg: Double
    private let usesJacobian: Bool

    init(_ channel: Channel, labels: [Double], _ parameters: Parameters) {
        (self.channel, self.labels) = (channel, labels)
        (d, reg, usesJacobian) = (parameters.d, parameters.reg, parameters.usesJacobian)
    }

    mutating func evaluate(
        fields: UnsafePointer<Double>, variance: UnsafePointer<Double>, g: UnsafeMutablePointer<Double>,
        precision: UnsafeMutablePointer<Double>
    ) throws {
        let (p, L) = (channel.network.layers, channel.network.L)
        // C may be symmetric up to rounding only.
        let V = (0..<p * p).map { 0.5 * (variance[$0] + variance[$0 % p * p + $0 / p]) + ($0 % (p + 1) == 0 ? reg : 0) }
        guard let factor = SmallMatrix.cholesky(V, p, tolerance: 0, allowsZero: false) else {
            throw ModelError.notConverged("the covariance V of the projections is not positive definite: \(V)")
        }
        let inverse = SmallMatrix.inverse(factor: factor, p)
        // The sum over sequences and tokens of Cov Z_l or of g_l g_l^T.
        var sum = Array(repeating: 0.0, count: p * p)
        let (labels, usesJacobian) = (labels, usesJacobian)
        let count = labels.count / L
        try channel.withPosterior(variance: V) { posterior in
            try labels.withUnsafeBufferPointer { u in
                guard let u = u.baseAddress else { return }
                for sample in 0..<count {
                    let omega = fields + sample * L * p
                    let out = g + sample * L * p
                    guard posterior.evaluate(u: u + sample * L, omega: omega, sample: sample) else {
                        throw ModelError.notConverged(
                            "no draw of the channel has any weight for sequence \(sample): give more draws")
                    }
                    let moments = posterior.first
                    let half = posterior.second
                    for l in 0..<L {
                        for k in 0..<p {
                            var value = 0.0
                            for j in 0..<p {
                                let mean = 0.5 * (moments.mean[l * p + j] + half.mean[l * p + j])
                                value += inverse[k * p + j] * (mean - omega[l * p + j])
                            }
                            out[l * p + k] = value
                        }
                        if !usesJacobian {
                            for i in 0..<p * p { sum[i] += out[l * p + i / p] * out[l * p + i % p] }
                        }
                    }
                    if usesJacobian {
                        for i in 0..<p * p { sum[i] += 0.5 * (moments.covariance[i] + half.covariance[i]) }
                    }
                }
            }
        }
        var A = sum.map { $0 / Double(d) }
        if usesJacobian {
            // -(1/D) sum_mu (sum_l V^-1 Cov V^-1 - L V^-1).
            let scaled = SmallMatrix.product(SmallMatrix.product(inverse, A, p, p, p), inverse, p, p, p)
            let tokens = Double(count * L) / Double(d)
            A = zip(inverse, scaled).map { tokens * $0 - $1 }
        }
        for i in 0..<p * p { precision[i] = 0.5 * (A[i] + A[i % p * p + i / p]) }
    }
}

/// The posterior mean for the prior N(0, I) of the weights (10): C = (I + A)^-1, W = B C.
private struct GaussianPrior: InputDenoiser {
    let signalCount: Int
    let width: Int

    func denoise(
        pseudoField: UnsafePointer<Double>, precision: UnsafePointer<Double>,
        estimate: UnsafeMutablePointer<Double>, covariance: UnsafeMutablePointer<Double>
    ) throws {
        let p = width
        let matrix = (0..<p * p).map { precision[$0] + ($0 % (p + 1) == 0 ? 1 : 0) }
        guard let factor = SmallMatrix.cholesky(matrix, p, tolerance: 0, allowsZero: false) else {
            throw ModelError.notConverged(
                "I + A is not positive definite: \(matrix); jacobian: false makes A a sum of squares")
        }
        let C = SmallMatrix.inverse(factor: factor, p)
        for i in 0..<p * p { covariance[i] = C[i] }
        BLAS.gemm(
            m: signalCount, n: p, k: p, pseudoField, leadingA: p, covariance, leadingB: p, estimate, leadingC: p)
    }
}
