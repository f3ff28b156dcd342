import Foundation
import Modeling
import Numerics

extension SingleLocationRegression {
    /// What method `closed-form` gives; each is NaN where it does not apply.
    static let closedFormObservables: [ObservableSpec] = {
        func scalar(_ name: String, _ symbol: String, _ text: String, byDefault: Bool = true) -> ObservableSpec {
            ObservableSpec(name, symbol: symbol, text, inTime: false, byDefault: byDefault)
        }
        let atOverlaps = [
            scalar("risk", "R", "population risk at the prescribed overlaps (0 without any)"),
            scalar("excess_risk", "R-\\epsilon^2", "population risk minus the label noise, at the prescribed overlaps"),
            scalar("risk_kappa", "R_\\kappa", "partial derivative of the risk there"),
            scalar("risk_nu", "R_\\nu", "partial derivative of the risk there"),
            scalar("risk_theta", "R_\\theta", "partial derivative of the risk there"),
            scalar("risk_eta", "R_\\eta", "partial derivative of the risk there"),
            scalar("risk_rho", "R_\\rho", "partial derivative of the risk there"),
            scalar(
                "zeta", "\\zeta", "erf: E erf^2(t + c S) at t = lambda0 D kappa0, c = lambda0 gamma", byDefault: false),
            scalar("zeta_1", "\\zeta'", "erf: its first derivative in t", byDefault: false),
            scalar("zeta_2", "\\zeta''", "erf: its second derivative in t", byDefault: false),
            scalar("zeta_3", "\\zeta'''", "erf: its third derivative in t", byDefault: false),
        ]
        let predictors = [
            scalar("null_excess", "E_0", "excess risk of the predictor 0"),
            scalar("linear_excess", "E_{\\mathrm{lin}}", "excess risk of the best linear predictor on all tokens"),
            scalar(
                "bayes_excess", "E_{\\mathrm{Bayes}}",
                "excess risk of E[Y|X]: quadrature at gamma = 1, else the mean over bayes_samples sequences"),
            scalar("bayes_excess_error", "\\delta E_{\\mathrm{Bayes}}", "its standard error (0 by quadrature)"),
            scalar("oracle_excess", "E_{\\mathrm{oracle}}", "excess risk at k = k*, v = v*"),
            scalar("step_limit", "a_{\\max}", "largest stable step_size of population descent at the oracle"),
            scalar("origin_excess", "E(0)", "excess risk at zero overlaps"),
            scalar(
                "oracle_best_lambda", "\\lambda^*",
                "sharpness at which the oracle's risk is least; NaN: at no finite one",
                byDefault: false),
            scalar(
                "oracle_best_excess", "E_{\\mathrm{oracle}}(\\lambda^*)", "the oracle's excess risk there",
                byDefault: false),
        ]
        let attractors = [
            scalar("swapped_theta", "\\theta_s", "|theta| at the swapped attractor eta = +-1"),
            scalar("swapped_excess", "E_{\\mathrm{swapped}}", "excess risk at the swapped attractor"),
            scalar("swapped_best_lambda", "\\lambda_s^*", "sharpness at which its risk is least", byDefault: false),
            scalar(
                "swapped_best_excess", "E_{\\mathrm{swapped}}(\\lambda_s^*)", "its excess risk there", byDefault: false),
            scalar("saddle_rate", "\\mu", "growth rate of gradient flow at the saddle kappa = nu = 0, per unit t"),
            scalar("saddle_slope", "\\nu/\\kappa", "ratio nu/kappa along which it grows"),
            scalar(
                "escape_time", "t_{\\mathrm{esc}}", "log(sqrt(d))/mu, the time a random start takes to leave the saddle"
            ),
            scalar("rate_kappa", "r_\\kappa", "final rate of 1 - |kappa| at the oracle, per unit t"),
            scalar("rate_nu", "r_\\nu", "final rate of 1 - |nu| at the oracle, per unit t"),
        ].map {
            ObservableSpec(
                $0.name, symbol: $0.symbol, "erf: " + $0.longName, inTime: false, byDefault: $0.isRecordedByDefault)
        }
        return atOverlaps + predictors + attractors
    }()
}

/// Method `closed-form`: numbers of one grid point without a time, at sharpness lambda0.
struct SLRClosedForm: Run {
    private let parameters: SLRParameters
    private let bayesSamples: Int
    private let random: RandomStream

    init(_ request: RunRequest, _ parameters: SLRParameters) throws {
        self.parameters = parameters
        bayesSamples = try request.point.integer("bayes_samples")
        random = request.random
    }

    func advance(toward time: Double, quantum: Int) throws -> Bool { true }
    func observe(into sink: inout ObservationSink) throws {}
    /// All is computed at the end.
    func exchange(with archive: inout StateArchive) {}

    func finish(into sink: inout ObservationSink) throws {
        let theory = SLRTheory(parameters.population)
        let lambda = parameters.schedule.lambda0
        let isErf = parameters.attention == .erf
        try putRisk(lambda, into: &sink)
        sink.put("null_excess", theory.nullExcess)
        sink.put("linear_excess", theory.linearExcess)
        putBayes(theory, into: &sink)
        if sink.wants("oracle_excess") { sink.put("oracle_excess", try theory.oracleExcess(lambda: lambda)) }
        if sink.wants("origin_excess") {
            let origin = SLROverlaps(0, 0, 0, 0, 0)
            sink.put("origin_excess", try parameters.population.risk(at: origin, lambda: lambda).excess)
        }
        if sink.wants("oracle_best_lambda") || sink.wants("oracle_best_excess"),
            let best = try theory.best({ try theory.oracleExcess(lambda: $0) })
        {
            sink.put("oracle_best_lambda", best.lambda)
            sink.put("oracle_best_excess", best.excess)
        }
        if sink.wants("step_limit") { sink.put("step_limit", try theory.stepLimit(lambda: lambda)) }
        guard isErf else { return }
        let swapped = theory.swapped(lambda: lambda)
        sink.put("swapped_theta", swapped.theta)
        sink.put("swapped_excess", swapped.excess)
        if sink.wants("swapped_best_lambda") || sink.wants("swapped_best_excess"),
            let best = theory.best({ theory.swapped(lambda: $0).excess })
        {
            sink.put("swapped_best_lambda", best.lambda)
            sink.put("swapped_best_excess", best.excess)
        }
        let saddle = theory.saddle(lambda: lambda)
        sink.put("saddle_rate", saddle.rate)
        sink.put("saddle_slope", saddle.slope)
        sink.put("escape_time", 0.5 * log(Double(parameters.d)) / saddle.rate)
        let rates = theory.oracleRates(lambda: lambda)
        sink.put("rate_kappa", rates.kappa)
        sink.put("rate_nu", rates.nu)
    }

    private func putRisk(_ lambda: Double, into sink: inout ObservationSink) throws {
        let names = ["risk", "excess_risk", "risk_kappa", "risk_nu", "risk_theta", "risk_eta", "risk_rho"]
        let q: SLROverlaps
        switch parameters.initialisation {
        case .overlaps(let given): q = given
        case .sphere, .manifold: q = SLROverlaps(0, 0, 0, 0, 0)
        }
        if names.contains(where: { sink.wants($0) }) {
            let risk = try parameters.population.risk(at: q, lambda: lambda)
            sink.put("excess_risk", risk.excess)
            sink.put("risk", risk.excess + parameters.noise)
            sink.put("risk_kappa", risk.gradient.kappa)
            sink.put("risk_nu", risk.gradient.nu)
            sink.put("risk_theta", risk.gradient.theta)
            sink.put("risk_eta", risk.gradient.eta)
            sink.put("risk_rho", risk.gradient.rho)
        }
        guard parameters.attention == .erf else { return }
        let moments = ErfMoments(t: lambda * parameters.population.D * q.kappa, c: lambda * parameters.gamma)
        sink.put("zeta", moments.zeta)
        sink.put("zeta_1", moments.zeta1)
        sink.put("zeta_2", moments.zeta2)
        sink.put("zeta_3", moments.zeta3)
    }

    private func putBayes(_ theory: SLRTheory, into sink: inout ObservationSink) {
        guard sink.wants("bayes_excess") || sink.wants("bayes_excess_error") else { return }
        if let exact = theory.bayesExcess {
            sink.put("bayes_excess", exact)
            sink.put("bayes_excess_error", 0)
            return
        }
        var stream = random.substream(SLRStreams.bayes)
        let (mean, error) = theory.sampledBayesExcess(samples: bayesSamples, &stream)
        sink.put("bayes_excess", mean)
        sink.put("bayes_excess_error", error)
    }
}
