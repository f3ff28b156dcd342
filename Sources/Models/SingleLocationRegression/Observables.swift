import Modeling

extension Observable {
    static let steps = Observable("steps", symbol: "n", "algorithm steps")
    static let t = Observable("t", symbol: "t", "time of gradient flow, step_size times steps")
    static let lambda = Observable("lambda", symbol: "\\lambda", "sharpness of the last step")
    static let excessRisk = Observable("excess_risk", symbol: "R-\\epsilon^2", "population risk minus the label noise")
    static let distManifold = Observable(
        "dist_manifold", symbol: "\\mathrm{dist}", "distance to the invariant manifold, |(theta, eta, rho)|")
    static let isOracle = Observable(
        "is_oracle", symbol: "1_{\\mathrm{oracle}}", "1 when |kappa| > 0.5 and |nu| > 0.9 at the end, else 0",
        inTime: false)
    static let isSwapped = Observable(
        "is_swapped", symbol: "1_{\\mathrm{swapped}}", "1 when |eta| > 0.9 at the end, else 0", inTime: false)
    static let fracOracle = Observable(
        "frac_oracle", symbol: "P_{\\mathrm{oracle}}", "fraction of runs at the oracle at the end", inTime: false,
        aggregate: .mean(.isOracle))
    static let fracSwapped = Observable(
        "frac_swapped", symbol: "P_{\\mathrm{swapped}}", "fraction of runs at the swapped attractor at the end",
        inTime: false, aggregate: .mean(.isSwapped))
    static let alpha = Observable("alpha", symbol: "\\alpha", "samples seen per dimension, batch_size steps/d")
}

extension [Observable] {
    /// kappa ... rho.
    static let overlaps = Overlaps.terms.map { term in
        Observable(term.name, symbol: "\\" + term.name, "overlap \(term.product)")
    }

    /// |kappa| ... |rho|.
    static let absoluteOverlaps = Overlaps.terms.map { term in
        Observable(
            term.name + "_abs", symbol: "|\\\(term.name)|",
            "|\(term.product)|: erf attention does not see the joint sign of k, v", byDefault: term.isTelling)
    }

    /// What every method with a time records.
    static let trajectory: [Observable] =
        [.steps, .t, .lambda, .excessRisk] + overlaps + absoluteOverlaps
        + [.distManifold, .isOracle, .isSwapped, .fracOracle, .fracSwapped]

    static let closedForm = PointNumbers.all.flatMap(\.observables)
}

extension Overlaps {
    /// Puts what every trajectory records in time. The closed form of the risk has the expectation of any test batch,
    /// without its noise.
    func put(_ population: Population, lambda: Double, into sink: inout ObservationSink) throws {
        sink.put(.lambda, lambda)
        for (observable, value) in zip([Observable].overlaps, array) { sink.put(observable, value) }
        for (observable, value) in zip([Observable].absoluteOverlaps, array) { sink.put(observable, abs(value)) }
        sink.put(.distManifold, distanceToManifold)
        if sink.wants(.excessRisk) { sink.put(.excessRisk, try population.risk(at: self, lambda: lambda).excess) }
    }

    /// Puts which attractor this is.
    func putOutcome(into sink: inout ObservationSink) {
        sink.put(.isOracle, isOracle ? 1 : 0)
        sink.put(.isSwapped, isSwapped ? 1 : 0)
    }
}
