import Foundation
import Modeling

/// The conditions that tie parameters together, and the defaults that follow from others. Both the job check (on
/// sub-grids) and ``SSIParameters`` use them.
enum SSIRules {
    // Derived defaults; nil when the parameter they hang on is not known.

    static func target(_ point: ParameterPoint) -> Target? { try? point.choice("target") }
    static func student(_ point: ParameterPoint) -> Student? { try? point.choice("student") }

    static func loss(_ point: ParameterPoint) -> Loss? {
        if point["loss"] != nil { return try? point.choice("loss") }
        return target(point).map { $0.isMatrix ? .halfSquare : .square }
    }

    static func encoding(_ point: ParameterPoint) -> PositionalEncoding? {
        if point["encoding"] != nil { return try? point.choice("encoding") }
        if point["encoding_matrix"] != nil { return .explicit }
        return target(point).map { $0.isMatrix ? .paired : .none }
    }

    static func reduction(_ point: ParameterPoint) -> Reduction? {
        if point["reduction"] != nil { return try? point.choice("reduction") }
        if point["U"] != nil { return .explicit }
        return target(point).map { $0.isMatrix ? .none : .trace }
    }

    static func initialisation(_ point: ParameterPoint) -> InitialisationKind {
        if let kind: InitialisationKind = try? point.choice("init") { return kind }
        return ["m0", "m0_vec", "e0", "e0_vec"].contains { point[$0] != nil } ? .prescribed : .overlapped
    }

    private static func length(_ point: ParameterPoint) -> Int? { try? point.integer("L") }

    private static func array(_ name: String, _ point: ParameterPoint) -> ArrayValue? {
        (try? point.arrayIfGiven(name)) ?? nil
    }

    /// The number of encoding directions, nil when unknown.
    static func directions(_ point: ParameterPoint) -> Int? {
        guard student(point) == .attention else { return 0 }
        switch encoding(point) {
        case nil: return nil
        case .none?: return 0
        case .paired?: return 1
        case .orthonormal?: return length(point)
        case .explicit?: return array("encoding_matrix", point)?.shape.last
        }
    }

    private static let encodingNames = ["student", "target", "L", "encoding", "encoding_matrix"]

    /// Attention holds L x L matrices.
    private static let longestAttention = 4096

    static let all: [ParameterRule] = [
        ParameterRule("L", ["student"]) { point in
            guard student(point) == .attention, let L = length(point), L > longestAttention else { return nil }
            return "attention holds L x L matrices and takes L <= \(longestAttention), not \(L)"
        },
        ParameterRule("target", ["L"]) { point in
            guard let target = target(point), let L = length(point) else { return nil }
            if target == .positionalSemantic && L != 2 {
                return "target positional_semantic is defined for L = 2, not \(L)"
            }
            guard L < target.minimumLength else { return nil }
            return "target \(target.rawValue) needs L >= \(target.minimumLength), not \(L)"
        },
        ParameterRule("target", ["student"]) { point in
            guard target(point)?.isMatrix == true, student(point) != .attention else { return nil }
            return "a network has a scalar output; positional_semantic is a matrix and needs student: attention"
        },
        ParameterRule("hermite_terms", ["target", "L"]) { point in
            guard target(point) == .hermite, let L = length(point) else {
                return point["hermite_terms"] == nil || target(point) == nil
                    ? nil : "hermite_terms is read by target: hermite only"
            }
            guard let terms = array("hermite_terms", point) else {
                return "target hermite needs hermite_terms, a list of [b, k_1, ..., k_L]"
            }
            guard terms.shape.count == 2, terms.shape[1] == L + 1, terms.shape[0] >= 1 else {
                return "every term needs L + 1 = \(L + 1) numbers: a coefficient and L degrees"
            }
            for (index, value) in terms.elements.enumerated() where index % (L + 1) != 0 {
                guard value >= 0, value <= 30, value == value.rounded() else {
                    return "degrees are whole numbers from 0 to 30, not \(value)"
                }
            }
            return terms.elements.allSatisfy(\.isFinite) ? nil : "coefficients must be finite"
        },
        ParameterRule("loss", ["target"]) { point in
            guard let target = target(point), let loss = loss(point) else { return nil }
            if target.isMatrix && loss == .square {
                return "the matrix target positional_semantic has loss half_square or frobenius"
            }
            if !target.isMatrix && loss == .frobenius {
                return
                    "frobenius is a loss of matrices; target \(target.rawValue) is a scalar: use square or half_square"
            }
            return nil
        },
        ParameterRule("reduction", ["target", "student", "U"]) { point in
            guard student(point) == .attention, let target = target(point), let reduction = reduction(point) else {
                return nil
            }
            if target.isMatrix != (reduction == .none) {
                return target.isMatrix
                    ? "target positional_semantic is compared with the whole attention matrix: reduction must be none"
                    : "target \(target.rawValue) is a scalar: reduction must be trace, projection or explicit"
            }
            return nil
        },
        ParameterRule("U", ["reduction", "target", "student", "L"]) { point in
            guard student(point) == .attention, let L = length(point) else { return nil }
            let U = array("U", point)
            guard reduction(point) == .explicit else { return U == nil ? nil : "U is read by reduction: explicit only" }
            guard let U else { return "reduction explicit needs the matrix U" }
            guard U.shape == [L, L] else { return "U must be \(L) x \(L) (L x L), not \(U.shape)" }
            return U.elements.allSatisfy(\.isFinite) ? nil : "entries must be finite"
        },
        unitVector("projection_left"),
        unitVector("projection_right"),
        ParameterRule("encoding", ["student", "target", "L"]) { point in
            guard student(point) == .attention else {
                if let encoding: PositionalEncoding = try? point.choice("encoding"), encoding != .none {
                    return "only student: attention has a positional encoding"
                }
                return nil
            }
            guard encoding(point) == .paired, let L = length(point), L != 2 else { return nil }
            return "the paired encoding P_1 = -P_2 needs L = 2, not \(L)"
        },
        ParameterRule("encoding_matrix", ["encoding", "L", "student", "target"]) { point in
            guard student(point) == .attention, let L = length(point) else { return nil }
            let pi = array("encoding_matrix", point)
            guard encoding(point) == .explicit else {
                return pi == nil ? nil : "encoding_matrix is read by encoding: explicit only"
            }
            guard let pi else { return "encoding explicit needs encoding_matrix" }
            guard pi.shape.count == 2, pi.shape[0] == L, pi.shape[1] >= 1 else {
                return "encoding_matrix must be L x k with L = \(L) rows, not \(pi.shape)"
            }
            for l in 0..<L {
                let row = pi.elements[(l * pi.shape[1])..<((l + 1) * pi.shape[1])]
                let norm = row.reduce(0) { $0 + $1 * $1 }
                if !(norm < 1e-12 || abs(norm - 1) < 1e-9) { return "row \(l + 1) must have norm 1 (or 0)" }
            }
            return nil
        },
        ParameterRule("d", encodingNames) { point in
            guard let d = try? point.integer("d"), let k = directions(point) else { return nil }
            return d - 2 - k >= 1 ? nil : "d must be at least \(3 + k): w*, \(k) encoding directions and two more"
        },
        ParameterRule("m0_vec", ["student", "L"]) { point in
            guard let m = array("m0_vec", point), let L = length(point), let student = student(point) else {
                return nil
            }
            guard student == .untied else { return "m0_vec is for student: untied; use m0" }
            guard m.elements.count == L else { return "m0_vec needs L = \(L) entries, not \(m.elements.count)" }
            return m.elements.allSatisfy { abs($0) <= 1 } ? nil : "every overlap lies in [-1, 1]"
        },
        ParameterRule("e0", ["e0_vec"] + encodingNames) { point in
            guard point["e0"] != nil || point["e0_vec"] != nil else { return nil }
            guard let k = directions(point) else { return nil }
            guard k > 0 else { return "a positional overlap needs student: attention with an encoding" }
            guard let eps = array("e0_vec", point) else { return nil }
            return eps.elements.count == k
                ? nil : "e0_vec needs \(k) entries, one a direction, not \(eps.elements.count)"
        },
        ParameterRule("m0", ["e0", "e0_vec"]) { point in
            let m = (try? point.realIfGiven("m0")) ?? 0
            let eps = array("e0_vec", point)?.elements ?? [(try? point.realIfGiven("e0")) ?? 0]
            let norm = m * m + eps.reduce(0) { $0 + $1 * $1 }
            return norm <= 1 + 1e-12 ? nil : "m0^2 + |e0|^2 = \(norm) exceeds 1: overlaps of one unit vector"
        },
        ParameterRule("init", ["m0", "m0_vec", "e0", "e0_vec"]) { point in
            guard initialisation(point) != .prescribed,
                let name = ["m0", "m0_vec", "e0", "e0_vec"].first(where: { point[$0] != nil })
            else { return nil }
            return "\(name) is read by init: prescribed only"
        },
    ]

    private static func unitVector(_ name: String) -> ParameterRule {
        ParameterRule(name, ["reduction", "target", "student", "L", "U"]) { point in
            guard student(point) == .attention, let L = length(point), let vector = array(name, point) else {
                return nil
            }
            guard reduction(point) == .projection else { return "\(name) is read by reduction: projection only" }
            guard vector.elements.count == L else {
                return "\(name) needs L = \(L) entries, not \(vector.elements.count)"
            }
            let norm = vector.elements.reduce(0) { $0 + $1 * $1 }
            return abs(norm - 1) < 1e-9 ? nil : "\(name) must be a unit vector; its squared norm is \(norm)"
        }
    }
}
