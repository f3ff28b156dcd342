import Foundation
import Modeling
import Numerics
import Synchronization

extension SequenceSingleIndex {
    /// What method `closed-form` gives; each is NaN where it does not apply (see its description).
    static let closedFormObservables: [ObservableSpec] = {
        func scalar(_ name: String, _ symbol: String, _ text: String) -> ObservableSpec {
            ObservableSpec(name, symbol: symbol, text, inTime: false)
        }
        let general = [
            scalar("sie", "\\mathrm{SIE}", "sequence information exponent of a scalar target"),
            scalar("R_mm", "R_{mm}", "curvature of the risk at zero overlap (untied: in its steepest direction)"),
            scalar("R_ee", "R_{ee}", "attention: curvature along the first encoding direction at zero overlap"),
            scalar("squared_signal", "E_0|D|^2", "mean squared error signal at zero overlap"),
            scalar("V_m", "V_m", "noise strength on m at zero overlap: variance gamma^2 V_m/d per unit t"),
            scalar("V_e", "V_e", "attention: noise strength on the first encoding direction"),
            scalar("growth_rate", "\\lambda_m", "growth rate of a small overlap per unit t (networks: SIE >= 2)"),
            scalar("growth_rate_positional", "\\lambda_e", "attention: growth rate of a small positional overlap"),
            scalar(
                "gamma_crit", "\\gamma_{\\mathrm{crit}}",
                "largest step: overlap grows from 0 (SIE 2, attention), or m = 1 is stable (SIE 1, target fitted there)"
            ),
            scalar(
                "gamma_crit_positional", "\\gamma_{\\mathrm{crit},e}",
                "attention: largest step at which the positional overlap grows from 0"),
        ]
        let networks = [
            scalar("m_inf", "m_\\infty", "networks, equal rows: overlap for t to infinity from the given start"),
            scalar("t_eta", "t_\\eta", "networks, equal rows: time to overlap eta; infinite if never"),
            scalar(
                "gain_equal_steps", "S/\\lambda", "networks: untied over tied time to a small overlap at equal gamma"),
            scalar("gamma_crit_ratio", "S/(L\\lambda)", "networks, SIE 2: tied over untied gamma_crit"),
            scalar("gain_best_steps", "S^2/(L\\lambda^2)", "networks, SIE 2: gain with each at half its gamma_crit"),
        ]
        let pair = [
            scalar("A_11", "A_{11}", "positional_semantic: positional weight s(2 a^2)"),
            scalar("risk_origin", "R(0,0)", "positional_semantic, paired: risk at zero overlap"),
            scalar("risk_semantic", "R(0,1)", "positional_semantic, paired: risk at (e, m) = (0, 1)"),
            scalar("risk_positional", "R(1,0)", "positional_semantic, paired: risk at (e, m) = (1, 0)"),
            scalar("omega_trans", "\\omega_{\\mathrm{trans}}", "omega above which R_ee < R_mm; NaN: none in [0, 1]"),
        ]
        let halfSquare = [
            scalar("k_semantic", "k_S", "tangential curvature at the semantic end; a minimum iff > 0"),
            scalar("k_positional", "k_P", "tangential curvature at the positional end"),
            scalar("omega_kP", "\\omega_{kP}", "omega above which the positional end is a minimum; NaN: none"),
            scalar("omega_glob", "\\omega_{\\mathrm{glob}}", "omega above which R(1,0) < R(0,1); NaN: none"),
            scalar("omega_kS", "\\omega_{kS}", "omega above which the semantic end is no minimum; NaN: none"),
            ObservableSpec(
                "region", symbol: "\\mathrm{region}", "region of the phase diagram", inTime: false,
                codes: PhaseDiagram.regionNames),
            scalar("minima", "n_{\\min}", "local minima of the risk on the arc e^2 + m^2 = 1, e, m >= 0"),
            scalar(
                "steepest_positional", "1_{R_{ee}<R_{mm}}", "1 when the steepest direction at 0 is positional, else 0"),
            scalar("m_global", "m^*", "overlap m of the global minimum on the arc"),
            scalar("e_global", "e^*", "positional overlap of the global minimum on the arc (positional: > 1/2)"),
            scalar("m_found", "m_{\\mathrm{dyn}}", "overlap m that the dynamics from zero overlap ends at, gamma to 0"),
            scalar("e_found", "e_{\\mathrm{dyn}}", "positional overlap that the dynamics from zero overlap ends at"),
        ].map { spec in
            ObservableSpec(
                spec.name, symbol: spec.symbol, "positional_semantic, paired, half_square: " + spec.longName,
                inTime: false, codes: spec.codes)
        }
        return general + networks + pair + halfSquare
    }()
}

/// Method `closed-form`: numbers of one grid point without a time.
struct ClosedFormRun: Run {
    private let parameters: SSIParameters
    private let points: Int

    init(_ parameters: SSIParameters, points: Int) throws {
        self.parameters = parameters
        self.points = points
    }

    func advance(toward time: Double, quantum: Int) throws -> Bool { true }
    func observe(into sink: inout ObservationSink) throws {}
    /// All is computed at the end.
    func exchange(with archive: inout StateArchive) {}

    func finish(into sink: inout ObservationSink) throws {
        if parameters.student == .attention {
            try putAttention(into: &sink)
        } else {
            putNetwork(into: &sink)
        }
    }

    private func putNetwork(into sink: inout ObservationSink) {
        let theory = NetworkTheory(parameters)
        put(OriginTheory(theory), into: &sink)
        let thresholds = NetworkThresholds(theory)
        sink.put("sie", thresholds.informationExponent.map(Double.init) ?? .nan)
        sink.put("growth_rate", thresholds.growthRate)
        sink.put("gamma_crit", thresholds.criticalStep)
        sink.put("m_inf", thresholds.plateau)
        sink.put("t_eta", thresholds.hittingTime)
        sink.put("gain_equal_steps", thresholds.gainAtEqualStep)
        sink.put("gamma_crit_ratio", thresholds.criticalStepRatio)
        sink.put("gain_best_steps", thresholds.gainAtBestSteps)
    }

    private func putAttention(into sink: inout ObservationSink) throws {
        let needsOrigin = [
            "R_mm", "R_ee", "squared_signal", "V_m", "V_e", "growth_rate", "growth_rate_positional", "gamma_crit",
            "gamma_crit_positional",
        ].contains { sink.wants($0) }
        if needsOrigin {
            let origin = OriginTheory(try AttentionTheory(parameters, points: points))
            put(origin, into: &sink)
            sink.put("growth_rate", origin.lambdaM)
            sink.put("gamma_crit", Self.positive(-2 * origin.Rmm / origin.squaredSignal))
            if let Ree = origin.Ree.first, let lambda = origin.lambdaE.first {
                sink.put("growth_rate_positional", lambda)
                sink.put("gamma_crit_positional", Self.positive(-2 * Ree / origin.squaredSignal))
            }
        }
        guard parameters.target.isMatrix else {
            sink.put("sie", HermiteExpansion(parameters).informationExponent.map(Double.init) ?? .nan)
            return
        }
        sink.put("A_11", parameters.A11)
        guard parameters.encoding == .paired else { return }
        if parameters.loss == .frobenius {
            try putSampled(into: &sink)
        } else {
            putPhaseDiagram(into: &sink)
        }
    }

    private func put(_ origin: OriginTheory, into sink: inout ObservationSink) {
        sink.put("R_mm", origin.Rmm)
        sink.put("squared_signal", origin.squaredSignal)
        sink.put("V_m", origin.Vm)
        if let Ree = origin.Ree.first { sink.put("R_ee", Ree) }
        if let Ve = origin.Ve.first { sink.put("V_e", Ve) }
    }

    /// A critical step exists when there is a positive one.
    private static func positive(_ x: Double) -> Double { x > 0 ? x : .nan }

    private func putPhaseDiagram(into sink: inout ObservationSink) {
        let diagram = PhaseDiagram(a: parameters.a, omega: parameters.omega)
        // The same integrals by the finer rule.
        sink.put("R_mm", diagram.Rmm)
        sink.put("R_ee", diagram.Ree)
        sink.put("risk_origin", diagram.riskAtOrigin)
        sink.put("risk_semantic", diagram.riskSemantic)
        sink.put("risk_positional", diagram.riskPositional)
        sink.put("k_semantic", diagram.kS)
        sink.put("k_positional", diagram.kP)
        sink.put("omega_kP", diagram.omegaKP ?? .nan)
        sink.put("omega_trans", diagram.omegaTrans ?? .nan)
        sink.put("omega_glob", diagram.omegaGlob ?? .nan)
        sink.put("omega_kS", diagram.omegaKS ?? .nan)
        sink.put("steepest_positional", diagram.startsPositional ? 1 : 0)
        let minima = diagram.minima()
        sink.put("minima", Double(minima.count))
        sink.put("region", Double(diagram.region(of: minima).rawValue))
        if let best = minima.min(by: { $0.risk < $1.risk }) {
            sink.put("m_global", cos(best.theta))
            sink.put("e_global", sin(best.theta))
        }
        if let theta = diagram.outcome(of: minima) {
            sink.put("m_found", cos(theta))
            sink.put("e_found", sin(theta))
        }
    }

    private func putSampled(into sink: inout ObservationSink) throws {
        if ["risk_origin", "risk_semantic", "risk_positional"].contains(where: { sink.wants($0) }) {
            let averages = try SampledPairAverages(omega: parameters.omega, A11: parameters.A11, points: points)
            sink.put("risk_origin", averages.means(m: 0, e: [0, 0]).risk)
            sink.put("risk_semantic", averages.means(m: 1, e: [0, 0]).risk)
            sink.put("risk_positional", averages.means(m: 0, e: [1, -1]).risk)
        }
        if sink.wants("omega_trans") {
            let omega = try FrobeniusTransition.shared.omega(A11: parameters.A11, points: points)
            sink.put("omega_trans", omega ?? .nan)
        }
    }
}

/// Method `closed-form-trajectory`.
struct ClosedFormTrajectoryRun: Run {
    private let parameters: SSIParameters
    private let unit: TimeUnit
    /// False when the job's d does not reach the theory, which then has no steps.
    private let knowsD: Bool
    private let trajectory: ClosedFormTrajectory
    private var t = 0.0
    private var weakRecoveryTime = Double.infinity

    init(_ parameters: SSIParameters, _ request: RunRequest) throws {
        guard let trajectory = Self.trajectory(parameters) else {
            throw ModelError.parameter("target", Self.explanation)
        }
        self.parameters = parameters
        unit = request.times.unit
        knowsD = !request.standIns.contains("d")
        self.trajectory = trajectory
    }

    private static func trajectory(_ parameters: SSIParameters) -> ClosedFormTrajectory? {
        guard parameters.student != .attention else { return nil }
        return ClosedFormTrajectory(NetworkTheory(parameters))
    }

    private static let explanation =
        "has no explicit overlap(t) for this student; there is one where the tied drift is quadratic in m or A m - B m^3 "
        + "(degree 1 with relu or identity, degree 2 also with square or H2), for tied students, untied ones with "
        + "a symmetric target and equal rows, or with norm_mode global and a target of degree 1 or H2sum. Use method ode"

    static let constraint = Constraint([
        "target", "student", "L", "activation", "norm_mode", "hermite_terms", "init", "m0", "m0_vec",
    ]) { point in
        var probe = ParameterPoint()
        for spec in SequenceSingleIndex().parameters {
            if case .value(let value) = spec.defaultValue { probe[spec.name] = value }
        }
        // The existence of a closed form does not depend on these.
        probe["d"] = .integer(1000)
        probe["step_size"] = .real(0.1)
        for (name, value) in point.values { probe[name] = value }
        // What does not fit together at all is the other constraints' to report.
        guard let student: Student = try? probe.choice("student") else { return nil }
        if student == .attention { return explanation }
        guard let parameters = try? SSIParameters(probe) else { return nil }
        return trajectory(parameters) == nil ? explanation : nil
    }

    mutating func advance(toward time: Double, quantum: Int) throws -> Bool {
        t = unit == .steps ? time / Double(parameters.d) : time
        return true
    }

    mutating func observe(into sink: inout ObservationSink) throws {
        if knowsD { sink.put("steps", t * Double(parameters.d)) }
        sink.put("t", t)
        let overlap = trajectory.overlap(at: t, isTied: parameters.student == .tied)
        sink.put("overlap", overlap)
        if let rows = trajectory.rows(at: t) { try sink.put("overlap_vec", rows) }
        if overlap > parameters.eta { weakRecoveryTime = min(weakRecoveryTime, t) }
    }

    func finish(into sink: inout ObservationSink) throws { sink.put("weak_recovery_time", weakRecoveryTime) }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&t)
        try archive.exchange(&weakRecoveryTime)
    }
}
