import Foundation
import Modeling
import Numerics

/// Method `weak-recovery`: F_kk at Q = 0 and the threshold of the last layer (23); then of every other layer k where
/// alpha F_kk = 1 on the branch on which only the last layer is learned (27), a root in the overlap of the last layer. An
/// eighth of the sequences brackets it: first by halving 1 - q, then by secants. There the curves are smooth, and two or three
/// evaluations on all sequences finish, with the slopes of the bracket.
///
/// What this says of three and more layers. At Q = (0, ..., 0, q_p) signs make the linearised iteration diagonal, so each of the
/// layers below the last grows by its own alpha F_kk(q_p), as if the others were not there. The smallest of their thresholds is
/// therefore where the branch ends (alpha_next), and that layer's true threshold. Beyond it more layers are known, and
/// F_kk = L(L+1) - E|z z^T - E[z z^T|...]|^2 cannot fall when more is known: the thresholds of the others are upper bounds.
struct WeakRecovery: Run {
    private let parameters: Parameters
    /// None where F has a closed form.
    private var expectations: Expectations?
    private var pilot: Expectations?
    private var responses: [Double]
    private var errors: [Double]
    /// The layer below the last that is being looked for; -1 when there is none left.
    private var layer: Int
    private var bracket = ThresholdBracket()
    private var stage = Stage.atZero
    /// Where the next evaluation on all sequences will be, log(1 - q), and how many there were.
    private var polishAt = Double.nan
    private var polished = 0
    /// Of every layer: its threshold, the standard error, and the overlap of the last layer there.
    private var thresholds: [Double]
    private var thresholdErrors: [Double]
    private var overlaps: [Double]

    private enum Stage: Int, Sendable { case atZero, bracketing, polishing, done }

    init(_ request: RunRequest, _ parameters: Parameters) throws {
        self.parameters = parameters
        let p = parameters.p
        if parameters.samples > 0 { expectations = try Expectations(request, parameters) }
        if p > 1 { pilot = try Expectations(request, parameters, share: 0.125) }
        layer = p - 2
        responses = Array(repeating: .nan, count: p)
        (errors, thresholds, thresholdErrors, overlaps) = (responses, responses, responses, responses)
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        switch stage {
        case .atZero: try respondAtZero()
        case .bracketing: try narrow()
        case .polishing: try polish()
        case .done: break
        }
        return stage == .done
    }

    private mutating func respondAtZero() throws {
        let p = parameters.p
        if let growth = try expectations?.growth(q: Array(repeating: 0, count: p)) {
            (responses, errors) = (growth.means, growth.errors)
        } else {
            // The posterior is +-u (24).
            (responses[0], errors[0]) = (Double(parameters.L * (parameters.L + 1)), 0)
        }
        let (response, error) = (responses[p - 1], errors[p - 1])
        if response > 0 {
            thresholds[p - 1] = 1 / response
            (thresholdErrors[p - 1], overlaps[p - 1]) = (error / (response * response), 0)
        }
        stage = layer < 0 ? .done : .bracketing
    }

    /// The branch where the last layer has overlap 1 - exp(x), on some sequences or on all.
    private mutating func branch(
        _ x: Double, on sequences: WritableKeyPath<WeakRecovery, Expectations?>
    ) throws -> BranchPoint {
        // Taken out while they are used, so that nothing is copied.
        guard var expectations = self[keyPath: sequences].take() else {
            throw ModelError.inconsistent("weak-recovery has no sequences")
        }
        defer { self[keyPath: sequences] = expectations }
        return try BranchPoint(&expectations, Array(repeating: 0, count: parameters.p - 1) + [1 - exp(x)])
    }

    /// One evaluation of the bracket.
    private mutating func narrow() throws {
        let x = bracket.next
        let point = try branch(x, on: \.pilot)
        let growth = point.growth[layer]
        guard growth > 0, x > log(1e-5), bracket.evaluations < 50 else {
            throw notFound(growth, x, bracket.evaluations + 1)
        }
        bracket.insert(x, log(growth), log(point.alpha))
        guard bracket.isClosed, abs(log(growth)) < 0.01 else { return }
        polishAt = x
        stage = .polishing
    }

    /// One evaluation on all sequences.
    private mutating func polish() throws {
        let (x, slopes) = (polishAt, bracket.slopes)
        let point = try branch(x, on: \.expectations)
        polished += 1
        let value = point.growth[layer] > 0 ? log(point.growth[layer]) : .nan
        polishAt = x - slopes.x * value
        guard polishAt < 0, polishAt > log(1e-5), polished < 10 else {
            throw notFound(point.growth[layer], x, polished)
        }
        // What is left is linear to some 1e-4 of alpha.
        guard abs(value) < 0.02 else { return }
        // (28): log alpha_k = log alpha - s log(alpha F) with the slope s, in every group of sequences.
        let (means, groups) = (point.responses.means, point.responses.groupMeans)
        let (s, last) = (slopes.logAlpha, parameters.p - 1)
        let deviations = zip(groups[layer], groups[last]).map { F, g in
            s * (F / means[layer] - 1) + (1 - s) * (g / means[last] - 1)
        }
        let squares = deviations.reduce(0) { $0 + $1 * $1 }
        let alpha = point.alpha * exp(-s * value)
        let count = Double(deviations.count)
        thresholds[layer] = alpha
        thresholdErrors[layer] = alpha * (squares / (count * (count - 1))).squareRoot()
        overlaps[layer] = 1 - exp(polishAt)
        layer -= 1
        (bracket, polished) = (ThresholdBracket(), 0)
        stage = layer < 0 ? .done : .bracketing
    }

    private func notFound(_ growth: Double, _ x: Double, _ evaluations: Int) -> ModelError {
        ModelError.notConverged(
            "alpha F_kk of layer \(layer + 1) is \(growth), not 1, after \(evaluations) evaluations, where the last layer has "
                + "overlap \(1 - exp(x)); give more mc_samples"
                + (parameters.p > 2 || parameters.L > 2 ? " and draws" : ""))
    }

    mutating func observe(into sink: inout ObservationSink) throws {}

    mutating func finish(into sink: inout ObservationSink) throws {
        let p = parameters.p
        try sink.put(.F, responses)
        try sink.put(.FError, errors)
        try sink.put(.alphaAtZero, responses.map { $0 > 0 ? 1 / $0 : .nan })
        try sink.put(.alphaK, thresholds)
        try sink.put(.alphaKError, thresholdErrors)
        sink.put(.alphaFirst, thresholds[0])
        sink.put(.alphaNext, thresholds[..<(p - 1)].min() ?? .nan)
        sink.put(.alphaC, thresholds[p - 1])
        sink.put(.alphaBound, 1 / Double(parameters.L * (parameters.L + 1)))
        try sink.put(.qCritical, overlaps)
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        var number = stage.rawValue
        try archive.exchange(&number, in: 0...3)
        stage = Stage(rawValue: number) ?? .done
        try archive.exchange(&layer, in: -1...parameters.p)
        try archive.exchange(&responses)
        try archive.exchange(&errors)
        try archive.exchange(&bracket)
        try archive.exchange(&polishAt)
        try archive.exchange(&polished, in: 0...10)
        try archive.exchange(&thresholds)
        try archive.exchange(&thresholdErrors)
        try archive.exchange(&overlaps)
    }
}
