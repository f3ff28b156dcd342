import Dynamics
import Modeling
import Numerics

extension DMFTGradientDynamics {
    private static let kernelDimensions = [
        ExtraDimension("time_prime", .recordingTimes), ExtraDimension("student", .parameter("width")),
        ExtraDimension("student2", .parameter("width")),
    ]

    /// C, which simulations have as well.
    static let weightKernel = ObservableSpec(
        "C", symbol: "C", "weights at two times, W_t^T W_t'/d", dimensions: kernelDimensions, byDefault: false)

    /// The kernels of the theory.
    static let theoryKernels = [
        weightKernel,
        ObservableSpec(
            "R", symbol: "R", "response of the weights at t to a field in the gradient at t' < t (in units of -eta)",
            dimensions: kernelDimensions, byDefault: false),
        ObservableSpec(
            "Gamma", symbol: "\\Gamma", "alpha times the response of the gradients at t to fields in them at t' <= t",
            dimensions: kernelDimensions, byDefault: false),
        ObservableSpec(
            "Cg", symbol: "C_g", "alpha times the covariance of the gradients at two times",
            dimensions: kernelDimensions, byDefault: false),
    ]

    /// The integrator's settings for the parameters that a cost depends on, and the recording times.
    static func settings(_ point: ParameterPoint, times: RecordingTimes) throws -> DMFTSettings {
        let stepSize = try point.real("step_size")
        let tangents: DGDTangents = try point.choice("tangents")
        let probes = try point.integer("probes")
        let loss: DGDLoss = try point.choice("loss")
        return DMFTSettings(
            alpha: try point.real("alpha"), stepSize: stepSize, batches: try DGDRules.batches(point, method: "dmft"),
            copies: try point.integer("mc_samples"),
            horizon: try DGDClock(times.unit, stepSize: stepSize).step(at: times.values.last ?? 0),
            tangents: tangents == .exact ? .exact : .probes(probes), precision: loss == .linear ? .full : .sampling)
    }

    func theoryCost(at point: ParameterPoint, times: RecordingTimes) throws -> Cost {
        let settings = try Self.settings(point, times: times)
        let loss: DGDLoss = try point.choice("loss")
        let L = try point.integer("L")
        let k = try point.integer("width")
        let a = try point.integer("teachers")
        let targetWidth = loss == .tiedAttention ? L * L : 1
        return Cost(
            seconds: settings.seconds(tokens: L, students: k, teachers: a),
            memory: Int(min(settings.bytes(tokens: L, students: k, teachers: a, targetWidth: targetWidth), 1e18)))
    }

    /// Makes the run of method `dmft`.
    struct MakeTheory: ChannelVisitor {
        let request: RunRequest
        let parameters: DGDParameters

        func visit(_ channel: some DMFTChannel) throws -> any Run { try DGDTheory(channel, request, parameters) }
    }
}

/// Method `dmft`: one Monte Carlo integration of the mean-field theory (sheet, section 4). Another seed is an independent
/// integration, so that the spread over seeds is the theory's error.
struct DGDTheory<Channel: DMFTChannel>: Run {
    private var integrator: DMFTIntegrator<Channel>
    private let population: DMFTPopulation<Channel>
    private let recorder: DGDRecorder
    private let clock: DGDClock
    /// Steps of the recording times so far.
    private var recorded: [Int] = []

    init(_ channel: Channel, _ request: RunRequest, _ parameters: DGDParameters) throws {
        clock = DGDClock(request.times.unit, stepSize: parameters.stepSize)
        recorder = DGDRecorder(parameters)
        population = DMFTPopulation(channel: channel, prior: parameters.prior)
        var settings = try DMFTGradientDynamics.settings(request.point, times: request.times)
        settings.ridge = parameters.ridge
        settings.isSpherical = parameters.isSpherical
        do {
            integrator = try DMFTIntegrator(
                channel: channel, prior: parameters.prior, settings: settings, random: request.random)
        } catch let error as DMFTError { throw ModelError.parameter("mc_samples", error.description) }
    }

    /// Tiles of 64 copies that take about a microsecond times `quantum` now.
    private func tiles(quantum: Int) -> Int {
        let columns = integrator.time * integrator.channel.students + integrator.keptGradients
        let microseconds = integrator.channel.tokens * (1 + integrator.channel.students * (1 + columns / 50))
        return max(quantum / microseconds, 1)
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = try clock.step(at: time)
        do {
            let isThere = integrator.time >= target
            guard try integrator.evaluate(tiles: tiles(quantum: quantum), loss: isThere) else { return false }
            guard !isThere else { return true }
            try integrator.step()
            return false
        } catch let error as DMFTError {
            switch error {
            case .diverged(let step), .sampling(let step):
                throw ModelError.diverged(step: step, error.description)
            default: throw ModelError.inconsistent(error.description)
            }
        }
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        let t = integrator.time
        let (M, q) = (integrator.kernels.overlap(at: t), integrator.kernels.gram(at: t))
        try recorder.observe(
            step: t, overlap: M, gram: q, train: integrator.trainLoss, test: population.loss(overlap: M, gram: q),
            into: &sink)
        recorded.append(t)
        let now = recorded.count - 1
        for kernel in DMFTKernelName.allCases where sink.wants(kernel.rawValue) {
            for (past, s) in recorded.enumerated() {
                try sink.put(kernel.rawValue, integrator.block(kernel, t, s), atTime: now, index: [past])
                // The other triangle: C and Cg are symmetric, R and Gamma causal (so 0).
                try sink.put(kernel.rawValue, integrator.block(kernel, s, t), atTime: past, index: [now])
            }
        }
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&integrator)
        try archive.exchange(resizing: &recorded)
    }
}
