import Foundation
import Modeling

/// The conditions that tie parameters together, and the defaults that follow from others. Both the job check (on
/// sub-grids) and ``EWQParameters`` use them.
enum EWQRules {
    static let simulations: Set<String> = ["amp", "gd", "langevin"]
    /// Methods without a sample ratio.
    static let withoutSamples: Set<String> = ["thresholds"]

    private static let sizeNames = ["d", "kappa", "width", "alpha", "alpha_bar", "n"]

    static func rules(_ method: String) -> [ParameterRule] {
        var rules = [
            ParameterRule("d", Array(sizeNames.dropFirst())) { point in
                do {
                    _ = try ratios(point, method: method)
                    return nil
                } catch ModelError.parameter(let name, let what) {
                    return name == "d" ? what : "\(name) \(what)"
                } catch { return "\(error)" }
            },
            ParameterRule("noise", ["noise_std"]) { point in
                guard point["noise"] != nil, point["noise_std"] != nil else { return nil }
                return "is the square of noise_std: give one"
            },
        ]
        if method == "langevin" {
            rules.append(
                ParameterRule("noise", ["noise_std"]) { point in
                    guard let noise = try? noise(point), noise <= 0 else { return nil }
                    return "must be positive for langevin: without noise the posterior has no density"
                })
        }
        if method == "gd" || method == "langevin" { rules.append(stepBound(isLangevin: method == "langevin")) }
        return rules
    }

    /// The stable step of plain descent and of Langevin.
    private static func stepBound(isLangevin: Bool) -> ParameterRule {
        let others = ["optimizer", "noise", "noise_std", "student_width", "init_scale"] + sizeNames
        return ParameterRule("step_size", others) { point in
            guard let step = try? point.realIfGiven("step_size"), let noise = try? noise(point),
                let sizes = try? ratios(point, method: "gd").sizes, let scale = try? point.real("init_scale"),
                isLangevin || (try? point.choice("optimizer", as: EWQOptimizer.self)) == .gd
            else { return nil }
            let student = (try? point.integer("student_width")) ?? sizes.width
            let bound = EWQStepBound(
                sizes, noise: noise, studentWidth: student, initScale: scale, isLangevin: isLangevin)
            guard step >= bound.value else { return nil }
            let other = isLangevin ? "leave it out" : "leave it out, or take optimizer adam"
            return
                "\(step) is not below the bound of stability \(bound.formula) = \(short(bound.value)): steps from there on "
                + "diverge along the trace of S; choose at most about half of the bound, or \(other)"
        }
    }

    private static func short(_ value: Double) -> String { String(format: "%.4g", value) }

    /// Delta_0.
    static func noise(_ point: ParameterPoint) throws -> Double {
        if let noise = try point.realIfGiven("noise") { return noise }
        let deviation = try point.realIfGiven("noise_std") ?? 0
        return deviation * deviation
    }

    /// Sizes, and the ratios that theory takes: those of the sizes where there are any.
    static func ratios(
        _ point: ParameterPoint, method: String
    ) throws -> (sizes: EWQSizes?, kappa: Double, alpha: Double) {
        func both(_ first: String, _ second: String) throws {
            guard point[first] == nil || point[second] == nil else {
                throw ModelError.parameter(second, "stands in place of \(first): give one")
            }
        }
        try both("kappa", "width")
        try both("alpha", "alpha_bar")
        try both("alpha", "n")
        try both("alpha_bar", "n")
        let needsSamples = !withoutSamples.contains(method)
        if needsSamples, point["alpha"] == nil, point["alpha_bar"] == nil, point["n"] == nil {
            throw ModelError.parameter("alpha", "is needed (or alpha_bar, or n)")
        }
        if point["kappa"] == nil, point["width"] == nil {
            throw ModelError.parameter("kappa", "is needed (or width)")
        }
        guard point["d"] != nil else {
            if simulations.contains(method) { throw ModelError.parameter("d", "is needed by simulations") }
            for name in ["width", "n"] where point[name] != nil {
                throw ModelError.parameter(name, "is a size and needs d; without sizes give kappa and alpha")
            }
            let kappa = try point.real("kappa")
            return (nil, kappa, try alpha(point, kappa: kappa))
        }
        let d = try point.integer("d")
        let width =
            point["width"] == nil ? try whole("width", point.real("kappa") * Double(d)) : try point.integer("width")
        let kappa = Double(width) / Double(d)
        let entries = Double(d) * Double(d)
        let n: Int
        if point["n"] == nil {
            n = try needsSamples ? whole("n", alpha(point, kappa: kappa) * entries) : 1
        } else {
            n = try point.integer("n")
        }
        return (EWQSizes(dimension: d, width: width, samples: n), kappa, Double(n) / entries)
    }

    private static func alpha(_ point: ParameterPoint, kappa: Double) throws -> Double {
        if let alpha = try point.realIfGiven("alpha") { return alpha }
        return (try point.realIfGiven("alpha_bar") ?? 1) * kappa
    }

    /// The whole number nearest to `value`, at least 1.
    private static func whole(_ name: String, _ value: Double) throws -> Int {
        guard value < 1e15 else { throw ModelError.parameter(name, "would be \(value): choose smaller sizes") }
        return max(Int(value.rounded()), 1)
    }
}
