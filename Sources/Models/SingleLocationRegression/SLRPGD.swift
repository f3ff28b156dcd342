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

    private var overlaps: SLROverlaps {
        var rho = 0.0
        for i in k.indices { rho += k[i] * v[i] }
        return SLROverlaps(k[0], v[1], v[0], k[1], rho)
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = try clock.step(at: time)
        let weight = parameters.populationStepWeight + parameters.d / 500
        let count = min(max(quantum / weight, 1), target - step)
        guard count > 0 else { return true }
        let a = parameters.stepSize
        for _ in 0..<count {
            let q = overlaps
            let lambda = parameters.schedule.lambda(atStep: Double(step))
            let R = try parameters.population.risk(at: q, lambda: lambda).gradient
            // g_k = R_kappa k* + R_eta v* + R_rho v and g_v = R_theta k* + R_nu v* + R_rho k, less their radial parts.
            let alongK = q.kappa * R.kappa + q.eta * R.eta + q.rho * R.rho
            let alongV = q.theta * R.theta + q.nu * R.nu + q.rho * R.rho
            for i in k.indices {
                let (ki, vi) = (k[i], v[i])
                k[i] = ki - a * (R.rho * vi - alongK * ki)
                v[i] = vi - a * (R.rho * ki - alongV * vi)
            }
            k[0] -= a * R.kappa
            k[1] -= a * R.eta
            v[0] -= a * R.theta
            v[1] -= a * R.nu
            step += 1
            guard Self.normalise(&k), Self.normalise(&v) else { throw SLRParameters.diverged(step) }
        }
        return step == target
    }

    /// False when the norm is not a positive number.
    private static func normalise(_ x: inout [Double]) -> Bool {
        var square = 0.0
        for i in x.indices { square += x[i] * x[i] }
        guard square > 0, square < .infinity else { return false }
        let scale = 1 / square.squareRoot()
        for i in x.indices { x[i] *= scale }
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
