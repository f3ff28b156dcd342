import DMFTGradientDynamics
import Foundation
import Modeling
import ModelTesting
import Numerics
import Testing

/// Method closed-form: the linear loss by the Marchenko-Pastur law.
@Suite struct ClosedFormTests {
    static let table: Given = [
        "alpha": .real(2), "loss": .text("linear"), "noise_std": .real(0.3), "step_size": .real(0.15),
        "ridge": .real(0.1),
        "init_overlap": .real(0.2),
    ]

    private func check(_ values: Given, _ rows: [(t: Int, numbers: [Double])], tolerance: Double) throws {
        let a = try harness.run("closed-form", values, times: rows.map { Double($0.t) }, unit: .steps)
        for (index, row) in rows.enumerated() {
            let found = ["overlap", "q", "train_loss", "test_loss"].map { a($0)[index] }
            for (x, y) in zip(found, row.numbers) { #expect(abs(x - y) < tolerance, "t = \(row.t): \(found)") }
        }
    }

    /// Landmarks of the page, to their last digit.
    @Test func landmarks() throws {
        try check(
            Self.table,
            [
                (0, [0.2, 1, 0.845, 0.845]), (1, [0.4370, 0.7175, 0.3061, 0.4667]),
                (2, [0.5633, 0.6927, 0.1682, 0.3280]),
                (5, [0.7323, 0.7391, 0.0672, 0.1822]), (15, [0.8663, 0.8391, 0.0303, 0.0983]),
            ], tolerance: 6e-5)
        let half: Given = ["batch_fraction": .real(0.5)]
        try check(
            Self.table.with(half),
            [
                (0, [0.2, 1, 0.845, 0.845]), (1, [0.4370, 0.7935, 0.3631, 0.5048]),
                (2, [0.5633, 0.7505, 0.2055, 0.3569]),
                (5, [0.7323, 0.7632, 0.0795, 0.1942]), (15, [0.8663, 0.8461, 0.0339, 0.1018]),
            ], tolerance: 6e-5)
        let few: Given = ["alpha": .real(0.6)]
        try check(Self.table.with(few), [(15, [0.5047, 0.6879, 0.0321, 0.3843])], tolerance: 6e-5)
        try check(
            Self.table.with(few).with(["batch_fraction": .real(0.3)]),
            [(15, [0.5047, 0.7031, 0.0439, 0.3919])], tolerance: 6e-5)
        let slow: Given = ["step_size": .real(0.05), "ridge": .real(0.02)]
        try check(
            Self.table.with(slow),
            [(5, [0.49843, 0.69983, 0.24130, 0.39648]), (100, [0.95923, 0.99996, 0.02355, 0.08575])], tolerance: 6e-6)
        let row = try harness.run(
            "closed-form", Self.table.with(slow), times: [0, 1, 2, 3], unit: .steps)("Gamma")
        for (x, y) in zip(row.suffix(4), [-0.07258, -0.08490, -0.10000, 2]) { #expect(abs(x - y) < 6e-6) }
        #expect(row[1] == 0)
    }

    static let theories: [LinearTheory] = [
        LinearTheory(alpha: 2, stepSize: 0.15, ridge: 0.1, q0: 1, m0: 0.2, rho: 1, noise: 0.09),
        LinearTheory(alpha: 1, stepSize: 0.3, ridge: 0, q0: 1, m0: -0.2, rho: 1.5, noise: 0),
        LinearTheory(
            alpha: 0.8, stepSize: 0.2, ridge: 0.05, meanWeight: 0.3, weightVariance: 0.21, q0: 0.9, m0: 0.2, rho: 1.1,
            noise: 0.2),
        LinearTheory(
            alpha: 3, stepSize: 0.05, ridge: 0, meanWeight: 1, weightVariance: 4, q0: 0.9, m0: 0.2, rho: 1.1, noise: 0.2
        ),
    ]

    /// The kernels were derived from the spectrum one by one; together they must solve the recursions (24) to (26),
    /// which know nothing of a spectrum.
    @Test(arguments: theories.indices) func kernelsSolveTheWeightSide(index: Int) {
        var w = Self.theories[index]
        w.reach(12)
        let (eta, keeps) = (w.stepSize, 1 - w.stepSize * w.ridge)
        for t in 0..<11 {
            let mu = (keeps * w.overlap(t) - w.overlap(t + 1)) / eta
            let star = (mu - (0...t).reduce(0) { $0 + w.Gamma(t, $1) * w.overlap($1) }) / w.rho
            for s in 0...t + 1 {
                var C = keeps * w.C(t, s) - eta * star * w.overlap(s)
                for r in 0...t { C -= eta * w.Gamma(t, r) * w.C(r, s) }
                for r in 0..<s { C += eta * eta * w.Cg(t, r) * w.R(s, r) }
                #expect(abs(C - w.C(t + 1, s)) < 1e-13)
            }
            for s in 0..<t {
                let R = keeps * w.R(t, s) - eta * (s + 1...t).reduce(0) { $0 + w.Gamma(t, $1) * w.R($1, s) }
                #expect(abs(R - w.R(t + 1, s)) < 1e-13)
            }
            #expect(w.R(t + 1, t) == 1 && w.R(t, t) == 0 && w.Gamma(t, t + 1) == 0)
            #expect(abs(w.C(t, t) - w.gram(t)) < 1e-14)
        }
        #expect(abs(w.trainLoss(0) - w.testLoss(0)) < 1e-14)
    }

    /// Unscaled batches are gradient descent with b eta, lambda/b on the mean.
    @Test func unscaledBatches() throws {
        let times = [0.0, 1, 4, 9]
        let plain = Self.table.with(["batch_fraction": .real(0.5), "scaled": .flag(false)])
        let scaled = Self.table.with([
            "batch_fraction": .real(0.5), "step_size": .real(0.075), "ridge": .real(0.2),
        ])
        let a = try harness.run("closed-form", plain, times: times, unit: .steps)
        let b = try harness.run("closed-form", scaled, times: times, unit: .steps)
        for name in ["overlap", "q", "train_loss", "test_loss"] {
            for (x, y) in zip(a(name), b(name)) { #expect(abs(x - y) < 1e-13) }
        }
    }

    /// At long times fewer nodes are used than the integrand's degree; and near alpha = 1 the spectrum reaches 0.
    @Test func longTimesAgainstAFineRule() {
        for (alpha, ridge) in [(2.0, 0.01), (0.99, 0), (1, 0), (1.01, 1e-4), (0.3, 0)] {
            let eta = alpha > 1.5 ? 0.3 : 0.4
            let w = LinearTheory(alpha: alpha, stepSize: eta, ridge: ridge, q0: 1, m0: 0.2, rho: 1, noise: 0.5)
            for t in [50, 1000, 30000] {
                // Gauss-Legendre in theta, from the density itself with its atom.
                let rule = GaussLegendre(count: 3000, from: 0, to: .pi)
                func terms(_ s: Double) -> (m: Double, q: Double) {
                    let P = pow(1 - eta * (ridge + s), Double(t))
                    let F = s + ridge == 0 ? eta * Double(t) : (1 - P) / (s + ridge)
                    return (P * 0.2 + F * s, P * P + 2 * P * F * s * 0.2 + F * F * s * s + 0.5 * F * F * s)
                }
                var m = max(1 - alpha, 0) * terms(0).m
                var q = max(1 - alpha, 0) * terms(0).q
                for (theta, weight) in zip(rule.nodes, rule.weights) {
                    let half = cos(0.5 * theta)
                    let edge = 1 - alpha.squareRoot()
                    let s = edge * edge + 4 * alpha.squareRoot() * half * half
                    let density = 2 * alpha * sin(theta) * sin(theta) / (.pi * s)
                    let (a, b) = terms(s)
                    m += weight * density * a
                    q += weight * density * b
                }
                #expect(abs(w.overlap(t) - m) < 1e-11, "alpha \(alpha) t \(t)")
                #expect(abs(w.gram(t) - q) < 1e-11 * q, "alpha \(alpha) t \(t)")
            }
        }
    }

    /// The simulation in d dimensions, whose data are drawn: means over seeds within their errors.
    @Test(arguments: ["gd", "sgd", "unscaled"]) func agreesWithTheSimulation(method: String) throws {
        var values = Self.table.with(["alpha": .real(1.5), "d": .integer(400)])
        if method != "gd" { values["batch_fraction"] = .real(0.4) }
        if method == "unscaled" { values["scaled"] = .flag(false) }
        let times = [1.0, 3, 8, 20]
        let names = ["overlap", "q", "train_loss", "test_loss"]
        let theory = try harness.run("closed-form", values, times: times, unit: .steps)
        let seeds = 16
        let runs = try (1...seeds).map {
            try harness.run(
                method == "gd" ? "gd" : "sgd", values, times: times, unit: .steps, seed: $0,
                observables: Set(names))
        }
        for name in names {
            for n in times.indices {
                let values = runs.map { $0(name)[n] }
                let mean = values.reduce(0, +) / Double(seeds)
                let variance = values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(seeds - 1)
                let error = (variance / Double(seeds)).squareRoot()
                // 1/d for what is left at finite d.
                #expect(abs(mean - theory(name)[n]) < 4 * error + 1 / 400.0, "\(name) at \(times[n]): \(mean)")
                #expect(error < 0.02)
            }
        }
    }

    @Test func limits() throws {
        let decayed = try harness.run(
            "closed-form", Self.table.with(["alpha": .real(1e-9)]), times: [0, 10, 40], unit: .steps)
        for (n, t) in [0.0, 10, 40].enumerated() {
            #expect(abs(decayed("overlap")[n] - 0.2 * pow(1 - 0.015, t)) < 1e-7)
        }
        let still = try harness.run(
            "closed-form", Self.table.with(["step_size": .real(0), "batch_fraction": .real(0.5)]),
            times: [0, 5, 9], unit: .steps)
        #expect(Set(still("overlap").map { ($0 * 1e12).rounded() }) == [2e11])
        #expect(Set(still("train_loss").map { ($0 * 1e12).rounded() }) == [845e9])
        // No data and no ridge: nothing is learned off the data's span, so q grows to a projection.
        let far = try harness.run(
            "closed-form",
            Self.table.with([
                "alpha": .real(0.5), "ridge": .real(0), "noise_std": .real(0), "init_overlap": .real(0),
            ]), times: [1e6], unit: .steps)
        #expect(abs(far("overlap")[0] - 0.5) < 1e-9 && abs(far("train_loss")[0]) < 1e-12)
    }

    @Test func divergenceAndWhatCannotBeAsked() throws {
        for b in [1.0, 0.5] {
            let values = Self.table.with(["step_size": .real(1), "batch_fraction": .real(b)])
            #expect(throws: ModelError.self) {
                _ = try harness.run("closed-form", values, times: [5000], unit: .steps)
            }
        }
        for (values, words) in [
            (["loss": .text("logistic"), "noise_std": .real(0)], "closed-form is for loss: linear"),
            (["spherical": .flag(true)], "spherical: false"),
            (["batch_fraction": .real(0.5), "mask": .text("epoch")], "mask: bernoulli"),
            (["teachers": .integer(2), "positions": vector([1])], "leave out positions"),
        ] as [(Given, String)] {
            let point = Refusal("closed-form", Self.table.with(values), "loss", words)
            #expect(harness.wrongAnswer(to: point) == nil, "\(words)")
        }
    }
}

@Suite struct TheoryResumeTests {
    static let cases: [(method: String, values: Given)] = [
        ("one-pass", OnePassTests.logistic), ("one-pass", OnePassTests.attention),
        ("closed-form", ClosedFormTests.table),
        ("closed-form", ClosedFormTests.table.with(["batch_fraction": .real(0.3)])),
    ]

    @Test(arguments: cases.indices) func goesOnFromASavedState(index: Int) throws {
        let (method, values) = Self.cases[index]
        let steps = values["L"] == nil ? [0, 3, 40, 300.0] : [0, 2, 9]
        let saves = try harness.savesWithSameBits(method, values, times: steps, unit: .steps, rounds: 4)
        #expect(try #require(saves) > 2)
        // Nor does it matter which times are recorded.
        #expect(harness.observablesMovedByRecording(method, values, times: steps) == [])
    }
}
