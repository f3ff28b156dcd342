import Foundation
import ModelKit
import ModelTesting
import Modeling
import Numerics
import Testing

/// A prior of normal entries, for which all is in closed form: mmse(t) = t/(1 + t).
private struct NormalPrior: MatrixPrior {
    static let copies = 2.0
    let errorUnit = 0.5
    static let tables = DenoisingTables<NormalPrior>()
    let initialSlope = 1.0
    func mmse(_ t: Double) -> Double { t / (1 + t) }
}

/// Weights of one number a run with the loss h (w - 1)^2/2, S = w.
private struct Parabola: FactorProblem {
    let h = 0.5
    let weightCount = 1
    let target = [1.0]
    private(set) var trainErrors: [Double]
    let work = 100

    init(runs: Int) { trainErrors = Array(repeating: 0, count: runs) }

    func error(_ square: Double) -> Double { square }
    mutating func move(to weights: [Double]) {}
    mutating func evaluate(_ weights: [Double]) { trainErrors = weights.map { ($0 - 1) * ($0 - 1) } }
    mutating func gradient(of run: Int, _ weights: [Double], into gradient: inout [Double]) {
        gradient[0] = h * (weights[run] - 1)
    }
    func meanSquare(_ weights: [Double]) -> Double { weights.reduce(0) { $0 + $1 * $1 } }
    func matrices(_ weights: [Double]) -> [Double] { weights }
    func add(_ weights: [Double], to sum: inout [Double]) { for w in weights { sum[0] += w } }
    func observe(_ S: [Double], _ result: RunAverage, into sink: inout ObservationSink) {}
}

@Suite("Matrices of extensive rank: what models share") struct ExtensiveRankTests {
    private let errors = MatrixObservables(
        "E", "error", spread: "per entry", estimate: "V", precision: "precision", change: "change", entries: "d")
    private let random = RandomStream(identity: TaskIdentity(high: 7, low: 8))

    private func sink(_ names: [Observable]) -> ObservationSink {
        ObservationSink(slots: names.map { .init($0, at: ParameterPoint(), timeCount: 1) }, timeCount: 1)
    }

    private func settings(_ values: Given, isLangevin: Bool = false) throws -> DescentSettings {
        try DescentSettings(Reader(ParameterPoint(values)), isLangevin: isLangevin) { _, _ in 0.2 }
    }

    // MARK: State evolution

    /// The solution, the iteration and the factors of two of symmetric matrices, against the quadratic equation
    /// 2 alpha t = Delta/2 + t/(1 + t).
    @Test(arguments: [(0.3, 0.4), (0.8, 0.1), (0.2, 0.0)]) func fixedPoint(alpha: Double, noise: Double) throws {
        let theory = MatrixEstimation(alpha: alpha, noise: noise, NormalPrior())
        let (a, c) = (2 * alpha, 0.5 * noise)
        let B = a - c - 1
        let t = (-B + (B * B + 4 * a * c).squareRoot()) / (2 * a)
        let solution = try theory.solve()
        #expect(abs(solution.t - t) < 1e-10 && abs(solution.E - t / (1 + t)) < 1e-10)
        #expect(abs(theory.noise(at: solution.E) - t) < 1e-10)
        var run = StateEvolution(theory, errors)
        var sink = sink([errors.error, errors.estimate, errors.precision, errors.iterations, errors.residual])
        #expect(try run.advance(toward: 0, quantum: 1))
        run.observe(into: &sink)
        #expect(sink.buffers[0] == [1] && sink.buffers[2][0].isNaN)
        while try !run.advance(toward: 2000, quantum: 1) {}
        run.observe(into: &sink)
        run.finish(into: &sink)
        #expect(abs(sink.buffers[0][0] - 0.5 * solution.E) < 1e-10 && sink.buffers[1] == sink.buffers[0])
        #expect(abs(sink.buffers[2][0] - 0.5 / t) < 1e-8)
        #expect(sink.buffers[3][0] < 2000 && sink.buffers[4][0] < 1e-12)
        // From enough samples without noise on nothing is left.
        #expect(try MatrixEstimation(alpha: 0.5, noise: 0, NormalPrior()).solve() == (0, 0))
    }

    @Test func samplesOfThePosterior() throws {
        let theory = MatrixEstimation(alpha: 0.3, noise: 0.4, NormalPrior())
        var sink = sink([errors.error, errors.single, errors.spread])
        try theory.putSampling(runs: 4, errors, into: &sink)
        let error = 0.5 * (try theory.solve().E)
        #expect(sink.buffers.map { $0[0] } == [1.25 * error, 2 * error, 0.75 * error])
    }

    // MARK: Descent

    /// w - 1 shrinks by 1 - eta h a step; the average of runs is theirs, and a run that is good enough ends all.
    @Test func plainSteps() throws {
        let settings = try settings(["runs": .integer(3), "stop_error": .real(1e-3)])
        var run = FactorDescent(Parabola(runs: 3), settings, errors, random)
        let start = run.weights
        #expect(Set(start).count == 3)
        while try !run.advance(toward: 10, quantum: 1) {}
        for (w, first) in zip(run.weights, start) { #expect(abs(w - 1 - (first - 1) * pow(0.9, 10)) < 1e-14) }
        var sink = sink([errors.error, errors.single, errors.spread, errors.trainError])
        try run.observe(into: &sink)
        let mean = run.weights.reduce(0, +) / 3
        #expect(abs(sink.buffers[0][0] - (mean - 1) * (mean - 1)) < 1e-15)
        #expect(abs(sink.buffers[1][0] - sink.buffers[0][0] - sink.buffers[2][0]) < 1e-15)
        #expect(abs(sink.buffers[3][0] - sink.buffers[1][0]) < 1e-15)
        #expect(try run.advance(toward: 1e15, quantum: 1 << 30))
        #expect(run.trainErrors().allSatisfy { $0 < 1e-3 } && run.trainErrors().contains { $0 > 5e-4 })
    }

    /// Steps beyond 2/h are noticed, with the step at which they left.
    @Test func divergence() throws {
        let settings = try DescentSettings(Reader(ParameterPoint([:])), isLangevin: false) { _, _ in 8 }
        var run = FactorDescent(Parabola(runs: 1), settings, errors, random)
        #expect {
            while try !run.advance(toward: 100, quantum: 100) {}
        } throws: { error in
            if case .diverged(let step, _)? = error as? ModelError { return step > 5 && step < 40 }
            return false
        }
    }

    /// Langevin with the prior N(0, 1): w is normal with precision 1 + h and mean h/(1 + h), up to the step.
    @Test func langevin() throws {
        let settings = try DescentSettings(
            Reader(ParameterPoint(["runs": .integer(4), "burn_in": .integer(100)])), isLangevin: true
        ) { _, _ in 0.05 }
        var run = FactorDescent(Parabola(runs: 4), settings, errors, random)
        var squares: [Double] = []
        for step in 1...4000 {
            _ = try run.advance(toward: Double(step), quantum: 1)
            if step > 100 { squares += run.weights.map { ($0 - 1.0 / 3) * ($0 - 1.0 / 3) } }
        }
        let moments = Moments(squares)
        #expect(abs(moments.mean - 2.0 / 3 / (1 - 0.0375)) < 0.06)
        var sink = sink([errors.error])
        try run.observe(into: &sink)
        #expect(abs(sink.buffers[0][0] - 4.0 / 9) < 0.08)
    }

    // MARK: Messages

    /// The three rules for s and A: equal when the mean of (y - omega)^2 is Delta + V, and as declared when it is not.
    @Test func channels() throws {
        func evaluate(_ rule: ChannelPrecision, _ V: Double) throws -> (g: [Double], A: Double) {
            var channel = ResidualChannel(labels: [1, -1, 2], noise: 0.5, ratio: 0.3, rule: rule)
            var (g, A) = ([0.0, 0, 0], [0.0])
            try channel.evaluate(fields: [0, 0, 1], variance: [V], g: &g, precision: &A)
            return (g, A[0])
        }
        for rule in ChannelPrecision.allCases {
            let (g, A) = try evaluate(rule, 0.5)
            #expect(g == [1, -1, 1] && abs(A - 0.3) < 1e-15)
        }
        for (rule, s, A) in [(ChannelPrecision.residual, 1.0, 0.3), (.empirical, 2, 0.075), (.variance, 2, 0.15)] {
            let result = try evaluate(rule, 1.5)
            #expect(zip(result.g, [1, -1, 1]).allSatisfy { abs($0 - $1 / s) < 1e-15 } && abs(result.A - A) < 1e-15)
        }
        // What all labels have in common is taken off first.
        var channel = CentredChannel(ResidualChannel(labels: [1, 3], noise: 0, ratio: 1, rule: .residual))
        var (g, A) = ([0.0, 0], [0.0])
        try channel.evaluate(fields: [0, 0], variance: [1], g: &g, precision: &A)
        #expect(g == [-1, 1] && A == [1])
    }

    // MARK: Readings

    @Test func samples() throws {
        let keys = SampleKeys(entries: "d^2", bar: "alpha/kappa")
        func read(_ values: Given, entries: Double?) throws -> (Reader, n: Int?, alpha: Double) {
            let reader = Reader(ParameterPoint(values))
            let (n, alpha) = try reader.samples(keys, entries: entries) { 0.5 }
            return (reader, n, alpha)
        }
        let sized = try [["alpha": ParameterValue.real(0.31)], ["alpha_bar": .real(0.62)], ["n": .integer(31)]].map {
            try read($0, entries: 100)
        }
        for (reader, n, alpha) in sized {
            #expect(n == 31 && alpha == 0.31)
            #expect(reader.readings.map(\.name) == ["n"] && reader.readings.map(\.value) == [.integer(31)])
        }
        let (reader, n, alpha) = try read(["alpha_bar": .real(0.62)], entries: nil)
        #expect(n == nil && alpha == 0.31 && reader.readings.map(\.name) == ["alpha"])
        for (values, words) in [
            ([:], "is needed, or alpha_bar or n"), (["n": .integer(3)], "needs d"),
            (["n": .integer(3), "alpha": .real(1)], "stands in place of alpha"),
        ] as [(Given, String)] {
            #expect {
                _ = try read(values, entries: nil)
            } throws: {
                "\($0)".contains(words)
            }
        }
        #expect(throws: ModelError.self) { try read(["alpha": .real(1e9)], entries: 1e10) }
        // At least one sample.
        #expect(try read(["alpha": .real(1e-3)], entries: 9).n == 1)
    }
}
