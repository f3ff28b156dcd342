import Foundation
import ModelTesting
import Modeling
import Numerics
import SelfAttentionImplicitBias
import Testing

@Suite("Self-attention: the proportional limit of |W_mm|")
struct AlphaTests {
    private func theory(_ alpha: Double, _ T: Int, _ A2: Double, _ B2: Double, _ g: Geometry = .antipodal) throws
        -> AlphaTheory
    {
        try AlphaTheory(alpha: alpha, T: T, A2: A2, B2: B2, geometry: g)
    }

    @Test("13: values and limits") func values() throws {
        for (alpha, T, A2, B2, norm, active) in [
            (0.25, 3, 1.0, 1.0, 0.744548, 0.998756), (0.5, 3, 1, 1, 0.827877, 0.985832),
            (0.4, 4, 4, 1, 0.339183, 0.930350),
        ] {
            let result = try theory(alpha, T, A2, B2)
            #expect(abs(result.squaredNormPerN - norm) < 1e-6 && abs(result.activeFraction - active) < 1e-6)
            let doubled = try theory(2 * alpha, T, A2, B2, .orthogonal)
            #expect(abs(doubled.squaredNormPerN - result.squaredNormPerN) < 1e-12)
        }
        // alpha -> 0, and its first correction.
        let zero = try theory(1e-9, 4, 2, 0.5)
        #expect(abs(zero.squaredNormPerN - 3 / 6.5) < 1e-7)
        let small = try theory(1e-4, 4, 2, 0.5)
        let slope = (small.squaredNormPerN - 3 / 6.5) / (small.smallAlpha - 3 / 6.5)
        #expect(abs(slope - 1) < 1e-3)
        #expect(abs(small.allActive - small.squaredNormPerN) < 1e-9)
        // While all constraints are active.
        let quarter = try theory(0.1, 3, 1, 1)
        #expect(relativeError(quarter.allActive, quarter.squaredNormPerN) < 1e-6)
        // It grows with alpha up to large alpha.
        let many = try [0.05, 0.2, 0.8, 1.5, 3].map { try theory($0, 5, 1, 1).squaredNormPerN }
        #expect(many == many.sorted() && many.allSatisfy { $0.isFinite })
    }

    @Test("13: against sampled instances", arguments: [(0.25, 3, 1.0), (0.5, 3, 1), (0.4, 4, 2), (0.8, 3, 1)])
    func sampled(alpha: Double, T: Int, signal: Double) throws {
        for geometry in ["antipodal", "orthogonal"] {
            let values: Given = [
                "alpha": .real(alpha), "d": .integer(150), "L": .integer(T), "signal": .real(signal),
                "query": .text("external"), "geometry": .text(geometry),
            ]
            let names: Set = ["norm_Wmm_sq_per_n", "active_fraction", "kkt_residual"]
            let records = try (1...40).map { try harness.run("svm", values, seed: $0, observables: names) }
            let result = try theory(alpha, T, signal * signal, 1, geometry == "antipodal" ? .antipodal : .orthogonal)
            let norm = Moments(records.map { $0("norm_Wmm_sq_per_n")[0] })
            let active = Moments(records.map { $0("active_fraction")[0] })
            // Sampled data sets lie above by about 1.5 K/d^2 of the limit. 300 of an independent implementation at each of
            // these points lie above that by 0.005 at most.
            let expected = result.squaredNormPerN * (1 + 1.5 * alpha * Double(T - 1) / 150)
            #expect(abs(norm.mean - expected) < 3.5 * norm.error + 0.005, "\(geometry) \(norm) \(result)")
            #expect(norm.error < 0.03 * norm.mean)
            #expect(abs(active.mean - result.activeFraction) < 3.5 * active.error + 0.01, "\(active) \(result)")
            #expect(records.allSatisfy { $0("kkt_residual")[0] < 1e-9 })
            let closed = try harness.run("closed-form", values)
            #expect(abs(closed("norm_Wmm_sq_per_n")[0] - result.squaredNormPerN) < 1e-12)
        }
    }
}

@Suite("Self-attention: gradients, loss in the log domain, resume and mistakes")
struct MechanicsTests {
    @Test("gradients against finite differences", arguments: ["logistic", "exponential", "linear"])
    func gradients(loss: String) throws {
        for query in ["first", "external", "prompt"] {
            let values: Given = [
                "data": .text("sphere"), "n": .integer(3), "L": .integer(4), "d": .integer(5), "query": .text(query),
                "loss": .text(loss), "joint": .flag(true), "data_seed": .integer(2),
            ]
            var training = try FullTraining(values)
            var stream = RandomStream(identity: TaskIdentity(high: 1, low: 3))
            let W = (0..<(query == "prompt" ? 5 : 25)).map { _ in 2 * stream.normal() }
            let u = (0..<5).map { _ in stream.normal() }
            func value(_ W: [Double], _ u: [Double]) throws -> Double {
                try training.lossAndGradients(W: W, u: u).loss
            }
            let (_, gW, gu) = try training.lossAndGradients(W: W, u: u)
            let h = 1e-5
            for k in W.indices {
                var (plus, minus) = (W, W)
                plus[k] += h
                minus[k] -= h
                #expect(abs((try value(plus, u) - value(minus, u)) / (2 * h) - gW[k]) < 1e-9, "\(query) W \(k)")
            }
            for k in u.indices {
                var (plus, minus) = (u, u)
                plus[k] += h
                minus[k] -= h
                #expect(abs((try value(W, plus) - value(W, minus)) / (2 * h) - gu[k]) < 1e-9, "\(query) u \(k)")
            }
        }
    }

    @Test("data families have the stated geometry") func families() throws {
        func data(_ values: Given) throws -> DataSet {
            let all: Given = [
                "n": .integer(6), "L": .integer(4), "d": .integer(50), "signal": .real(2), "sigma": .real(0.7),
            ]
            let p = try harness.parameters(.gd, all.with(values))
            return try DataSet(p, RandomStream(identity: TaskIdentity(high: 5, low: 6)))
        }
        func token(_ data: DataSet, _ i: Int, _ tau: Int) -> [Double] {
            Array(data.X[((i * data.T + tau) * data.d)..<((i * data.T + tau + 1) * data.d)])
        }
        func dot(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
        for geometry in ["orthogonal", "antipodal"] {
            for query in ["noise", "opt", "external", "prompt"] {
                let exact = try data([
                    "data": .text("orthogonal"), "geometry": .text(geometry), "query": .text(query),
                ])
                let position = query == "opt" ? 0 : 3
                #expect(exact.opt == Array(repeating: position, count: 6) && exact.y == [1, -1, 1, -1, 1, -1])
                let signals = (0..<6).map { token(exact, $0, position) }
                #expect(
                    dot(signals[0], signals[1]) == (geometry == "orthogonal" ? 0 : -4)
                        && dot(signals[0], signals[2]) == 4)
                let noise = (0..<6).flatMap { i in (0..<4).filter { $0 != position }.map { token(exact, i, $0) } }
                for (k, x) in noise.enumerated() {
                    for (l, y) in noise.enumerated() { #expect(abs(dot(x, y) - (k == l ? 0.49 : 0)) < 1e-14) }
                    for mu in signals { #expect(abs(dot(x, mu)) < 1e-14) }
                }
                // The default decoder is u_mm: gamma is 1 on the signals, and u_mm is that of the solver.
                for i in 0..<6 { #expect(abs(exact.scores[i * 4 + position] - 1) < 1e-15) }
                let umm = exact.decoder(try exact.decoderProblem())
                for (x, y) in zip(umm, exact.u) { #expect(abs(x - y) < 1e-14) }
                switch query {
                case "prompt": #expect(exact.Q == Array(repeating: 1, count: 6) && exact.dq == 1)
                case "external":
                    for i in 0..<6 {
                        for j in 0..<6 {
                            let (q, r) = (exact.Q[(i * 50)..<(i * 50 + 50)], exact.Q[(j * 50)..<(j * 50 + 50)])
                            #expect(abs(dot(Array(q), Array(r)) - (i == j ? 1 : 0)) < 1e-14)
                        }
                    }
                default: for i in 0..<6 { #expect(Array(exact.Q[(i * 50)..<(i * 50 + 50)]) == token(exact, i, 0)) }
                }
            }
        }
        let gaussian = try data(["d": .integer(4000), "project": .flag(true), "query": .text("external")])
        for i in 0..<6 {
            // |x|^2 is sigma^2 up to sqrt(2/d).
            #expect(abs(dot(token(gaussian, i, 0), token(gaussian, i, 0)) / 0.49 - 1) < 0.1)
            #expect(token(gaussian, i, 1)[0] == 0 && token(gaussian, i, 1)[1] != 0)
            #expect(gaussian.scores[i * 4] == 0)
        }
        let sphere = try data(["data": .text("sphere")])
        for k in 0..<24 { #expect(abs(dot(token(sphere, k / 4, k % 4), token(sphere, k / 4, k % 4)) - 1) < 1e-14) }
        #expect(abs(dot(sphere.u, sphere.u) - 1) < 1e-14)
    }

    @Test("1800 constraints") func large() throws {
        let values: Given = ["n": .integer(200), "L": .integer(10), "d": .integer(100), "query": .text("external")]
        let record = try harness.run("svm", values, observables: ["kkt_residual", "feasible", "n_support_W"])
        #expect(record("feasible") == [1] && record("kkt_residual")[0] < 1e-10)
        #expect(record("n_support_W")[0] > 1000 && record("n_support_W")[0] < 1800)
    }

    @Test("the excess loss goes over into its logarithmic form without a step") func excess() {
        for loss in Loss.allCases {
            for gamma in [-2.0, 0, 0.7, 3] {
                for delta in [1e-3, 0.5, 4, 29.9, 30.1, 200] {
                    let direct = log(loss.value(gamma - delta) - loss.value(gamma))
                    #expect(abs(loss.logExcess(gamma, delta: delta, logDelta: log(delta)) - direct) < 1e-9)
                }
                let border = loss.logExcess(gamma, delta: 1.001e-290, logDelta: log(1.001e-290))
                let below = loss.logExcess(gamma, delta: 0, logDelta: log(1.001e-290))
                #expect(abs(border - below) < 1e-10)
                let h = 1e-6
                let slope = (loss.value(gamma + h) - loss.value(gamma - h)) / (2 * h)
                #expect(abs(exp(loss.logWeight(gamma)) + slope) < 1e-8)
            }
            #expect(loss == .linear || abs(loss.logValue(800) + 800) < 1e-9)
        }
    }

    @Test("runs go on from a saved state", arguments: ["gd", "gap-recursion", "symmetric", "late-time", "svm"])
    func resume(method: String) throws {
        let base: Given = [
            "data": .text("orthogonal"), "n": .integer(4), "L": .integer(4), "d": .integer(20),
            "step_decay": .real(0.1),
            "init": .text("random"), "init_scale": .real(2),
        ]
        for joint in method == "gd" || method == "symmetric" ? [false, true] : [false] {
            let saves = try harness.savesWithSameBits(
                method, base.with(["joint": .flag(joint)]), times: [0, 3, 50, 5000], unit: .steps, rounds: 4)
            #expect(try #require(saves) > 0, "\(method) joint \(joint)")
        }
    }

    @Test("a data seed gives all methods and seeds the same data") func dataSeed() throws {
        let values: Given = ["n": .integer(4), "L": .integer(3), "d": .integer(10), "data_seed": .integer(4)]
        let norms = try [1, 2].flatMap { seed in
            try ["svm", "gd", "late-time", "gap-recursion"].map {
                try harness.run($0, values, times: [$0 == "svm" ? .infinity : 1], seed: seed)("norm_Wmm")[0]
            }
        }
        #expect(Set(norms).count == 1)
        #expect(try harness.run("svm", values.with(["data_seed": .integer(5)]))("norm_Wmm")[0] != norms[0])
    }

    @Test("divergence is reported") func divergence() throws {
        let values: Given = [
            "data": .text("orthogonal"), "n": .integer(4), "L": .integer(3), "d": .integer(12), "loss": .text("linear"),
            "optimizer": .text("gd"), "signal": .real(1000), "step_size": .real(1e308),
        ]
        for method in ["gd", "gap-recursion", "symmetric"] {
            #expect(try harness.divergence(method, values, times: [100]) != nil)
        }
    }

    private static let tokens = tensor([[[1, 0], [0, 1]], [[0, 1], [1, 0]]])
    private static let small: Given = ["n": .integer(4), "d": .integer(9), "L": .integer(3)]

    static let mistakes = [
        Refusal("gd", ["n": .integer(4), "d": .integer(9)], "L"),
        Refusal("gd", ["n": .integer(4), "L": .integer(3)], "d"),
        Refusal("gd", ["d": .integer(9), "L": .integer(3)], "n"),
        Refusal("gd", ["n": .integer(4), "d": .integer(8), "alpha": .real(0.5), "L": .integer(3)], "alpha"),
        Refusal("gd", ["n": .integer(5), "d": .integer(9), "L": .integer(3)], "n"),
        Refusal("gd", small.with(["query": .text("first")]), "query"),
        Refusal("gd", ["n": .integer(4), "d": .integer(8), "L": .integer(3), "data": .text("orthogonal")], "d"),
        Refusal("gd", small.with(["u": vector([1])]), "u"),
        Refusal("gd", small.with(["init": .text("random")]), "init_scale"),
        Refusal("gd", small.with(["init": .text("explicit")]), "init"),
        Refusal("gd", small.with(["labels": vector([1])]), "labels"),
        Refusal("gd", ["tokens": tokens], "opt"), Refusal("gd", ["tokens": tokens, "opt": vector([0, 5])], "opt"),
        Refusal("gd", ["tokens": tokens, "opt": vector([0, 1]), "labels": vector([1, 2])], "labels"),
        Refusal("gd", ["tokens": tokens, "u": vector([1, 0]), "L": .integer(3)], "L"),
        Refusal("gd", ["data": .text("explicit")], "data"),
        Refusal("gd", ["tokens": tokens, "u": vector([1, 0]), "queries": matrix([[1, 0]])], "queries"),
        Refusal("gd", ["tokens": tokens, "u": vector([1, 0]), "W0": vector([1, 0])], "W0"),
        Refusal("gd", ["tokens": tokens, "u": vector([1, 0]), "alpha": .real(1)], "alpha"),
        Refusal("gd", ["tokens": tokens, "opt": vector([1, 1]), "u": vector([1, 0])], "opt"),
        Refusal("gd", ["tokens": tokens, "scores": matrix([[1, 0], [1, 0]]), "opt": vector([0, 1])], "opt"),
        Refusal("gd", ["tokens": tokens, "scores": matrix([[1, 0], [1, 0]]), "joint": .flag(true)], "scores"),
        Refusal("gd", ["tokens": tokens, "scores": matrix([[1, 0]])], "scores"),
        Refusal("gd", ["tokens": tensor([[[1, 0]]]), "u": vector([1, 0])], "tokens"),
        Refusal("gd", small.with(["init_scale": .real(1), "init": .text("zero")]), "init_scale"),
        Refusal("gd", small.with(["W0": vector([1]), "init": .text("zero")]), "W0"),
        Refusal("gd", small.with(["W0": vector([1])]), "W0"),
        Refusal("gd", small.with(["data": .text("sin"), "sin_w": vector([1])]), "sin_w"),
        Refusal(
            "gd", small.with(["joint": .flag(true), "loss": .text("linear"), "optimizer": .text("polyak")]), "loss"),
        Refusal("svm", ["alpha": .real(1e6), "d": .integer(1000), "L": .integer(3)], "alpha"),
        Refusal("symmetric", small.with(["u": vector([1])]), "u"),
        Refusal("symmetric", small.with(["W0": vector([1])]), "init"),
        Refusal("gap-recursion", small.with(["joint": .flag(true)]), "joint"),
        Refusal("symmetric", ["n": .integer(4), "L": .integer(3), "data": .text("sphere")], "data"),
        Refusal("symmetric", ["n": .integer(4), "L": .integer(3), "query": .text("prompt")], "query"),
        Refusal("closed-form", ["alpha": .real(0.4), "L": .integer(3)], "query"),
        Refusal("closed-form", ["L": .integer(3), "query": .text("external")], "alpha"),
    ]

    @Test("mistakes are answered by name", arguments: mistakes) func mistakesAreAnswered(_ point: Refusal) {
        #expect(harness.wrongAnswer(to: point) == nil)
    }
}
