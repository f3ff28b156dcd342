import Foundation
import Modeling
import Numerics

/// Method `weak-recovery`: F_kk at Q = 0 and the threshold of the last layer (sheet, section 4.2); for two layers also that of
/// the first, where alpha F_11 = 1 on the branch on which only the last is learned (section 4.3), a root in the overlap of
/// the last layer. An eighth of the sequences brackets it: first by halving 1 - q, then by secants. There the curves are
/// smooth, and two or three evaluations on all sequences finish, with the slopes of the bracket.
struct SMIWeakRecovery: Run {
    private let parameters: SMIParameters
    private var expectations: SMIExpectations
    private var pilot: SMIExpectations?
    private var responses: [Double]
    private var errors: [Double]
    private var bracket = Bracket()
    private var stage = Stage.atZero
    /// Where the next evaluation on all sequences will be, log(1 - q), and how many there were.
    private var polishAt = Double.nan
    private var polished = 0
    /// Of the first layer: its threshold, the standard error, and the overlap of the last layer there.
    private var first = Array(repeating: Double.nan, count: 3)

    private enum Stage: Int, Sendable { case atZero, bracketing, polishing, done }

    /// The root of log(alpha F_11) in x = log(1 - q), between a point below it (small q) and one above.
    private struct Bracket: Sendable, Resumable {
        /// x, the value that the secant uses, the true value, log alpha; not a number while unknown.
        var below = [Double.nan, .nan, .nan, .nan]
        var above = [Double.nan, .nan, .nan, .nan]
        var evaluations = 0

        var isClosed: Bool { !below[0].isNaN && !above[0].isNaN }

        /// Where to look next.
        var next: Double {
            if above[0].isNaN { return (below[0].isNaN ? 0 : below[0]) - log(2) }
            if below[0].isNaN { return log(0.5 * (1 + exp(above[0]))) }
            return (below[0] * above[1] - above[0] * below[1]) / (above[1] - below[1])
        }

        mutating func insert(_ x: Double, _ value: Double, _ logAlpha: Double) {
            // An end that stays counts half the next time: so both ends move.
            if value < 0 {
                below = [x, value, value, logAlpha]
                above[1] *= 0.5
            } else {
                above = [x, value, value, logAlpha]
                below[1] *= 0.5
            }
            evaluations += 1
        }

        /// d x and d log alpha a unit of log(alpha F_11), between the ends.
        var slopes: (x: Double, logAlpha: Double) {
            let rise = above[2] - below[2]
            return ((above[0] - below[0]) / rise, (above[3] - below[3]) / rise)
        }

        mutating func exchange(with archive: inout StateArchive) throws {
            try archive.exchange(&below)
            try archive.exchange(&above)
            try archive.exchange(&evaluations, in: 0...1000)
        }
    }

    init(_ request: RunRequest, _ parameters: SMIParameters) throws {
        self.parameters = parameters
        expectations = try SMIExpectations(request, parameters)
        if parameters.p == 2 { pilot = try SMIExpectations(request, parameters, share: 0.125) }
        responses = Array(repeating: .nan, count: parameters.p)
        errors = responses
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
        if p == 1, parameters.reg == 0 {
            // The posterior is +-u: F = L(L+1) (section 4.2).
            (responses[0], errors[0]) = (Double(parameters.L * (parameters.L + 1)), 0)
        } else {
            let growth = try expectations.growth(q: Array(repeating: 0, count: p))
            (responses, errors) = (growth.means, growth.errors)
        }
        stage = p == 2 ? .bracketing : .done
    }

    /// One evaluation of the bracket.
    private mutating func narrow() throws {
        guard var sequences = pilot.take() else { return }
        defer { pilot = sequences }
        let x = bracket.next
        let point = try SMIBranchPoint(&sequences, [0, 1 - exp(x)])
        guard point.growth[0] > 0, x > log(1e-5), bracket.evaluations < 50 else {
            throw Self.notFound(point, x, bracket.evaluations + 1)
        }
        let value = log(point.growth[0])
        bracket.insert(x, value, log(point.alpha))
        guard bracket.isClosed, abs(value) < 0.01 else { return }
        polishAt = x
        stage = .polishing
    }

    /// One evaluation on all sequences.
    private mutating func polish() throws {
        let (x, slopes) = (polishAt, bracket.slopes)
        let point = try SMIBranchPoint(&expectations, [0, 1 - exp(x)])
        polished += 1
        let value = point.growth[0] > 0 ? log(point.growth[0]) : .nan
        polishAt = x - slopes.x * value
        guard polishAt < 0, polishAt > log(1e-5), polished < 10 else { throw Self.notFound(point, x, polished) }
        // What is left is linear to some 1e-4 of alpha.
        guard abs(value) < 0.02 else { return }
        // log alpha_1 = log alpha - s log(alpha F) with the slope s, in every group of sequences.
        let (means, groups) = (point.responses.means, point.responses.groupMeans)
        let s = slopes.logAlpha
        let deviations = zip(groups[0], groups[1]).map { F, g in
            s * (F / means[0] - 1) + (1 - s) * (g / means[1] - 1)
        }
        let squares = deviations.reduce(0) { $0 + $1 * $1 }
        let alpha = point.alpha * exp(-s * value)
        let count = Double(deviations.count)
        first = [alpha, alpha * (squares / (count * (count - 1))).squareRoot(), 1 - exp(polishAt)]
        stage = .done
    }

    private static func notFound(_ point: SMIBranchPoint, _ x: Double, _ evaluations: Int) -> ModelError {
        ModelError.notConverged(
            "alpha F_11 is \(point.growth[0]), not 1, after \(evaluations) evaluations, at Q22 = \(1 - exp(x)); "
                + "give more mc_samples")
    }

    mutating func observe(into sink: inout ObservationSink) throws {}

    mutating func finish(into sink: inout ObservationSink) throws {
        let p = parameters.p
        let atZero = responses.map { $0 > 0 ? 1 / $0 : .nan }
        let atZeroErrors = zip(responses, errors).map { $1 / ($0 * $0) }
        var thresholds = Array(repeating: Double.nan, count: p)
        var thresholdErrors = thresholds
        (thresholds[p - 1], thresholdErrors[p - 1]) = (atZero[p - 1], atZeroErrors[p - 1])
        if p == 2 { (thresholds[0], thresholdErrors[0]) = (first[0], first[1]) }
        try sink.put("F_kk", responses)
        try sink.put("F_error", errors)
        try sink.put("alpha_at_zero", atZero)
        try sink.put("alpha_k", thresholds)
        try sink.put("alpha_error", thresholdErrors)
        sink.put("alpha_first", thresholds[0])
        sink.put("alpha_c", thresholds[p - 1])
        sink.put("alpha_bound", 1 / Double(parameters.L * (parameters.L + 1)))
        sink.put("q_critical", first[2])
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        var number = stage.rawValue
        try archive.exchange(&number, in: 0...3)
        stage = Stage(rawValue: number) ?? .done
        try archive.exchange(&responses)
        try archive.exchange(&errors)
        try archive.exchange(&bracket)
        try archive.exchange(&polishAt)
        try archive.exchange(&polished, in: 0...10)
        try archive.exchange(&first)
    }
}
