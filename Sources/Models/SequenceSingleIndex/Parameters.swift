import Foundation
import Modeling

/// One grid point of the sequence single-index model, checked, with all derived defaults worked out. Symbols as in
/// the sheet.
public struct SSIParameters: Sendable {
    public let d: Int
    public let L: Int
    public let student: Student
    public let normMode: NormMode
    public let activation: Activation
    public let target: Target
    /// Row-major (termCount, L + 1): coefficient and degrees of target `hermite`; empty for other targets.
    public let hermiteTerms: [Double]
    public let loss: Loss
    /// The step used, gamma = gamma_0 s(L).
    public let gamma: Double
    public let initialisation: Initialisation
    public let omega: Double
    public let a: Double
    public let eta: Double
    /// L x L, row-major; nil when the output is the matrix S (and for networks).
    public let U: [Double]?
    public let encoding: PositionalEncoding
    /// pi of P_l = sum_j pi_lj v_j/sqrt(d), row-major (L, k); empty without encoding.
    public let pi: [Double]
    /// The number k of encoding directions.
    public let k: Int
    public let testSize: Int

    /// The positional part A_11 = A_22 = s(2 a^2) of `positional_semantic`.
    public var A11: Double { logistic(2 * a * a) }

    /// Decodes a grid point of job parameters; throws ``ModelError/parameter(_:_:)`` for what does not fit together.
    public init(_ point: ParameterPoint) throws {
        for rule in SSIRules.all {
            if let violation = rule.constraint.violation(point) { throw ModelError.parameter(rule.name, violation) }
        }
        d = try point.integer("d")
        L = try point.integer("L")
        student = try point.choice("student")
        normMode = try point.choice("norm_mode")
        activation = try point.choice("activation")
        target = try point.choice("target")
        hermiteTerms = target == .hermite ? try point.arrayIfGiven("hermite_terms")?.elements ?? [] : []
        loss = SSIRules.loss(point) ?? .square
        let scaling: StepScaling = try point.choice("step_scaling")
        gamma = try point.real("step_size") * scaling.factor(L)
        omega = try point.real("omega")
        a = try point.real("a")
        eta = try point.realIfGiven("eta") ?? min(2 / Double(d).squareRoot(), 1)
        if case .integer(let size)? = point["test_size"] { testSize = size } else { testSize = 20 * d }

        let isAttention = student == .attention
        encoding = isAttention ? SSIRules.encoding(point) ?? .none : .none
        switch encoding {
        case .none: (pi, k) = ([], 0)
        case .paired: (pi, k) = ([1, -1], 1)
        case .orthonormal:
            let n = L
            (pi, k) = ((0..<(n * n)).map { $0 / n == $0 % n ? 1 : 0 }, n)
        case .explicit:
            let matrix = try point.arrayIfGiven("encoding_matrix")
            (pi, k) = (matrix?.elements ?? [], matrix?.shape.last ?? 0)
        }
        U = isAttention ? try Self.reductionMatrix(point, L: L) : nil
        initialisation = try Self.initialisation(point, d: d, rows: student == .untied ? L : 1, directions: k)
    }

    private static func reductionMatrix(_ point: ParameterPoint, L: Int) throws -> [Double]? {
        let uniform = 1 / Double(L).squareRoot()
        switch SSIRules.reduction(point) ?? .trace {
        case .none: return nil
        case .trace: return (0..<(L * L)).map { $0 / L == $0 % L ? uniform : 0 }
        case .projection:
            let left = try point.arrayIfGiven("projection_left")?.elements ?? Array(repeating: uniform, count: L)
            let right = try point.arrayIfGiven("projection_right")?.elements ?? Array(repeating: uniform, count: L)
            return left.flatMap { x in right.map { x * $0 } }
        case .explicit: return try point.arrayIfGiven("U")?.elements
        }
    }

    private static func initialisation(_ point: ParameterPoint, d: Int, rows: Int, directions: Int) throws
        -> Initialisation
    {
        switch SSIRules.initialisation(point) {
        case .random: return .random
        case .overlapped:
            return .overlapped(
                o: try point.realIfGiven("init_scale") ?? 1 / Double(d).squareRoot(),
                randomSign: try point.flag("random_sign"))
        case .prescribed:
            let m0 = try point.realIfGiven("m0") ?? 0
            var eps = Array(repeating: 0.0, count: directions)
            if directions > 0 { eps[0] = try point.realIfGiven("e0") ?? 0 }
            return .prescribed(
                m: try point.arrayIfGiven("m0_vec")?.elements ?? Array(repeating: m0, count: rows),
                eps: try point.arrayIfGiven("e0_vec")?.elements ?? eps)
        }
    }

    /// Calls `body` with the sample kernel of these parameters; its pointers are valid inside the call only. Allocates
    /// its scratch space once a call, so put whole loops inside.
    public func withKernel<Result>(_ body: (SampleKernel) throws -> Result) rethrows -> Result {
        let scratchSize = student == .attention ? L * L : 1
        return try withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * scratchSize) { scratch in
            scratch.initialize(repeating: 0)
            return try hermiteTerms.withUnsafeBufferPointer { terms in
                try (U ?? []).withUnsafeBufferPointer { u in
                    // An empty array may have no base address; the scratch space stands in and is never read as terms.
                    guard let S = scratch.baseAddress else { preconditionFailure("an allocation without address") }
                    let rootL = Double(L).squareRoot()
                    return try body(
                        SampleKernel(
                            L: L, student: student, activation: activation, target: target, loss: loss, c: loss.c,
                            rootL: rootL, inverseRootL: 1 / rootL, omega: omega, A11: A11,
                            U: U == nil ? nil : u.baseAddress, terms: terms.baseAddress ?? UnsafePointer(S),
                            termCount: hermiteTerms.count / (L + 1), S: S, residual: S + scratchSize))
                }
            }
        }
    }
}
