import Foundation
import Numerics

/// How a factor moves along its gradient: plain descent, AdamW, or unadjusted Langevin (sheet, section 6.2).
struct BSRStepRule: Sendable, Resumable {
    private enum Kind: Sendable { case gd, adamw, langevin }

    private let kind: Kind
    private let stepSize: Double
    private let weightDecay: Double
    /// AdamW: means of gradients and of their squares, U's of all runs and then V's.
    private var moments: [Double]
    private var squares: [Double]
    /// Langevin: the noise of each run.
    private var kicks: [RandomStream]

    /// - Parameter count: numbers in both factors of all runs.
    init(_ p: BSRParameters, isLangevin: Bool, count: Int, _ random: RandomStream) {
        kind = isLangevin ? .langevin : p.optimizer == .adamw ? .adamw : .gd
        stepSize = p.stepSize
        weightDecay = p.weightDecay
        moments = Array(repeating: 0, count: kind == .adamw ? count : 0)
        squares = moments
        kicks = isLangevin ? (0..<p.runs).map { random.substream(BSRStreams.kicks(run: $0)) } : []
    }

    /// Moves the numbers of `factor` from `first` on by one step, the one after `step`.
    ///
    /// - Parameters:
    ///   - gradient: of the loss in these numbers, of one run.
    ///   - moment: where their means lie.
    mutating func apply(
        to factor: inout [Double], at first: Int, _ gradient: [Double], moment: Int, run: Int, step: Int
    ) {
        let eta = stepSize
        switch kind {
        case .gd:
            for i in gradient.indices { factor[first + i] -= eta * (gradient[i] + weightDecay * factor[first + i]) }
        case .adamw:
            let (beta1, beta2, count) = (0.9, 0.999, Double(step + 1))
            let (unbias1, unbias2) = (1 / (1 - pow(beta1, count)), 1 / (1 - pow(beta2, count)))
            for i in gradient.indices {
                let at = moment + i
                moments[at] = beta1 * moments[at] + (1 - beta1) * gradient[i]
                squares[at] = beta2 * squares[at] + (1 - beta2) * gradient[i] * gradient[i]
                factor[first + i] -=
                    eta * weightDecay * factor[first + i]
                    + eta * unbias1 * moments[at] / ((unbias2 * squares[at]).squareRoot() + 1e-8)
            }
        case .langevin:
            let kick = (2 * eta).squareRoot()
            for i in gradient.indices {
                factor[first + i] += -eta * (gradient[i] + factor[first + i]) + kick * kicks[run].normal()
            }
        }
    }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&moments)
        try archive.exchange(&squares)
        try archive.exchange(&kicks)
    }
}
