import Modeling
import Numerics

/// The substreams of a task's random stream.
enum Streams {
    static let data: UInt32 = 0
    static let teacher: UInt32 = 1
    static let initial: UInt32 = 2
    static let flips: UInt32 = 3
    static let test: UInt32 = 4
}

/// One drawn data set (1).
struct Instance: Sendable {
    /// (d, p).
    let teacher: [Double]
    /// n.
    let labels: [Double]

    /// Draws covariates, teacher and labels; the covariates go into the sensing operator.
    static func draw(
        _ parameters: MultiIndexWeakRecovery.Parameters, _ random: RandomStream
    ) -> (Instance, Sensing) {
        let (link, n, d, p) = (parameters.link, parameters.n, parameters.d, parameters.p)
        var data = random.substream(Streams.data)
        var sensing = Sensing(n: n, d: d, width: p, &data)
        var stream = random.substream(Streams.teacher)
        let teacher = (0..<d * p).map { _ in stream.normal() }
        var z = Array(repeating: 0.0, count: n * p)
        sensing.fields(of: teacher, into: &z)
        var flips = random.substream(Streams.flips)
        let flip = 0.5 * (1 - parameters.contrast)
        let labels = z.withUnsafeBufferPointer { z in
            let base = z.baseAddress.unsafelyUnwrapped
            return (0..<n).map { i in
                let label = link.label(base + i * p)
                return flip > 0 && flips.uniform() < flip ? -label : label
            }
        }
        return (Instance(teacher: teacher, labels: labels), sensing)
    }

    /// The estimate (d, p) and C at the start (8).
    func start(
        _ parameters: MultiIndexWeakRecovery.Parameters, _ random: RandomStream
    ) throws -> (estimate: [Double], covariance: [Double]) {
        let p = parameters.p
        var stream = random.substream(Streams.initial)
        let identity = SmallMatrix.diagonal(p, 1)
        let noise = (0..<teacher.count).map { _ in stream.normal() }
        if parameters.initialisation == .cold { return (noise.map { parameters.initScale * $0 }, identity) }
        // Rows M0 w* + R xi with R^2 = M0 - M0^2, covariance I - M0; planted: R^2 = I - M0 and the root of M0.
        let eigen = try LAPACK.symmetricEigen(p, parameters.M0, vectors: true)
        func function(_ f: (Double) -> Double) -> [Double] {
            (0..<p * p).map { at in
                (0..<p).reduce(0) {
                    $0 + f(max(eigen.values[$1], 0)) * eigen.vectors[$1 * p + at / p] * eigen.vectors[$1 * p + at % p]
                }
            }
        }
        let isPlanted = parameters.initialisation == .planted
        let signal = function { isPlanted ? $0.squareRoot() : $0 }
        let spread = function { (isPlanted ? 1 - $0 : $0 * (1 - $0)).squareRoot() }
        var estimate = teacher
        for i in stride(from: 0, to: teacher.count, by: p) {
            for a in 0..<p {
                estimate[i + a] = (0..<p).reduce(0) {
                    $0 + signal[a * p + $1] * teacher[i + $1] + spread[a * p + $1] * noise[i + $1]
                }
            }
        }
        return (estimate, isPlanted ? identity : SmallMatrix.complement(parameters.M0, p))
    }
}
