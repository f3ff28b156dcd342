import Modeling
import Numerics

/// Method `pgd`: projected gradient descent of the population risk on vectors in R^d (sheet, "Algorithms"), the first two
/// axes along k* and v*.
struct FullPGD: Run {
    private let parameters: SLRParameters
    private let clock: SLRClock
    private var step = 0
    private var k: [Double]
    private var v: [Double]
    private var recorder = SLRRecorder()

    init(_ request: RunRequest, _ parameters: SLRParameters) throws {
        self.parameters = parameters
        clock = SLRClock(request.times.unit, parameters)
        try parameters.checkMemory(bytes: 32 * Double(parameters.d))
        var random = request.random.substream(SLRStreams.initial)
        (k, v) = parameters.initialVectors(&random)
    }

    private var overlaps: SLROverlaps { SLROverlaps(k[0], v[1], v[0], k[1], orderedDot(k, v)) }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = try clock.step(at: time)
        let weight = parameters.populationStepWeight + parameters.d / 500
        let count = min(max(quantum / weight, 1), target - step)
        guard count > 0 else { return true }
        for _ in 0..<count {
            let q = overlaps
            let lambda = parameters.schedule.lambda(atStep: Double(step))
            let R = try parameters.population.risk(at: q, lambda: lambda).gradient
            step += 1
            guard move(q, R) else { throw SLRParameters.diverged(step) }
        }
        return step == target
    }

    /// One step of both vectors from overlaps q and gradient R; false when a norm left the numbers.
    private mutating func move(_ q: SLROverlaps, _ R: SLROverlaps) -> Bool {
        let a = parameters.stepSize
        // g_k = R_kappa k* + R_eta v* + R_rho v and g_v = R_theta k* + R_nu v* + R_rho k, less their radial parts.
        let keepK = 1 + a * (q.kappa * R.kappa + q.eta * R.eta + q.rho * R.rho)
        let keepV = 1 + a * (q.theta * R.theta + q.nu * R.nu + q.rho * R.rho)
        let exchange = a * R.rho
        return k.withUnsafeMutableBufferPointer { k in
            v.withUnsafeMutableBufferPointer { v in
                for i in 0..<k.count {
                    let (ki, vi) = (k[i], v[i])
                    k[i] = keepK * ki - exchange * vi
                    v[i] = keepV * vi - exchange * ki
                }
                k[0] -= a * R.kappa
                k[1] -= a * R.eta
                v[0] -= a * R.theta
                v[1] -= a * R.nu
                return Self.normalise(k) && Self.normalise(v)
            }
        }
    }

    /// False when the norm is not a positive number.
    private static func normalise(_ x: UnsafeMutableBufferPointer<Double>) -> Bool {
        let square = orderedDot(UnsafeBufferPointer(x), UnsafeBufferPointer(x))
        guard square > 0, square < .infinity else { return false }
        let scale = 1 / square.squareRoot()
        for i in 0..<x.count { x[i] *= scale }
        return true
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        let lambda = parameters.schedule.lambda(after: step)
        try recorder.observe(parameters, steps: Double(step), overlaps, lambda: lambda, into: &sink)
    }

    mutating func finish(into sink: inout ObservationSink) throws { recorder.finish(into: &sink) }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...maximumStep)
        try archive.exchange(&k)
        try archive.exchange(&v)
        try archive.exchange(&recorder)
    }
}

/// x.y in eight sums and a fixed order, at two vectors of equal length.
func orderedDot(_ x: UnsafeBufferPointer<Double>, _ y: UnsafeBufferPointer<Double>) -> Double {
    guard let px = x.baseAddress, let py = y.baseAddress else { return 0 }
    var lanes = SIMD8<Double>()
    var i = 0
    while i + 8 <= x.count {
        lanes +=
            UnsafeRawPointer(px + i).loadUnaligned(as: SIMD8<Double>.self)
            * UnsafeRawPointer(py + i).loadUnaligned(as: SIMD8<Double>.self)
        i += 8
    }
    var sum = lanes.sum()
    while i < x.count {
        sum += px[i] * py[i]
        i += 1
    }
    return sum
}

func orderedDot(_ x: [Double], _ y: [Double]) -> Double {
    x.withUnsafeBufferPointer { x in y.withUnsafeBufferPointer { y in orderedDot(x, y) } }
}
