import Foundation
import Modeling
import Numerics

/// One grid point of the sequence multi-index model, checked, with derived defaults worked out. Symbols as in the sheet.
package struct SMIParameters: Sendable {
    package let network: SMINetwork
    package let d: Int
    package let alpha: Double
    package let reg: Double
    package let start: SMIStart
    private let givenQ0: [Double]?
    private let givenM0: [Double]?
    private let givenScale: Double?
    private let givenSamples: Int?
    package let damping: Double
    package let usesJacobian: Bool
    private let givenTolerance: Double?
    package let maximumIterations: Int
    package let draws: Int
    package let testSize: Int
    package let lastOverlap: Double
    package let data: SMIData
    package let batchSize: Int
    package let repeats: Int
    /// gamma and kappa of the sheet.
    package let stepSize: Double
    package let weightDecay: Double
    package let dt: Double

    package var p: Int { network.layers }
    package var L: Int { network.L }
    /// N = round(alpha D), at least 1.
    package var n: Int { max(1, Int((alpha * Double(d)).rounded())) }

    /// Decodes a grid point of job parameters; throws ``ModelError/parameter(_:_:)`` for what does not fit together.
    package init(_ point: ParameterPoint) throws {
        for rule in SMIRules.all {
            if let violation = rule.constraint.violation(point) { throw ModelError.parameter(rule.name, violation) }
        }
        network = SMINetwork(
            layers: try point.integer("layers"), L: try point.integer("L"), skip: try point.real("skip"))
        d = try point.integer("d")
        alpha = try point.real("alpha")
        guard alpha * Double(d) < 1e15 else { throw ModelError.parameter("alpha", "times d is \(alpha * Double(d))") }
        reg = try point.real("reg")
        let Q0 = try point.arrayIfGiven("Q0")
        start = point["init"] == nil ? (Q0 == nil ? .cold : .warm) : try point.choice("init")
        let layers = network.layers
        givenQ0 = try Q0.map { try SMIRules.square($0, layers, "Q0") }
        givenM0 = try point.arrayIfGiven("M0").map { try SMIRules.square($0, layers, "M0") }
        givenScale = try point.realIfGiven("init_scale")
        givenSamples = point["mc_samples"] == nil ? nil : try point.integer("mc_samples")
        damping = try point.real("damping")
        usesJacobian = try point.flag("jacobian")
        givenTolerance = try point.realIfGiven("tolerance")
        maximumIterations = try point.integer("max_iterations")
        draws = try point.integer("draws")
        testSize = try point.integer("test_size")
        lastOverlap = try point.real("q_last")
        data = try point.choice("data")
        batchSize = try point.integer("batch_size")
        repeats = try point.integer("repeats")
        let learningRate = try point.realIfGiven("learning_rate")
        stepSize = try point.realIfGiven("step_size") ?? learningRate.map { [d] in $0 / Double(d) } ?? 0.03
        let l2 = try point.realIfGiven("l2") ?? 0
        weightDecay = try point.realIfGiven("weight_decay") ?? stepSize * l2 * Double(d) / Double(batchSize)
        dt = try point.real("dt")
    }

    /// Where state evolution begins: the diagonal of Q.
    package var startOverlaps: [Double] {
        switch start {
        case .cold: Array(repeating: min(0.99, givenScale.map { $0 * $0 } ?? 0.05), count: p)
        case .informed: Array(repeating: 0.99, count: p)
        case .warm: (0..<p).map { (givenQ0 ?? [])[$0 * p + $0] }
        }
    }

    /// Scale of cold weights of amp, and of the student of sgd.
    package func initScale(default value: Double) -> Double { givenScale ?? value }

    package func tolerance(default value: Double) -> Double { givenTolerance ?? value }

    /// Of mc_samples. A threshold of the first layer has the noise of two expectations at a last layer known to 1 %.
    static func defaultSamples(_ method: String) -> Int {
        ["weak-recovery", "overlap-ode"].contains(method) ? 32768 : 8192
    }

    /// Sequences behind expectations of the theory.
    package func samples(default value: Int) -> Int { givenSamples ?? value }

    /// M and Q at the start of sgd and overlap-ode, when prescribed: what is missing has its default.
    package var prescribedStart: (M: [Double], Q: [Double])? {
        guard givenM0 != nil || givenQ0 != nil else { return nil }
        return (givenM0 ?? typicalStart.M, givenQ0 ?? typicalStart.Q)
    }

    /// Overlaps of the size that random vectors have.
    package var typicalStart: (M: [Double], Q: [Double]) {
        let scale = initScale(default: 0.9)
        return (
            SmallMatrix.diagonal(p, scale / Double(d).squareRoot()), SmallMatrix.diagonal(p, scale * scale)
        )
    }

    /// - Throws: ``ModelError/parameter(_:_:)`` when `bytes` are more than the machine has.
    func checkMemory(bytes: Double) throws {
        guard bytes < Double(ProcessInfo.processInfo.physicalMemory) else {
            throw ModelError.parameter(
                "d", "is too large with this alpha, L and batch_size: the run would hold \(bytes / 1e9) GB")
        }
    }
}

/// Numbers of the substreams of a task.
enum SMIStreams {
    static let initial: UInt32 = 1
    static let tokens: UInt32 = 2
    static let test: UInt32 = 3
    static let channel: UInt32 = 4
}
