import Modeling
import Numerics

/// The directions that wait for others (15): (2, 3) of phase_parity after 1, and the committee's differences
/// after its mean.
package struct Staircase: Sendable {
    package let link: Link

    /// Nil for a link without such a step.
    package init?(link: Link) {
        guard link.hasStaircase else { return nil }
        self.link = link
    }

    /// M with overlap `value` of what is learned first and `rest` of the others.
    package func matrix(_ value: Double, rest: Double) -> [Double] {
        if link == .phaseParity { return [value, 0, 0, 0, rest, 0, 0, 0, rest] }
        return (0..<9).map { ($0 % 4 == 0 ? rest : 0) + (value - rest) / 3 }
    }

    /// The overlap of what is learned first, the rest at 0: its fixed point from a small start.
    ///
    /// - Throws: ``ModelError/notConverged(_:)`` with the residual.
    package func learned(alpha: Double) throws -> Double {
        let evolution = StateEvolution(link: link, alpha: alpha)
        var value = 1e-3
        var residual = Double.infinity
        for _ in 0..<200_000 {
            let next = Overlaps(try evolution.step(matrix(value, rest: 0)), link).first
            residual = abs(next - value)
            value = next
            if residual < 1e-10 { return value }
        }
        throw ModelError.notConverged("the learned overlap still changes by \(residual) an iteration")
    }

    /// The top eigenvalue of F_perp at overlap `value`: the rest grows from alpha = 1/this on.
    package func eigenvalue(at value: Double) throws -> Double {
        if link == .phaseParity { return 4 / (.pi * .pi) * PhaseParity(a: value).coupling() }
        let M = matrix(value, rest: 0)
        let count = try SignCount(SmallMatrix.complement(M, 3))
        // E sum_y P (kappa - 1)^2 with P (kappa - 1) = tr H_perp/2 (31).
        return try FieldGrid(M, 3).average(3) { w, sum in
            let parts = count.parts(w)
            for k in 0..<4 {
                let m = count.moments(parts, w, count: Lanes(repeating: Double(k)), hessian: true)
                let H = m.H
                let along = (H.xx + H.yy + H.zz + 2 * (H.xy + H.xz + H.yz)) * (1.0 / 3)
                sum.add(Evidence(Z: m.Z, D: Triple(x: 0.5 * (H.xx + H.yy + H.zz - along))))
            }
        }[0]
    }

    /// By what factor a small overlap of the rest grows in one step of state evolution.
    package func growth(alpha: Double, at value: Double) throws -> Double {
        let small = 1e-6
        let image = try StateEvolution(link: link, alpha: alpha).step(matrix(value, rest: small))
        return Overlaps(image, link).second / small
    }

    /// The alpha beyond which `ratio(alpha)`, at the overlap learned at alpha, is above 1.
    package func threshold(tolerance: Double = 1e-7, _ ratio: (Double, Double) throws -> Double) throws -> Double {
        try bisectThreshold(from: 0.6, to: 20, tolerance: tolerance) { try ratio($0, learned(alpha: $0)) > 1 }
    }
}
