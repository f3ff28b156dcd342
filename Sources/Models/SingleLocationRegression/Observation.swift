import Modeling
import Numerics

extension SingleLocationRegression {
    /// What every method with a time records (sheet, "Observables").
    static let trajectoryObservables: [ObservableSpec] = [
        ObservableSpec("steps", symbol: "n", "algorithm steps"),
        ObservableSpec("t", symbol: "t", "time of gradient flow, step_size times steps"),
        ObservableSpec("lambda", symbol: "\\lambda", "sharpness of the last step"),
        ObservableSpec(
            "excess_risk", symbol: "R-\\epsilon^2", "population risk minus the label noise"),
        ObservableSpec("kappa", symbol: "\\kappa", "overlap k.k*"),
        ObservableSpec("nu", symbol: "\\nu", "overlap v.v*"),
        ObservableSpec("theta", symbol: "\\theta", "overlap v.k*"),
        ObservableSpec("eta", symbol: "\\eta", "overlap k.v*"),
        ObservableSpec("rho", symbol: "\\rho", "overlap k.v"),
        ObservableSpec("kappa_abs", symbol: "|\\kappa|", "|k.k*|: erf attention does not see the joint sign of k, v"),
        ObservableSpec("nu_abs", symbol: "|\\nu|", "|v.v*|"),
        ObservableSpec("theta_abs", symbol: "|\\theta|", "|v.k*|", byDefault: false),
        ObservableSpec("eta_abs", symbol: "|\\eta|", "|k.v*|"),
        ObservableSpec("rho_abs", symbol: "|\\rho|", "|k.v|", byDefault: false),
        ObservableSpec(
            "dist_manifold", symbol: "\\mathrm{dist}", "distance to the invariant manifold, |(theta, eta, rho)|"),
        ObservableSpec(
            "is_oracle", symbol: "1_{\\mathrm{oracle}}", "1 when |kappa| > 0.5 and |nu| > 0.9 at the end, else 0",
            inTime: false),
        ObservableSpec(
            "is_swapped", symbol: "1_{\\mathrm{swapped}}", "1 when |eta| > 0.9 at the end, else 0", inTime: false),
        ObservableSpec(
            "frac_oracle", symbol: "P_{\\mathrm{oracle}}", "fraction of runs at the oracle at the end", inTime: false,
            aggregate: .seedMean(of: "is_oracle")),
        ObservableSpec(
            "frac_swapped", symbol: "P_{\\mathrm{swapped}}", "fraction of runs at the swapped attractor at the end",
            inTime: false, aggregate: .seedMean(of: "is_swapped")),
    ]

    /// What the stochastic methods record as well.
    static let sampleObservables: [ObservableSpec] = [
        ObservableSpec("alpha", symbol: "\\alpha", "samples seen per dimension, batch_size steps/d")
    ]
}

/// Turns overlaps into observables, and remembers the outcome.
struct SLRRecorder: Sendable, Resumable {
    private var isOracle = false
    private var isSwapped = false

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&isOracle)
        try archive.exchange(&isSwapped)
    }

    mutating func observe(
        _ p: SLRParameters, steps: Double, _ q: SLROverlaps, lambda: Double, into sink: inout ObservationSink
    ) throws {
        sink.put("steps", steps)
        sink.put("t", steps * p.stepSize)
        sink.put("alpha", steps * Double(p.batchSize) / Double(p.d))
        putOverlaps(q, lambda: lambda, into: &sink)
        try putRisk(p.population, q, lambda: lambda, into: &sink)
    }

    mutating func putOverlaps(_ q: SLROverlaps, lambda: Double, into sink: inout ObservationSink) {
        sink.put("lambda", lambda)
        sink.put("kappa", q.kappa)
        sink.put("nu", q.nu)
        sink.put("theta", q.theta)
        sink.put("eta", q.eta)
        sink.put("rho", q.rho)
        sink.put("kappa_abs", abs(q.kappa))
        sink.put("nu_abs", abs(q.nu))
        sink.put("theta_abs", abs(q.theta))
        sink.put("eta_abs", abs(q.eta))
        sink.put("rho_abs", abs(q.rho))
        sink.put("dist_manifold", q.distanceToManifold)
        isOracle = q.isOracle
        isSwapped = q.isSwapped
    }

    /// The closed form at the present overlaps has the expectation of any test batch, without its noise.
    func putRisk(_ population: SLRPopulation, _ q: SLROverlaps, lambda: Double, into sink: inout ObservationSink) throws
    {
        guard sink.wants("excess_risk") else { return }
        sink.put("excess_risk", try population.risk(at: q, lambda: lambda).excess)
    }

    func finish(into sink: inout ObservationSink) {
        sink.put("is_oracle", isOracle ? 1 : 0)
        sink.put("is_swapped", isSwapped ? 1 : 0)
    }
}
