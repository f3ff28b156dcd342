import Foundation
import Modeling
import Numerics

/// How descent makes a step of a gradient.
package enum EWQOptimizer: String, Sendable, CaseIterable { case gd, adam }

/// The sizes of a simulation.
package struct EWQSizes: Sendable, Hashable {
    /// d.
    package let dimension: Int
    /// m, hidden units of the target.
    package let width: Int
    /// n.
    package let samples: Int

    package init(dimension: Int, width: Int, samples: Int) {
        self.dimension = dimension
        self.width = width
        self.samples = samples
    }
}

/// One grid point of the model, checked, with all derived defaults worked out. Symbols as in the sheet.
package struct EWQParameters: Sendable {
    /// What a simulation has; nil where only ratios are given.
    package let sizes: EWQSizes?
    /// The realised ratios where there are sizes: m/d, n/d^2.
    package let kappa: Double
    package let alpha: Double
    /// Delta_0.
    package let noise: Double
    package let studentWidth: Int
    package let runs: Int
    package let optimizer: EWQOptimizer
    /// eta.
    package let stepSize: Double
    /// sigma.
    package let initScale: Double
    package let weightDecay: Double
    package let stopError: Double
    package let burnIn: Int
    package let damping: Double
    package let precision: ChannelPrecision
    package let outliers: SymmetricDenoiser.Outliers
    package let tolerance: Double

    package var prior: WishartPrior { WishartPrior(kappa: kappa) }
    /// n/(m d).
    package var alphaBar: Double { alpha / kappa }

    /// Decodes a grid point of job parameters for `method`; throws ``ModelError/parameter(_:_:)`` for what does not fit
    /// together.
    package init(_ point: ParameterPoint, method: String) throws {
        for rule in EWQRules.rules(method) {
            if let violation = rule.constraint.violation(point) { throw ModelError.parameter(rule.name, violation) }
        }
        let ratios = try EWQRules.ratios(point, method: method)
        (sizes, kappa, alpha) = ratios
        noise = try EWQRules.noise(point)
        studentWidth = point["student_width"] == nil ? sizes?.width ?? 1 : try point.integer("student_width")
        runs = try point.integer("runs")
        optimizer = try point.choice("optimizer")
        initScale = try point.real("init_scale")
        let isLangevin = method == "langevin"
        var usual = isLangevin || optimizer == .adam ? 0.01 : 0.1
        if let sizes, isLangevin || method == "gd" && optimizer == .gd {
            let bound = EWQStepBound(
                sizes, noise: noise, studentWidth: studentWidth, initScale: initScale, isLangevin: isLangevin)
            usual = min(usual, 0.5 * bound.value)
        }
        stepSize = try point.realIfGiven("step_size") ?? usual
        weightDecay = try point.real("weight_decay")
        stopError = try point.real("stop_error")
        burnIn = try point.integer("burn_in")
        damping = try point.real("damping")
        precision = method == "amp" ? try point.choice("precision") : .residual
        outliers = try point.choice("outliers")
        tolerance = try point.real("tolerance")
    }

    /// The sizes, which a simulation must have.
    func requiredSizes() throws -> EWQSizes {
        guard let sizes else { throw ModelError.parameter("d", "is needed by simulations") }
        return sizes
    }

    /// - Throws: ``ModelError/parameter(_:_:)`` when `bytes` are more than the machine has.
    static func checkMemory(bytes: Double) throws {
        guard bytes < Double(ProcessInfo.processInfo.physicalMemory) else {
            throw ModelError.parameter("d", "is too large with this alpha: the run would hold \(bytes / 1e9) GB")
        }
    }
}

/// The step from which plain steps along the gradient cannot settle at the target.
///
/// Along W -> c W the loss depends on the trace alone: with u = tr S/d, u* that of the labels and a = step_size alpha d m/m_s,
/// a step takes u to u (1 - a (u - u*))^2. Its fixed point u* is stable for a u* < 1, and a start above u* + 2/a never comes
/// back. (Langevin has the prior's u* = 1, and a gradient larger by 1/(Delta_0 (2 + Delta_0)).)
package struct EWQStepBound: Sendable {
    package let value: Double
    /// The formula, for messages.
    package let formula: String

    package init(_ sizes: EWQSizes, noise: Double, studentWidth: Int, initScale: Double, isLangevin: Bool) {
        let d = Double(sizes.dimension)
        var slope = Double(sizes.samples) / d * Double(sizes.width) / Double(studentWidth)
        if isLangevin { slope /= noise * (2 + noise) }
        let last = isLangevin ? 1 : 1 + noise
        let first = initScale * initScale
        let stable = 1 / (slope * last)
        let basin = first > last ? 2 / (slope * (first - last)) : .infinity
        value = min(stable, basin)
        let ratio = studentWidth == sizes.width ? "alpha d" : "alpha d width/student_width"
        let stretch = isLangevin ? "noise (2 + noise)" : "1"
        formula =
            basin < stable
            ? "2 \(stretch)/(\(ratio) (init_scale^2 - \(isLangevin || noise == 0 ? "1" : "1 - noise")))"
            : "\(stretch)/(\(ratio)\(isLangevin || noise == 0 ? "" : " (1 + noise)"))"
    }
}
