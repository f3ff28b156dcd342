import ModelKit
import Modeling

extension SequenceSingleIndex {
    /// One grid point, checked, with all derived defaults worked out. Symbols as on the model's page.
    public struct Parameters: ModelParameters {
        /// Token dimension, at least 3; 0 where nothing depends on it.
        package private(set) var d = 0
        /// Sequence length, from 1; at most 4096 for attention.
        package let L: Int
        /// Which of (5) to (7) learns.
        package let student: Student
        /// Of untied networks; `global` where nothing depends on it.
        private(set) var normMode = NormMode.global
        /// sigma, of networks; `relu` for attention.
        package let activation: Activation
        /// g.
        package let target: Target
        /// Row-major (termCount, L + 1): coefficient and degrees of target `hermite`; empty for other targets.
        let hermiteTerms: [Double]
        /// (9): square or half_square for scalar targets, half_square or frobenius for the matrix target.
        package let loss: Loss
        /// The step used, gamma = gamma_0 s(L), positive.
        package let gamma: Double
        /// What w is at t = 0; `random` where nothing depends on it.
        package private(set) var start = Start.random
        /// Positional share of the matrix target, in [0, 1]; 0 for others.
        let omega: Double
        /// Strength of the matrix target's positional part, in (0, 1]; 1 where nothing depends on it.
        let a: Double
        /// The level of weak recovery, in (0, 1]; not-a-number where nothing depends on it.
        package private(set) var eta = Double.nan
        /// L x L, row-major; nil when the output is the matrix S (and for networks).
        package let U: [Double]?
        /// The kind of (7); `none` for networks.
        package let encoding: PositionalEncoding
        /// pi of P_l = sum_j pi_lj v_j/sqrt(d), row-major (L, k); empty without encoding.
        package let pi: [Double]
        /// The number k of encoding directions, 0 for networks.
        package let k: Int
        /// Samples of the test set of simulations, from 1; 0 for theory.
        package let testSize: Int
        /// Points of sampled averages, from 64; 0 where none are sampled.
        let points: Int

        public init(_ point: Reader, method: Method) throws {
            student = try point[Keys.student]
            L = try point.length(student)
            let isAttention = student == .attention
            target = try point.target(L: L, student: student)
            hermiteTerms = try point.hermiteTerms(target, L: L)
            loss = try point.loss(target)
            activation = isAttention ? .relu : try point[Keys.activation]
            gamma = try point[Keys.stepSize] * point[Keys.stepScaling].factor(L)
            U = isAttention ? try point.reduction(target, L: L) : nil
            (encoding, pi, k) = try point.encoding(student, target, L: L)
            omega = target.isMatrix ? try point[Keys.omega] : 0
            // A target without positional part does not depend on its strength; its thresholds in omega do.
            let readsStrength = target.isMatrix && (omega > 0 || method == .closedForm)
            a = readsStrength ? try point[Keys.a] : 1
            let isSimulation = method == .sgd || method == .overlapChain
            let isSampled = isAttention && (loss == .frobenius || ScalarAttentionAverages.nodes(L) == nil)
            points = isSampled && !isSimulation ? try point[Keys.quadraturePoints] : 0
            // The linear theory of attention at the origin, and the phase diagram, look neither at the start nor at d.
            let looksAtStart = !(isAttention && method == .closedForm)
            if isSimulation {
                d = try point.dimension(k)
                testSize = try point.read(Keys.testSize, or: 20 * point[Keys.d])
            } else {
                testSize = 0
            }
            guard looksAtStart else { return }
            start = try point.start(student, L: L, k: k, drawsSigns: isSimulation)
            eta = try point.read(Keys.eta, or: min(2 / Double(point.dimension(k)).squareRoot(), 1))
            if !isSimulation, startDependsOnD { d = try point.dimension(k) }
            if try readsNormMode(method) { normMode = try point[Keys.normMode] }
            if method == .closedFormTrajectory { _ = try ClosedFormTrajectory(self) }
        }

        /// Thresholds are those of both modes, and so is the trajectory of rows that stay equal.
        private func readsNormMode(_ method: Method) throws -> Bool {
            guard student == .untied else { return false }
            switch method {
            case .sgd, .overlapChain, .ode: return true
            case .closedForm: return false
            case .closedFormTrajectory: return !NetworkTheory(self).rowsStayEqual
            }
        }

        /// Whether theory starts at 1/sqrt(d), or at the noise that stands for exact zeros, (42).
        private var startDependsOnD: Bool {
            switch start {
            case .random: true
            case .overlapped(let o, _): o == 0 || k > 0
            case .prescribed: false
            }
        }

        /// A_11 = A_22 = s(2 a^2) of the matrix target, (3).
        var A11: Double { logistic(2 * a * a) }

        /// One for each overlap with w*: 1, or L for untied students.
        package var rows: Int { student == .untied ? L : 1 }

        /// e_l = sum_j pi_lj eps_j, L entries, from the overlaps eps_j = w.v_j/d with the encoding directions.
        func positionalOverlaps(_ eps: some RandomAccessCollection<Double>) -> [Double] {
            (0..<L).map { l in zip(0..<k, eps).reduce(0) { $0 + pi[l * k + $1.0] * $1.1 } }
        }
    }
}

// The parts of a point that hang together, each read and checked.
extension Reader {
    private func require<Value>(_ holds: Bool, _ key: Key<Value>, _ what: @autoclosure () -> String) throws {
        if !holds { throw ModelError.parameter(key, what()) }
    }

    /// An array that `option` cannot do without.
    private func needed(_ key: Key<ArrayValue>, by option: String) throws -> ArrayValue {
        guard let array = try given(key) else { throw ModelError.parameter(key, "is needed by \(option)") }
        try require(array.elements.allSatisfy(\.isFinite), key, "must be finite")
        return array
    }

    /// An error when the job gives an array that nothing but `option` reads.
    private func refuse(_ key: Key<ArrayValue>, except option: String) throws {
        try require(!isGiven(key), key, "is read by \(option) only")
    }

    fileprivate func length(_ student: Student) throws -> Int {
        // Attention holds L x L matrices.
        let (L, longest) = (try self[Keys.L], 4096)
        try require(student != .attention || L <= longest, Keys.L, "must be at most \(longest) for attention")
        return L
    }

    /// d, with room for w*, `k` encoding directions and two more.
    fileprivate func dimension(_ k: Int) throws -> Int {
        let d = try self[Keys.d]
        try require(d >= 3 + k, Keys.d, "must be at least \(3 + k): w*, \(k) encoding directions and two more")
        return d
    }

    fileprivate func target(L: Int, student: Student) throws -> Target {
        let target = try self[Keys.target]
        if target.isMatrix {
            try require(L == 2, Keys.target, "is positional_semantic, which is defined for L = 2, not \(L)")
            try require(
                student == .attention, Keys.target,
                "is positional_semantic, a matrix, and needs student: attention; a network has a scalar output")
        }
        let shortest = target.minimumLength
        try require(L >= shortest, Keys.target, "is \(target.rawValue), which needs L >= \(shortest), not \(L)")
        return target
    }

    fileprivate func hermiteTerms(_ target: Target, L: Int) throws -> [Double] {
        let (key, option) = (Keys.hermiteTerms, "target: hermite")
        guard target == .hermite else {
            try refuse(key, except: option)
            return []
        }
        let terms = try needed(key, by: option)
        try require(
            terms.shape.count == 2 && terms.shape[1] == L + 1 && terms.shape[0] >= 1, key,
            "must have L + 1 = \(L + 1) numbers in every term: a coefficient and L degrees")
        for (index, value) in terms.elements.enumerated() where index % (L + 1) != 0 {
            try require(
                (0...30).contains(value) && value == value.rounded(), key,
                "has degrees that are whole numbers from 0 to 30, not \(value)")
        }
        return terms.elements
    }

    fileprivate func loss(_ target: Target) throws -> Loss {
        let loss = try read(Keys.loss, or: target.isMatrix ? .halfSquare : .square)
        let isRight = target.isMatrix ? loss != .square : loss != .frobenius
        try require(
            isRight, Keys.loss,
            target.isMatrix
                ? "must be half_square or frobenius for the matrix target positional_semantic"
                : "must be square or half_square for target \(target.rawValue), which is a scalar")
        return loss
    }

    /// U of an attention student; nil for the whole matrix.
    fileprivate func reduction(_ target: Target, L: Int) throws -> [Double]? {
        let reduction = try read(
            Keys.reduction, or: isGiven(Keys.U) ? .explicit : target.isMatrix ? .none : .trace)
        try require(
            target.isMatrix == (reduction == .none), Keys.reduction,
            target.isMatrix
                ? "must be none: target positional_semantic is compared with the whole attention matrix"
                : "must be trace, projection or explicit: target \(target.rawValue) is a scalar")
        if reduction != .explicit { try refuse(Keys.U, except: "reduction: explicit") }
        if reduction != .projection {
            for key in [Keys.projectionLeft, Keys.projectionRight] { try refuse(key, except: "reduction: projection") }
        }
        switch reduction {
        case .none: return nil
        case .trace: return (0..<(L * L)).map { $0 / L == $0 % L ? 1 / Double(L).squareRoot() : 0 }
        case .projection:
            let right = try unitVector(Keys.projectionRight, L)
            return try unitVector(Keys.projectionLeft, L).flatMap { x in right.map { x * $0 } }
        case .explicit:
            let U = try needed(Keys.U, by: "reduction: explicit")
            try require(U.shape == [L, L], Keys.U, "must be \(L) x \(L) (L x L), not \(U.shape)")
            return U.elements
        }
    }

    private func unitVector(_ key: Key<ArrayValue>, _ L: Int) throws -> [Double] {
        let vector = try vector(key, count: L, or: Array(repeating: 1 / Double(L).squareRoot(), count: L))
        let norm = vector.reduce(0) { $0 + $1 * $1 }
        try require(abs(norm - 1) < 1e-9, key, "must be a unit vector; its squared norm is \(norm)")
        return vector
    }

    private func vector(
        _ key: Key<ArrayValue>, count: Int, or derived: @autoclosure () throws -> [Double]
    ) throws -> [Double] {
        let vector = try read(key, or: ArrayValue(shape: [count], elements: derived())).elements
        try require(vector.count == count, key, "must have \(count) entries, not \(vector.count)")
        return vector
    }

    /// The encoding, its matrix pi and its number of directions.
    fileprivate func encoding(
        _ student: Student, _ target: Target, L: Int
    ) throws -> (PositionalEncoding, pi: [Double], k: Int) {
        guard student == .attention else {
            let encoding = try read(Keys.encoding, or: .none)
            try require(encoding == .none, Keys.encoding, "must be none: only student: attention has one")
            return (.none, [], 0)
        }
        let (key, option) = (Keys.encodingMatrix, "encoding: explicit")
        let encoding = try read(
            Keys.encoding, or: isGiven(key) ? .explicit : target.isMatrix ? .paired : .none)
        if encoding != .explicit { try refuse(key, except: option) }
        switch encoding {
        case .none: return (encoding, [], 0)
        case .paired:
            try require(L == 2, Keys.encoding, "is paired (P_1 = -P_2), which needs L = 2, not \(L)")
            return (encoding, [1, -1], 1)
        case .orthonormal: return (encoding, (0..<(L * L)).map { $0 / L == $0 % L ? 1 : 0 }, L)
        case .explicit:
            let pi = try needed(key, by: option)
            try require(
                pi.shape.count == 2 && pi.shape[0] == L && pi.shape[1] >= 1, key,
                "must be L x k with L = \(L) rows, not \(pi.shape)")
            let k = pi.shape[1]
            for l in 0..<L {
                let norm = pi.elements[(l * k)..<((l + 1) * k)].reduce(0) { $0 + $1 * $1 }
                try require(norm < 1e-12 || abs(norm - 1) < 1e-9, key, "must have norm 1 (or 0) in row \(l + 1)")
            }
            return (encoding, pi.elements, k)
        }
    }

    /// The initial condition; theory does not draw the signs of an overlapped one.
    fileprivate func start(_ student: Student, L: Int, k: Int, drawsSigns: Bool) throws -> Start {
        let overlaps = [
            (Keys.m0.name, isGiven(Keys.m0)), (Keys.m0Rows.name, isGiven(Keys.m0Rows)),
            (Keys.e0.name, isGiven(Keys.e0)), (Keys.e0Directions.name, isGiven(Keys.e0Directions)),
        ].filter(\.1).map(\.0)
        let kind = try read(Keys.start, or: overlaps.isEmpty ? .overlapped : .prescribed)
        if kind != .prescribed, let name = overlaps.first {
            throw ModelError.conflict(Keys.start, "\(name) is read by init: prescribed only")
        }
        switch kind {
        case .random: return .random
        case .overlapped:
            return .overlapped(
                o: try read(Keys.initScale, or: 1 / Double(dimension(k)).squareRoot()),
                randomSign: drawsSigns ? try self[Keys.randomSign] : false)
        case .prescribed:
            let (m, eps) = (try teacherOverlaps(student, L: L), try encodingOverlaps(k))
            let norm = eps.reduce(m.count == 1 ? m[0] * m[0] : 0) { $0 + $1 * $1 }
            try require(
                norm <= 1 + 1e-12, Keys.m0,
                "gives m0^2 + |e0|^2 = \(norm), which exceeds 1: overlaps of one unit vector")
            return .prescribed(m: m, eps: eps)
        }
    }

    private func teacherOverlaps(_ student: Student, L: Int) throws -> [Double] {
        guard student == .untied else {
            try refuse(Keys.m0Rows, except: "student: untied")
            return [try read(Keys.m0, or: 0)]
        }
        let m = try vector(Keys.m0Rows, count: L, or: Array(repeating: read(Keys.m0, or: 0), count: L))
        try require(m.allSatisfy { abs($0) <= 1 }, Keys.m0Rows, "must have every overlap in [-1, 1]")
        return m
    }

    private func encodingOverlaps(_ k: Int) throws -> [Double] {
        guard k > 0 else {
            try require(
                !isGiven(Keys.e0) && !isGiven(Keys.e0Directions), Keys.e0, "needs student: attention with an encoding")
            return []
        }
        let others = Array(repeating: 0.0, count: k - 1)
        return try vector(Keys.e0Directions, count: k, or: [read(Keys.e0, or: 0)] + others)
    }
}
