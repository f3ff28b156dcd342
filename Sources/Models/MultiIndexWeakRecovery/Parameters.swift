import Foundation
import Modeling
import Numerics

/// One grid point, checked, with derived defaults.
package struct MIWParameters: Sendable {
    package let link: MIWLink
    package let alpha: Double
    package let d: Int
    package let p: Int
    package let contrast: Double
    package let initialisation: MIWInitialisation
    /// The overlap matrix of a warm, informed or planted start.
    package let M0: [Double]
    package let initScale: Double
    package let coldOverlap: Double
    package let damping: Double
    package let maximumIterations: Int
    package let tolerance: Double

    /// The overlap of an informed start.
    static let informedOverlap = 0.97

    package init(_ point: ParameterPoint, method: String) throws {
        for rule in MIWRules.all(method) {
            if let violation = rule.constraint.violation(point) { throw ModelError.parameter(rule.name, violation) }
        }
        link = try point.choice("link")
        alpha = try point.real("alpha")
        d = try point.integer("d")
        let given = point["p"] == nil ? 2 : try point.integer("p")
        p = link.directions ?? given
        contrast = 1 - 2 * (try point.real("flip"))
        initialisation = MIWRules.initialisation(point)
        M0 = MIWRules.startMatrix(point, p) ?? SmallMatrix.diagonal(p, Self.informedOverlap)
        initScale = try point.real("init_scale")
        coldOverlap = try point.real("cold_overlap")
        damping = try point.real("damping")
        let isAMP = method == "amp"
        let limit = isAMP ? 200 : 100_000
        maximumIterations = point["max_iter"] == nil ? limit : try point.integer("max_iter")
        tolerance = try point.realIfGiven("tol") ?? (isAMP ? 1e-4 : 1e-8)
    }

    /// Samples, alpha d rounded.
    package var n: Int { Int((alpha * Double(d)).rounded()) }

    /// Where state evolution starts.
    package var theoryStart: [Double] {
        initialisation == .cold ? SmallMatrix.diagonal(p, coldOverlap) : M0
    }
}

/// Conditions that tie parameters, for the job check and for ``MIWParameters``.
enum MIWRules {
    static func initialisation(_ point: ParameterPoint) -> MIWInitialisation {
        if let kind: MIWInitialisation = try? point.choice("init") { return kind }
        return point["m0"] != nil || point["M0"] != nil ? .warm : .cold
    }

    private static func link(_ point: ParameterPoint) -> MIWLink? { try? point.choice("link") }

    /// m0 or M0 as a matrix; nil when neither is given or the shape does not fit.
    static func startMatrix(_ point: ParameterPoint, _ p: Int) -> [Double]? {
        if let given = (try? point.arrayIfGiven("M0")) ?? nil {
            if given.shape == [p] { return (0..<p * p).map { $0 % (p + 1) == 0 ? given.elements[$0 / p] : 0 } }
            return given.shape == [p, p] ? given.elements : nil
        }
        guard let value = (try? point.realIfGiven("m0")) ?? nil else { return nil }
        return SmallMatrix.diagonal(p, value)
    }

    static func all(_ method: String) -> [ParameterRule] {
        let common = [
            ParameterRule("flip", ["link"]) { point in
                guard let link = link(point), !link.canFlip, let flip = try? point.real("flip"), flip > 0 else {
                    return nil
                }
                return
                    "labels of \(link.rawValue) are not +-1 and cannot be flipped: leave flip out, or link: sign_product2"
            },
            ParameterRule("p", ["link"]) { point in
                guard let link = link(point), let p = try? point.integer("p"), let own = link.directions, p != own
                else {
                    return nil
                }
                return "\(link.rawValue) has \(own) directions: leave p out (it is for sum_of_squares)"
            },
        ]
        guard method != "weak-recovery" else { return common }
        return common + [
            ParameterRule("link", []) { point in
                guard let link = link(point), !link.hasDynamics else { return nil }
                return "\(link.rawValue) has thresholds only (method weak-recovery); \(method) knows sign_product2, "
                    + "phase_parity and committee3"
            },
            ParameterRule("init", ["m0", "M0"]) { point in
                let kind = initialisation(point)
                let isGiven = point["m0"] != nil || point["M0"] != nil
                if point["m0"] != nil, point["M0"] != nil { return "m0 is M0 = m0 I: give one of the two" }
                if kind == .warm || kind == .planted {
                    return isGiven ? nil : "init: \(kind.rawValue) needs the overlaps m0 or M0"
                }
                return isGiven ? "m0 and M0 are read by init: warm or planted only" : nil
            },
            ParameterRule("init", []) { point in
                initialisation(point) == .planted && method != "amp"
                    ? "init: planted is not Bayes consistent and has no state evolution; take warm" : nil
            },
            ParameterRule("M0", ["link"]) { point in
                guard let link = link(point), let p = link.directions, link.hasDynamics, point["M0"] != nil else {
                    return nil
                }
                guard let M = startMatrix(point, p) else { return "must have \(p) or \(p) x \(p) numbers" }
                guard SmallMatrix.isSymmetric(M, p) else { return "must be symmetric" }
                guard let values = try? LAPACK.symmetricEigen(p, M).values, let low = values.first,
                    let high = values.last, low >= -1e-12, high < 1
                else { return "must have eigenvalues from 0 to below 1" }
                let isDiagonal = (0..<p * p).allSatisfy { $0 % (p + 1) == 0 || M[$0] == 0 }
                return link == .phaseParity && method != "amp" && !isDiagonal
                    ? "must be diagonal: state evolution of phase_parity is for diagonal overlaps" : nil
            },
            ParameterRule("alpha", ["d"]) { point in
                guard method == "amp", let alpha = try? point.real("alpha"), let d = try? point.integer("d") else {
                    return nil
                }
                let n = (alpha * Double(d)).rounded()
                return n < 1 || n > 1e12 ? "alpha d = \(n) samples: need from 1 to 1e12" : nil
            },
        ]
    }
}
