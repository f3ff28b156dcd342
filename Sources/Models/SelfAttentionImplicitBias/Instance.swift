import Foundation
import Modeling
import Numerics

/// One data set with its hard-margin problems, as far as the requested observables or the start need them.
struct Instance: Sendable {
    let parameters: Parameters
    let data: DataSet
    let gaps: Gaps
    /// The stream of the data and of W_0: the task's, or that of `data_seed`.
    private let random: RandomStream
    /// The Gram matrix of the gap features; empty when nothing needs it.
    private(set) var gram: [Double] = []
    private(set) var margin: Margin?
    /// The u-SVM.
    private(set) var uMargin: LeastDistance?
    /// u_mm; empty when infeasible or not needed.
    private(set) var umm: [Double] = []

    init(
        _ parameters: Parameters, _ request: RunRequest, needsGram: Bool = false, needsMargin: Bool = false
    ) throws {
        self.parameters = parameters
        random =
            parameters.dataSeed.map {
                RandomStream(identity: TaskIdentity(high: 0x5341_4942, low: UInt64($0) &* 0x9E37_79B9_7F4A_7C15))
            } ?? request.random
        data = try DataSet(parameters, random)
        gaps = Gaps(data)
        let solves =
            needsMargin || parameters.start.isAlongMargin || Observable.ofMargin.contains(where: request.wants)
        let relaxes = parameters.isJoint && parameters.query == .prompt && solves
        if relaxes || request.wants(.normUmm) || request.wants(.corrU) {
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
            margin = try Margin(gaps, gram: gram, relaxed: relaxed)
        }
        if !needsGram && !Observable.curvatures.contains(where: request.wants) { gram = [] }
    }

    /// W_0, (d, d_q).
    func start() throws -> [Double] {
        let p = parameters
        var W = Array(repeating: 0.0, count: data.d * data.dq)
        var stream = random.substream(Streams.start)
        switch p.start {
        case .zero: break
        case .explicit: W = p.W0 ?? W
        case .random:
            W.withUnsafeMutableBufferPointer { stream.fillNormal($0) }
            BLAS.scal(W.count, p.initScale / BLAS.dot(W.count, W, W).squareRoot(), &W)
        case .uniform:
            let width = 1 / Double(data.d).squareRoot()
            for k in W.indices { W[k] = width * (2 * stream.uniform() - 1) }
        case .mm, .adversarial:
            let direction = margin?.direction() ?? []
            try require(
                !direction.isEmpty, Keys.start,
                "\(p.start.rawValue) needs W_mm, but the W-SVM is infeasible here")
            BLAS.axpy(W.count, p.start == .mm ? p.initScale : -p.initScale, direction, &W)
        }
        return W
    }

    /// Puts the numbers of the data set.
    func finish(into sink: inout ObservationSink) throws {
        if sink.wants(.normUmm) { sink.put(.normUmm, uMargin.map { $0.squaredNorm.squareRoot() } ?? .nan) }
        guard let margin else { return }
        let problem = margin.problem
        sink.put(.normWmm, margin.norm)
        sink.put(.normWmmSquarePerN, problem.squaredNorm / Double(data.n))
        sink.put(.feasible, problem.isFeasible ? 1 : 0)
        guard problem.isFeasible else { return }
        sink.put(.kktResidual, problem.residual)
        sink.put(.supportW, Double(problem.support.count))
        sink.put(.activeFraction, margin.activeFraction)
        if sink.wants(.rankWmm) { sink.put(.rankWmm, Double(try margin.rank())) }
        if !gram.isEmpty && Observable.curvatures.contains(where: sink.wants) {
            let nu = try margin.curvatures(gram: gram)
            sink.put(.nuMin, nu.first ?? .nan)
            sink.put(.nuMax, nu.last ?? .nan)
            sink.put(.etaCrit, nu.last.map { 2 * margin.norm / $0 } ?? .infinity)
        }
        if sink.wants(.multipliers) {
            try require(
                sink.slots.contains { $0.name == Observable.multipliers.name && $0.width > 0 }, Keys.n,
                "and L must be given as numbers to record multipliers, also with tokens given")
            var rows = Array(repeating: 0.0, count: data.n * data.T)
            for (place, lambda) in zip(gaps.places, margin.lambda) { rows[place] = lambda }
            try sink.put(.multipliers, rows)
        }
    }
}

/// What of the observables follows from logits, scores and the decoder, for `gd` and `gap-recursion` alike.
extension Instance {
    func observe(_ pass: Pass, scores: [Double], u: [Double], into sink: inout ObservationSink) {
        let (n, T, opt) = (data.n, data.T, data.opt)
        func mean(_ x: [Double]) -> Double { x.reduce(0, +) / Double(n) }
        let s = (0..<n).map { pass.attention[$0 * T + opt[$0]] }
        sink.put(.trainLoss, pass.lossValue)
        if sink.wants(.logExcess) {
            sink.put(.logExcess, pass.logExcess(scores: scores, opt: opt, isJoint: parameters.isJoint))
        }
        sink.put(.sOptMean, mean(s))
        sink.put(.sOptMin, s.min() ?? .nan)
        if sink.wants(.logSparsity) {
            let logs = (0..<n).map { pass.logSparsity($0, opt: opt[$0]) }
            sink.put(.logSparsity, logSumExp(logs) - logarithm(Double(n)))
        }
        sink.put(.marginMean, mean(pass.margins))
        sink.put(.accuracy, mean(pass.margins.map { $0 > 0 ? 1 : 0 }))
        sink.put(.sMaxMean, mean((0..<n).map { pass.attention[$0 * T + pass.selected[$0]] }))
        sink.put(.selectedOptimal, mean(zip(pass.selected, opt).map { $0 == $1 ? 1 : 0 }))

        let size = umm.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let decoder = directions(u, size > 0 ? umm.map { $0 / size } : [])
        if !u.isEmpty { sink.put(.normU, decoder.norm) }
        sink.put(.corrU, decoder.correlation)
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
