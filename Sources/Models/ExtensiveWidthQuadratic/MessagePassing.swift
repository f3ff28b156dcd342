import Dynamics
import Modeling
import Numerics

/// Fields Tr[Phi_i S], Phi_i = (x_i x_i^T - I)/sqrt(d), of all samples, and (1/d) sum_i g_i Phi_i back. The tensor of all Phi is
/// never formed (sheet, section 10).
package struct EWQSensing: SensingOperator {
    private let inputs: [Double]
    package let fieldCount: Int
    package let signalCount: Int
    package let width = 1
    private let d: Int
    private let block: Int
    private var scratch: [Double]

    package init(_ data: EWQData) {
        inputs = data.inputs
        d = data.sizes.dimension
        fieldCount = data.sizes.samples
        signalCount = d * d
        block = EWQData.block(d: d)
        scratch = Array(repeating: 0, count: block * d)
    }

    package mutating func fields(of S: UnsafePointer<Double>, into fields: UnsafeMutablePointer<Double>) {
        let d = d
        let trace = (0..<d).reduce(0) { $0 + S[$1 * d + $1] }
        let scale = 1 / Double(d).squareRoot()
        eachBlock { X, scratch, first, count in
            BLAS.gemm(m: count, n: d, k: d, X, leadingA: d, S, leadingB: d, scratch, leadingC: d)
            for i in 0..<count { fields[first + i] = scale * (BLAS.dot(d, X + i * d, scratch + i * d) - trace) }
        }
    }

    package mutating func adjoint(of g: UnsafePointer<Double>, into result: UnsafeMutablePointer<Double>) {
        let d = d
        let scale = 1 / (Double(d) * Double(d).squareRoot())
        eachBlock { X, scratch, first, count in
            for i in 0..<count { for j in 0..<d { scratch[i * d + j] = g[first + i] * X[i * d + j] } }
            BLAS.gemm(
                .transposed, .none, m: d, n: d, k: count, alpha: scale, X, leadingA: d, scratch, leadingB: d,
                beta: first == 0 ? 0 : 1, result, leadingC: d)
        }
        let sum = (0..<fieldCount).reduce(0) { $0 + g[$1] }
        for j in 0..<d { result[j * d + j] -= scale * sum }
    }

    /// Calls `body` with the inputs of each block of samples, working memory for as many, the first sample and their number.
    private mutating func eachBlock(
        _ body: (UnsafePointer<Double>, UnsafeMutablePointer<Double>, Int, Int) -> Void
    ) {
        let (n, d, block) = (fieldCount, d, block)
        inputs.withUnsafeBufferPointer { X in
            scratch.withUnsafeMutableBufferPointer { scratch in
                guard let x = X.baseAddress, let scratch = scratch.baseAddress else { return }
                for first in stride(from: 0, to: n, by: block) {
                    body(x + first * d, scratch, first, min(block, n - first))
                }
            }
        }
    }
}

/// B/A is the target in symmetric noise of variance t = 1/(2 A): its best rotationally invariant estimate, and 2 E(t).
struct EWQDenoiser: InputDenoiser {
    private let denoiser: SymmetricDenoiser
    private var noisy: [Double]

    init(_ sizes: EWQSizes, outliers: SymmetricDenoiser.Outliers) {
        denoiser = SymmetricDenoiser(dimension: sizes.dimension, width: sizes.width, outliers: outliers)
        noisy = Array(repeating: 0, count: sizes.dimension * sizes.dimension)
    }

    mutating func denoise(
        pseudoField: UnsafePointer<Double>, precision: UnsafePointer<Double>,
        estimate: UnsafeMutablePointer<Double>, covariance: UnsafeMutablePointer<Double>
    ) throws {
        let A = precision[0]
        for j in noisy.indices { noisy[j] = pseudoField[j] / A }
        let t = 1 / (2 * A)
        let denoised = try denoiser.denoise(noisy, noise: t)
        for j in denoised.indices { estimate[j] = denoised[j] }
        covariance[0] = 2 * (try denoiser.prior.mmse(t))
    }
}

/// Method `amp`: GAMP-RIE (sheet, section 5.1) on one data set, from S = I and V = 2/kappa.
package struct EWQMessagePassing: Run {
    private let p: EWQParameters
    private let scale: EWQScale
    private let target: [Double]
    private let unit: TimeUnit
    private var passing: MessagePassing<EWQSensing, CentredChannel, EWQDenoiser>

    init(_ request: RunRequest, _ parameters: EWQParameters) throws {
        p = parameters
        unit = try StepClock.iterations(request)
        let sizes = try parameters.requiredSizes()
        try EWQParameters.checkMemory(bytes: Self.bytes(sizes))
        let data = EWQData(sizes, noise: p.noise, request.random)
        target = data.target
        let d = sizes.dimension
        scale = EWQScale(kappa: p.kappa, d: d)
        var start = Array(repeating: 0.0, count: d * d)
        for j in 0..<d { start[j * d + j] = 1 }
        // ytilde = sqrt(d) (y - 1 - Delta_0), which has noise of variance 2 Delta_0 (2 + Delta_0)/kappa. It is of tr S* = d; that the
        // trace is another by O(1) moves all labels alike by (tr S* - d)/sqrt(d), noise that would keep S* from being found.
        let labels = data.labels.map { Double(d).squareRoot() * ($0 - 1 - parameters.noise) }
        passing = try MessagePassing(
            EWQSensing(data),
            CentredChannel(
                ResidualChannel(
                    labels: labels, noise: EWQBayes.labelNoise(p.noise, kappa: p.kappa), ratio: 2 * p.alpha,
                    rule: p.precision)),
            EWQDenoiser(sizes, outliers: p.outliers), estimate: start, covariance: [2 / p.kappa],
            rule: MessagePassingRule(
                damping: p.damping, damped: .fields,
                tolerance: p.tolerance > 0 ? (p.tolerance / Double(d)).squareRoot() : -1))
    }

    static func bytes(_ sizes: EWQSizes) -> Double {
        let (d, n) = (Double(sizes.dimension), Double(sizes.samples))
        return EWQData.bytes(sizes) + 60 * n + 120 * d * d
    }

    package mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = try nearestStep(time, unit: unit, d: 1)
        let d = p.sizes?.dimension ?? 1
        let weight = 1 + d * d / 5000 * (passing.sensing.fieldCount + 5 * d)
        return try passing.advance(toward: target, atMost: quantum / weight)
    }

    package mutating func observe(into sink: inout ObservationSink) {
        let S = passing.estimate
        let result = RunAverage(S, target: target, average: [], of: 0)
        let R = scale.R(result.averageError)
        sink.put("R", R)
        let (trace, targetTrace) = (scale.trace(S), scale.trace(target))
        sink.put("trace", trace)
        sink.put("test_error", scale.testError(R: R, traceDifference: trace - targetTrace))
        sink.put("V", 0.5 * p.kappa * passing.covariance[0])
        guard passing.iteration > 0 else { return }
        sink.put("A", passing.precision[0])
        sink.put("change", passing.change * passing.change * Double(scale.d))
    }

    package mutating func finish(into sink: inout ObservationSink) {
        sink.put("iterations", Double(passing.iteration))
        sink.put("converged", passing.isConverged ? 1 : 0)
    }

    package mutating func exchange(with archive: inout StateArchive) throws { try archive.exchange(&passing) }
}
