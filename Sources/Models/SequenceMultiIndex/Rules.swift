import Modeling
import Numerics

/// The conditions that tie parameters together. Both the job check (on sub-grids) and ``SMIParameters`` use them.
enum SMIRules {
    /// p numbers as a diagonal matrix, or p x p numbers, row-major.
    static func square(_ array: ArrayValue, _ p: Int, _ name: String) throws -> [Double] {
        if array.shape == [p] {
            return (0..<p * p).map { $0 % (p + 1) == 0 ? array.elements[$0 / (p + 1)] : 0 }
        }
        guard array.shape == [p, p] else {
            throw ModelError.parameter(name, "has shape \(array.shape): give one number a layer (\(p)), or \(p) x \(p)")
        }
        return array.elements
    }

    private static func matrix(_ point: ParameterPoint, _ name: String) throws -> [Double]? {
        guard let p = try? point.integer("layers") else { return nil }
        return try point.arrayIfGiven(name).map { try square($0, p, name) }
    }

    private static func shapeViolation(_ point: ParameterPoint, _ name: String) -> String? {
        do {
            guard let values = try matrix(point, name), !values.allSatisfy(\.isFinite) else { return nil }
            return "must be finite"
        } catch ModelError.parameter(_, let what) {
            return what
        } catch {
            return "\(error)"
        }
    }

    static let all: [ParameterRule] = [
        ParameterRule("Q0", ["layers"]) { point in
            if let violation = shapeViolation(point, "Q0") { return violation }
            guard let p = try? point.integer("layers"), let Q = try? matrix(point, "Q0") else { return nil }
            return SmallMatrix.cholesky(Q, p, tolerance: 1e-12, allowsZero: true) == nil
                ? "must be a symmetric positive semidefinite matrix (overlaps of the weights with each other)" : nil
        },
        ParameterRule("M0", ["layers"]) { point in shapeViolation(point, "M0") },
        ParameterRule("init", ["Q0"]) { point in
            guard let start: SMIStart = try? point.choice("init") else { return nil }
            if start == .warm, point["Q0"] == nil { return "warm needs the overlaps Q0 (one number a layer)" }
            return start != .warm && point["Q0"] != nil ? "\(start.rawValue) does not read Q0: leave one out" : nil
        },
        ParameterRule("step_size", ["learning_rate"]) { point in
            point["step_size"] != nil && point["learning_rate"] != nil
                ? "is learning_rate/d: give one of the two" : nil
        },
        ParameterRule("weight_decay", ["l2"]) { point in
            point["weight_decay"] != nil && point["l2"] != nil
                ? "is step_size l2 d/batch_size: give one of the two" : nil
        },
        ParameterRule("repeats", ["data"]) { point in
            guard let repeats = try? point.integer("repeats"), let data: SMIData = try? point.choice("data") else {
                return nil
            }
            return data == .fresh && repeats != 1 ? "is for data: reuse; fresh sequences are seen once" : nil
        },
    ]

    /// Of methods that start from overlaps of a Bayesian estimate.
    static let bayesian = ParameterRule("Q0", ["layers"]) { point in
        guard let p = try? point.integer("layers"), let Q = try? matrix(point, "Q0") else { return nil }
        for i in 0..<p * p {
            if i % (p + 1) != 0, Q[i] != 0 { return "must be diagonal here: signs of layers keep it so" }
            if i % (p + 1) == 0, Q[i] < 0 || Q[i] >= 1 { return "must lie in [0, 1): V = 1 - Q is a variance" }
        }
        return nil
    }

    /// Of methods that impose M and Q on vectors.
    static let overlaps = ParameterRule("M0", ["Q0", "layers", "init_scale", "d"]) { point in
        guard let p = try? point.integer("layers"), point["M0"] != nil || point["Q0"] != nil else { return nil }
        guard let parameters = try? SMIParameters(withStartOf: point, p), let start = parameters.prescribedStart else {
            return nil
        }
        return SMIGeneralisation.factor(M: start.M, Q: start.Q, T: SmallMatrix.diagonal(p, 1), p) == nil
            ? "and Q0 are not overlaps of any weights: Q0 - M0 M0^T must be positive semidefinite (without Q0 it is "
                + "init_scale^2 on the diagonal)" : nil
    }
}

extension SMIParameters {
    /// From the parameters of the start alone, all others at stand-in values.
    fileprivate init(withStartOf point: ParameterPoint, _ p: Int) throws {
        var whole = ParameterPoint()
        for spec in SequenceMultiIndex.parameterSpecs {
            if case .value(let value) = spec.defaultValue { whole[spec.name] = value }
            if let typical = spec.typical { whole[spec.name] = typical }
        }
        for (name, value) in point.values { whole[name] = value }
        whole["init"] = nil
        try self.init(whole)
    }
}
