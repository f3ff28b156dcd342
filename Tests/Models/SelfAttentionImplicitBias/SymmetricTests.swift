import Foundation
import ModelTesting
import Modeling
import Numerics
import SelfAttentionImplicitBias
import Testing

@Suite("Self-attention: the symmetric recursion and its landmarks")
struct SymmetricTests {
    let names: Set = [
        "train_loss", "log_excess", "norm_W", "corr_W", "s_opt_mean", "s_opt_min", "log_sparsity", "step_len",
        "margin_mean",
        "norm_u", "corr_u",
    ]

    @Test("3: full training on orthogonal data", arguments: ["orthogonal", "antipodal"], ["noise", "opt", "external"])
    func fullTraining(geometry: String, query: String) throws {
        for optimizer in ["gd", "ngd", "polyak"] {
            for joint in [false, true] {
                for loss in ["logistic", "exponential"] {
                    let values: Given = [
                        "data": .text("orthogonal"), "n": .integer(6), "L": .integer(4), "d": .integer(24),
                        "signal": .real(1.5), "sigma": .real(0.8), "geometry": .text(geometry), "query": .text(query),
                        "optimizer": .text(optimizer), "joint": .flag(joint), "loss": .text(loss),
                        "step_size": .real(optimizer == "gd" ? 1 : 0.3), "step_size_u": .real(0.2),
                    ]
                    let times: [Double] = [0, 1, 5, 20]
                    let full = try harness.run(
                        "gd", values, times: times, observables: names.union(["norm_Wmm", "norm_umm"]))
                    let theory = try harness.run(
                        "symmetric", values, times: times, observables: names.union(["norm_Wmm", "norm_umm"]))
                    for name in names.union(["norm_Wmm", "norm_umm"]) {
                        for (k, (x, y)) in zip(full(name), theory(name)).enumerated() where !(x.isNaN && y.isNaN) {
                            #expect(
                                abs(x - y) < 1e-12 * max(1, abs(x)),
                                "\(geometry) \(query) \(optimizer) joint \(joint) \(loss) \(name)[\(k)]: \(x) \(y)")
                        }
                    }
                }
            }
        }
    }

    @Test("4: |W_mm| = sqrt(K/kappa), and ngd moves along it exactly")
    func normalised() throws {
        for query in ["noise", "opt", "external"] {
            let values: Given = [
                "data": .text("orthogonal"), "n": .integer(4), "L": .integer(5), "d": .integer(20), "signal": .real(2),
                "query": .text(query), "step_size": .real(0.25),
            ]
            let (A2, B2, n, t) = (4.0, 1.0, 4.0, 4.0)
            let kappa =
                query == "opt" ? A2 * (n * t * A2 + B2) : query == "noise" ? B2 * (t * A2 + B2) : t * A2 + B2
            let size = (n * t / kappa).squareRoot()
            let record = try harness.run(
                "gd", values, times: [0, 1, 10, 400], observables: names.union(["norm_Wmm", "dist_W"]))
            #expect(relativeError(record("norm_Wmm")[0], size) < 1e-12)
            if query == "noise" {
                let svm = try harness.run("svm", values, observables: ["nu_min", "nu_max", "eta_crit"])
                #expect(abs(svm("nu_min")[0] - 1.0 / 17) < 1e-12 && abs(svm("nu_max")[0] - 1) < 1e-12)
                #expect(relativeError(svm("eta_crit")[0], 2 * size) < 1e-12)
            }
            for (k, t) in [0.0, 1, 10, 400].enumerated() where t > 0 {
                #expect(abs(record("norm_W")[k] - 0.25 * t) < 1e-11 * t && record("dist_W")[k] < 1e-12)
                // Gap g = eta t/|W_mm|.
                let g = 0.25 * t / size
                #expect(abs(record("log_sparsity")[k] - (log(4.0) - g - log1p(4 * exp(-g)))) < 1e-10)
            }
            let escape = values.with(["init": .text("adversarial"), "init_scale": .real(6)])
            for method in ["gd", "symmetric", "gap-recursion"] {
                let path = try harness.run(method, escape, times: [0, 10, 40])
                for (k, t) in [0.0, 10, 40].enumerated() {
                    #expect(abs(path("corr_W")[k] * path("norm_W")[k] - (-6 + 0.25 * t)) < 1e-10, "\(method) \(t)")
                }
                // A start along W_mm needs no observable of it.
                let loss = try harness.run(method, escape, times: [0, 10, 40], observables: ["train_loss"])
                #expect(loss("train_loss") == path("train_loss"))
            }
        }
    }

    static let landmark5: Given = [
        "data": .text("orthogonal"), "n": .integer(6), "L": .integer(5), "d": .integer(25), "signal": .real(2),
        "optimizer": .text("gd"), "step_size": .real(1), "step_size_u": .real(0.3),
    ]

    @Test("5: joint and fixed trajectories", arguments: ["symmetric", "gd"]) func trajectories(method: String) throws {
        let joint = try harness.run(method, Self.landmark5.with(["joint": .flag(true)]), times: [10, 100])
        let expected: [(String, [Double])] = [
            ("s_opt_mean", [0.24852307, 0.84104329]), ("margin_mean", [0.32945856, 4.4869039]),
            ("norm_W", [0.33243949, 3.62667947]), ("norm_u", [0.63463528, 2.69628557]),
            ("corr_u", [0.93490703, 0.98610595]),
        ]
        for (name, values) in expected {
            for (x, y) in zip(joint(name), values) { #expect(abs(x - y) < 1e-7, "\(name) \(x) \(y)") }
        }
        for (g, k) in [(0.27978953, 0), (3.0523056, 1)] {
            let size = joint("norm_Wmm")[0]
            #expect(abs(joint("norm_W")[k] / size - g) < 1e-7)
        }
        let fixed = try harness.run(method, Self.landmark5, times: [10, 30, 100])
        for (x, y) in zip(fixed("s_opt_mean"), [0.30649261, 0.62176944, 0.92451292]) { #expect(abs(x - y) < 1e-7) }
        for (x, y) in zip(fixed("norm_W"), [0.67693548, 2.23776482, 4.62390971]) { #expect(abs(x - y) < 1e-7) }
    }

    @Test("5: Gaussian tokens in 400 dimensions") func gaussian() throws {
        let values = Self.landmark5.with(["data": .text("gaussian"), "d": .integer(400), "joint": .flag(true)])
        let theory = try harness.run("symmetric", values, times: [10, 100])
        let records = try (1...6).map {
            try harness.run("gd", values, times: [10, 100], seed: $0, observables: ["s_opt_mean", "norm_W", "norm_u"])
        }
        // The standard errors of four seeds are about the tolerances.
        for (name, tolerance) in [("s_opt_mean", 0.015), ("norm_W", 0.04), ("norm_u", 0.012)] {
            for k in 0..<2 {
                let moments = Moments(records.map { $0(name)[k] })
                #expect(
                    abs(moments.mean - theory(name)[k]) < max(tolerance, 2.5 * moments.error),
                    "\(name)[\(k)] \(moments) \(theory(name)[k])")
            }
        }
    }

    @Test("14: joint schedules", arguments: ["symmetric", "gd"]) func schedules(method: String) throws {
        let base: Given = [
            "data": .text("orthogonal"), "n": .integer(4), "L": .integer(3), "d": .integer(12), "joint": .flag(true),
            "step_size": .real(1), "step_size_u": .real(1),
        ]
        let slow = base.with(["step_decay": .real(1), "step_decay_u": .real(2.0 / 3)])
        let end = method == "gd" ? 3000.0 : 100_000
        let record = try harness.run(method, slow, times: [1, 10, end])
        for (k, t) in [1.0, 10, end].enumerated() {
            // The W-gradient is zero at t = 0, where u is.
            let harmonic = stride(from: 2.0, through: t, by: 1).reduce(0) { $0 + 1 / $1 }
            #expect(abs(record("norm_W")[k] - harmonic) < 1e-10)
        }
        // sum of (t+1)^(-2/3) = 3 t^(1/3) + zeta(2/3) + ..., zeta(2/3) = -2.4476.
        let growth = (record("norm_u")[2] + 2.4476) / cbrt(end)
        #expect(abs(growth - 3) < 0.06, "\(growth)")
        let constant = try harness.run(method, base.with(["step_size_u": .real(0.2)]), times: [1000, 2000])
        let slope = (constant("log_excess")[1] - constant("log_excess")[0]) / 1000
        #expect(abs(slope + 0.2 / constant("norm_umm")[0]) < 1e-3, "\(slope)")
        #expect(1 - constant("corr_u")[1] < 1e-3 && 1 - constant("corr_W")[1] < 1e-10)
    }

    @Test("15: a random start of norm omega") func randomStart() throws {
        for omega in [1.0, 5, 20] {
            let values: Given = [
                "data": .text("orthogonal"), "n": .integer(10), "L": .integer(5), "d": .integer(200),
                "init": .text("random"), "init_scale": .real(omega), "step_size": .real(0.5),
            ]
            let times: [Double] = [2, 10, 40, 100]
            let theory = try harness.run(
                "symmetric", values, times: times, observables: ["corr_W", "norm_W", "dist_W"])
            let record = try harness.run("gd", values, times: times, observables: ["corr_W", "norm_W", "dist_W"])
            for (k, t) in times.enumerated() {
                let expected = 0.5 * t / (0.25 * t * t + omega * omega).squareRoot()
                #expect(abs(theory("corr_W")[k] - expected) < 1e-12)
                #expect(abs(record("corr_W")[k] - expected) < 0.01, "\(omega) \(t)")
                #expect(relativeError(record("norm_W")[k], theory("norm_W")[k]) < 0.01)
                #expect(abs(record("dist_W")[k] - theory("dist_W")[k]) < 0.015)
            }
        }
    }

    @Test("the exact integral of gradient flow with the linear loss") func linearFlow() throws {
        let eta = 1e-3
        let values: Given = [
            "data": .text("orthogonal"), "n": .integer(4), "L": .integer(6), "signal": .real(1.3),
            "optimizer": .text("gd"), "loss": .text("linear"), "step_size": .real(eta),
        ]
        let record = try harness.run("symmetric", values, times: [100, 40_000].map { $0 * eta }, unit: .scaled)
        let kappa = 5 * 1.69 + 1
        func H(_ g: Double) -> Double { exp(g) + 10 * g - 25 * exp(-g) }
        for (k, t) in [100 * eta, 40_000 * eta].enumerated() {
            let g = record("norm_W")[k] / record("norm_Wmm")[0]
            #expect(abs((H(g) - H(0)) / (kappa * t / 4) - 1) < 1e-3, "\(g)")
        }
    }
}
