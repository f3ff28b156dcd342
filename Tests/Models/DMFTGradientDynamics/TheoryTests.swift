import DMFTGradientDynamics
import Dynamics
import Foundation
import Modeling
import ModelTesting
import Numerics
import Testing

/// Mean and standard error over seeds of everything that some tasks recorded of one observable.
struct SeedMean {
    let mean: [Double]
    let error: [Double]

    init(_ records: [Recording], _ name: String) {
        let columns = records.map { $0(name) }
        let count = Double(columns.count)
        mean = columns[0].indices.map { at in columns.reduce(0) { $0 + $1[at] } / count }
        let mean = mean
        error = columns[0].indices.map { at in
            (columns.reduce(0) { $0 + ($1[at] - mean[at]) * ($1[at] - mean[at]) } / (count - 1) / count).squareRoot()
        }
    }
}

private let linear: Given = [
    "alpha": .real(2), "loss": .text("linear"), "noise_std": .real(0.3), "init_overlap": .real(0.2),
    "step_size": .real(0.15), "ridge": .real(0.1),
]
private let logistic: Given = [
    "alpha": .real(2), "loss": .text("logistic"), "init_scale": .real(0.5), "init_overlap": .real(0.1),
    "step_size": .real(0.5), "ridge": .real(0.05),
]
private let attention: Given = [
    "alpha": .real(2), "L": .integer(2), "loss": .text("tied-attention"), "init_scale": .real(0.5),
    "init_overlap": .real(0.3), "step_size": .real(0.5), "ridge": .real(0.02),
]
private let kernelNames = ["C", "R", "Gamma", "Cg"]

private func records(
    _ values: Given, times: [Double], seeds: ClosedRange<Int>, copies: Int, observables: Set<String>? = nil
) throws -> [Recording] {
    try seeds.map {
        try harness.run(
            "dmft", values.with(["mc_samples": .integer(copies)]), times: times, unit: .steps, seed: $0,
            observables: observables)
    }
}

@Suite("DMFT against closed forms and quadrature") struct TheoryTests {
    @Test(
        "linear: every order parameter and kernel is exact, at every time",
        arguments: [(2.0, "probes"), (0.6, "probes"), (2.0, "exact")])
    func ridge(alpha: Double, tangents: String) throws {
        let T = 40
        let values = linear.with(["alpha": .real(alpha), "tangents": .text(tangents)])
        let times = (0...T).map(Double.init)
        let record = try #require(try records(values, times: times, seeds: 3...3, copies: 2048).first)
        let exact = LinearTheory(
            alpha: alpha, stepSize: 0.15, ridge: 0.1, q0: 1, m0: 0.2, rho: 1, noise: 0.09)
        for t in 0...T {
            #expect(abs(record("overlap")[t] - exact.overlap(t)) < 1e-8)
            #expect(abs(record("q")[t] - exact.gram(t)) < 1e-8)
            #expect(abs(record("train_loss")[t] - exact.trainLoss(t)) < 1e-8)
            #expect(abs(record("test_loss")[t] - exact.testLoss(t)) < 1e-8)
            for s in 0...T {
                let at = t * (T + 1) + s
                #expect(abs(record("C")[at] - exact.C(t, s)) < 1e-8, "C \(t) \(s)")
                #expect(abs(record("R")[at] - exact.R(t, s)) < 1e-8, "R \(t) \(s)")
                #expect(abs(record("Gamma")[at] - exact.Gamma(t, s)) < 1e-8, "Gamma \(t) \(s)")
                #expect(abs(record("Cg")[at] - exact.Cg(t, s)) < 1e-8, "Cg \(t) \(s)")
            }
        }
    }

    @Test("linear over 300 steps: small pivots do not blow up") func long() throws {
        let values = linear.with(["step_size": .real(0.05), "ridge": .real(0.02)])
        let record = try #require(
            try records(values, times: [100, 300], seeds: 5...5, copies: 1024, observables: ["overlap", "q"]).first)
        let exact = LinearTheory(alpha: 2, stepSize: 0.05, ridge: 0.02, q0: 1, m0: 0.2, rho: 1, noise: 0.09)
        for (index, t) in [100, 300].enumerated() {
            #expect(abs(record("overlap")[index] - exact.overlap(t)) < 1e-8)
            #expect(abs(record("q")[index] - exact.gram(t)) < 1e-8)
        }
    }

    @Test("linear with Bernoulli batches, scaled or not, within errors", arguments: [true, false])
    func batches(scaled: Bool) throws {
        let b = 0.5
        let values = linear.with(["batch_fraction": .real(b), "scaled": .flag(scaled)])
        let all = try records(values, times: [1, 2, 5, 15], seeds: 1...16, copies: 4096)
        let w = scaled ? 1 / b : 1
        var exact = LinearTheory(
            alpha: 2, stepSize: 0.15, ridge: 0.1, meanWeight: b * w, weightVariance: b * (1 - b) * w * w, q0: 1,
            m0: 0.2,
            rho: 1, noise: 0.09)
        exact.reach(15)
        for (name, value) in [
            ("overlap", exact.overlap), ("q", exact.gram), ("train_loss", exact.trainLoss),
            ("test_loss", exact.testLoss),
        ] {
            let found = SeedMean(all, name)
            for (index, t) in [1, 2, 5, 15].enumerated() {
                #expect(abs(found.mean[index] - value(t)) < 4 * found.error[index] + 1e-12, "\(name) \(t)")
                #expect(found.error[index] < 0.004)
            }
        }
    }

    /// The page's numbers by quadrature, which are exact.
    @Test("logistic: two steps of all order parameters and kernels") func twoSteps() throws {
        let all = try records(logistic, times: [0, 1, 2], seeds: 1...16, copies: 16384)
        func check(_ name: String, _ index: Int, _ exact: Double) {
            let found = SeedMean(all, name)
            #expect(
                abs(found.mean[index] - exact) < 4 * found.error[index] + 2e-6,
                "\(name)[\(index)]: \(found.mean[index]) +- \(found.error[index]), not \(exact)")
            #expect(4 * found.error[index] < 0.01 * max(abs(exact), 0.1), "\(name)[\(index)]")
        }
        check("overlap", 1, 0.473980)
        check("overlap", 2, 0.716568)
        check("q", 1, 0.629280)
        check("q", 2, 0.982208)
        check("train_loss", 0, 0.712369)
        check("train_loss", 1, 0.475093)
        check("test_loss", 1, 0.577522)
        check("test_loss", 2, 0.518349)
        check("C", 3, 0.415083)
        check("C", 7, 0.752104)
        check("Gamma", 0, 0.449247)
        check("Gamma", 3, -0.048189)
        check("Gamma", 4, 0.425236)
        check("Cg", 0, 0.514886)
        check("Cg", 3, 0.380513)
        check("Cg", 4, 0.298878)
    }

    @Test("phase retrieval: two steps") func phase() throws {
        let values: Given = [
            "alpha": .real(3), "loss": .text("phase"), "init_scale": .real(0.5), "init_overlap": .real(0.3),
            "step_size": .real(0.02),
        ]
        let all = try records(values, times: [0, 1, 2], seeds: 1...16, copies: 65536)
        for (name, index, exact, bound) in [
            ("overlap", 1, 0.327, 0.002), ("overlap", 2, 0.358355, 0.005), ("q", 1, 0.494948, 0.002),
            ("q", 2, 0.505233, 0.005), ("train_loss", 1, 0.543414, 0.02), ("test_loss", 1, 0.579327, 0.005),
            ("Gamma", 0, 1.5, 1e-7), ("Gamma", 3, -0.307769, 0.02), ("Gamma", 4, 1.44267, 0.02), ("Cg", 0, 5.625, 0.5),
        ] {
            let found = SeedMean(all, name)
            #expect(
                abs(found.mean[index] - exact) < 4 * found.error[index] + 2e-6,
                "\(name)[\(index)]: \(found.mean[index]) +- \(found.error[index])")
            #expect(4 * found.error[index] < bound, "\(name)[\(index)]: \(found.error[index])")
        }
    }

    @Test("the page's numbers, within errors", arguments: landmarks) func landmark(_ landmark: Landmark) throws {
        let names = Set(landmark.expected.map { $0.0 })
        let all = try records(
            landmark.values, times: [landmark.step], seeds: 1...32, copies: 10000, observables: names)
        for (name, index, expected, error) in landmark.expected {
            let found = SeedMean(all, name)
            let combined = (found.error[index] * found.error[index] + error * error).squareRoot()
            #expect(
                abs(found.mean[index] - expected) < 4 * combined + 1e-4,
                "\(name)[\(index)]: \(found.mean[index]) +- \(found.error[index])")
            #expect(4 * combined < 0.06 * max(abs(expected), 0.4), "\(name)[\(index)]")
        }
    }

    @Test("epochs: until every sample was used once, the fresh-data recursion") func firstEpoch() throws {
        let values = logistic.with(["batch_fraction": .real(0.25), "mask": .text("epoch")])
        let times = (0...5).map(Double.init)
        let all = try records(values, times: times, seeds: 1...32, copies: 4096)
        let fresh = try harness.run("one-pass", values, times: times, unit: .steps)
        for name in ["overlap", "q", "test_loss"] {
            let found = SeedMean(all, name)
            for t in 0...4 {
                #expect(abs(found.mean[t] - fresh(name)[t]) < 4 * found.error[t] + 1e-9, "\(name) \(t)")
            }
            // From then on reuse shows (in q later).
            #expect(name == "q" || abs(found.mean[5] - fresh(name)[5]) > 8 * found.error[5], "\(name)")
        }
        let kernels = try #require(all.first)
        for t in 0...3 {
            for s in 0..<t { #expect(abs(kernels("Cg")[t * 6 + s]) < 1e-12) }
        }
    }
}

@Suite("DMFT: laws of the kernels, and of the sampling") struct TheoryLawTests {
    @Test("causality, symmetry, positive definiteness", arguments: [logistic, attention.with(["width": .integer(2)])])
    func kernels(_ values: Given) throws {
        let T = 12
        let record = try #require(
            try records(values, times: (0...T).map(Double.init), seeds: 2...2, copies: 4096).first)
        let k = record("q").count / (T + 1) == 4 ? 2 : 1
        func at(_ name: String, _ t: Int, _ s: Int, _ i: Int, _ j: Int) -> Double {
            record(name)[((t * (T + 1) + s) * k + i) * k + j]
        }
        for t in 0...T {
            for s in 0...T {
                for i in 0..<k {
                    for j in 0..<k {
                        #expect(at("C", t, s, i, j) == at("C", s, t, j, i))
                        #expect(at("Cg", t, s, i, j) == at("Cg", s, t, j, i))
                        if s > t { #expect(at("Gamma", t, s, i, j) == 0) }
                        if s >= t { #expect(at("R", t, s, i, j) == 0) }
                    }
                }
            }
        }
        let rows = (T + 1) * k
        for name in ["C", "Cg"] {
            var matrix: [Double] = []
            for row in 0..<rows {
                for column in 0..<rows { matrix.append(at(name, row / k, column / k, row % k, column % k)) }
            }
            let values = try LAPACK.symmetricEigen(rows, matrix).values
            let (least, largest) = (values[0], values[rows - 1])
            // C has the error of its sampling. Cg is a covariance of the sample, singular up to the rounding of the
            // gradients, which are kept in single precision.
            #expect(least > (name == "C" ? -0.002 : -6e-8) * largest, "\(name): \(least) of \(largest)")
        }
        for t in 0...T {
            for i in 0..<k {
                let M = record("overlap")[t * k + i]
                #expect(record("q")[(t * k + i) * k + i] >= M * M)
            }
        }
    }

    @Test("probes and exact tangents agree", arguments: [logistic, attention]) func tangents(_ values: Given) throws {
        let times: [Double] = [2, 5, 10]
        func all(_ mode: String, _ seeds: ClosedRange<Int>) throws -> [Recording] {
            try records(
                values.with(["tangents": .text(mode)]), times: times, seeds: seeds, copies: 1024,
                observables: ["overlap", "q", "train_loss", "Gamma"])
        }
        let (probes, exact) = (try all("probes", 1...40), try all("exact", 1001...1040))
        for name in ["overlap", "q", "train_loss", "Gamma"] {
            let (a, b) = (SeedMean(probes, name), SeedMean(exact, name))
            for at in a.mean.indices {
                let error = (a.error[at] * a.error[at] + b.error[at] * b.error[at]).squareRoot()
                #expect(abs(a.mean[at] - b.mean[at]) <= 4 * error, "\(name)[\(at)]")
            }
        }
    }

    @Test("the size of the sample changes the noise alone") func sampleSize() throws {
        let small = try records(logistic, times: [3, 10], seeds: 1...64, copies: 1024)
        let large = try records(logistic, times: [3, 10], seeds: 101...104, copies: 16384)
        for name in ["overlap", "q", "train_loss", "test_loss"] {
            let (a, b) = (SeedMean(small, name), SeedMean(large, name))
            for at in a.mean.indices {
                let error = (a.error[at] * a.error[at] + b.error[at] * b.error[at]).squareRoot()
                #expect(abs(a.mean[at] - b.mean[at]) < 4 * error + 1e-3 * abs(a.mean[at]), "\(name)[\(at)]")
                // 64 x 1024 and 4 x 16384 copies are equally many: so are the errors, within the spread of 4 seeds.
                #expect(a.error[at] < 4 * b.error[at] && b.error[at] < 4 * a.error[at])
            }
        }
    }

    @Test("no step, no movement; no data, decay alone") func limits() throws {
        let still = try #require(
            try records(attention.with(["step_size": .real(0)]), times: [0, 7], seeds: 1...1, copies: 256).first)
        for name in ["overlap", "q", "train_loss", "test_loss"] { #expect(still(name)[0] == still(name)[1]) }
        let empty = try #require(
            try records(logistic.with(["alpha": .real(1e-9)]), times: [20], seeds: 1...1, copies: 256).first)
        #expect(abs(empty("overlap")[0] - 0.1 * pow(0.975, 20)) < 1e-8)
        #expect(abs(empty("q")[0] - 0.5 * pow(0.975, 40)) < 1e-8)
    }

    @Test("fresh and training loss agree before the first step") func start() throws {
        for values in [logistic, attention] {
            let all = try records(values, times: [0], seeds: 1...16, copies: 8192)
            let (train, test) = (SeedMean(all, "train_loss"), SeedMean(all, "test_loss"))
            #expect(abs(train.mean[0] - test.mean[0]) < 4 * train.error[0] + 1e-4)
        }
    }

    @Test("student columns can be permuted") func permutation() throws {
        let base = attention.with([
            "width": .integer(2), "L": .integer(3), "init_gram": matrix([[0.5, 0.1], [0.1, 0.7]]),
            "M0": matrix([[0.3], [0.1]]),
        ]).filter { !["init_scale", "init_overlap"].contains($0.key) }
        let swapped = base.with(["init_gram": matrix([[0.7, 0.1], [0.1, 0.5]]), "M0": matrix([[0.1], [0.3]])])
        let a = SeedMean(try records(base, times: [8], seeds: 1...16, copies: 2048), "q")
        let b = SeedMean(try records(swapped, times: [8], seeds: 21...36, copies: 2048), "q")
        for (at, other) in [(0, 3), (1, 2), (3, 0)] {
            let error = (a.error[at] * a.error[at] + b.error[other] * b.error[other]).squareRoot()
            #expect(abs(a.mean[at] - b.mean[other]) < 4 * error)
        }
        #expect(abs(a.mean[0] - a.mean[3]) > 4 * (a.error[0] + a.error[3]), "the two are not alike")
    }

    @Test("on the sphere the norm stays") func sphere() throws {
        let values: Given = [
            "alpha": .real(3), "loss": .text("phase"), "init_overlap": .real(0.3), "step_size": .real(0.02),
            "spherical": .flag(true),
        ]
        let record = try #require(
            try records(values, times: (0...6).map(Double.init), seeds: 1...1, copies: 2048).first)
        #expect(record("q").allSatisfy { $0 == 1 })
    }
}

@Suite("DMFT: the run") struct TheoryRunTests {
    @Test("saved and restored anywhere, cut anyhow: the same bits", arguments: ["probes", "exact"])
    func resume(tangents: String) throws {
        for values in [
            attention.with(["tangents": .text(tangents), "width": .integer(2)]),
            logistic.with([
                "tangents": .text(tangents), "batch_fraction": .real(0.4), "mask": .text("persistent"),
                "p_off": .real(0.3),
            ]),
        ] {
            let saves = try harness.savesWithSameBits(
                "dmft", values.with(["mc_samples": .integer(600)]), times: [0, 1, 4, 9], unit: .steps, rounds: 1)
            #expect(try #require(saves) > 3)
        }
    }

    @Test("the horizon does not change what came before") func horizon() throws {
        let short = try harness.run("dmft", logistic.with(["mc_samples": .integer(512)]), times: [5], unit: .steps)
        let long = try harness.run("dmft", logistic.with(["mc_samples": .integer(512)]), times: [5, 70], unit: .steps)
        for name in ["overlap", "q", "train_loss", "test_loss"] { #expect(short(name)[0] == long(name)[0]) }
    }

    @Test("a step that is too large diverges, with its step") func divergence() throws {
        let values: Given = [
            "alpha": .real(2), "loss": .text("linear"), "step_size": .real(3), "mc_samples": .integer(1024),
        ]
        let step = try #require(try harness.divergence("dmft", values, times: [400])).step
        #expect(step > 10 && step < 400)
    }

    @Test("a sample too small for its steps is refused, with the size that would do") func tooSmall() throws {
        #expect(
            throws: ModelError.parameter(
                "mc_samples",
                "is too small for 200 steps: the noise of fewer than 402 copies can grow without bound")
        ) {
            _ = try harness.run("dmft", logistic.with(["mc_samples": .integer(400)]), times: [200], unit: .steps)
        }
    }

    @Test("where the noise of the sampling feeds back on itself, the task ends and says so") func noise() throws {
        let values = attention.with([
            "alpha": .real(1), "step_size": .real(0.4), "ridge": .real(0), "init_scale": .real(1),
            "init_overlap": .real(0.1), "batch_fraction": .real(0.1), "mask": .text("epoch"),
            "mc_samples": .integer(1024),
        ])
        let text = try #require(try harness.divergence("dmft", values, times: [100])).text
        #expect(text.contains("raise mc_samples or probes"))
    }

    @Test("several probes: exact where one is, and closer to exact tangents") func probes() throws {
        let record = try #require(
            try records(
                linear.with(["probes": .integer(3)]), times: [25], seeds: 1...1, copies: 8192, observables: ["q"]
            ).first)
        let exact = LinearTheory(alpha: 2, stepSize: 0.15, ridge: 0.1, q0: 1, m0: 0.2, rho: 1, noise: 0.09)
        #expect(abs(record("q")[0] - exact.gram(25)) < 1e-8)
        // The same copies by three means: what differs from exact tangents is the noise of the probes.
        func Gamma(_ given: Given) throws -> [[Double]] {
            try records(attention.with(given), times: [2, 5, 8], seeds: 1...24, copies: 1024, observables: ["Gamma"])
                .map { $0("Gamma") }
        }
        let reference = try Gamma(["tangents": .text("exact")])
        func distance(_ probes: Int) throws -> Double {
            var sum = 0.0
            for (found, expected) in zip(try Gamma(["probes": .integer(probes)]), reference) {
                let differences = zip(found, expected).map { $0 - $1 }
                sum += dot(differences, differences)
            }
            return sum
        }
        let ratio = try distance(8) / distance(1)
        #expect(ratio < 0.3, "eight times the probes have an eighth of the variance: \(ratio)")
    }

    @Test("cost: memory is about what is held, and grows as promised") func memory() throws {
        func cost(_ values: Given, _ steps: Double) throws -> Cost {
            try harness.prepare("dmft", values, times: [steps]).cost()
        }
        let base = logistic.with(["mc_samples": .integer(100_000), "batch_fraction": .real(0.5)])
        let (one, two) = (try cost(base, 200), try cost(base, 400))
        // Gradients and noise in single precision, tangents with 8 bits: 10 bytes for each copy and step; a process of
        // 200 steps with batches was seen to hold 266 MB more than one that does nothing.
        #expect(abs(Double(one.memory) / 266e6 - 1) < 0.1, "\(one.memory)")
        #expect(two.memory > 16 * one.memory / 10 && two.seconds > 3 * one.seconds)
    }
}
