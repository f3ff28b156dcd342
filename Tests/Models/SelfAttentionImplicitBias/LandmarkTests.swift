import Foundation
import ModelTesting
import Modeling
import Numerics
import SelfAttentionImplicitBias
import Testing

@Suite("Self-attention: landmarks on sin data")
struct SinTests {
    @Test("1: the margin problem") func margin() throws {
        let p = try harness.parameters(.svm, sinData)
        let data = try DataSet(p, RandomStream(identity: TaskIdentity(high: 0, low: 0)))
        #expect(abs(data.X[0] - 0.40006948) < 1e-8)
        #expect(data.opt == [0, 0, 1, 0])
        let gaps = Gaps(data)
        let margin = try Margin(gaps, gram: try gaps.gram())
        #expect(abs(margin.norm - 0.9121010134) < 1e-9)
        let lambda = [0.01317921, 0, 0, 0.05292617, 0.05190414, 0.02763591, 0, 0.68628283]
        for (x, y) in zip(margin.lambda, lambda) { #expect(abs(x - y) < 1e-8) }
        let W = margin.matrix()
        #expect(abs(W[0] - 0.117057230) < 1e-8 && abs(W[3 * 6 + 1] + 0.170603039) < 1e-8)
        #expect(try margin.rank() == 4)
        #expect(margin.problem.residual < 1e-10)
        let record = try harness.run(
            "svm", sinData,
            observables: [
                "norm_Wmm", "rank_Wmm", "n_support_W", "active_fraction", "feasible", "eta_crit", "multipliers",
            ])
        #expect(abs(record("norm_Wmm")[0] - 0.9121010134) < 1e-9 && record("rank_Wmm") == [4])
        #expect(record("n_support_W") == [5] && record("active_fraction") == [1] && record("feasible") == [1])
        #expect(relativeError(record("eta_crit")[0], 0.9529506) < 1e-6)
        let rows = record("multipliers")
        #expect(
            rows.count == 12 && rows[0] == 0 && abs(rows[1] - 0.01317921) < 1e-8 && abs(rows[11] - 0.68628283) < 1e-8)
    }

    @Test("1: gradient and loss at W = 0") func atZero() throws {
        for (loss, value) in [("logistic", 0.7415846931828), ("exponential", 1.1118642697630)] {
            let record = try harness.run(
                "gd", sinData.with(["loss": .text(loss), "optimizer": .text("gd"), "step_size": .real(1)]), times: [0])
            #expect(abs(record("train_loss")[0] - value) < 1e-12)
            if loss == "logistic" { #expect(abs(record("step_len")[0] - 0.4893963057516) < 1e-12) }
        }
        // The decoder's gradient, by one step of it alone.
        let joint = sinData.with([
            "joint": .flag(true), "optimizer": .text("gd"), "step_size_u": .real(1), "step_size": .real(1e-9),
        ])
        let u = (1...6).map { cos(1.1 * Double($0)) }
        let norm = u.reduce(0) { $0 + $1 * $1 }.squareRoot()
        var training = try FullTraining(joint)
        let gradient = try training.lossAndGradients(W: Array(repeating: 0, count: 36), u: u.map { $0 / norm }).u
        #expect(abs(gradient.reduce(0) { $0 + $1 * $1 }.squareRoot() - 0.1685066743661) < 1e-12)
    }

    @Test("1: trajectories", arguments: ["gd", "gap-recursion"]) func trajectories(method: String) throws {
        func last(_ values: Given, _ steps: Double) throws -> Recording {
            try harness.run(method, sinData.with(values), times: [steps])
        }
        let gd = try last(["optimizer": .text("gd"), "step_size": .real(1)], 10)
        #expect(relativeError(gd("train_loss")[0], 0.5004294260727) < 1e-11)
        #expect(relativeError(gd("norm_W")[0], 1.1592398197128) < 1e-11)
        #expect(relativeError(gd("corr_W")[0], 0.448810356924) < 1e-10)
        let ngd = try last([:], 300)
        #expect(relativeError(ngd("norm_W")[0], 28.90015774) < 1e-8)
        #expect(abs(1 - ngd("corr_W")[0] - 0.00302523) < 1e-8)
        #expect(relativeError(ngd("dist_W")[0], (2 * 0.00302523).squareRoot()) < 1e-5)
        #expect(relativeError(ngd("log_excess")[0], -34.65079035) < 1e-8)
        for (c, norm, defect, excess, length) in [
            (1.0, 53.11694453, 9.9243e-4, -61.24156658, 0.91207455),
            (2.0, 25.86364817, 0.00385258, -31.30763254, 0.45595504),
        ] {
            let polyak = try last(["optimizer": .text("polyak"), "polyak_c": .real(c)], 60)
            #expect(relativeError(polyak("norm_W")[0], norm) < 1e-8)
            #expect(abs(1 - polyak("corr_W")[0] - defect) < 1e-8)
            #expect(relativeError(polyak("log_excess")[0], excess) < 1e-8)
            #expect(relativeError(polyak("step_len")[0], length) < 1e-7)
        }
    }

    @Test("7: Polyak's step length and slope") func polyak() throws {
        for c in [1.0, 2] {
            let values = sinData.with(["optimizer": .text("polyak"), "polyak_c": .real(c)])
            let record = try harness.run("gap-recursion", values, times: [100, 1000, 2000])
            let norm = record("norm_Wmm")[0]
            let nu = record("nu_max")[0]
            #expect(abs(1 - nu / c) <= 0.95)
            #expect(relativeError(record("step_len")[1], norm / c) < 1e-4)
            #expect(abs((record("log_excess")[2] - record("log_excess")[1]) / 1000 + 1 / c) < 1e-6)
            let theory = try harness.run("late-time", values, times: [2000])
            #expect(theory("log_excess_slope") == [-1 / c] && relativeError(theory("step_len")[0], norm / c) < 1e-12)
            #expect(relativeError(theory("norm_W")[0], record("norm_W")[2]) < 0.01)
        }
    }

    @Test("9: the critical step of ngd") func criticalStep() throws {
        let critical = try harness.run("svm", sinData)("eta_crit")[0]
        let norm = 0.9121010134
        func increments(_ factor: Double) throws -> (Double, Double) {
            let eta = factor * critical
            let excess = try harness.run(
                "gap-recursion", sinData.with(["step_size": .real(eta)]), times: [4000, 4001, 4002])("log_excess")
            return ((excess[1] - excess[0]) / eta * norm, (excess[2] - excess[1]) / eta * norm)
        }
        let below = try increments(0.95)
        #expect(abs(below.0 + 1) < 1e-6 && abs(below.1 + 1) < 1e-6)
        // Alternating, and on average less than below: pinned values of this data set, where the gap recursion and
        // training in d x d agree.
        for (factor, low, high) in [(1.05, -0.98740730, -0.98703923), (1.3, -0.94562302, -0.94325937)] {
            let (a, b) = try increments(factor)
            #expect(abs(min(a, b) - low) < 1e-6 && abs(max(a, b) - high) < 1e-6, "\(factor): \(a) \(b)")
        }
    }
}

@Suite("Self-attention: landmarks on random data")
struct RandomTests {
    /// Random unit tokens: the same for all methods.
    let random: Given = [
        "data": .text("sphere"), "n": .integer(5), "L": .integer(4), "d": .integer(12), "data_seed": .integer(3),
    ]

    @Test("2: the gap recursion is the training in d x d", arguments: ["gd", "ngd", "polyak"], ["zero", "random"])
    func gapRecursion(optimizer: String, start: String) throws {
        // Prompt attention is too narrow for Polyak's first steps: a sequence can be left behind with no gradient.
        for query in optimizer == "polyak" ? ["external", "first"] : ["external", "first", "prompt"] {
            for loss in ["logistic", "exponential", "linear"] {
                // With unequal scores Polyak's steps jump about, and rounding with them.
                let base: Given = [
                    "project": .flag(true), "n": .integer(6), "L": .integer(4), "d": .integer(20), "polyak_c": .real(2),
                    "data_seed": .integer(3), "query": .text(query == "first" ? "noise" : query),
                ]
                var values = (optimizer == "polyak" ? base : random.with(["query": .text(query)])).with([
                    "optimizer": .text(optimizer), "loss": .text(loss),
                    "step_size": .real(optimizer == "gd" ? 3 : 0.2), "init": .text(start),
                ])
                if start == "random" { values["init_scale"] = .real(1.5) }
                let names: Set = [
                    "train_loss", "log_excess", "norm_W", "corr_W", "dist_W", "s_opt_mean", "s_opt_min", "log_sparsity",
                    "step_len", "margin_mean", "s_max_mean",
                ]
                let times: [Double] = [0, 1, 7, 40]
                let full = try harness.run("gd", values, times: times, observables: names)
                let gaps = try harness.run("gap-recursion", values, times: times, observables: names)
                for name in names {
                    for (x, y) in zip(full(name), gaps(name)) where !x.isNaN || !y.isNaN {
                        #expect(abs(x - y) < 1e-10 * max(1, abs(x)), "\(optimizer) \(start) \(query) \(loss) \(name)")
                    }
                }
            }
        }
    }

    @Test("2: and stays it for thousands of steps beyond all underflow") func gapRecursionLate() throws {
        let values = random.with(["step_size": .real(1)])
        let names: Set = ["log_excess", "norm_W", "dist_W", "log_sparsity"]
        let full = try harness.run("gd", values, times: [3000, 6000], observables: names)
        let gaps = try harness.run("gap-recursion", values, times: [3000, 6000], observables: names)
        for name in names {
            for (x, y) in zip(full(name), gaps(name)) { #expect(relativeError(x, y) < 1e-8, "\(name) \(x) \(y)") }
        }
        // Far below the smallest double.
        #expect(full("log_excess")[1] < -1000)
    }

    @Test("6: late gradient descent") func lateDescent() throws {
        let values = random.with(["optimizer": .text("gd"), "step_size": .real(5)])
        let record = try harness.run("gap-recursion", values, times: [100_000, 200_000])
        let theory = try harness.run("late-time", values, times: [100_000, 200_000])
        #expect(record("selected_optimal") == [1, 1])
        for k in 0..<2 {
            #expect(abs(exp(record("log_excess")[k] - theory("log_excess")[k]) - 1) < 0.02)
            #expect(relativeError(record("step_len")[k], theory("step_len")[k]) < 0.03)
        }
    }

    /// All constraints active, which of 16 such streams 13 give: few tokens in many dimensions, nearly orthogonal, of unequal
    /// scores, so that C_k differ.
    private var allActive: Given {
        var stream = RandomStream(identity: TaskIdentity(high: 7, low: 8))
        let tokens = (0..<3).map { _ in (0..<3).map { _ in (0..<14).map { _ in stream.normal() } } }
        let queries = (0..<3).map { _ in (0..<14).map { _ in stream.normal() } }
        return [
            "tokens": tensor(tokens), "queries": matrix(queries),
            "scores": matrix([[1, 0.3, -0.5], [-0.2, 0.8, 0.1], [0.4, 0, 1.5]]),
        ]
    }

    @Test("8: the constant of the direction when all constraints are active")
    func distanceConstant() throws {
        for start in ["zero", "random"] {
            // Steps at which the direction settles: eta_crit is 0.14 to 0.25 in such instances.
            let step = 0.1
            var values = allActive.with(["step_size": .real(step), "init": .text(start), "data_seed": .integer(1)])
            if start == "random" { values["init_scale"] = .real(0.5) }
            let theory = try harness.run("late-time", values, times: [20_000])
            try #require(theory("all_active") == [1])
            try #require(theory("eta_crit")[0] > step)
            let record = try harness.run("gap-recursion", values, times: [1000, 20_000])
            let constant = zip(record("dist_W"), record("norm_W")).map { $0 * $0 * $1 * $1 }
            #expect(
                relativeError(constant[1], theory("dist_constant")[0]) < 2e-4, "\(constant) \(theory("dist_constant"))")
            #expect(relativeError(record("dist_W")[1], theory("dist_W")[0]) < 2e-3)
            let slope = (record("log_excess")[1] - record("log_excess")[0]) / 19_000
            #expect(relativeError(slope, theory("log_excess_slope")[0]) < 1e-4)
            // |W_t| lags behind eta t by a constant: the loss is that of the norm reached, not of eta t.
            let lag = (step * 20_000 - record("norm_W")[1]) / theory("norm_Wmm")[0]
            #expect(abs(record("log_excess")[1] - theory("log_excess")[0] - lag) < 1e-2)
            #expect(abs(record("log_sparsity")[1] - theory("log_sparsity")[0] - lag) < 1e-2)
        }
    }

    /// Orthonormal other tokens, orthogonal optimal ones of norm r and orthonormal queries: blocks (1 + r^2, r^2) in G, so
    /// nu = 1 and nu_min = 1/(1 + 2 r^2).
    private func blocks(_ r: Double) -> Given {
        func basis(_ k: Int, _ d: Int, _ norm: Double = 1) -> [Double] { (0..<d).map { $0 == k ? norm : 0 } }
        return [
            "tokens": tensor((0..<3).map { i in [basis(3 * i, 9, r), basis(3 * i + 1, 9), basis(3 * i + 2, 9)] }),
            "queries": matrix((0..<3).map { basis($0, 3) }),
            "scores": matrix([[1, 0.3, -0.5], [0.8, -0.2, 0.1], [1.5, 0, 0.4]]), "optimizer": .text("gd"),
        ]
    }

    @Test("8: late gradient descent, explicit in the gaps") func lateGaps() throws {
        let values = blocks(0.2).with(["step_size": .real(2)])
        let theory = try harness.run("late-time", values, times: [100_000])
        let record = try harness.run("gap-recursion", values, times: [100_000])
        #expect(relativeError(theory("nu_min")[0], 1 / 1.08) < 1e-12 && theory("gd_transient")[0] < 100)
        for name in ["norm_W", "dist_W", "step_len"] {
            #expect(relativeError(theory(name)[0], record(name)[0]) < 2e-3, "\(name) \(theory(name)) \(record(name))")
        }
        for name in ["log_excess", "log_sparsity"] { #expect(abs(theory(name)[0] - record(name)[0]) < 2e-3, "\(name)") }
    }

    @Test("what is left of gd's start decays like t^-nu_min") func slowMode() throws {
        let values = blocks(1).with(["step_size": .real(2)])
        let theory = try harness.run("late-time", values, times: [1])
        #expect(relativeError(theory("nu_min")[0], 1.0 / 3) < 1e-12)
        let record = try harness.run("gap-recursion", values, times: [20_000, 200_000])
        let late = try harness.run("late-time", values, times: [20_000, 200_000])
        let rest = (0..<2).map { k in
            pow(record("dist_W")[k] * record("norm_W")[k], 2) - pow(late("dist_W")[k] * late("norm_W")[k], 2)
        }
        #expect(relativeError(rest[1] / rest[0], pow(10, -1.0 / 3)) < 0.1, "\(rest)")
    }

    @Test("(36): equal other scores: ngd moves along W_mm at least at the stated rate, from any start")
    func lowerBound() throws {
        let values: Given = [
            "data": .text("gaussian"), "project": .flag(true), "n": .integer(6), "L": .integer(4), "d": .integer(40),
            "step_size": .real(0.1), "init": .text("random"), "init_scale": .real(8), "data_seed": .integer(5),
        ]
        let record = try harness.run("gd", values, times: [0, 50, 100, 200])
        let p = try harness.parameters(.gd, values)
        let gaps = Gaps(try DataSet(p, sharedStream(5)))
        let G = try gaps.gram()
        let longest = (0..<gaps.count).map { G[$0 * gaps.count + $0] }.max()?.squareRoot() ?? 0
        let norm = record("norm_Wmm")[0]
        let along = zip(record("norm_W"), record("corr_W")).map { $0 * $1 }
        for (k, t) in [0.0, 50, 100, 200].enumerated() {
            #expect(along[k] >= along[0] + 0.1 * t / (norm * longest) - 1e-12)
        }
    }
}
