import Foundation
import Modeling
import Numerics

/// How descent makes a step of a gradient.
package enum BSROptimizer: String, Sendable, CaseIterable { case gd, adamw }

/// The sizes of a simulation. Everything is written for the short side as rows: the model is symmetric under
/// transposition, and the law of the data is too.
package struct BSRSizes: Sendable, Hashable {
    /// m = min(d, L), M = max(d, L).
    package let short: Int
    package let long: Int
    /// r.
    package let rank: Int
    /// n.
    package let samples: Int

    /// p = d L.
    package var entries: Int { short * long }
}

/// One grid point of the model, checked, with all derived defaults worked out. Symbols as in the sheet.
package struct BSRParameters: Sendable {
    /// What a simulation has; nil where only ratios are given.
    package let sizes: BSRSizes?
    /// The realised ratios where there are sizes: M/m, r/m, n/(d L).
    package let beta: Double
    package let rho: Double
    package let alpha: Double
    /// Delta.
    package let noise: Double
    /// lambda.
    package let ridge: Double
    package let overlap: Double?
    package let studentRank: Int
    package let runs: Int
    package let optimizer: BSROptimizer
    /// eta.
    package let stepSize: Double
    /// sigma.
    package let initScale: Double
    package let weightDecay: Double
    package let stopError: Double
    package let burnIn: Int
    package let damping: Double
    package let precision: ChannelPrecision
    package let tolerance: Double

    package var prior: RectangularPrior { RectangularPrior(beta: beta, rho: rho) }
    /// n/(r (d + L)).
    package var alphaBar: Double { alpha * beta / (rho * (1 + beta)) }

    /// Decodes a grid point of job parameters for `method`; throws ``ModelError/parameter(_:_:)`` for what does not fit
    /// together.
    package init(_ point: ParameterPoint, method: String) throws {
        for rule in BSRRules.rules(method) {
            if let violation = rule.constraint.violation(point) { throw ModelError.parameter(rule.name, violation) }
        }
        let ratios = try BSRRules.ratios(point, method: method)
        (sizes, beta, rho, alpha) = (ratios.sizes, ratios.beta, ratios.rho, ratios.alpha)
        noise = try point.real("noise")
        ridge = try point.realIfGiven("ridge") ?? noise
        overlap = try point.realIfGiven("q")
        studentRank = point["student_rank"] == nil ? sizes?.rank ?? 1 : try point.integer("student_rank")
        runs = try point.integer("runs")
        optimizer = try point.choice("optimizer")
        stepSize =
            try point.realIfGiven("step_size") ?? (method == "langevin" ? 0.01 : optimizer == .gd ? 0.1 : 0.001)
        initScale = try point.real("init_scale")
        weightDecay = try point.real("weight_decay")
        stopError = try point.real("stop_error")
        burnIn = try point.integer("burn_in")
        damping = try point.real("damping")
        precision = method == "amp" ? try point.choice("precision") : .residual
        tolerance = try point.real("tolerance")
    }

    /// The sizes, which a simulation must have.
    func requiredSizes() throws -> BSRSizes {
        guard let sizes else { throw ModelError.parameter("d", "is needed by simulations") }
        return sizes
    }

    /// - Throws: ``ModelError/parameter(_:_:)`` when `bytes` are more than the machine has.
    static func checkMemory(bytes: Double) throws {
        guard bytes < Double(ProcessInfo.processInfo.physicalMemory) else {
            throw ModelError.parameter(
                "d", "is too large with this L and alpha: the run would hold \(bytes / 1e9) GB")
        }
    }
}
