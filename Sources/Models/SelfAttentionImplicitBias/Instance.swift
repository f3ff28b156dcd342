import Foundation
import Modeling
import Numerics

/// One data set with its hard-margin problems, as far as the requested observables or the start need them.
struct SAIBInstance: Sendable {
    let parameters: SAIBParameters
    let data: SAIBData
    let gaps: SAIBGaps
    /// The stream of the data and of W_0: the task's, or that of `data_seed`.
    private let random: RandomStream
    /// The Gram matrix of the gap features; empty when nothing needs it.
    private(set) var gram: [Double] = []
    private(set) var margin: SAIBMargin?
    /// The u-SVM.
    private(set) var uMargin: LeastDistance?
    /// u_mm; empty when infeasible or not needed.
    private(set) var umm: [Double] = []
    /// W_mm/|W_mm|; empty when infeasible or not needed.
    private(set) var direction: [Double] = []

    init(
        _ request: RunRequest, _ parameters: SAIBParameters, needsGram: Bool = false, needsMargin: Bool = false,
        needsDirection: Bool = false
    ) throws {
        self.parameters = parameters
        random =
            parameters.dataSeed.map {
                RandomStream(identity: TaskIdentity(high: 0x5341_4942, low: UInt64($0) &* 0x9E37_79B9_7F4A_7C15))
            } ?? request.random
        data = try SAIBData(parameters, random)
        gaps = SAIBGaps(data)
        let wanted = request.observables
        let starts = parameters.start == .mm || parameters.start == .adversarial
        let solves =
            needsMargin || (starts && needsDirection)
            || !SelfAttentionImplicitBias.marginObservables.isDisjoint(with: wanted)
        let relaxes = parameters.isJoint && parameters.query == .prompt && solves
        if relaxes || wanted.contains("norm_umm") || wanted.contains("corr_u") {
            uMargin = try data.decoderProblem()
            if let uMargin, uMargin.isFeasible { umm = data.decoder(uMargin) }
        }
        if solves || needsGram { gram = try gaps.gram() }
        if solves {
            var relaxed: Set<Int> = []
            if relaxes, let uMargin, uMargin.isFeasible {
                // Sequences off the decoder's margin need not be told apart (arXiv 2306.13596).
                relaxed = Set(uMargin.slack.indices.filter { uMargin.slack[$0] > 1e-8 })
            }
            let margin = try SAIBMargin(gaps, gram: gram, relaxed: relaxed)
            self.margin = margin
            if margin.problem.isFeasible && margin.norm > 0 && (needsDirection || starts) {
                direction = margin.matrix()
                BLAS.scal(direction.count, 1 / margin.norm, &direction)
            }
        }
        if !needsGram && wanted.isDisjoint(with: ["nu_max", "nu_min", "eta_crit"]) { gram = [] }
    }

    /// W_0, (d, d_q).
    func start() throws -> [Double] {
        let p = parameters
        var W = Array(repeating: 0.0, count: data.d * data.dq)
        var stream = random.substream(SAIBStreams.start)
        switch p.start {
        case .zero: break
        case .explicit: W = p.W0?.elements ?? W
        case .random:
            W.withUnsafeMutableBufferPointer { stream.fillNormal($0) }
            BLAS.scal(W.count, p.initScale / BLAS.dot(W.count, W, W).squareRoot(), &W)
        case .uniform:
            let width = 1 / Double(data.d).squareRoot()
            for k in W.indices { W[k] = width * (2 * stream.uniform() - 1) }
        case .mm, .adversarial:
            guard !direction.isEmpty else {
                throw ModelError.parameter("init", "\(p.start.rawValue) needs W_mm, but the W-SVM is infeasible here")
            }
            BLAS.axpy(W.count, p.start == .mm ? p.initScale : -p.initScale, direction, &W)
        }
        return W
    }

    /// Puts the numbers of the data set.
    func finish(into sink: inout ObservationSink) throws {
        if sink.wants("norm_umm") { sink.put("norm_umm", uMargin.map { $0.squaredNorm.squareRoot() } ?? .nan) }
        guard let margin else { return }
        let problem = margin.problem
        sink.put("norm_Wmm", margin.norm)
        sink.put("norm_Wmm_sq_per_n", problem.squaredNorm / Double(data.n))
        sink.put("feasible", problem.isFeasible ? 1 : 0)
        guard problem.isFeasible else { return }
        sink.put("kkt_residual", problem.residual)
        sink.put("n_support_W", Double(problem.support.count))
        sink.put("active_fraction", margin.activeFraction)
        if sink.wants("rank_Wmm") { sink.put("rank_Wmm", Double(try margin.rank())) }
        if !gram.isEmpty && ["nu_max", "nu_min", "eta_crit"].contains(where: { sink.wants($0) }) {
            let nu = try margin.curvatures(gram: gram)
            sink.put("nu_min", nu.first ?? .nan)
            sink.put("nu_max", nu.last ?? .nan)
            sink.put("eta_crit", nu.last.map { 2 * margin.norm / $0 } ?? .infinity)
        }
        if sink.wants("multipliers") { try putMultipliers(margin, into: &sink) }
    }

    private func putMultipliers(_ margin: SAIBMargin, into sink: inout ObservationSink) throws {
        guard sink.slots.contains(where: { $0.name == "multipliers" && $0.width > 0 }) else {
            throw ModelError.parameter(
                "n", "and L must be given as numbers to record multipliers, also with tokens given")
        }
        var rows = Array(repeating: 0.0, count: data.n * data.T)
        var k = 0
        for i in 0..<data.n {
            for tau in 0..<data.T where tau != data.opt[i] {
                rows[i * data.T + tau] = margin.lambda[k]
                k += 1
            }
        }
        try sink.put("multipliers", rows)
    }
}

/// What of the observables follows from logits and scores alone, for `gd` and `gap-recursion` alike.
struct SAIBRecorder: Sendable {
    let data: SAIBData
    let isJoint: Bool
    /// The W-SVM of the tokens selected last, kept because it seldom changes. Recomputed after a restart.
    private var selection: (opt: [Int], norm: Double, direction: [Double])?

    init(_ data: SAIBData, isJoint: Bool) {
        self.data = data
        self.isJoint = isJoint
    }

    func observe(_ pass: SAIBPass, scores: [Double], into sink: inout ObservationSink) {
        let n = Double(data.n)
        let s = (0..<data.n).map { pass.attention[$0 * data.T + data.opt[$0]] }
        sink.put("train_loss", pass.lossValue)
        if sink.wants("log_excess") {
            sink.put("log_excess", pass.logExcess(scores: scores, opt: data.opt, isJoint: isJoint))
        }
        sink.put("s_opt_mean", s.reduce(0, +) / n)
        sink.put("s_opt_min", s.min() ?? .nan)
        if sink.wants("log_sparsity") {
            let logs = (0..<data.n).map { pass.logSparsity($0, opt: data.opt[$0]) }
            sink.put("log_sparsity", logSumExp(logs) - logarithm(n))
        }
        sink.put("margin_mean", pass.margins.reduce(0, +) / n)
        sink.put("accuracy", Double(pass.margins.filter { $0 > 0 }.count) / n)
        let largest = (0..<data.n).map { pass.attention[$0 * data.T + pass.selected[$0]] }
        sink.put("s_max_mean", largest.reduce(0, +) / n)
        sink.put("selected_optimal", Double(zip(pass.selected, data.opt).filter { $0 == $1 }.count) / n)
    }

    /// The W-SVM of the selected tokens against `W`.
    mutating func observeSelection(_ selected: [Int], W: [Double], into sink: inout ObservationSink) throws {
        guard sink.wants("corr_W_selected") || sink.wants("norm_Wmm_selected") else { return }
        if selection?.opt != selected {
            let gaps = SAIBGaps(data, opt: selected)
            let margin = try SAIBMargin(gaps, gram: try gaps.gram())
            var direction: [Double] = []
            if margin.problem.isFeasible && margin.norm > 0 {
                direction = margin.matrix()
                BLAS.scal(direction.count, 1 / margin.norm, &direction)
            }
            selection = (selected, margin.norm, direction)
        }
        guard let selection else { return }
        sink.put("norm_Wmm_selected", selection.norm)
        if !selection.direction.isEmpty {
            sink.put("corr_W_selected", directions(W, selection.direction).correlation)
        }
    }
}

/// The norm of `W`, its correlation with the unit vector `e`, and the distance of W/|W| from `e`, which keeps its digits
/// when the correlation no longer tells them apart.
func directions(_ W: [Double], _ e: [Double]) -> (norm: Double, correlation: Double, distance: Double) {
    let norm = BLAS.dot(W.count, W, W).squareRoot()
    guard norm > 0, e.count == W.count else { return (norm, .nan, .nan) }
    var square = 0.0
    for (w, e) in zip(W, e) { square += (w / norm - e) * (w / norm - e) }
    return (norm, BLAS.dot(W.count, W, e) / norm, square.squareRoot())
}
