import Dynamics
import Foundation
import Modeling

private let student = ExtraDimension("student", .value(of: Keys.width))
private let teacher = ExtraDimension("teacher", .value(of: Keys.teachers))
private let studentTwo = ExtraDimension("student2", .value(of: Keys.width))

/// A function of two times.
private func kernel(_ name: String, symbol: String, _ longName: String) -> Observable {
    Observable(
        name, symbol: symbol, longName,
        dimensions: [ExtraDimension("time_prime", .recordingTimes), student, studentTwo], byDefault: false)
}

extension Observable {
    static let steps = Observable("steps", symbol: "n", "algorithm steps")
    static let t = Observable("t", symbol: "t", "time of gradient flow, step_size times steps")
    static let overlap = Observable("overlap", symbol: "M", "overlap W^T W*/d", dimensions: [student, teacher])
    static let q = Observable("q", symbol: "q", "student Gram matrix W^T W/d", dimensions: [student, studentTwo])
    static let trainLoss = Observable(
        "train_loss", symbol: "E_{\\mathrm{train}}", "mean loss of all training samples, without ridge")
    static let testLoss = Observable(
        "test_loss", symbol: "E_{\\mathrm{test}}", "mean loss of fresh samples, without ridge")
    static let cosine = Observable(
        "cosine", symbol: "\\cos", "cosine of student and teacher columns (M_ij/sqrt(q_ii Q*_jj))",
        dimensions: [student, teacher])
    static let signError = Observable(
        "sign_error", symbol: "\\epsilon_{\\mathrm{sign}}",
        "arccos(cosine)/pi: how often the signs of the two fields differ, of tokens with mean 0",
        dimensions: [student, teacher])
    static let samplesPerD = Observable(
        "samples_per_d", symbol: "n/d", "samples used so far per dimension, alpha batch_fraction steps")

    static let C = kernel("C", symbol: "C", "weights at two times, W_t^T W_t'/d")
    static let R = kernel(
        "R", symbol: "R", "response of the weights at t to a field in the gradient at t' < t (in units of -eta)")
    static let Gamma = kernel(
        "Gamma", symbol: "\\Gamma", "alpha times the response of the gradients at t to fields in them at t' <= t")
    static let Cg = kernel("Cg", symbol: "C_g", "alpha times the covariance of the gradients at two times")

    /// What every method records: (15), (28) and (30).
    static let overlaps = [steps, t, overlap, q, testLoss, cosine, signError]
    /// What methods with a fixed set of data record.
    static let trajectory = overlaps + [trainLoss]
    /// The kernels of the theory.
    static let kernels = [C, R, Gamma, Cg]
}

extension DMFTKernelName {
    private var observable: Observable {
        switch self {
        case .C: .C
        case .R: .R
        case .Gamma: .Gamma
        case .Cg: .Cg
        }
    }

    /// Puts the blocks (t, s) of all kernels between the last of the `recorded` steps and each of them. C and Cg are
    /// symmetric, R and Gamma causal, so 0 for s > t.
    static func put(
        recorded: [Int], into sink: inout ObservationSink, block: (DMFTKernelName, _ t: Int, _ s: Int) -> [Double]
    ) throws {
        let now = recorded.count - 1
        for kernel in allCases where sink.wants(kernel.observable) {
            for (past, s) in recorded.enumerated() {
                try sink.put(kernel.observable, block(kernel, recorded[now], s), atTime: now, index: [past])
                try sink.put(kernel.observable, block(kernel, s, recorded[now]), atTime: past, index: [now])
            }
        }
    }
}

extension Parameters {
    /// Puts what follows from the overlaps M (k x a) and q (k x k) after `step` steps, means over several runs; `test` is
    /// the loss at them, computed only when the job wants it.
    func record(
        step: Int, runs: [(overlap: [Double], gram: [Double])],
        test: (_ overlap: [Double], _ gram: [Double]) throws -> Double, into sink: inout ObservationSink
    ) throws {
        sink.put(.steps, Double(step))
        sink.put(.t, Double(step) * stepSize)
        func put(_ observable: Observable, _ values: ([Double], [Double]) throws -> [Double]) throws {
            guard sink.wants(observable) else { return }
            var mean: [Double] = []
            for run in runs {
                let own = try values(run.overlap, run.gram)
                mean = mean.isEmpty ? own : zip(mean, own).map { $0 + $1 }
            }
            try sink.put(observable, mean.map { $0 / Double(runs.count) })
        }
        func cosines(_ M: [Double], _ q: [Double]) -> [Double] {
            let a = teachers
            return M.indices.map { at in
                M[at] / (q[at / a * (students + 1)] * prior.teacherGram[at % a * (a + 1)]).squareRoot()
            }
        }
        try put(.overlap) { M, _ in M }
        try put(.q) { _, q in q }
        try put(.testLoss) { M, q in [try test(M, q)] }
        try put(.cosine, cosines)
        // Beyond 1 by rounding, or by Monte Carlo noise.
        try put(.signError) { M, q in cosines(M, q).map { acos(min(max($0, -1), 1)) / .pi } }
    }
}
