import Modeling

// What follows from the overlaps. Theory methods give the same names as simulations. What has a token dimension would make
// files L times as large and is recorded on request.
extension Observable {
    static let steps = Observable(
        "steps", symbol: "\\nu", "algorithm steps (none for theory whose times are given in t)")
    static let t = Observable("t", symbol: "t", "time, steps/d")
    static let overlap = Observable(
        "overlap", symbol: "m", "overlap with the teacher, signed; untied: norm of the rows' overlaps / sqrt(L)")
    static let rowOverlaps = Observable(
        "overlap_vec", symbol: "m_l", "overlap of each token's row with the teacher (tied, attention: all equal)",
        dimensions: [ExtraDimension("token", .value(of: Keys.L))], byDefault: false)
    static let firstComponent = Observable(
        "normalized_component", symbol: "m_1/\\|m\\|_2", "first row's overlap over the norm of all (untied)")
    static let positionalOverlap = Observable(
        "positional_overlap", symbol: "e", "overlap of the first token's encoding with the student (attention)")
    static let positionalOverlaps = Observable(
        "positional_overlap_vec", symbol: "e_l", "overlap of each token's encoding with the student (attention)",
        dimensions: [ExtraDimension("token", .value(of: Keys.L))], byDefault: false)
    static let weakRecoveryTime = Observable(
        "weak_recovery_time", symbol: "t_\\eta", "first recorded time with overlap > eta; infinite if never",
        inTime: false)
    static let halfRisk = Observable(
        "risk_half", symbol: "R_{1/2}", "mean squared error / 2, of the population or of a fixed test set")

    static let overlaps = [
        steps, t, overlap, rowOverlaps, firstComponent, positionalOverlap, positionalOverlaps, weakRecoveryTime,
    ]
}

// Of simulations.
extension Observable {
    static let semantic = Observable(
        "semantic", symbol: "1_{|m|>|e|}", "1 when |m| > |e| at the end, else 0 (attention)", inTime: false)
    static let semanticFraction = Observable(
        "semantic_fraction", symbol: "P_{\\mathrm{sem}}", "fraction of runs with |m| > |e| at the end", inTime: false,
        aggregate: .mean(semantic))
    static let studentNorm = Observable(
        "student_norm", symbol: "|w|/\\sqrt{d}", "measured norm of the student over its sphere's")

    static let simulated = overlaps + [semantic, semanticFraction, halfRisk.recorded(byDefault: false)]
}

// Of the ODE.
extension Observable {
    static let risk = Observable("risk", symbol: "R", "population risk in the training loss")
    static let overlapNoise = Observable(
        "overlap_noise", symbol: "\\sqrt{d}\\,\\mathrm{std}\\,m",
        "sqrt(d) times the linear-theory standard deviation of m for a start at exactly 0", byDefault: false)
    static let positionalNoise = Observable(
        "positional_noise", symbol: "\\sqrt{d}\\,\\mathrm{std}\\,e",
        "the same for the overlap with the first encoding direction (attention)", byDefault: false)
}

// Closed forms; each is NaN where it does not apply.
extension Observable {
    private static func number(_ name: String, _ symbol: String, _ text: String, codes: [String] = []) -> Observable {
        Observable(name, symbol: symbol, text, inTime: false, codes: codes)
    }

    static let sie = number("sie", "\\mathrm{SIE}", "sequence information exponent of a scalar target")
    static let Rmm = number(
        "R_mm", "R_{mm}", "curvature of the risk at zero overlap (untied: in its steepest direction)")
    static let Ree = number(
        "R_ee", "R_{ee}", "attention: curvature along the first encoding direction at zero overlap")
    static let squaredSignal = number("squared_signal", "E_0|D|^2", "mean squared error signal at zero overlap")
    static let Vm = number("V_m", "V_m", "noise strength on m at zero overlap: variance gamma^2 V_m/d per unit t")
    static let Ve = number("V_e", "V_e", "attention: noise strength on the first encoding direction")
    static let growthRate = number(
        "growth_rate", "\\lambda_m", "growth rate of a small overlap per unit t (networks: SIE >= 2)")
    static let positionalGrowthRate = number(
        "growth_rate_positional", "\\lambda_e", "attention: growth rate of a small positional overlap")
    static let criticalStep = number(
        "gamma_crit", "\\gamma_{\\mathrm{crit}}",
        "largest step: overlap grows from 0 (SIE 2, attention), or m = 1 is stable (SIE 1, target fitted there)")
    static let positionalCriticalStep = number(
        "gamma_crit_positional", "\\gamma_{\\mathrm{crit},e}",
        "attention: largest step at which the positional overlap grows from 0")
    private static let general = [
        sie, Rmm, Ree, squaredSignal, Vm, Ve, growthRate, positionalGrowthRate, criticalStep, positionalCriticalStep,
    ]

    static let plateau = number(
        "m_inf", "m_\\infty", "networks, equal rows: overlap for t to infinity from the given start")
    static let hittingTime = number(
        "t_eta", "t_\\eta", "networks, equal rows: time to overlap eta; infinite if never")
    static let gainAtEqualSteps = number(
        "gain_equal_steps", "S/\\lambda", "networks: untied over tied time to a small overlap at equal gamma")
    static let criticalStepRatio = number(
        "gamma_crit_ratio", "S/(L\\lambda)", "networks, SIE 2: tied over untied gamma_crit")
    static let gainAtBestSteps = number(
        "gain_best_steps", "S^2/(L\\lambda^2)", "networks, SIE 2: gain with each at half its gamma_crit")
    private static let networks = [plateau, hittingTime, gainAtEqualSteps, criticalStepRatio, gainAtBestSteps]

    static let A11 = number("A_11", "A_{11}", "positional_semantic: positional weight s(2 a^2)")
    static let riskAtOrigin = number(
        "risk_origin", "R(0,0)", "positional_semantic, paired: risk at zero overlap")
    static let semanticRisk = number(
        "risk_semantic", "R(0,1)", "positional_semantic, paired: risk at (e, m) = (0, 1)")
    static let positionalRisk = number(
        "risk_positional", "R(1,0)", "positional_semantic, paired: risk at (e, m) = (1, 0)")
    static let omegaTrans = number(
        "omega_trans", "\\omega_{\\mathrm{trans}}", "omega above which R_ee < R_mm; NaN: none in [0, 1]")
    private static let pair = [A11, riskAtOrigin, semanticRisk, positionalRisk, omegaTrans]

    private static func arc(_ name: String, _ symbol: String, _ text: String, codes: [String] = []) -> Observable {
        number(name, symbol, "positional_semantic, paired, half_square: " + text, codes: codes)
    }

    static let kSemantic = arc("k_semantic", "k_S", "tangential curvature at the semantic end; a minimum iff > 0")
    static let kPositional = arc("k_positional", "k_P", "tangential curvature at the positional end")
    static let omegaKP = arc(
        "omega_kP", "\\omega_{kP}", "omega above which the positional end is a minimum; NaN: none")
    static let omegaGlob = arc(
        "omega_glob", "\\omega_{\\mathrm{glob}}", "omega above which R(1,0) < R(0,1); NaN: none")
    static let omegaKS = arc(
        "omega_kS", "\\omega_{kS}", "omega above which the semantic end is no minimum; NaN: none")
    static let region = arc(
        "region", "\\mathrm{region}", "region of the phase diagram", codes: PhaseDiagram.Region.allCases.map(\.rawValue)
    )
    static let minima = arc("minima", "n_{\\min}", "local minima of the risk on the arc e^2 + m^2 = 1, e, m >= 0")
    static let steepestPositional = arc(
        "steepest_positional", "1_{R_{ee}<R_{mm}}", "1 when the steepest direction at 0 is positional, else 0")
    static let mGlobal = arc("m_global", "m^*", "overlap m of the global minimum on the arc")
    static let eGlobal = arc(
        "e_global", "e^*", "positional overlap of the global minimum on the arc (positional: > 1/2)")
    static let mFound = arc(
        "m_found", "m_{\\mathrm{dyn}}", "overlap m that the dynamics from zero overlap ends at, gamma to 0")
    static let eFound = arc(
        "e_found", "e_{\\mathrm{dyn}}", "positional overlap that the dynamics from zero overlap ends at")

    static let closedForms =
        general + networks + pair + [
            kSemantic, kPositional, omegaKP, omegaGlob, omegaKS, region, minima, steepestPositional, mGlobal, eGlobal,
            mFound, eFound,
        ]
}
