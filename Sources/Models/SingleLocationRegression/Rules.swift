import Modeling

/// The conditions that tie parameters together, and the defaults that follow from others. Both the job check (on
/// sub-grids) and ``SLRParameters`` use them.
enum SLRRules {
    /// The prescribed overlaps, in the sheet's order.
    static let overlapNames = ["kappa0", "nu0", "theta0", "eta0", "rho0"]

    static func initialisation(_ point: ParameterPoint) -> SLRInitialisation.Kind {
        if let kind: SLRInitialisation.Kind = try? point.choice("init") { return kind }
        return overlapNames.contains { point[$0] != nil } ? .overlaps : .sphere
    }

    /// The prescribed overlaps times init_scale; those not given are 0.
    static func overlaps(_ point: ParameterPoint) -> SLROverlaps {
        let scale = ((try? point.realIfGiven("init_scale")) ?? nil) ?? 1
        let q = overlapNames.map { scale * (((try? point.realIfGiven($0)) ?? nil) ?? 0) }
        return SLROverlaps(q[0], q[1], q[2], q[3], q[4])
    }

    static let all: [ParameterRule] = [
        ParameterRule("noise", ["eps"]) { point in
            guard point["noise"] != nil, point["eps"] != nil else { return nil }
            return "noise is eps^2: give one of the two"
        },
        ParameterRule("init", overlapNames + ["init_scale"]) { point in
            let names = overlapNames + ["init_scale"]
            guard initialisation(point) != .overlaps, let name = names.first(where: { point[$0] != nil }) else {
                return nil
            }
            return name == "init_scale"
                ? "init_scale multiplies prescribed overlaps: give kappa0, nu0, ... with it (or leave it out)"
                : "\(name) is read by init: overlaps only"
        },
        ParameterRule("kappa0", overlapNames.dropFirst() + ["init", "init_scale"]) { point in
            initialisation(point) == .overlaps ? overlaps(point).violation : nil
        },
    ]
}
