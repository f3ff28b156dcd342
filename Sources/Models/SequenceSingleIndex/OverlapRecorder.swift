import ModelKit
import Modeling

/// Turns overlaps into observables, and remembers the weak recovery time.
struct OverlapRecorder: Sendable, Resumable {
    let parameters: Parameters
    private(set) var weakRecoveryTime = Double.infinity
    /// 1 when |m| > |e| at the last observation, else 0.
    private var semantic = 0.0

    init(_ parameters: Parameters) { self.parameters = parameters }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&weakRecoveryTime)
        try archive.exchange(&semantic)
    }

    /// Puts all observables that follow from the overlaps at time `t`: `m` has one entry (L for untied), `eps` one per
    /// encoding direction; `steps` is nil for theory that knows none.
    mutating func observe(
        t: Double, steps: Double?, m: [Double], eps: [Double], into sink: inout ObservationSink
    ) throws {
        let p = parameters
        var overlap = m[0]
        if p.student == .untied {
            let norm = m.reduce(0) { $0 + $1 * $1 }.squareRoot()
            overlap = norm / Double(p.L).squareRoot()
            sink.put(.firstComponent, m[0] / norm)
        }
        if overlap > p.eta { weakRecoveryTime = min(weakRecoveryTime, t) }
        if let steps { sink.put(.steps, steps) }
        sink.put(.t, t)
        sink.put(.overlap, overlap)
        if sink.wants(.rowOverlaps) {
            try sink.put(.rowOverlaps, m.count == p.L ? m : Array(repeating: m[0], count: p.L))
        }
        guard p.student == .attention else { return }
        let e = p.positionalOverlaps(eps)
        sink.put(.positionalOverlap, e[0])
        if sink.wants(.positionalOverlaps) { try sink.put(.positionalOverlaps, e) }
        semantic = m[0] * m[0] > eps.reduce(0) { $0 + $1 * $1 } ? 1 : 0
    }

    /// Puts what a simulation has once a task.
    func finish(into sink: inout ObservationSink) {
        sink.put(.weakRecoveryTime, weakRecoveryTime)
        if parameters.student == .attention { sink.put(.semantic, semantic) }
    }
}
