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

    static func family(_ point: ParameterPoint) -> SAIBFamily {
        (try? point.choice("data")) ?? (point["tokens"] == nil ? .gaussian : .explicit)
    }

    static func query(_ point: ParameterPoint) -> SAIBQuery {
        if let query: SAIBQuery = try? point.choice("query") { return query }
        switch family(point) {
        case .gaussian, .orthogonal: return .noise
        case .sphere: return .external
        case .sin: return .first
        case .explicit: return point["queries"] == nil ? .first : .external
        }
    }

    static func start(_ point: ParameterPoint) -> SAIBStart {
        if let start: SAIBStart = try? point.choice("init") { return start }
        return point["W0"] != nil ? .explicit : point["init_scale"] != nil ? .random : .zero
    }

    /// n, d and alpha as far as the job says.
    static func sizes(_ point: ParameterPoint) throws -> (n: Int?, d: Int?, alpha: Double?) {
        if let shape = try point.arrayIfGiven("tokens")?.shape, family(point) == .explicit {
            return (shape[0], shape[2], Double(shape[0]) / Double(shape[2]))
        }
        var (n, d): (Int?, Int?) = (try? point.integer("n"), try? point.integer("d"))
        var alpha = try point.realIfGiven("alpha")
        let isBalanced = family(point) == .gaussian || family(point) == .orthogonal
        if n == nil, let d, let alpha {
            let pieces = isBalanced ? 2.0 : 1.0
            let count = max(1, (alpha * Double(d) / pieces).rounded()) * pieces
            guard count <= 1_000_000 else {
                throw ModelError.parameter("alpha", "and d make more than 1000000 sequences")
            }
            n = Int(count)
        } else if d == nil, let n, let alpha {
            let count = max(1, (Double(n) / alpha).rounded())
            guard count <= 1_000_000 else { throw ModelError.parameter("alpha", "and n make d larger than 1000000") }
            d = Int(count)
        } else if alpha == nil, let n, let d {
            alpha = Double(n) / Double(d)
        }
        return (n, d, alpha)
    }

    /// - Throws: ``ModelError/parameter(_:_:)`` for what does not fit together.
    package init(_ point: ParameterPoint, method: String) throws {
        func error(_ name: String, _ what: String) -> ModelError { .parameter(name, what) }
        family = Self.family(point)
        query = Self.query(point)
        start = Self.start(point)
        tokens = try point.arrayIfGiven("tokens")
        queries = try point.arrayIfGiven("queries")
        let shape = family == .explicit ? tokens?.shape : nil
        if family == .explicit && shape == nil { throw error("data", "explicit needs tokens of shape (n, L, d)") }
        if family != .explicit {
            for name in ["tokens", "queries", "labels", "opt", "scores"] where point[name] != nil {
                throw error(name, "belongs to data: explicit, not to \(family.rawValue); leave it or data out")
            }
        }
        let sizes = try Self.sizes(point)
        if let shape {
            for (name, size) in [("n", shape[0]), ("L", shape[1]), ("d", shape[2])] {
                if let given = try? point.integer(name), given != size {
                    throw error(name, "is \(given) where the tokens given have \(size); leave it out")
                }
            }
            if point["alpha"] != nil { throw error("alpha", "has no meaning with tokens given; leave it out") }
        } else if point["n"] != nil && point["d"] != nil && point["alpha"] != nil {
            throw error("alpha", "is n/d: give two of alpha, n, d")
        }
        guard let T = try shape?[1] ?? (point["L"] == nil ? nil : point.integer("L")) else {
            throw error("L", "is needed: the number of tokens a sequence")
        }
        guard T >= 2 else { throw error("tokens", "must have at least two tokens a sequence") }
        self.T = T
        alpha = sizes.alpha
        d = sizes.d
        isJoint = try point.flag("joint")
        optimizer = try point.choice("optimizer")
        loss = try point.choice("loss")
        polyak = try point.real("polyak_c")
        step = try point.real("step_size")
        stepU = try point.real("step_size_u")
        decay = try point.real("step_decay")
        decayU = try point.real("step_decay_u")
        geometry = try point.choice("geometry")
        signal = try point.real("signal")
        sigma = try point.real("sigma")
        projects = try point.flag("project")
        W0 = try point.arrayIfGiven("W0")
        dataSeed = point["data_seed"] == nil ? nil : try point.integer("data_seed")
        u = try point.arrayIfGiven("u")?.elements
        scores = try point.arrayIfGiven("scores")?.elements
        labels = try point.arrayIfGiven("labels")?.elements
        frequencies = try point.arrayIfGiven("sin_w")?.elements ?? [0.61, 0.83, 0.29, 1.1]
        initScale = try point.realIfGiven("init_scale") ?? 0

        switch method {
        case "closed-form":
            guard sizes.alpha != nil else { throw error("alpha", "is needed, or n and d") }
            n = sizes.n ?? 1
        default:
            guard let count = sizes.n else { throw error("n", "is needed, or alpha and d") }
            n = count
            if Self.isSampled(method) && sizes.d == nil { throw error("d", "is needed, or n and alpha") }
        }
        if let given = try point.arrayIfGiven("opt")?.elements {
            guard given.count == n, given.allSatisfy({ $0 >= 0 && $0 < Double(T) && $0 == $0.rounded() }) else {
                throw error("opt", "must hold n = \(n) positions from 0 to L - 1 = \(T - 1)")
            }
            opt = given.map { Int($0) }
        } else {
            opt = nil
        }
        try check(point, method: method)
    }

    /// True for methods that draw (or are given) tokens in R^d.
    static func isSampled(_ method: String) -> Bool { method != "symmetric" && method != "closed-form" }
}
