import Foundation
import Modeling
import Numerics

/// The logarithm, under a name that generic math imports cannot make ambiguous.
@inline(__always)
func logarithm(_ x: Double) -> Double { Foundation.log(x) }

/// Turns overlaps into the observables of the sheet, section 6, and remembers the weak recovery time.
struct OverlapRecorder: Sendable, Resumable {
    let parameters: SSIParameters
    private(set) var weakRecoveryTime = Double.infinity
    /// 1 when |m| > |e| at the last observation, else 0.
    private(set) var semantic = 0.0

    init(_ parameters: SSIParameters) { self.parameters = parameters }

    mutating func exchange(with archive: inout StateArchive) throws {
        try archive.exchange(&weakRecoveryTime)
        try archive.exchange(&semantic)
    }

    /// Puts all observables that follow from the overlaps: `m` has one entry (L for untied), `eps` one per encoding
    /// direction. `steps` may be fractional (theory in t).
    mutating func observe(steps: Double, m: [Double], eps: [Double], into sink: inout ObservationSink) throws {
        let p = parameters
        let t = steps / Double(p.d)
        let overlap: Double
        if p.student == .untied {
            let norm = m.reduce(0) { $0 + $1 * $1 }.squareRoot()
            overlap = norm / Double(p.L).squareRoot()
            sink.put("normalized_component", m[0] / norm)
        } else {
            overlap = m[0]
        }
        if overlap > p.eta && t < weakRecoveryTime { weakRecoveryTime = t }
        sink.put("steps", steps)
        sink.put("t", t)
        sink.put("overlap", overlap)
        if sink.wants("overlap_vec") {
            try sink.put("overlap_vec", m.count == p.L ? m : Array(repeating: m[0], count: p.L))
        }
        guard p.student == .attention else { return }
        let e = p.positionalOverlaps(eps)
        sink.put("positional_overlap", e[0])
        if sink.wants("positional_overlap_vec") { try sink.put("positional_overlap_vec", e) }
        semantic = m[0] * m[0] > eps.reduce(0) { $0 + $1 * $1 } ? 1 : 0
    }

    /// Puts what has one value a task.
    func finish(into sink: inout ObservationSink) {
        sink.put("weak_recovery_time", weakRecoveryTime)
        if parameters.student == .attention { sink.put("semantic", semantic) }
    }
}

extension SSIParameters {
    /// e_l = sum_j pi_lj eps_j, L entries, from the overlaps eps_j = w.v_j/d with the encoding directions.
    func positionalOverlaps(_ eps: [Double]) -> [Double] {
        (0..<L).map { l in (0..<k).reduce(0) { $0 + pi[l * k + $1] * eps[$1] } }
    }

    /// The mean of half the squared error over a fixed test set of ``testSize`` samples, for a student of these
    /// overlaps.
    ///
    /// Of a test sample only what the student can see matters: z*_l, the components along the encoding directions, and
    /// the component along the rest of w, which given w (trained on other data) is a standard normal, whatever w is.
    /// `random` draws these numbers, the same ones at each call, so nothing is stored. At each time the law given w is
    /// exactly that of the mean over a test set in R^d; only the dependence between times is stronger (the same normals
    /// for every direction that the rest of w takes).
    func testRisk(m: [Double], eps: [Double], random: RandomStream) -> Double {
        let perSample = student == .attention ? (2 + k) * L : L + 1
        var pool = GaussianPool(random, largestRequest: perSample)
        let e = positionalOverlaps(eps)
        let covered = m.reduce(0) { $0 + $1 * $1 } / (student == .untied ? Double(L) : 1)
        let rest = max(0, 1 - covered - eps.reduce(0) { $0 + $1 * $1 }).squareRoot()
        var z = Array(repeating: 0.0, count: L)
        var sum = 0.0
        withKernel { kernel in
            pool.withCursor { cursor in
                for _ in 0..<testSize {
                    let x = cursor.take(perSample)
                    if student != .attention {
                        var h = 0.0
                        for l in 0..<L { h += (m.count == 1 ? m[0] : m[l]) * x[l] }
                        h = h * kernel.inverseRootL + rest * x[L]
                        let r = kernel.scalarTarget(x) - activation.value(h)
                        sum += r * r
                    } else {
                        for l in 0..<L {
                            var t = m[0] * x[l] + rest * x[L + l]
                            for j in 0..<k { t += eps[j] * x[2 * L + l * k + j] }
                            z[l] = t + e[l]
                        }
                        sum += kernel.attentionSquaredError(zStar: x, z: z)
                    }
                }
            }
        }
        return 0.5 * sum / Double(testSize)
    }
}
