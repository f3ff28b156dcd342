import Foundation

/// One point (a, omega) of the phase diagram of paired L = 2 matrix attention, loss half_square, (43) to (47), on the
/// arc e^2 + m^2 = 1 between the semantic end (e, m) = (0, 1) and the positional end (1, 0).
package struct PhaseDiagram: Sendable {
    /// What the risk looks like on the arc and which minimum the dynamics from the origin finds, by the names that result
    /// files store; codes are the places in this list.
    package enum Region: String, Sendable, CaseIterable {
        case none
        /// The semantic end is the only minimum; the origin's steepest direction is semantic.
        case uniqueSemantic = "unique_semantic"
        /// The semantic end is the only minimum, but the dynamics starts in the positional direction ("yellow").
        case uniqueSemanticPositionalStart = "unique_semantic_positional_start"
        /// Both ends are minima, the semantic one is global, and the dynamics finds it.
        case globalSemantic = "semantic_global_and_found"
        /// Both ends are minima, the semantic one is global, but the dynamics goes to the positional one.
        case globalSemanticPositionalDynamics = "semantic_global_positional_found"
        /// Both ends are minima, the positional one is global (and the dynamics finds it).
        case globalPositional = "positional_global_both_minima"
        /// The positional end is the only minimum.
        case uniquePositional = "unique_positional"
        /// Neither end is a minimum: the minimum lies inside the arc.
        case insideArc = "minimum_inside_the_arc"
        /// Anything else: an inner minimum next to an end's, or a global positional minimum with semantic dynamics.
        case mixed = "other"

        var code: Double { Self.allCases.firstIndex(of: self).map(Double.init) ?? .nan }
    }

    package let a: Double
    package let omega: Double
    private let k = PairConstants.shared
    /// A = A_11 = s(2 a^2).
    package var A: Double { logistic(2 * a * a) }

    package init(a: Double, omega: Double) {
        self.a = a
        self.omega = omega
    }

    /// T = E Y_11.
    private var T: Double { (1 - omega) * k.s0 + omega * A }

    // MARK: Hessian, endpoint risks, tangential curvatures

    package var Rmm: Double { -4 * (1 - omega) * k.M2 }
    package var Ree: Double { 2 * k.V2 - 4 * T * k.V1 }
    /// R(0,0) = 2 [ E f^2 - 2 T E f + E Y_11^2 ].
    package var riskAtOrigin: Double { 2 * (k.s2 - 2 * T * k.s0 + targetPower) }
    /// R(0,1).
    package var riskSemantic: Double { 2 * omega * omega * (k.s2 - 2 * A * k.s0 + A * A) }
    /// R(1,0).
    package var riskPositional: Double { 2 * (k.p2 - 2 * T * k.p1 + targetPower) }
    /// Curvature along the arc at the semantic end; a local minimum iff positive.
    package var kS: Double { 4 * (k.d1 + omega * (k.fd2 - A * k.d2)) + 4 * (1 - omega) * k.g2 }
    /// Curvature along the arc at the positional end.
    package var kP: Double { -4 * (1 - omega) * k.X - 2 * (k.U2 - 2 * T * k.U1) }

    /// E Y_11^2.
    private var targetPower: Double {
        (1 - omega) * (1 - omega) * k.s2 + 2 * omega * (1 - omega) * A * k.s0 + omega * omega * A * A
    }

    // MARK: Boundaries in omega at this a; nil when there is none in [0, 1]

    /// The positional minimum exists above it: kP = 0, linear in omega.
    package var omegaKP: Double? { root(4 * k.X + 2 * k.U2 - 4 * k.U1 * k.s0, 4 * k.X + 4 * k.U1 * (A - k.s0)) }
    /// The steepest direction at the origin is positional above it: R_ee = R_mm.
    package var omegaTrans: Double? { root(2 * k.V2 - 4 * k.V1 * k.s0 + 4 * k.M2, 4 * k.M2 + 4 * k.V1 * (A - k.s0)) }
    /// The positional end has the lower risk above it. The squares of omega in R(0,1) and R(1,0) are the same, so this
    /// too is a linear equation.
    package var omegaGlob: Double? {
        root(k.p2 - 2 * k.s0 * k.p1 + k.s2, 2 * (A - k.s0) * k.p1 + 2 * k.s2 - 2 * A * k.s0)
    }
    /// The semantic minimum disappears above it: kS = 0.
    package var omegaKS: Double? { root(k.d1 + k.g2, A * k.d2 - k.fd2 + k.g2) }

    /// omega = numerator/denominator where the change of sign is upwards and inside [0, 1].
    private func root(_ numerator: Double, _ denominator: Double) -> Double? {
        guard denominator > 0 else { return nil }
        let omega = numerator / denominator
        return (0...1).contains(omega) ? omega : nil
    }

    // MARK: The arc

    /// R(sin theta, cos theta) at ``PairArc/angles``; theta = 0 is semantic.
    package func risksOnArc() -> [Double] {
        PairArc.shared.moments.map {
            2 * ($0.power - 2 * (1 - omega) * $0.overlap - 2 * omega * A * $0.mean + targetPower)
        }
    }

    /// All local minima on the arc, as angles from the semantic end with their risks. The ends are judged by their
    /// exact curvatures, the inside by a grid of an eighth of a degree with parabolic refinement.
    package func minima() -> [(theta: Double, risk: Double)] {
        let R = risksOnArc()
        let angles = PairArc.shared.angles
        let last = angles.count - 1
        let step = angles[1]
        var result: [(theta: Double, risk: Double)] = []
        if kS > 0 {
            result.append((0, riskSemantic))
        } else if R[0] <= R[1] {
            // The minimum has left the end by less than a grid step.
            result.append((0.5 * step, R[0]))
        }
        for i in 1..<last where R[i] < R[i - 1] && R[i] <= R[i + 1] {
            let curvature = R[i - 1] - 2 * R[i] + R[i + 1]
            let shift = curvature > 0 ? 0.5 * (R[i - 1] - R[i + 1]) / curvature : 0
            result.append((angles[i] + shift * step, R[i] - 0.25 * (R[i - 1] - R[i + 1]) * shift))
        }
        if kP > 0 {
            result.append((angles[last], riskPositional))
        } else if R[last] <= R[last - 1] {
            result.append((angles[last] - 0.5 * step, R[last]))
        }
        return result
    }

    /// True when the steepest descent from the origin is positional, R_ee < R_mm.
    package var startsPositional: Bool { Ree < Rmm }

    /// Where the dynamics from (0, 0) ends: it leaves in the steepest direction, reaches that end of the arc, and
    /// slides down to the first minimum. Nil when the origin is no maximum in that direction.
    package func outcome(of minima: [(theta: Double, risk: Double)]) -> Double? {
        guard min(Ree, Rmm) < 0 else { return nil }
        return startsPositional ? minima.last?.theta : minima.first?.theta
    }

    package func region(of minima: [(theta: Double, risk: Double)]) -> Region {
        let semantic = minima.contains { $0.theta == 0 }
        let positional = minima.contains { $0.theta == PairArc.shared.angles.last }
        switch (minima.count, semantic, positional) {
        case (1, true, false): return startsPositional ? .uniqueSemanticPositionalStart : .uniqueSemantic
        case (1, false, true): return .uniquePositional
        case (2, true, true):
            if riskSemantic <= riskPositional {
                return startsPositional ? .globalSemanticPositionalDynamics : .globalSemantic
            }
            return startsPositional ? .globalPositional : .mixed
        case (_, false, false): return .insideArc
        default: return .mixed
        }
    }
}

/// The parameter-free parts of the risk on the arc, computed once a process: with f_e = s at (t_1 + e, t_2 - e), the
/// means E f_e, E f_e^2 and E[f_e f(z*)] at every angle, by ``PairTable``.
package struct PairArc: Sendable {
    package static let shared = PairArc()
    /// From 0 (semantic) to pi/2 (positional).
    package let angles: [Double]
    let moments: [(mean: Double, power: Double, overlap: Double)]

    private init() {
        let count = 720
        angles = (0...count).map { .pi / 2 * Double($0) / Double(count) }
        moments = angles.map { PairTable.shared.arcMoments(m: cos($0), e: sin($0)) }
    }
}

extension PairTable {
    /// E f_e, E f_e^2, E[f_e(t) f(z*)] at overlap m of t and z*.
    fileprivate func arcMoments(m: Double, e: Double) -> (mean: Double, power: Double, overlap: Double) {
        let n = Self.n
        return withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * n * n + n) { scratch in
            guard let first = scratch.baseAddress else { preconditionFailure("an allocation without address") }
            conditionalMean(
                f, m, derivative: false, into: first, work: first + n * n, powers: first + 2 * n * n)
            var (mean, power, overlap) = (0.0, 0.0, 0.0)
            for i in 0..<n {
                let z1 = nodes[i] + e
                for j in 0..<n {
                    let weight = weights[i] * weights[j]
                    let value = weight * logistic(z1 * (z1 - nodes[j] + e))
                    mean += value
                    power += value * value / max(weight, 1e-300)
                    overlap += value * first[i * n + j]
                }
            }
            return (mean, power, overlap)
        }
    }
}
