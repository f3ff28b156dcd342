import Dynamics
import Foundation
import Modeling

/// The losses of the sheet, section 2.
package enum DGDLoss: String, Sendable, CaseIterable {
    case linear, logistic, phase
    case tokenAverage = "token-average"
    case tiedAttention = "tied-attention"
}

package enum DGDMask: String, Sendable, CaseIterable { case bernoulli, persistent, epoch }

package enum DGDTangents: String, Sendable, CaseIterable { case probes, exact }

/// One grid point of the model, checked, with all derived defaults worked out. Symbols as in the sheet.
package struct DGDParameters: Sendable {
    package let alpha: Double
    package let d: Int
    package let loss: DGDLoss
    /// L, k.
    package let tokens: Int
    package let students: Int
    package let prior: DMFTPrior
    /// eta and lambda.
    package let stepSize: Double
    package let ridge: Double
    package let batches: BatchLaw
    package let isSpherical: Bool
    /// sigma.
    package let noise: Double
    package let beta: Double
    package let runs: Int
    package let copies: Int
    package let tangents: DGDTangents

    /// a, with the columns of the tokens' means.
    package var teachers: Int { prior.teachers }
    /// n = round(alpha d).
    package var samples: Int { max(Int((alpha * Double(d)).rounded()), 1) }

    /// Decodes a grid point of job parameters for `method`; throws ``ModelError/parameter(_:_:)`` for what does not fit
    /// together.
    package init(_ point: ParameterPoint, method: String) throws {
        for rule in DGDRules.rules(method) {
            if let violation = rule.constraint.violation(point) { throw ModelError.parameter(rule.name, violation) }
        }
        alpha = try point.real("alpha")
        d = try point.integer("d")
        loss = try point.choice("loss")
        tokens = try point.integer("L")
        students = try point.integer("width")
        prior = try DGDRules.prior(point)
        stepSize = try point.real("step_size")
        ridge = try point.real("ridge")
        batches = try DGDRules.batches(point, method: method)
        isSpherical = try point.flag("spherical")
        noise = try point.realIfGiven("sigma") ?? (point.realIfGiven("noise") ?? 0).squareRoot()
        beta = try point.real("beta")
        runs = try point.integer("runs")
        copies = try point.integer("mc_samples")
        tangents = try point.choice("tangents")
    }
}

/// Turns the job's recording times into steps: t = step_size * steps, the time of gradient flow.
struct DGDClock: Sendable {
    private let stepsPerUnit: Double

    init(_ unit: TimeUnit, stepSize: Double) { stepsPerUnit = unit == .steps ? 1 : 1 / stepSize }

    /// The whole step nearest to `time`.
    func step(at time: Double) throws -> Int {
        let steps = (time * stepsPerUnit).rounded()
        guard steps >= 0, steps < Double(DGDRules.longest) else {
            throw ModelError.parameter("record", "time \(time) is \(steps) steps, outside 0 to \(DGDRules.longest - 1)")
        }
        return Int(steps)
    }
}
