import Dynamics
import ModelKit
import Modeling
import Numerics

/// Fields <X_i, S>/sqrt(p) of all samples, and back, in one pass over the inputs. Vectors are rounded to single precision on
/// their way to them.
private struct Sensing: RowwiseSensing {
    private var inputs: HalfMatrix
    private var vector: [Float]
    private var sum: [Float]
    private let scale: Double
    let width = 1

    init(_ data: DataSet) {
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
private struct Denoiser: InputDenoiser {
    private var denoiser: RectangularDenoiser
    private let count: Int

    init(_ sizes: Sizes) {
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

extension Parameters {
    /// Method `amp`: GAMP-RIE (20) on one data set, from S = 0 and V = 1.
    func messagePassing(_ data: DataSet) throws -> some Run {
        let entries = data.sizes.entries
        let passing = try MessagePassing(
            Sensing(data),
            ResidualChannel(labels: data.labels(), noise: noise, ratio: alpha, rule: passing.precision),
            Denoiser(data.sizes), estimate: Array(repeating: 0, count: entries), covariance: [1],
            rule: passing.rule(changeUnit: 1))
        let work = 1 + data.sizes.samples * entries / 8000
        return MatrixMessagePassing(passing, Observable.errors, work: work) { [target = data.target] S, sink in
            let result = RunAverage(S, target: target)
            sink.put(.errors.error, result.averageError / Double(entries))
            sink.put(.norm, result.norm / Double(entries))
        }
    }
}
