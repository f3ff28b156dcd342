import Dynamics
import Modeling
import Randomness

extension Parameters {
    /// The integrator's settings for recording times up to `steps`, of which it refuses more than 2^20.
    func meanFieldSettings(steps: Double) -> DMFTSettings {
        DMFTSettings(
            alpha: alpha, stepSize: stepSize, ridge: ridge, batches: batches, isSpherical: isSpherical, copies: copies,
            horizon: Int(min(steps, 0x1p20 + 1)), tangents: tangents, precision: loss == .linear ? .full : .sampling)
    }
}

/// Method `dmft`: one Monte Carlo integration of the mean-field theory (15) to (29). Another seed is an independent
/// integration, so that the spread over seeds is the theory's error.
struct MeanField<Channel: DMFTChannel>: Run {
    private let parameters: Parameters
    private var integrator: DMFTIntegrator<Channel>
    private let population: DMFTPopulation<Channel>
    /// Steps of the recording times so far.
    private var recorded: [Int] = []

    init(_ p: Parameters, _ channel: Channel, _ request: RunRequest) throws {
        parameters = p
        population = DMFTPopulation(channel: channel, prior: p.prior)
        do {
            integrator = try DMFTIntegrator(
                channel: channel, prior: p.prior, settings: p.meanFieldSettings(steps: request.times.last ?? 0),
                random: request.random)
        } catch let error as DMFTError { throw ModelError.parameter(Keys.mcSamples, error.description) }
    }

    /// Tiles of 64 copies that take about a microsecond times `quantum` now.
    private func tiles(quantum: Int) -> Int {
        let columns = integrator.time * integrator.channel.students + integrator.keptGradients
        let microseconds = integrator.channel.tokens * (1 + integrator.channel.students * (1 + columns / 50))
        return max(quantum / microseconds, 1)
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        do {
            let isThere = integrator.time >= Int(time)
            guard try integrator.evaluate(tiles: tiles(quantum: quantum), loss: isThere) else { return false }
            guard !isThere else { return true }
            try integrator.step()
            return false
        } catch let error as DMFTError {
            switch error {
            case .diverged(let step), .sampling(let step):
                throw ModelError.diverged(step: step, error.description)
            case .prior, .size: throw ModelError.inconsistent(error.description)
            }
        }
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        let t = integrator.time
        try parameters.record(
            step: t, runs: [(integrator.kernels.overlap(at: t), integrator.kernels.gram(at: t))],
            test: population.loss, into: &sink)
        sink.put(.trainLoss, integrator.trainLoss)
        recorded.append(t)
        try DMFTKernelName.put(recorded: recorded, into: &sink, block: integrator.block)
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&integrator)
        try archive.exchange(resizing: &recorded)
    }
}
