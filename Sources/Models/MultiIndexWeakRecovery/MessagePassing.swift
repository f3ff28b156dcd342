import Dynamics
import Modeling
import Numerics

/// Method `amp`: Bayes-optimal message passing on one drawn data set (5).
struct BayesPassing: Run {
    private let parameters: MultiIndexWeakRecovery.Parameters
    private let instance: Instance
    private let test: RandomStream
    private var passing: MessagePassing<Sensing, Channel, Prior>
    private var trainFields: [Double]

    init(_ parameters: MultiIndexWeakRecovery.Parameters, _ request: RunRequest) throws {
        self.parameters = parameters
        test = request.random.substream(Streams.test)
        let (instance, sensing) = Instance.draw(parameters, request.random)
        self.instance = instance
        trainFields = Array(repeating: 0, count: request.wants(.trainError) ? parameters.n * parameters.p : 0)
        let (estimate, covariance) = try instance.start(parameters, request.random)
        passing = try MessagePassing(
            sensing, Channel(parameters, labels: instance.labels),
            Prior(count: parameters.d, p: parameters.p, reg: parameters.reg), estimate: estimate,
            covariance: covariance,
            rule: MessagePassingRule(damping: parameters.damping, tolerance: parameters.tolerance))
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        // An iteration takes about a microsecond for each 4000 covariate entries.
        let perIteration = max(1, Double(parameters.n) * Double(parameters.d) / 4000)
        let target = min(Int(time), parameters.maximumIterations)
        do {
            try passing.iterate(atMost: min(max(1, Int(Double(quantum) / perIteration)), target - passing.iteration))
        } catch MessagePassingError.diverged(let iteration, let what) {
            throw ModelError.diverged(step: iteration, what)
        } catch {
            throw ModelError.diverged(step: passing.iteration + 1, "\(error); precision: gg or damping may help")
        }
        return passing.isConverged || passing.iteration >= target
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        let (p, C) = (parameters.p, passing.covariance)
        let (M, Q) = (gram(passing.estimate, instance.teacher), gram(passing.estimate, passing.estimate))
        func largest(_ a: [Double]) -> Double { a.reduce(0) { max($0, abs($1)) } }
        try sink.put(M: M, Q: Q, C: C, parameters.link)
        sink.put(.change, passing.change)
        sink.put(.mMinusQ, largest(zip(M, Q).map { $0 - $1 }))
        sink.put(.qMinusC, largest((0..<p * p).map { Q[$0] + C[$0] - ($0 % (p + 1) == 0 ? 1 : 0) }))
        if sink.wants(.testError) { sink.put(.testError, try testError(M, Q)) }
        if sink.wants(.trainError) { sink.put(.trainError, trainError()) }
    }

    func finish(into sink: inout ObservationSink) throws {
        sink.put(iterations: passing.iteration, residual: passing.change, isConverged: passing.isConverged)
    }

    mutating func exchange(with archive: inout StateArchive) throws { try archive.exchange(&passing) }

    /// a^T b/d over rows of p numbers.
    private func gram(_ a: [Double], _ b: [Double]) -> [Double] {
        let p = parameters.p
        var result = Array(repeating: 0.0, count: p * p)
        BLAS.gemm(
            .transposed, m: p, n: p, k: a.count / p, a, leadingA: p, b, leadingB: p, &result, leadingC: p)
        return result.map { $0 / Double(parameters.d) }
    }

    /// Fresh samples enter by (z, z_hat) alone, which are normal with the Gram matrix of teacher and estimate: the same law
    /// as with fresh covariates in d dimensions.
    private func testError(_ M: [Double], _ Q: [Double]) throws -> Double {
        let p = parameters.p
        let own = gram(instance.teacher, instance.teacher)
        let size = 2 * p
        let joint = (0..<size * size).map { at in
            let (i, j) = (max(at / size, at % size), min(at / size, at % size))
            return i < p ? own[j * p + i] : j < p ? M[(i - p) * p + j] : Q[(j - p) * p + i - p]
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
            for _ in 0..<parameters.testSize {
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
        return sum / Double(parameters.testSize)
    }

    private mutating func trainError() -> Double {
        var sensing = passing.sensing
        sensing.fields(of: passing.estimate, into: &trainFields)
        let (p, link, labels) = (parameters.p, parameters.link, instance.labels)
        return trainFields.withUnsafeBufferPointer { fields in
            let base = fields.baseAddress.unsafelyUnwrapped
            return labels.indices.reduce(0) { sum, i in
                let difference = labels[i] - link.label(base + i * p)
                return sum + 0.5 * difference * difference
            } / Double(labels.count)
        }
    }
}
