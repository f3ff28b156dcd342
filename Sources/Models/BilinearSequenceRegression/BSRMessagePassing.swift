import Dynamics
import Modeling
import Numerics

/// Fields <X_i, S>/sqrt(p) of all samples, and back. Vectors are rounded to single precision on their way to the inputs.
struct BSRSensing: SensingOperator {
    let inputs: [Float]
    let fieldCount: Int
    let signalCount: Int
    let width = 1
    private let scale: Double
    private var signal: [Float]
    private var outputs: [Float]

    init(_ data: BSRData) {
        inputs = data.inputs
        fieldCount = data.sizes.samples
        signalCount = data.sizes.entries
        scale = 1 / Double(signalCount).squareRoot()
        signal = Array(repeating: 0, count: signalCount)
        outputs = Array(repeating: 0, count: fieldCount)
    }

    mutating func fields(of estimate: UnsafePointer<Double>, into fields: UnsafeMutablePointer<Double>) {
        for j in 0..<signalCount { signal[j] = Float(estimate[j]) }
        BLAS.gemv(rows: fieldCount, columns: signalCount, inputs, leading: signalCount, signal, &outputs)
        for i in 0..<fieldCount { fields[i] = scale * Double(outputs[i]) }
    }

    mutating func adjoint(of g: UnsafePointer<Double>, into result: UnsafeMutablePointer<Double>) {
        for i in 0..<fieldCount { outputs[i] = Float(g[i]) }
        BLAS.gemv(.transposed, rows: fieldCount, columns: signalCount, inputs, leading: signalCount, outputs, &signal)
        for j in 0..<signalCount { result[j] = scale * Double(signal[j]) }
    }
}

/// B/A is the target in noise of variance t = 1/A: its best rotationally invariant estimate, and mmse(t).
struct BSRDenoiser: InputDenoiser {
    private var denoiser: RectangularDenoiser
    private let count: Int

    init(_ sizes: BSRSizes) {
        denoiser = RectangularDenoiser(rows: sizes.short, columns: sizes.long, rank: sizes.rank)
        count = sizes.entries
    }

    mutating func denoise(
        pseudoField: UnsafePointer<Double>, precision: UnsafePointer<Double>,
        estimate: UnsafeMutablePointer<Double>, covariance: UnsafeMutablePointer<Double>
    ) throws {
        let t = 1 / precision[0]
        for j in 0..<count { estimate[j] = t * pseudoField[j] }
        try denoiser.denoise(UnsafePointer(estimate), noise: t, into: estimate)
        covariance[0] = try denoiser.prior.mmse(t)
    }
}

/// Method `amp`: GAMP-RIE (sheet, section 6.1) on one data set, from S = 0 and V = 1.
package struct BSRMessagePassing: Run {
    private let p: BSRParameters
    private let target: [Double]
    private let unit: TimeUnit
    private var passing: MessagePassing<BSRSensing, ResidualChannel, BSRDenoiser>

    init(_ request: RunRequest, _ parameters: BSRParameters) throws {
        p = parameters
        unit = try StepClock.iterations(request)
        let sizes = try parameters.requiredSizes()
        try BSRParameters.checkMemory(bytes: Self.bytes(sizes))
        let data = BSRData(sizes, noise: parameters.noise, request.random)
        target = data.target
        passing = try MessagePassing(
            BSRSensing(data),
            ResidualChannel(labels: data.labels(), noise: p.noise, ratio: p.alpha, rule: p.precision),
            BSRDenoiser(sizes), estimate: Array(repeating: 0, count: sizes.entries), covariance: [1],
            rule: MessagePassingRule(
                damping: p.damping, damped: .fields, tolerance: p.tolerance > 0 ? p.tolerance.squareRoot() : -1))
    }

    static func bytes(_ sizes: BSRSizes) -> Double {
        let (m, n, entries) = (Double(sizes.short), Double(sizes.samples), Double(sizes.entries))
        return BSRData.bytes(sizes) + 60 * n + 100 * entries + 100 * m * m
    }

    package mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = try nearestStep(time, unit: unit, d: 1)
        let weight = 1 + passing.sensing.inputs.count / 4000
        return try passing.advance(toward: target, atMost: quantum / weight)
    }

    package mutating func observe(into sink: inout ObservationSink) {
        let S = passing.estimate
        var (error, norm) = (0.0, 0.0)
        for j in S.indices {
            error += (S[j] - target[j]) * (S[j] - target[j])
            norm += S[j] * S[j]
        }
        sink.put("E", error / Double(S.count))
        sink.put("norm2", norm / Double(S.count))
        sink.put("V", passing.covariance[0])
        guard passing.iteration > 0 else { return }
        sink.put("A", passing.precision[0])
        sink.put("change", passing.change * passing.change)
    }

    package mutating func finish(into sink: inout ObservationSink) {
        sink.put("iterations", Double(passing.iteration))
        sink.put("converged", passing.isConverged ? 1 : 0)
    }

    package mutating func exchange(with archive: inout StateArchive) throws { try archive.exchange(&passing) }
}
