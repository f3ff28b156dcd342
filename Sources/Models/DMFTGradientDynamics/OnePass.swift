import Dynamics
import Modeling
import Numerics

/// Method `one-pass`: every step on fresh samples, alpha b d of them, each with the weight of a sample in a batch. Overlaps
/// and norms then close, (31). The first epoch of sgd with mask epoch has this law, and so has the first step of every
/// algorithm.
struct OnePass<Channel: DMFTChannel>: Run {
    private let parameters: Parameters
    private let population: DMFTPopulation<Channel>
    private var step = 0
    /// M and q.
    private var overlap: [Double]
    private var gram: [Double]

    init(_ p: Parameters, _ channel: Channel) {
        parameters = p
        population = DMFTPopulation(channel: channel, prior: p.prior, refinement: 2)
        (overlap, gram) = (p.prior.startOverlap, p.prior.startGram)
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = Int(time)
        // A node takes tens of nanoseconds or more.
        for _ in 0..<min(max(quantum / max(population.nodeCount / 32, 1), 1), target - step) {
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
        try parameters.record(step: step, runs: [(overlap, gram)], test: population.loss, into: &sink)
        sink.put(.samplesPerD, parameters.alpha * parameters.batches.fraction * Double(step))
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&step, in: 0...maximumStep)
        try archive.exchange(&overlap)
        try archive.exchange(&gram)
    }
}

extension Parameters {
    /// M and q after one step on a batch of fresh samples, (31): with a = 1 - eta lambda - eta Gamma and
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
