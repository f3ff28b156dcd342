import Modeling

/// One grid point, read and checked. What a method or a choice does not read has no meaning there and stands at 0,
/// 1, nil or its default.
public struct Parameters: ModelParameters {
    /// n, sequences; even for balanced families.
    package let n: Int
    /// T, tokens a sequence: the parameter `L`, at least 2.
    package let T: Int
    /// d, the length of a token; 0 where a theory has none.
    package let d: Int
    /// d_q, the length of a query.
    package let dq: Int
    /// n/d; read by `closed-form` alone.
    package let alpha: Double
    /// Where the data come from.
    package let family: Family
    /// Where queries come from.
    package let query: Query
    /// The signals of gaussian and orthogonal data.
    package let geometry: Geometry
    /// U, the signals' norm, positive.
    package let signal: Double
    /// sigma, the noise tokens' norm, positive.
    package let sigma: Double
    /// Whether noise tokens lose their signal coordinates (gaussian).
    package let projects: Bool
    /// w_1, ..., w_4 of sin data.
    package let frequencies: [Double]
    /// The data of family `explicit`.
    package let explicit: ExplicitData?
    /// The decoder that the job gives, or its start; shape (d).
    package let u: [Double]?
    /// Whether the decoder is trained too.
    package let isJoint: Bool
    /// l(m).
    package let loss: Loss
    /// How far the optimizer goes.
    package let rule: StepRule
    /// The direction of W_0.
    package let start: Start
    /// omega = |W_0|, not negative; 0 where `start` says it all.
    package let initScale: Double
    /// W_0 of start `explicit`, (d, d_q).
    package let W0: [Double]?
    /// The number of the random data set and start; nil: those of the task.
    package let dataSeed: Int?

    /// U^2.
    package var A2: Double { signal * signal }
    /// sigma^2.
    package var B2: Double { sigma * sigma }

    public init(_ point: Reader, method: Method) throws {
        family = try point.read(Keys.data, or: point.isGiven(Keys.tokens) ? .explicit : .gaussian)
        let queries = family.queries(hasQueries: point.isGiven(Keys.queries))
        query = try point.read(Keys.query, or: queries[0])
        try Self.check(family, query, among: queries, point, method)
        let isSampled = method.isSampled
        isJoint = method == .closedForm ? false : try point[Keys.joint]
        try require(
            !isJoint || (method != .gapRecursion && method != .lateTime), Keys.joint,
            "must be false for \(method.rawValue), whose decoder is fixed; use gd or symmetric")
        explicit = family == .explicit ? try ExplicitData(point, query, isJoint: isJoint, method) : nil
        T = try explicit.map { try point.size(Keys.L, $0.T) } ?? point[Keys.L]

        if method == .closedForm {
            (alpha, n, d, dq) = (try point.ratio(), 1, 0, 0)
        } else if let explicit {
            (n, d) = (try point.size(Keys.n, explicit.n), try point.size(Keys.d, explicit.d))
            (alpha, dq) = (0, query == .prompt ? 1 : explicit.queryLength)
        } else {
            try require(
                !(isSampled && point.isGiven(Keys.n) && point.isGiven(Keys.d) && point.isGiven(Keys.alpha)),
                Keys.alpha, "is n/d: give two of alpha, n, d")
            n = try point.count(family)
            d = isSampled ? try point.dimension(n) : 0
            (alpha, dq) = (0, query == .prompt ? 1 : d)
        }

        geometry = family.isBalanced ? try point[Keys.geometry] : .antipodal
        signal = family.isBalanced ? try point[Keys.signal] : 1
        sigma = family.isBalanced ? try point[Keys.sigma] : 1
        projects = family == .gaussian && isSampled ? try point[Keys.project] : false
        frequencies = family == .sin ? try point.frequencies() : []
        if isSampled && family.isBalanced {
            let signals = geometry.signalCount
            let needed = family == .orthogonal ? n * (T - 1) + signals : signals
            try require(
                d >= needed, Keys.d, "is \(d); the signals and the orthogonal noise tokens need \(needed)")
        }
        // Scores stand in place of a decoder, and with a trained one the hard-margin problems do not see its start.
        let readsDecoder = isSampled && explicit?.scores == nil && !(method == .svm && isJoint)
        u = readsDecoder ? try point.decoder(d) : nil

        let trains = method.trains
        loss = trains ? try point[Keys.loss] : .logistic
        rule = trains ? try StepRule(point, isJoint: isJoint) : StepRule()
        try require(
            !(isJoint && loss == .linear && rule.optimizer == .polyak), Keys.loss,
            "linear has no infimum with a trained decoder, which polyak needs; take logistic")
        start = trains ? try point.start(method) : .zero
        initScale = start.hasScale ? try point[Keys.initScale] : 0
        W0 = start == .explicit ? try point.explicitStart(d, dq) : nil
        let isRandom = family.isRandom || start == .uniform || (start == .random && initScale > 0)
        dataSeed = isSampled && isRandom ? try point.given(Keys.dataSeed) : nil
    }

    /// Which families go with which queries, methods and arrays.
    private static func check(
        _ family: Family, _ query: Query, among queries: [Query], _ point: Reader, _ method: Method
    ) throws {
        for key in Keys.explicit {
            try require(
                family == .explicit || !point.isGiven(key), key,
                "belongs to data: explicit, with tokens; leave it out of \(family.rawValue)")
        }
        if method == .symmetric {
            try require(
                family.isBalanced, Keys.data, "must be gaussian or orthogonal for symmetric, which needs their symmetry"
            )
            try require(
                query != .prompt, Keys.query, "prompt has no symmetric theory; take noise, opt or external")
            try require(
                !point.isGiven(Keys.u), Keys.u,
                "cannot be given to symmetric, whose decoder is u_mm (joint: from 0)")
        }
        try require(
            method != .closedForm || (query == .external && family == .gaussian), Keys.query,
            "of closed-form must be external, with data: gaussian; no formula is known for others")
        try require(
            queries.contains(query), Keys.query,
            "of data: \(family.rawValue) must be one of " + queries.map(\.rawValue).joined(separator: ", ")
                + (family == .explicit ? " (external needs queries, and queries need external)" : ""))
    }
}

/// Throws what is wrong with a parameter unless `condition` holds.
func require<Value>(_ condition: Bool, _ key: Key<Value>, _ problem: @autoclosure () -> String) throws {
    guard condition else { throw ModelError.parameter(key, problem()) }
}

extension Reader {
    /// A size that the tokens given have; the job need not say it.
    fileprivate func size(_ key: Key<Int>, _ size: Int) throws -> Int {
        let given = try read(key, or: size)
        try require(given == size, key, "is \(given) where the tokens given have \(size); leave it out")
        return size
    }

    /// alpha, or n/d.
    fileprivate func ratio() throws -> Double {
        if let alpha = try given(Keys.alpha) { return alpha }
        try require(isGiven(Keys.n) && isGiven(Keys.d), Keys.alpha, "is needed, or n and d")
        return try Double(self[Keys.n]) / Double(self[Keys.d])
    }

    /// n, or alpha d to the nearest number that the family can have.
    fileprivate func count(_ family: Family) throws -> Int {
        if let n = try given(Keys.n) {
            try require(
                !family.isBalanced || n % 2 == 0, Keys.n,
                "is \(n) and must be even: the labels of data: \(family.rawValue) are balanced")
            return n
        }
        try require(isGiven(Keys.alpha) && isGiven(Keys.d), Keys.n, "is needed, or alpha and d")
        let pieces = family.isBalanced ? 2.0 : 1
        return try whole(max(1, (self[Keys.alpha] * Double(self[Keys.d]) / pieces).rounded()) * pieces)
    }

    /// d, or n/alpha to the nearest whole number.
    fileprivate func dimension(_ n: Int) throws -> Int {
        if let d = try given(Keys.d) { return d }
        try require(isGiven(Keys.alpha), Keys.d, "is needed, or n and alpha")
        return try whole(max(1, (Double(n) / self[Keys.alpha]).rounded()))
    }

    private func whole(_ size: Double) throws -> Int {
        try require(size <= Double(Keys.largest), Keys.alpha, "makes n or d larger than \(Keys.largest)")
        return Int(size)
    }

    fileprivate func frequencies() throws -> [Double] {
        let w = try read(Keys.sinW, or: ArrayValue(shape: [4], elements: [0.61, 0.83, 0.29, 1.1])).elements
        try require(w.count == 4, Keys.sinW, "must hold four numbers")
        return w
    }

    /// The decoder that the job gives.
    func decoder(_ d: Int) throws -> [Double]? {
        let u = try given(Keys.u)?.elements
        try require(u.map { $0.count == d } ?? true, Keys.u, "has \(u?.count ?? 0) elements where d is \(d)")
        return u
    }

    fileprivate func start(_ method: Method) throws -> Start {
        let usual: Start = isGiven(Keys.W0) ? .explicit : isGiven(Keys.initScale) ? .random : .zero
        let start = try read(Keys.start, or: usual)
        try require(
            method != .symmetric || (start != .uniform && start != .explicit), Keys.start,
            "must be zero, random, adversarial or mm for symmetric")
        try require(
            start == .explicit || !isGiven(Keys.W0), Keys.W0, "belongs to init: explicit; leave init out")
        try require(
            start.hasScale == isGiven(Keys.initScale), Keys.initScale,
            start.hasScale
                ? "is needed by init: \(start.rawValue), the norm of W_0"
                : "has no meaning with init: \(start.rawValue); leave one of them out")
        return start
    }

    fileprivate func explicitStart(_ d: Int, _ dq: Int) throws -> [Double] {
        try require(isGiven(Keys.W0), Keys.start, "explicit needs W0")
        let W0 = try self[Keys.W0]
        try require(
            W0.elements.count == d * dq && W0.shape.first == d, Keys.W0, "must have the shape (\(d), \(dq))")
        return W0.elements
    }
}
