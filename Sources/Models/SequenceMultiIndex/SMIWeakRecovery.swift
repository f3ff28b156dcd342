import Foundation
import Modeling
import Numerics

/// Method `weak-recovery`: F_kk at Q = 0 and the threshold of the last layer (sheet, section 4.2); for two layers also that of
/// the first, where alpha F_11 = 1 on the branch on which only the last is learned (section 4.3), found as a root in the
/// overlap of the last layer: first by halving 1 - q, then by secants that keep their bracket.
struct SMIWeakRecovery: Run {
    private let parameters: SMIParameters
    private var expectations: SMIExpectations
    private var responses: [Double]
    private var errors: [Double]
    private var bracket = Bracket()
    private var stage = 0
    /// Of the first layer: its threshold, the standard error, and the overlap of the last layer there.
    private var first = Array(repeating: Double.nan, count: 3)

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

        mutating func exchange(with archive: inout StateArchive) throws {
            try archive.exchange(&below)
            try archive.exchange(&above)
            try archive.exchange(&evaluations, in: 0...1000)
        }
    }

    init(_ request: RunRequest, _ parameters: SMIParameters) throws {
        self.parameters = parameters
        expectations = try SMIExpectations(request, parameters)
        responses = Array(repeating: .nan, count: parameters.p)
        errors = responses
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        let p = parameters.p
        if stage == 0 {
            if p == 1, parameters.reg == 0 {
                // The posterior is +-u: F = L(L+1) (section 4.2).
                (responses[0], errors[0]) = (Double(parameters.L * (parameters.L + 1)), 0)
            } else {
                let growth = try expectations.growth(q: Array(repeating: 0, count: p))
                (responses, errors) = (growth.means, growth.errors)
            }
            stage = p == 2 ? 1 : 2
            return stage == 2
        }
        if stage == 1 { try narrow() }
        return stage == 2
    }

    /// One evaluation on the branch.
    private mutating func narrow() throws {
        let x = bracket.next
        let q = 1 - exp(x)
        let point = try SMIBranchPoint(&expectations, [0, q])
        let F = point.responses.means[0]
        guard F > 0, x > log(1e-5), bracket.evaluations < 50 else {
            throw ModelError.notConverged(
                "alpha F_11 is \(point.growth[0]), not 1, after \(bracket.evaluations + 1) evaluations, at Q22 = \(q)")
        }
        let value = log(point.growth[0])
        bracket.insert(x, value, log(point.alpha))
        guard bracket.isClosed, abs(value) < 1e-4 else { return }
        // Noise of alpha and F_11 moves the root, and alpha there by dlog(alpha)/dlog(alpha F_11) of it.
        let (below, above) = (bracket.below, bracket.above)
        let slope = (above[3] - below[3]) / (above[2] - below[2])
        let (alphaError, responseError) = (point.alphaError / point.alpha, point.responses.errors[0] / F)
        first = [point.alpha, point.alpha * hypot((1 - slope) * alphaError, slope * responseError), q]
        stage = 2
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
        try archive.exchange(&stage, in: 0...2)
        try archive.exchange(&responses)
        try archive.exchange(&errors)
        try archive.exchange(&bracket)
        try archive.exchange(&first)
    }
}
