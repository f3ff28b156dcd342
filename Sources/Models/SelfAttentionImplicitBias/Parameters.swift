import Foundation
import Modeling

/// One grid point, decoded and checked: every rule that ties parameters is here, for the job's check and for the run.
package struct SAIBParameters: Sendable {
    package let n: Int
    package let T: Int
    /// Nil when the method needs none and the job gives none.
    package let d: Int?
    package let alpha: Double?
    package let family: SAIBFamily
    package let query: SAIBQuery
    package let geometry: SAIBGeometry
    /// U and sigma.
    package let signal: Double
    package let sigma: Double
    package let projects: Bool
    package let frequencies: [Double]
    package let tokens: ArrayValue?
    package let queries: ArrayValue?
    package let labels: [Double]?
    package let opt: [Int]?
    package let scores: [Double]?
    package let u: [Double]?
    package let loss: SAIBLoss
    package let optimizer: SAIBOptimizer
    package let polyak: Double
    package let isJoint: Bool
    /// eta_W, eta_u, a_W, a_u.
    package let step: Double
    package let stepU: Double
    package let decay: Double
    package let decayU: Double
    package let start: SAIBStart
    /// omega.
    package let initScale: Double
    package let W0: ArrayValue?
    package let dataSeed: Int?

    /// A2 = U^2 and B2 = sigma^2.
    package var A2: Double { signal * signal }
    package var B2: Double { sigma * sigma }

    /// True for the families with balanced labels +1, -1, +1, ...
    package var isBalanced: Bool { family == .gaussian || family == .orthogonal }

    /// eta_W (t + 1)^-a_W.
    package func stepSize(_ t: Int) -> Double { decay == 0 ? step : step * pow(Double(t + 1), -decay) }
    /// eta_u (t + 1)^-a_u.
    package func stepSizeU(_ t: Int) -> Double { decayU == 0 ? stepU : stepU * pow(Double(t + 1), -decayU) }

    /// Decodes a grid point for `method`.
    ///
    /// - Throws: ``ModelError/parameter(_:_:)`` for what does not fit together.
    package init(_ point: ParameterPoint, method: String) throws {
        let choices = SAIBRules.Choices(point: point)
        for rule in SAIBRules.rules(method) {
            if let violation = rule.violation(choices) { throw ModelError.parameter(rule.name, violation) }
        }
        family = choices.family
        query = choices.query
        start = choices.start
        T = choices.T ?? 2
        // The limit of closed-form has no n.
        n = choices.n ?? 1
        d = choices.d
        alpha = choices.sizes.alpha
        tokens = try point.arrayIfGiven("tokens")
        queries = try point.arrayIfGiven("queries")
        labels = try point.arrayIfGiven("labels")?.elements
        opt = try point.arrayIfGiven("opt")?.elements.map { Int($0) }
        scores = try point.arrayIfGiven("scores")?.elements
        u = try point.arrayIfGiven("u")?.elements
        W0 = try point.arrayIfGiven("W0")
        dataSeed = point["data_seed"] == nil ? nil : try point.integer("data_seed")
        frequencies = try point.arrayIfGiven("sin_w")?.elements ?? [0.61, 0.83, 0.29, 1.1]
        geometry = try point.choice("geometry")
        signal = try point.real("signal")
        sigma = try point.real("sigma")
        projects = try point.flag("project")
        loss = try point.choice("loss")
        optimizer = try point.choice("optimizer")
        polyak = try point.real("polyak_c")
        isJoint = try point.flag("joint")
        step = try point.real("step_size")
        stepU = try point.real("step_size_u")
        decay = try point.real("step_decay")
        decayU = try point.real("step_decay_u")
        initScale = try point.realIfGiven("init_scale") ?? 0
    }
}
