import Foundation
import Modeling

/// The conditions that tie parameters together, and the defaults that follow from others. Both the job check (on
/// sub-grids) and ``BSRParameters`` use them.
enum BSRRules {
    static let simulations: Set<String> = ["amp", "ridge", "gd", "langevin"]
    /// Methods without a sample ratio, and without a matrix.
    static let withoutSamples: Set<String> = ["thresholds"]
    static let withoutShape: Set<String> = ["ridge-theory"]

    private static let sizeNames = ["d", "L", "beta", "rho", "rank", "alpha", "alpha_bar", "n"]

    static func rules(_ method: String) -> [ParameterRule] {
        var rules = [
            ParameterRule("d", Array(sizeNames.dropFirst())) { point in
                do {
                    _ = try ratios(point, method: method)
                    return nil
                } catch ModelError.parameter(let name, let what) {
                    return name == "d" ? what : "\(name) \(what)"
                } catch { return "\(error)" }
            }
        ]
        if method == "langevin" {
            rules.append(
                ParameterRule("noise", []) { point in
                    guard let noise = try? point.real("noise"), noise <= 0 else { return nil }
                    return "must be positive for langevin: without noise the posterior has no density"
                })
        }
        return rules
    }

    /// Sizes, and the ratios that theory takes: those of the sizes where there are any.
    static func ratios(
        _ point: ParameterPoint, method: String
    ) throws -> (sizes: BSRSizes?, beta: Double, rho: Double, alpha: Double) {
        func both(_ first: String, _ second: String) throws {
            guard point[first] == nil || point[second] == nil else {
                throw ModelError.parameter(second, "stands in place of \(first): give one")
            }
        }
        try both("L", "beta")
        try both("rho", "rank")
        try both("alpha", "alpha_bar")
        try both("alpha", "n")
        try both("alpha_bar", "n")
        let isSimulation = simulations.contains(method)
        let needsSamples = !withoutSamples.contains(method)
        let needsShape = !withoutShape.contains(method)
        if needsSamples, point["alpha"] == nil, point["alpha_bar"] == nil, point["n"] == nil {
            throw ModelError.parameter("alpha", "is needed (or alpha_bar, or n)")
        }
        if needsShape || isSimulation || point["alpha_bar"] != nil, point["rho"] == nil, point["rank"] == nil {
            throw ModelError.parameter("rho", "is needed (or rank)")
        }
        guard point["d"] != nil else {
            if isSimulation { throw ModelError.parameter("d", "is needed by simulations") }
            for name in ["L", "rank", "n"] where point[name] != nil {
                throw ModelError.parameter(name, "is a size and needs d; without sizes give beta, rho and alpha")
            }
            let beta = try point.realIfGiven("beta") ?? 1
            let rho = try point.realIfGiven("rho") ?? 1
            return (nil, beta, rho, try alpha(point, beta: beta, rho: rho))
        }
        let d = try point.integer("d")
        let L =
            point["L"] == nil ? try whole("L", (point.realIfGiven("beta") ?? 1) * Double(d)) : try point.integer("L")
        let (m, M) = (min(d, L), max(d, L))
        let beta = Double(M) / Double(m)
        let rank =
            point["rank"] == nil
            ? try whole("rank", (point.realIfGiven("rho") ?? 1) * Double(m)) : try point.integer("rank")
        let rho = Double(rank) / Double(m)
        let p = Double(m) * Double(M)
        let n: Int
        if point["n"] == nil {
            n = try needsSamples ? whole("n", alpha(point, beta: beta, rho: rho) * p) : 1
        } else {
            n = try point.integer("n")
        }
        return (BSRSizes(short: m, long: M, rank: rank, samples: n), beta, rho, Double(n) / p)
    }

    private static func alpha(_ point: ParameterPoint, beta: Double, rho: Double) throws -> Double {
        if let alpha = try point.realIfGiven("alpha") { return alpha }
        guard let bar = try point.realIfGiven("alpha_bar") else { return 1 }
        return bar * rho * (1 + beta) / beta
    }

    /// The whole number nearest to `value`, at least 1.
    private static func whole(_ name: String, _ value: Double) throws -> Int {
        guard value < 1e15 else { throw ModelError.parameter(name, "would be \(value): choose smaller sizes") }
        return max(Int(value.rounded()), 1)
    }
}
