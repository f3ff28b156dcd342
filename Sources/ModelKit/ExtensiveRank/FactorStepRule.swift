import Foundation
import Modeling

/// How descent makes a step of a gradient.
public enum FactorOptimizer: String, Sendable, CaseIterable {
    /// Along the gradient, with the decay in it.
    case gd
    /// Adam with beta 0.9, 0.999 and eps 1e-8, and the decay within the gradient.
    case adam
    /// The same with the decay beside the gradient.
    case adamw
}

/// How the factors of a matrix move along their gradient: by an optimizer, or unadjusted Langevin.
public struct FactorStepRule: Sendable, Resumable {
    /// What a step is made of.
    public enum Kind: Sendable, Hashable {
        /// Descent, with weight decay.
        case optimizer(FactorOptimizer)
        /// Langevin sampling, with the prior N(0, 1) of every number.
        case langevin

        /// Adam keeps means of gradients and of their squares.
        var keepsMoments: Bool { self == .optimizer(.adam) || self == .optimizer(.adamw) }
    }

    private let kind: Kind
    private let stepSize: Double
    private let weightDecay: Double
    /// Adam: means of gradients and of their squares, of all runs.
    private var moments: [Double]
    private var squares: [Double]
    /// Langevin: the noise of each run.
    private var kicks: [RandomStream]

    /// - Parameters:
    ///   - count: numbers in all factors of all runs.
    ///   - kicks: for Langevin, a stream for each run.
    public init(_ kind: Kind, stepSize: Double, weightDecay: Double, count: Int, kicks: [RandomStream]) {
        self.kind = kind
        self.stepSize = stepSize
        self.weightDecay = weightDecay
        moments = Array(repeating: 0, count: kind.keepsMoments ? count : 0)
        squares = moments
        self.kicks = kicks
    }

    /// Moves the numbers of `factor` from `first` on by one step, the one after `step`.
    ///
    /// - Parameter gradient: of the loss in these numbers, of one run.
    public mutating func apply(
        to factor: inout [Double], at first: Int, _ gradient: [Double], run: Int, step: Int
    ) {
        let eta = stepSize
        switch kind {
        case .optimizer(.gd):
            for i in gradient.indices { factor[first + i] -= eta * (gradient[i] + weightDecay * factor[first + i]) }
        case .optimizer(let adam):
            let (beta1, beta2, count) = (0.9, 0.999, Double(step + 1))
            let (unbias1, unbias2) = (1 / (1 - pow(beta1, count)), 1 / (1 - pow(beta2, count)))
            let within = adam == .adam ? weightDecay : 0
            let beside = adam == .adamw ? eta * weightDecay : 0
            for i in gradient.indices {
                let at = first + i
                let slope = gradient[i] + within * factor[first + i]
                moments[at] = beta1 * moments[at] + (1 - beta1) * slope
                squares[at] = beta2 * squares[at] + (1 - beta2) * slope * slope
                factor[first + i] -=
                    beside * factor[first + i]
                    + eta * unbias1 * moments[at] / ((unbias2 * squares[at]).squareRoot() + 1e-8)
            }
        case .langevin:
            let kick = (2 * eta).squareRoot()
            for i in gradient.indices {
                factor[first + i] += -eta * (gradient[i] + factor[first + i]) + kick * kicks[run].normal()
            }
        }
    }

    public mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&moments)
        try archive.exchange(&squares)
        try archive.exchange(&kicks)
    }
}
