import Foundation
import Modeling

/// The root of log(alpha F_kk) in x = log(1 - q), q the overlap of the last layer, between a point below it (small q) and one above.
struct ThresholdBracket: Sendable, Resumable {
    /// x, the value that the secant uses, the true value, log alpha; not a number while unknown.
    private var below = [Double.nan, .nan, .nan, .nan]
    private var above = [Double.nan, .nan, .nan, .nan]
    private(set) var evaluations = 0

    var isClosed: Bool { !below[0].isNaN && !above[0].isNaN }

    /// Where to look next: at halves of 1 - q, then at secants.
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

    /// d x and d log alpha a unit of log(alpha F_kk), between the ends.
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
