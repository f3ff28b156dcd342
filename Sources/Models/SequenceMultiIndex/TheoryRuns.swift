import Dynamics
import Modeling
import Numerics

/// The map Q -> Qhat (I + Qhat)^-1 of the state evolution (sheet, section 4.1), on the diagonal.
struct SMIMap: Sendable {
    let alpha: Double
    var expectations: SMIExpectations

    init(_ request: RunRequest, _ parameters: SMIParameters) throws {
        alpha = parameters.alpha
        expectations = try SMIExpectations(request, parameters)
    }

    /// The new overlaps and their standard errors.
    mutating func image(_ q: [Double]) throws -> GaussianEstimate {
        let response = try expectations.responses(q: q)
        // Noise can make a mean square negative where it is nearly 0: the overlap is then 0, not negative.
        let hats = response.means.map { max(0, alpha * $0) }
        return GaussianEstimate(
            means: hats.map { $0 / (1 + $0) },
            errors: zip(hats, response.errors).map { alpha * $1 / ((1 + $0) * (1 + $0)) })
    }
}

extension SMIExpectations {
    /// On `share` of the sequences of the method.
    init(_ request: RunRequest, _ parameters: SMIParameters, share: Double = 1) throws {
        let samples = parameters.samples(default: SMIParameters.defaultSamples(request.method))
        try self.init(
            parameters.network, reg: parameters.reg, samples: Int(share * Double(samples)),
            draws: parameters.draws, random: request.random.substream(SMIStreams.channel))
    }
}

extension SMIGeneralisation {
    /// Nil when neither e_gen nor the loss of the ODE is wanted.
    init?(_ request: RunRequest, _ parameters: SMIParameters) {
        guard !request.observables.isDisjoint(with: ["e_gen", "loss"]) else { return nil }
        self.init(
            parameters.network, samples: parameters.testSize, random: request.random.substream(SMIStreams.test))
    }
}

extension RunRequest {
    /// - Throws: ``ModelError/parameter(_:_:)`` for recording times in t: iterations have none.
    func requireIterations() throws {
        guard times.unit == .steps else {
            throw ModelError.parameter("record", "has times in t; this method counts iterations: time_unit: steps")
        }
    }
}

/// Method `state-evolution`.
struct SMIStateEvolution: Run {
    private var map: SMIMap
    private var iteration: FixedPoint
    private var generalisation: SMIGeneralisation?

    init(_ request: RunRequest, _ parameters: SMIParameters) throws {
        try request.requireIterations()
        map = try SMIMap(request, parameters)
        iteration = FixedPoint(
            from: parameters.startOverlaps,
            rule: FixedPointRule(damping: parameters.damping, tolerance: 0, maximumIterations: .max))
        generalisation = SMIGeneralisation(request, parameters)
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = try nearestStep(time, unit: .steps, d: 1)
        if iteration.iterations < target { try iteration.step { try map.image($0).means } }
        return iteration.iterations == target
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        let overlaps = SMIOverlaps(bayesian: iteration.value)
        try overlaps.put(into: &sink)
        try sink.put("C", zip(SmallMatrix.diagonal(overlaps.p, 1), overlaps.Q).map { $0 - $1 })
        if iteration.iterations > 0 { sink.put("residual", iteration.residual) }
        try overlaps.putError(&generalisation, into: &sink)
    }

    mutating func exchange(with archive: inout StateArchive) throws { try archive.exchange(&iteration) }
}

/// Method `fixed-point`.
struct SMIFixedPoint: Run {
    private var map: SMIMap
    private var iteration: FixedPoint
    private var generalisation: SMIGeneralisation?

    init(_ request: RunRequest, _ parameters: SMIParameters) throws {
        map = try SMIMap(request, parameters)
        iteration = FixedPoint(
            from: parameters.startOverlaps,
            rule: FixedPointRule(
                damping: parameters.damping, tolerance: parameters.tolerance(default: 1e-4),
                maximumIterations: parameters.maximumIterations))
        generalisation = SMIGeneralisation(request, parameters)
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        try iteration.advance(atMost: 1) { try map.image($0).means }
        return iteration.isFinished
    }

    mutating func observe(into sink: inout ObservationSink) throws {}

    mutating func finish(into sink: inout ObservationSink) throws {
        guard iteration.isConverged else {
            throw ModelError.notConverged(
                "state evolution still moves by \(iteration.residual) after \(iteration.iterations) iterations, at overlaps "
                    + "\(iteration.value); give more max_iterations or a larger tolerance")
        }
        let overlaps = SMIOverlaps(bayesian: iteration.value)
        try overlaps.put(into: &sink)
        try overlaps.putError(&generalisation, into: &sink)
        try sink.put("q_star", iteration.value)
        try sink.put("q_error", try map.fixedPointErrors(near: iteration.value))
        sink.put("iterations", Double(iteration.iterations))
        sink.put("residual", iteration.residual)
        sink.put("converged", 1)
    }

    mutating func exchange(with archive: inout StateArchive) throws { try archive.exchange(&iteration) }
}

/// Method `branch`: the last layer alone is learned (sheet, section 4.3), alpha = q/(1-q)/E sum g_p^2.
struct SMIBranch: Run {
    private let q: [Double]
    private var expectations: SMIExpectations
    private var generalisation: SMIGeneralisation?

    init(_ request: RunRequest, _ parameters: SMIParameters) throws {
        q = Array(repeating: 0, count: parameters.p - 1) + [parameters.lastOverlap]
        expectations = try SMIExpectations(request, parameters)
        generalisation = SMIGeneralisation(request, parameters)
    }

    mutating func advance(toward time: Double, quantum: Int) -> Bool { true }
    mutating func observe(into sink: inout ObservationSink) throws {}

    mutating func finish(into sink: inout ObservationSink) throws {
        let point = try SMIBranchPoint(&expectations, q)
        sink.put("alpha_branch", point.alpha)
        sink.put("alpha_error", point.alphaError)
        try sink.put("F_kk", point.responses.means)
        try sink.put("F_error", point.responses.errors)
        try sink.put("growth", point.growth)
        try SMIOverlaps(bayesian: q).putError(&generalisation, into: &sink)
    }

    mutating func exchange(with archive: inout StateArchive) throws {}
}

/// A point of that branch.
struct SMIBranchPoint: Sendable {
    let alpha: Double
    let alphaError: Double
    /// F_kk of the layers that are not learned, and E sum g^2 of the last.
    let responses: SMIResponses
    /// alpha F_kk; of the last layer alpha E sum g^2 (1-q)/q = 1.
    let growth: [Double]

    /// At q = (0, ..., 0, q_last).
    ///
    /// - Throws: ``ModelError/notConverged(_:)`` when noise makes E sum g^2 nothing.
    init(_ expectations: inout SMIExpectations, _ q: [Double]) throws {
        let last = q.count - 1
        let responses = try expectations.growth(q: q)
        let (response, error) = (responses.means[last], responses.errors[last])
        guard response > 0 else {
            throw ModelError.notConverged("E g^2 of the last layer is \(response): give more mc_samples or draws")
        }
        let ratio = q[last] / (1 - q[last])
        let alpha = ratio / response
        (self.alpha, self.responses) = (alpha, responses)
        alphaError = alpha * error / response
        growth = responses.means.indices.map { k in responses.means[k] * alpha / (k == last ? ratio : 1) }
    }
}
