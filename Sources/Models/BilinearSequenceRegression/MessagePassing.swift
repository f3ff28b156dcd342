import Dynamics
import Modeling
import Numerics

/// Fields <X_i, S>/sqrt(p) of all samples, and back, in one pass over the inputs. Vectors are rounded to single precision on
/// their way to them.
struct BSRSensing: RowwiseSensing {
    private var inputs: HalfMatrix
    private var vector: [Float]
    private var sum: [Float]
    private let scale: Double
    let width = 1

    init(_ data: BSRData) {
        inputs = data.inputs
        vector = Array(repeating: 0, count: data.sizes.entries)
        sum = vector
        scale = 1 / Double(data.sizes.entries).squareRoot()
    }

    var fieldCount: Int { inputs.rows }
    var signalCount: Int { inputs.columns }

    mutating func pass(
        estimate: UnsafePointer<Double>, outputs: UnsafePointer<Double>, signal: UnsafeMutablePointer<Double>,
        respond: (Range<Int>, UnsafePointer<Double>) -> Void
    ) {
        for j in vector.indices { vector[j] = Float(estimate[j]) }
        let scale = scale
        withUnsafeTemporaryAllocation(of: Double.self, capacity: 8) { fields in
            guard let fields = fields.baseAddress else { return }
            inputs.pass(vector, result: &sum) { rows, products in
                for i in 0..<8 { fields[i] = scale * Double(products[i]) }
                respond(rows, fields)
                var g = SIMD8<Float>()
                for i in rows { g[i - rows.lowerBound] = Float(outputs[i]) }
                return g
            }
        }
        for j in sum.indices { signal[j] = scale * Double(sum[j]) }
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
        let weight = 1 + passing.sensing.fieldCount * passing.sensing.signalCount / 8000
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
