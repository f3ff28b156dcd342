import Modeling
import Numerics

/// What of the observables follows from logits and scores alone, for `gd` and `gap-recursion` alike.
struct Recorder: Sendable {
    let data: DataSet
    let isJoint: Bool
    /// The W-SVM of the tokens selected last, kept because it seldom changes. Recomputed after a restart.
    private var selection: (opt: [Int], norm: Double, direction: [Double])?

    init(_ data: DataSet, isJoint: Bool) {
        self.data = data
        self.isJoint = isJoint
    }

    func observe(_ pass: Pass, scores: [Double], into sink: inout ObservationSink) {
        let n = Double(data.n)
        let s = (0..<data.n).map { pass.attention[$0 * data.T + data.opt[$0]] }
        sink.put(.trainLoss, pass.lossValue)
        if sink.wants(.logExcess) {
            sink.put(.logExcess, pass.logExcess(scores: scores, opt: data.opt, isJoint: isJoint))
        }
        sink.put(.sOptMean, s.reduce(0, +) / n)
        sink.put(.sOptMin, s.min() ?? .nan)
        if sink.wants(.logSparsity) {
            let logs = (0..<data.n).map { pass.logSparsity($0, opt: data.opt[$0]) }
            sink.put(.logSparsity, logSumExp(logs) - logarithm(n))
        }
        sink.put(.marginMean, pass.margins.reduce(0, +) / n)
        sink.put(.accuracy, Double(pass.margins.filter { $0 > 0 }.count) / n)
        let largest = (0..<data.n).map { pass.attention[$0 * data.T + pass.selected[$0]] }
        sink.put(.sMaxMean, largest.reduce(0, +) / n)
        sink.put(.selectedOptimal, Double(zip(pass.selected, data.opt).filter { $0 == $1 }.count) / n)
    }

    /// The decoder against u_mm, which is empty when it is infeasible or not wanted.
    func observeDecoder(_ u: [Double], _ umm: [Double], into sink: inout ObservationSink) {
        let size = umm.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let decoder = directions(u, size > 0 ? umm.map { $0 / size } : [])
        if !u.isEmpty { sink.put(.normU, decoder.norm) }
        sink.put(.corrU, decoder.correlation)
    }

    /// The W-SVM of the selected tokens against `W`.
    mutating func observeSelection(_ selected: [Int], W: [Double], into sink: inout ObservationSink) throws {
        guard sink.wants(.corrWSelected) || sink.wants(.normWmmSelected) else { return }
        if selection?.opt != selected {
            let gaps = Gaps(data, opt: selected)
            let margin = try Margin(gaps, gram: try gaps.gram())
            selection = (selected, margin.norm, margin.direction())
        }
        guard let selection else { return }
        sink.put(.normWmmSelected, selection.norm)
        if !selection.direction.isEmpty {
            sink.put(.corrWSelected, directions(W, selection.direction).correlation)
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
