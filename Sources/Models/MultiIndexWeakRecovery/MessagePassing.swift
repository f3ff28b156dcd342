import Dynamics
import Foundation
import Modeling
import Numerics

/// Method `amp`: Bayes-optimal message passing on one drawn data set (sheet, section 3).
struct MIWMessagePassing: Run {
    private typealias Passing = MessagePassing<MIWSensing, MIWChannel, MIWPrior>

    private let parameters: MIWParameters
    private let testSize: Int
    private let test: RandomStream
    /// (d, p).
    private let teacher: [Double]
    private let labels: [Double]
    private var passing: Passing
    private var trainFields: [Double]

    init(_ request: RunRequest, _ parameters: MIWParameters) throws {
        self.parameters = parameters
        testSize = try request.point.integer("test_size")
        test = request.random.substream(MIWStreams.test)
        let (link, n, d, p) = (parameters.link, parameters.n, parameters.d, parameters.p)
        let bytes = Self.bytes(parameters)
        guard bytes < Double(ProcessInfo.processInfo.physicalMemory) else {
            throw ModelError.parameter("d", "is too large with this alpha: the run would hold \(bytes / 1e9) GB")
        }
        var random = request.random.substream(MIWStreams.data)
        var sensing = MIWSensing(n: n, d: d, width: p, &random)
        var stream = request.random.substream(MIWStreams.teacher)
        let teacher = (0..<d * p).map { _ in stream.normal() }
        self.teacher = teacher
        var z = Array(repeating: 0.0, count: n * p)
        sensing.fields(of: teacher, into: &z)
        var flips = request.random.substream(MIWStreams.flips)
        let flip = 0.5 * (1 - parameters.contrast)
        labels = z.withUnsafeBufferPointer { z in
            let base = z.baseAddress.unsafelyUnwrapped
            return (0..<n).map { i in
                let label = link.label(base + i * p)
                return flip > 0 && flips.uniform() < flip ? -label : label
            }
        }
        trainFields = Array(repeating: 0, count: request.observables.contains("train_error") ? n * p : 0)
        let (estimate, covariance) = try Self.start(parameters, teacher, request.random)
        let precision: MIWPrecision = try request.point.choice("precision")
        passing = try Passing(
            sensing,
            MIWChannel(link: link, labels: labels, d: d, contrast: parameters.contrast, precision: precision),
            MIWPrior(count: d, p: p, reg: try request.point.real("reg")), estimate: estimate, covariance: covariance,
            rule: MessagePassingRule(damping: parameters.damping, tolerance: parameters.tolerance))
    }

    static func bytes(_ p: MIWParameters) -> Double {
        let (d, k) = (Double(p.d), Double(p.p))
        let n = (p.alpha * d).rounded()
        return MIWSensing.bytes(n: n, d: d, width: k) + 8 * (n * (3 * k + 2) + 6 * d * k)
    }

    /// The estimate (d, p) and C at the start (sheet, section 3, "Initialisation").
    private static func start(
        _ parameters: MIWParameters, _ teacher: [Double], _ random: RandomStream
    ) throws -> (estimate: [Double], covariance: [Double]) {
        let p = parameters.p
        var stream = random.substream(MIWStreams.initial)
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
        let covariance = isPlanted ? identity : zip(identity, parameters.M0).map { $0 - $1 }
        return (estimate, covariance)
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = min(try nearestStep(time, unit: .steps, d: 1), parameters.maximumIterations)
        // An iteration takes about a microsecond for each 4000 covariate entries.
        let perIteration = max(1, Double(parameters.n) * Double(parameters.d) / 4000)
        let count = max(1, Int(Double(quantum) / perIteration))
        do {
            try passing.iterate(atMost: min(count, target - passing.iteration))
        } catch let failure as MIWNotPositive {
            throw ModelError.diverged(step: passing.iteration + 1, failure.what)
        } catch MessagePassingError.diverged(let iteration, let what) {
            throw ModelError.diverged(step: iteration, what)
        }
        return passing.isConverged || passing.iteration >= target
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        let (p, d) = (parameters.p, Double(parameters.d))
        let estimate = passing.estimate
        let M = gram(estimate, teacher).map { $0 / d }
        let Q = gram(estimate, estimate).map { $0 / d }
        let C = passing.covariance
        try sink.put("M", miwPadded(M, p))
        try sink.put("Q", miwPadded(Q, p))
        try sink.put("C", miwPadded(C, p))
        MIWOverlaps(M, parameters.link).put(into: &sink)
        sink.put("change", passing.change)
        sink.put("m_minus_q", zip(M, Q).reduce(0) { max($0, abs($1.0 - $1.1)) })
        sink.put(
            "q_minus_c", (0..<p * p).reduce(0) { max($0, abs(Q[$1] + C[$1] - ($1 % (p + 1) == 0 ? 1 : 0))) })
        if sink.wants("test_error") { sink.put("test_error", try testError(M, Q)) }
        if sink.wants("train_error") { sink.put("train_error", trainError()) }
    }

    func finish(into sink: inout ObservationSink) throws {
        sink.put("iterations", Double(passing.iteration))
        sink.put("residual", passing.change)
        sink.put("converged", passing.isConverged ? 1 : 0)
    }

    mutating func exchange(with archive: inout StateArchive) throws { try archive.exchange(&passing) }

    /// a^T b over rows of p numbers.
    private func gram(_ a: [Double], _ b: [Double]) -> [Double] {
        let p = parameters.p
        var result = Array(repeating: 0.0, count: p * p)
        BLAS.gemm(
            .transposed, m: p, n: p, k: a.count / p, a, leadingA: p, b, leadingB: p, &result, leadingC: p)
        return result
    }

    /// Fresh samples enter by (z, z_hat) alone, which are normal with the Gram matrix of teacher and estimate: the same law
    /// as with fresh covariates in d dimensions.
    private func testError(_ M: [Double], _ Q: [Double]) throws -> Double {
        let (p, d) = (parameters.p, Double(parameters.d))
        let own = gram(teacher, teacher).map { $0 / d }
        let size = 2 * p
        var joint = Array(repeating: 0.0, count: size * size)
        for i in 0..<p {
            for j in 0..<p {
                joint[i * size + j] = own[min(i, j) * p + max(i, j)]
                joint[(p + i) * size + p + j] = Q[min(i, j) * p + max(i, j)]
                joint[(p + i) * size + j] = M[i * p + j]
                joint[j * size + p + i] = M[i * p + j]
            }
        }
        guard let L = SmallMatrix.cholesky(joint, size, tolerance: 1e-11, allowsZero: true) else {
            throw ModelError.inconsistent("the Gram matrix of teacher and estimate is not positive semidefinite")
        }
        var stream = test
        var sum = 0.0
        let flip = 0.5 * (1 - parameters.contrast)
        withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * size) { buffer in
            guard let xi = buffer.baseAddress else { return }
            let z = xi + size
            for _ in 0..<testSize {
                for i in 0..<size { xi[i] = stream.normal() }
                for i in 0..<size {
                    var value = 0.0
                    for j in 0...i { value += L[i * size + j] * xi[j] }
                    z[i] = value
                }
                let (y, guess) = (parameters.link.label(z), parameters.link.label(z + p))
                // The mean over flips of the label.
                let (kept, flipped) = (y - guess, y + guess)
                sum += 0.5 * ((1 - flip) * kept * kept + flip * flipped * flipped)
            }
        }
        return sum / Double(testSize)
    }

    private mutating func trainError() -> Double {
        var sensing = passing.sensing
        sensing.fields(of: passing.estimate, into: &trainFields)
        let (p, link) = (parameters.p, parameters.link)
        return trainFields.withUnsafeBufferPointer { fields in
            let base = fields.baseAddress.unsafelyUnwrapped
            return labels.indices.reduce(0) { sum, i in
                let difference = labels[i] - link.label(base + i * p)
                return sum + 0.5 * difference * difference
            } / Double(labels.count)
        }
    }
}
