import Foundation
import Modeling
import Numerics

/// Method `closed-form`: numbers of a grid point that have no time, at sharpness lambda0, and that are worked out
/// together. Each is NaN where it does not apply.
struct PointNumbers: Sendable {
    let observables: [Observable]
    private let values: @Sendable (Parameters, RandomStream) throws -> [Double]

    private init(
        _ observables: [Observable], _ values: @escaping @Sendable (Parameters, RandomStream) throws -> [Double]
    ) {
        self.observables = observables
        self.values = values
    }

    /// Numbers that softmax attention does not have.
    private static func erf(
        _ observables: [Observable], _ values: @escaping @Sendable (Parameters) -> [Double]
    ) -> PointNumbers {
        PointNumbers(observables) { p, _ in p.attention == .erf ? values(p) : observables.map { _ in .nan } }
    }

    /// Puts what the job wants.
    static func put(_ p: Parameters, _ random: RandomStream, into sink: inout ObservationSink) throws {
        for numbers in all where numbers.observables.contains(where: { sink.wants($0) }) {
            for (observable, value) in zip(numbers.observables, try numbers.values(p, random)) {
                sink.put(observable, value)
            }
        }
    }

    static let all = [
        PointNumbers(
            [
                once("risk", "R", "population risk at the prescribed overlaps (0 without any)"),
                once(
                    "excess_risk", "R-\\epsilon^2",
                    "population risk minus the label noise, at the prescribed overlaps"),
            ] + Overlaps.terms.map { once("risk_" + $0.name, "R_\\" + $0.name, "partial derivative of the risk there") }
        ) { p, _ in
            let risk = try p.population.risk(at: p.start.prescribed, lambda: p.lambda0)
            return [risk.excess + p.noise, risk.excess] + risk.gradient.array
        },
        PointNumbers([
            once("null_excess", "E_0", "excess risk of the predictor 0"),
            once("linear_excess", "E_{\\mathrm{lin}}", "excess risk of the best linear predictor on all tokens"),
        ]) { p, _ in [p.theory.nullExcess, p.theory.linearExcess] },
        PointNumbers([
            once(
                "bayes_excess", "E_{\\mathrm{Bayes}}",
                "excess risk of E[Y|X]: quadrature at gamma = 1, else the mean over bayes_samples sequences"),
            once("bayes_excess_error", "\\delta E_{\\mathrm{Bayes}}", "its standard error (0 by quadrature)"),
        ]) { p, random in
            if let exact = p.theory.bayesExcess { return [exact, 0] }
            var stream = random.substream(Streams.bayes)
            let (mean, error) = p.theory.sampledBayesExcess(samples: p.bayesSamples, &stream)
            return [mean, error]
        },
        PointNumbers([once("oracle_excess", "E_{\\mathrm{oracle}}", "excess risk at k = k*, v = v*")]) { p, _ in
            [try p.theory.oracleExcess(lambda: p.lambda0)]
        },
        PointNumbers([
            once("step_limit", "a_{\\max}", "largest stable step_size of population descent at the oracle")
        ]) { p, _ in [try p.theory.stepLimit(lambda: p.lambda0)] },
        PointNumbers([once("origin_excess", "E(0)", "excess risk at zero overlaps")]) { p, _ in
            [try p.population.risk(at: Overlaps(0, 0, 0, 0, 0), lambda: p.lambda0).excess]
        },
        PointNumbers([
            once(
                "oracle_best_lambda", "\\lambda^*",
                "sharpness at which the oracle's risk is least; NaN: at no finite one", byDefault: false),
            once(
                "oracle_best_excess", "E_{\\mathrm{oracle}}(\\lambda^*)", "the oracle's excess risk there",
                byDefault: false),
        ]) { p, _ in
            let best = try p.theory.best { try p.theory.oracleExcess(lambda: $0) }
            return [best?.lambda ?? .nan, best?.excess ?? .nan]
        },
        erf([
            once("swapped_theta", "\\theta_s", "erf: |theta| at the swapped attractor eta = +-1"),
            once("swapped_excess", "E_{\\mathrm{swapped}}", "erf: excess risk at the swapped attractor"),
            once("saddle_rate", "\\mu", "erf: growth rate of gradient flow at the saddle kappa = nu = 0, per unit t"),
            once("saddle_slope", "\\nu/\\kappa", "erf: ratio nu/kappa along which it grows"),
            once(
                "escape_time", "t_{\\mathrm{esc}}",
                "erf: log(sqrt(d))/mu, the time a random start takes to leave the saddle"),
            once("rate_kappa", "r_\\kappa", "erf: final rate of 1 - |kappa| at the oracle, per unit t"),
            once("rate_nu", "r_\\nu", "erf: final rate of 1 - |nu| at the oracle, per unit t"),
            once(
                "zeta", "\\zeta", "erf: E erf^2(t + c S) at t = lambda0 D kappa0, c = lambda0 gamma", byDefault: false),
            once("zeta_1", "\\zeta'", "erf: its first derivative in t", byDefault: false),
            once("zeta_2", "\\zeta''", "erf: its second derivative in t", byDefault: false),
            once("zeta_3", "\\zeta'''", "erf: its third derivative in t", byDefault: false),
        ]) { p in
            let lambda = p.lambda0
            let (swapped, saddle) = (p.theory.swapped(lambda: lambda), p.theory.saddle(lambda: lambda))
            let rates = p.theory.oracleRates(lambda: lambda)
            let m = ErfMoments(t: lambda * p.population.D * p.start.prescribed.kappa, c: lambda * p.gamma)
            return [swapped.theta, swapped.excess, saddle.rate, saddle.slope, 0.5 * log(Double(p.d)) / saddle.rate]
                + [rates.kappa, rates.nu, m.zeta, m.zeta1, m.zeta2, m.zeta3]
        },
        erf([
            once("swapped_best_lambda", "\\lambda_s^*", "erf: sharpness at which its risk is least", byDefault: false),
            once(
                "swapped_best_excess", "E_{\\mathrm{swapped}}(\\lambda_s^*)", "erf: its excess risk there",
                byDefault: false),
        ]) { p in
            let best = p.theory.best { p.theory.swapped(lambda: $0).excess }
            return [best?.lambda ?? .nan, best?.excess ?? .nan]
        },
    ]

    private static func once(_ name: String, _ symbol: String, _ text: String, byDefault: Bool = true) -> Observable {
        Observable(name, symbol: symbol, text, inTime: false, byDefault: byDefault)
    }
}
