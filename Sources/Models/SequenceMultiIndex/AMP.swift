import Dynamics
import Modeling
import Numerics

/// Method `amp` (sheet, section 3.1).
struct SMIAMP: Run {
    private let parameters: SMIParameters
    private let teacher: [Double]
    private var passing: MessagePassing<SMITokens, SMIOutputChannel, SMIDenoiser>
    private var generalisation: SMIGeneralisation?
    private var halves: SMIFirstPassage

    init(_ request: RunRequest, _ parameters: SMIParameters) throws {
        try request.requireIterations()
        self.parameters = parameters
        let (p, L, d, n) = (parameters.p, parameters.L, parameters.d, parameters.n)
        try parameters.checkMemory(bytes: 8 * Double(n) * Double(L) * Double(d + 4 * p))
        var initial = request.random.substream(SMIStreams.initial)
        var random = request.random.substream(SMIStreams.tokens)
        let teacher = smiNormals(d * p, &initial)
        let tokens = SMITokens(
            tokens: smiNormals(n * L * d, &random), fieldCount: n * L, signalCount: d, width: p)
        var z = Array(repeating: 0.0, count: n * L * p)
        tokens.fields(of: teacher, into: &z)
        let channel = try SMIChannel(
            parameters.network, draws: parameters.draws, random: request.random.substream(SMIStreams.channel))
        let output = SMIOutputChannel(channel, labels: parameters.network.indices(z), parameters)

        var estimate = smiNormals(d * p, &initial)
        var covariance = SmallMatrix.diagonal(p, 1)
        if parameters.start == .cold {
            let scale = parameters.initScale(default: 0.1)
            for i in estimate.indices { estimate[i] *= scale }
        } else {
            let m = parameters.startOverlaps
            for k in 0..<p {
                covariance[k * p + k] = 1 - m[k]
                let spread = (m[k] * (1 - m[k])).squareRoot()
                for i in 0..<d { estimate[i * p + k] = m[k] * teacher[i * p + k] + spread * estimate[i * p + k] }
            }
        }
        passing = try MessagePassing(
            tokens, output, SMIDenoiser(signalCount: d, width: p), estimate: estimate, covariance: covariance,
            rule: MessagePassingRule(damping: parameters.damping, tolerance: parameters.tolerance(default: 0)))
        self.teacher = teacher
        generalisation = SMIGeneralisation(request, parameters)
        halves = SMIFirstPassage(layers: p)
        halves.note(overlaps.cosines, at: 0)
    }

    private var overlaps: SMIOverlaps {
        SMIOverlaps(passing.estimate, teacher: teacher, p: parameters.p, d: parameters.d)
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let target = try nearestStep(time, unit: .steps, d: 1)
        guard passing.iteration < target, parameters.tolerance(default: 0) == 0 || !passing.isConverged else {
            return true
        }
        do {
            try passing.step()
        } catch MessagePassingError.diverged(let iteration, let what) {
            throw ModelError.diverged(step: iteration, what)
        }
        halves.note(overlaps.cosines, at: Double(passing.iteration))
        return passing.iteration == target
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        let overlaps = overlaps
        try overlaps.put(into: &sink)
        try sink.put("C", passing.covariance)
        try overlaps.putError(&generalisation, into: &sink)
    }

    mutating func finish(into sink: inout ObservationSink) throws { try sink.put("steps_half", halves.times) }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&passing)
        try archive.exchange(&halves)
    }
}

/// `count` standard normals.
func smiNormals(_ count: Int, _ random: inout RandomStream) -> [Double] {
    Array(unsafeUninitializedCapacity: count) { buffer, initialized in
        random.fillNormal(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
        initialized = count
    }
}

extension SMINetwork {
    /// u of sequences with projections z (N, L, p): (N, L).
    func indices(_ z: [Double]) -> [Double] {
        let count = z.count / inputs
        var result = Array(repeating: 0.0, count: count * L)
        var scratch = Array(repeating: Lanes.zero, count: inputs + scratchCount)
        scratch.withUnsafeMutableBufferPointer { scratch in
            guard let block = scratch.baseAddress else { return }
            for first in stride(from: 0, to: count, by: 8) {
                for lane in 0..<min(8, count - first) {
                    for i in 0..<inputs { block[i % layers * L + i / layers][lane] = z[(first + lane) * inputs + i] }
                }
                forward(block, block + inputs)
                for lane in 0..<min(8, count - first) {
                    for l in 0..<L { result[(first + lane) * L + l] = index(block + inputs)[l][lane] }
                }
            }
        }
        return result
    }
}
