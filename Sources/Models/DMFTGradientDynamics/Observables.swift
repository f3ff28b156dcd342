import Foundation
import Modeling

extension DMFTGradientDynamics {
    private static let student = ExtraDimension("student", .parameter("width"))
    private static let teacher = ExtraDimension("teacher", .parameter("teachers"))
    private static let studentTwo = ExtraDimension("student2", .parameter("width"))

    /// What every method records in time (sheet, section 6), but for `train_loss`.
    static let overlapObservables: [ObservableSpec] = [
        ObservableSpec("steps", symbol: "n", "algorithm steps"),
        ObservableSpec("t", symbol: "t", "time of gradient flow, step_size times steps"),
        ObservableSpec("overlap", symbol: "M", "overlap W^T W*/d", dimensions: [student, teacher]),
        ObservableSpec("q", symbol: "q", "student Gram matrix W^T W/d", dimensions: [student, studentTwo]),
        ObservableSpec("test_loss", symbol: "E_{\\mathrm{test}}", "mean loss of fresh samples, without ridge"),
        ObservableSpec(
            "cosine", symbol: "\\cos", "cosine of student and teacher columns (M_ij/sqrt(q_ii Q*_jj))",
            dimensions: [student, teacher]),
        ObservableSpec(
            "sign_error", symbol: "\\epsilon_{\\mathrm{sign}}",
            "arccos(cosine)/pi: how often the signs of the two fields differ, of tokens with mean 0",
            dimensions: [student, teacher]),
    ]

    /// What methods with a fixed set of data record.
    static let trajectoryObservables =
        overlapObservables + [
            ObservableSpec(
                "train_loss", symbol: "E_{\\mathrm{train}}", "mean loss of all training samples, without ridge")
        ]
}

/// Turns overlaps and losses into observables, the same for every method.
struct DGDRecorder: Sendable {
    private let stepSize: Double
    private let students: Int
    private let teacherNorms: [Double]

    init(_ parameters: DGDParameters) {
        stepSize = parameters.stepSize
        students = parameters.students
        let a = parameters.teachers
        teacherNorms = (0..<a).map { parameters.prior.teacherGram[$0 * a + $0] }
    }

    /// Puts what follows from the overlaps M (k x a) and q (k x k) after `step` steps, and the losses. `train` and `test`
    /// are computed only when the job wants them.
    func observe(
        step: Int, overlap M: [Double], gram q: [Double], train: @autoclosure () throws -> Double? = nil,
        test: @autoclosure () throws -> Double, into sink: inout ObservationSink
    ) throws {
        try observe(step: step, runs: [(M, q)], test: { _, _ in try test() }, into: &sink)
        if sink.wants("train_loss"), let train = try train() { sink.put("train_loss", train) }
    }

    /// Puts the means over several runs of what follows from each one's M and q; `test` is the loss at them.
    func observe(
        step: Int, runs: [(overlap: [Double], gram: [Double])],
        test: (_ overlap: [Double], _ gram: [Double]) throws -> Double, into sink: inout ObservationSink
    ) throws {
        sink.put("steps", Double(step))
        sink.put("t", Double(step) * stepSize)
        func put(_ name: String, _ values: ([Double], [Double]) throws -> [Double]) throws {
            guard sink.wants(name) else { return }
            var mean: [Double] = []
            for run in runs {
                let own = try values(run.overlap, run.gram)
                mean = mean.isEmpty ? own : zip(mean, own).map { $0 + $1 }
            }
            try sink.put(name, mean.map { $0 / Double(runs.count) })
        }
        try put("overlap") { M, _ in M }
        try put("q") { _, q in q }
        try put("test_loss") { M, q in [try test(M, q)] }
        try put("cosine", cosines)
        // Beyond 1 by rounding, or by Monte Carlo noise.
        try put("sign_error") { M, q in cosines(M, q).map { acos(min(max($0, -1), 1)) / .pi } }
    }

    private func cosines(_ M: [Double], _ q: [Double]) -> [Double] {
        let a = teacherNorms.count
        return M.indices.map { at in M[at] / (q[at / a * (students + 1)] * teacherNorms[at % a]).squareRoot() }
    }
}
