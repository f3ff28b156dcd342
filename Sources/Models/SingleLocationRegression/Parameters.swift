import Foundation
import Modeling
import Numerics

/// One grid point of single-location regression, checked, with all derived defaults worked out. Symbols as in the sheet.
package struct SLRParameters: Sendable {
    package let population: SLRPopulation
    /// The variance of the label noise, epsilon^2.
    package let noise: Double
    package let schedule: SharpnessSchedule
    /// The step a of the sheet.
    package let stepSize: Double
    package let batchSize: Int
    package let initialisation: SLRInitialisation

    package var d: Int { population.d }
    package var L: Int { population.L }
    package var gamma: Double { population.gamma }
    package var attention: AttentionKind { population.attention }

    /// How many steps of a simulation of about a microsecond one evaluation of the population risk stands for.
    var populationStepWeight: Int { attention == .erf ? 1 : 500 }

    /// Decodes a grid point of job parameters; throws ``ModelError/parameter(_:_:)`` for what does not fit together.
    package init(_ point: ParameterPoint) throws {
        for rule in SLRRules.all {
            if let violation = rule.constraint.violation(point) { throw ModelError.parameter(rule.name, violation) }
        }
        population = SLRPopulation(
            d: try point.integer("d"), L: try point.integer("L"), gamma: try point.real("gamma"),
            attention: try point.choice("attention"))
        let eps = try point.realIfGiven("eps") ?? 0
        noise = try point.realIfGiven("noise") ?? eps * eps
        schedule = SharpnessSchedule(
            lambda0: try point.real("lambda0"), increment: try point.real("lambda_increment"))
        stepSize = try point.real("step_size")
        batchSize = try point.integer("batch_size")
        switch SLRRules.initialisation(point) {
        case .sphere: initialisation = .sphere
        case .manifold: initialisation = .manifold
        case .overlaps: initialisation = .overlaps(SLRRules.overlaps(point))
        }
    }

    static func diverged(_ step: Int) -> ModelError {
        .diverged(step: step, "an overlap is not finite; the step size may be too large")
    }

    /// A draw of k and v in the four-dimensional frame, with the law of the start in R^d: of a Gaussian vector, all
    /// components off the frame enter by their norm.
    func initialFrame(_ random: inout RandomStream) -> SLRFrame {
        func unit(_ x: SIMD4<Double>) -> SIMD4<Double> { x / (x * x).sum().squareRoot() }
        switch initialisation {
        case .overlaps(let q): return SLRFrame(q)
        case .sphere:
            let k = SIMD4(random.normal(), random.normal(), random.chiSquare(Double(d - 2)).squareRoot(), 0)
            let v = SIMD4(
                random.normal(), random.normal(), random.normal(), random.chiSquare(Double(d - 3)).squareRoot())
            return SLRFrame(k: unit(k), v: unit(v))
        case .manifold:
            let k = SIMD4(random.normal(), 0, random.chiSquare(Double(d - 2)).squareRoot(), 0)
            let v = SIMD4(0, random.normal(), 0, random.chiSquare(Double(d - 3)).squareRoot())
            return SLRFrame(k: unit(k), v: unit(v))
        }
    }

    /// A draw of k and v in R^d, the first two axes along k* and v*: the frame of ``initialFrame(_:)``, with its third
    /// and fourth vectors random in the d - 2 remaining dimensions.
    func initialVectors(_ random: inout RandomStream) -> (k: [Double], v: [Double]) {
        let frame = initialFrame(&random)
        var third = Array(repeating: 0.0, count: d)
        var fourth = third
        for i in 2..<d { third[i] = random.normal() }
        for i in 2..<d { fourth[i] = random.normal() }
        func normalise(_ x: inout [Double]) {
            let norm = x.reduce(0) { $0 + $1 * $1 }.squareRoot()
            for i in x.indices { x[i] /= norm }
        }
        normalise(&third)
        for _ in 0..<2 {
            // Twice, so that the two are orthogonal to rounding.
            let along = zip(third, fourth).reduce(0) { $0 + $1.0 * $1.1 }
            for i in 2..<d { fourth[i] -= along * third[i] }
            normalise(&fourth)
        }
        func vector(_ x: SIMD4<Double>) -> [Double] {
            (0..<d).map { $0 < 2 ? x[$0] : x[2] * third[$0] + x[3] * fourth[$0] }
        }
        return (vector(frame.k), vector(frame.v))
    }
}

/// Turns the job's recording times into steps: t = step_size * steps, the time of gradient flow.
struct SLRClock: Sendable {
    private let stepsPerUnit: Double

    init(_ unit: TimeUnit, _ parameters: SLRParameters) {
        stepsPerUnit = unit == .steps ? 1 : 1 / parameters.stepSize
    }

    /// The whole step nearest to `time`.
    func step(at time: Double) throws -> Int {
        let steps = (time * stepsPerUnit).rounded()
        guard steps >= 0, steps < Double(maximumStep) else {
            throw ModelError.parameter("record", "time \(time) is \(steps) steps, outside 0 to 2^62")
        }
        return Int(steps)
    }
}
