import Dynamics
import Modeling
import Numerics

extension DMFTGradientDynamics {
    static let onePassObservables =
        overlapObservables + [
            ObservableSpec(
                "samples_per_d", symbol: "n/d", "samples used so far per dimension, alpha batch_fraction steps")
        ]

    /// Makes the run of method `one-pass`.
    struct MakeOnePass: ChannelVisitor {
        let request: RunRequest
        let parameters: DGDParameters

        func visit(_ channel: some DMFTChannel) throws -> any Run { DGDOnePass(channel, request, parameters) }
    }

    func onePassCost(at point: ParameterPoint, times: RecordingTimes) throws -> Cost {
        let L = try point.integer("L")
        let k = try point.integer("width")
        let a = try point.integer("teachers")
        let steps = try DGDClock(times.unit, stepSize: point.real("step_size")).step(at: times.values.last ?? 0)
        let dimension = L * (k + a)
        let nodes = Double(dimension <= 2 ? 1 << 13 : 1 << 17)
        // Of one sample: L k Hessian products.
        let seconds = nodes * 2e-9 * Double((L * k + 1) * L * (L + k))
        let numbers = Double(dimension + L * a + L * L + 1)
        return Cost(
            seconds: (Double(steps) + Double(times.values.count)) * seconds + nodes * Double(dimension) * 50e-9,
            memory: Int(nodes * numbers * 8) + 1 << 20)
    }
}

/// Method `one-pass`: every step on fresh samples, alpha b d of them, each with the weight of a sample in a batch (sheet, 4.8,
/// "Fresh data"). Overlaps and norms then close. The first epoch of sgd with mask epoch has this law, and so has the first
/// step of every algorithm.
struct DGDOnePass<Channel: DMFTChannel>: Run {
    private let parameters: DGDParameters
    private let population: DMFTPopulation<Channel>
    private let recorder: DGDRecorder
    private let clock: DGDClock
    private var step = 0
    /// M and q.
    private var overlap: [Double]
    private var gram: [Double]

    init(_ channel: Channel, _ request: RunRequest, _ parameters: DGDParameters) {
        self.parameters = parameters
        clock = DGDClock(request.times.unit, stepSize: parameters.stepSize)
        recorder = DGDRecorder(parameters)
        population = DMFTPopulation(channel: channel, prior: parameters.prior, refinement: 2)
        overlap = parameters.prior.startOverlap
        gram = parameters.prior.startGram
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = try clock.step(at: time)
        // A node takes tens of nanoseconds or more.
        let count = min(max(quantum / max(population.nodeCount / 32, 1), 1), target - step)
        for _ in 0..<max(count, 0) {
            let moments = population.moments(overlap: overlap, gram: gram)
            (overlap, gram) = parameters.afterFreshStep(overlap: overlap, gram: gram, moments)
            step += 1
            guard overlap.allSatisfy(\.isFinite), gram.allSatisfy(\.isFinite) else {
                throw ModelError.diverged(step: step, DMFTError.diverged(step: step).description)
            }
        }
        return step >= target
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        try recorder.observe(
            step: step, overlap: overlap, gram: gram, test: population.loss(overlap: overlap, gram: gram), into: &sink)
        sink.put("samples_per_d", parameters.alpha * parameters.batches.fraction * Double(step))
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...DGDRules.longest)
        try archive.exchange(&overlap)
        try archive.exchange(&gram)
    }
}

extension DGDParameters {
    /// M and q after one step on a batch of fresh samples (sheet, 4.8): with a = 1 - eta lambda - eta Gamma and
    /// Gs = (mu - Gamma M) Q*^-1, M' = (1 - eta lambda) M - eta mu and
    /// q' = a q a^T - eta (a M Gs^T + Gs M^T a^T) + eta^2 (Gs Q* Gs^T + Cg).
    package func afterFreshStep(
        overlap M: [Double], gram q: [Double], _ moments: DMFTMoments
    ) -> (overlap: [Double], gram: [Double]) {
        let (k, a, eta) = (students, teachers, stepSize)
        let mean = alpha * batches.fraction * batches.weight
        let keeps = 1 - eta * ridge
        let mu = moments.teacherGradient.map { mean * $0 }
        let Gamma = moments.curvature.map { mean * $0 }
        let response = (0..<k * k).map { ($0 / k == $0 % k ? keeps : 0) - eta * Gamma[$0] }
        let rest = zip(mu, SmallMatrix.product(Gamma, M, k, k, a)).map { $0 - $1 }
        let Gs = SmallMatrix.product(rest, prior.inverseTeacherGram, k, a, a)
        // The new weights are W a^T - eta W* Gs^T and noise.
        let kept = SmallMatrix.product(response, M, k, k, a)
        let cross = SmallMatrix.product(kept, SmallMatrix.transpose(Gs, k, a), k, a, k)
        let teacher = SmallMatrix.product(
            SmallMatrix.product(Gs, prior.teacherGram, k, a, a), SmallMatrix.transpose(Gs, k, a), k, a, k)
        var gram = SmallMatrix.product(
            SmallMatrix.product(response, q, k, k, k), SmallMatrix.transpose(response, k, k), k, k, k)
        for i in 0..<k {
            for j in 0..<k {
                let noise = mean * batches.weight * moments.gradientGram[i * k + j]
                gram[i * k + j] += eta * (eta * (teacher[i * k + j] + noise) - cross[i * k + j] - cross[j * k + i])
            }
        }
        // Rounding must not make it less symmetric step by step.
        gram = (0..<k * k).map { 0.5 * (gram[$0] + gram[$0 % k * k + $0 / k]) }
        var overlap = zip(M, mu).map { keeps * $0 - eta * $1 }
        if isSpherical {
            let scale = (prior.startGram[0] / gram[0]).squareRoot()
            overlap = overlap.map { $0 * scale }
            gram = prior.startGram
        }
        return (overlap, gram)
    }
}
