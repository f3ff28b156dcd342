import Foundation
import Logging
import Modeling
import Models
import Numerics
import Results
import Sweep
import Testing

/// A method's grid leaves out the axes of parameters that the model says the method does not use. If a model says so
/// wrongly, results would silently depend on a stand-in value; these tests vary the stand-ins.
@Suite struct UnusedParameterTests {
    // As in the program, and before any record: tests of models, which run beside these, set it too, and sums of several threads
    // have other bits.
    init() { BLAS.setSingleThreaded() }

    /// Jobs in which methods do not see some of the parameters.
    static let jobs = [
        """
        model: sequence-single-index
        methods: [sgd, overlap-chain, ode, closed-form, closed-form-trajectory]
        parameters: {d: 60, L: 3, target: inversesqrtsum, step_size: 0.4, init_scale: 0.2, eta: 0.3}
        """,
        """
        model: sequence-single-index
        methods: [sgd, overlap-chain, ode, closed-form]
        parameters: {d: 60, L: 3, student: untied, target: 2difference, step_size: 0.4, init_scale: 0.2, eta: 0.3}
        """,
        """
        model: sequence-single-index
        methods: [sgd, overlap-chain, ode, closed-form]
        parameters: {d: 60, L: 2, student: attention, target: positional_semantic, omega: 0.6, step_size: 0.4,
                     m0: 0.2, e0: 0.1, eta: 0.3}
        """,
        """
        model: self-attention-implicit-bias
        methods: [gd, gap-recursion, svm, symmetric, late-time, closed-form]
        parameters: {n: 4, d: 30, L: 3, query: external, init: random, init_scale: 0.5}
        """,
        """
        model: self-attention-implicit-bias
        methods: [gd, svm, symmetric]
        parameters: {n: 4, d: 30, L: 3, data: orthogonal, joint: true, optimizer: polyak, init: zero}
        """,
        """
        model: self-attention-implicit-bias
        methods: [gd, gap-recursion, svm, late-time]
        parameters: {n: 4, d: 9, L: 3, data: sin, optimizer: gd, data_seed: 3}
        """,
        """
        model: single-location-regression
        methods: [pgd, reduced-pgd, gradient-flow, sgd, overlap-chain, closed-form]
        parameters: {d: 20, L: 3, lambda0: 0.3, step_size: 0.02, gamma: 1}
        """,
        """
        model: single-location-regression
        methods: [gradient-flow, closed-form]
        parameters: {d: 20, L: 3, lambda0: 0.3, lambda_increment: 0, step_size: 0.02, eps: 0.2, kappa0: 0.1, theta0: 0.3}
        """,
        """
        model: dmft-gradient-dynamics
        methods: [gd, sgd]
        parameters: {alpha: 2, d: 20, loss: logistic, step_size: 0.1, batch_fraction: 0.5, init_overlap: 0.2}
        """,
        """
        model: dmft-gradient-dynamics
        methods: [gd, sgd]
        parameters: {alpha: 2, d: 20, L: 2, width: 2, loss: tied-attention, step_size: 0.1, ridge: 0.1}
        """,
        """
        model: dmft-gradient-dynamics
        methods: [dmft, one-pass, closed-form]
        parameters: {alpha: 2, loss: linear, step_size: 0.1, batch_fraction: 0.5, noise: 0.1, mc_samples: 128}
        """,
        """
        model: dmft-gradient-dynamics
        methods: [dmft, one-pass]
        parameters: {alpha: 2, L: 2, loss: token-average, step_size: 0.1, mask: persistent, p_off: 0.3,
                     batch_fraction: 0.5, mc_samples: 128}
        """,
        """
        model: sequence-multi-index
        methods: [fixed-point, branch, weak-recovery, sgd]
        parameters: {d: 30, alpha: 2, q_last: 0.4, mc_samples: 64, test_size: 64, init_scale: 0.6}
        per_method: {fixed-point: {tolerance: 0.5}}
        """,
        """
        model: sequence-multi-index
        methods: [sgd, overlap-ode]
        parameters: {M0: {value: [0.3, 0.3]}, data: fresh, d: 30, mc_samples: 64, test_size: 64}
        """,
        """
        model: multi-index-weak-recovery
        methods: [amp, state-evolution, fixed-point, weak-recovery]
        parameters: {alpha: 3, link: sign_product2, d: 20, test_size: 30, init_scale: 0.2, cold_overlap: 0.02,
                     max_iter: 2000, tol: 1.0e-3}
        """,
        """
        model: multi-index-weak-recovery
        methods: [amp, state-evolution, weak-recovery]
        parameters: {alpha: 3, link: committee3, d: 20, test_size: 30, learned_overlap: 0.6, max_iter: 3}
        """,
        """
        model: bilinear-sequence-regression
        methods: [bayes, sampling, ridge-theory, thresholds, limits, gd, langevin, ridge]
        parameters: {d: 8, L: 10, rank: 3, alpha: 0.6, noise: 0.2, step_size: 0.05, runs: 3}
        """,
        """
        model: extensive-width-quadratic
        methods: [bayes, sampling, thresholds, limits, gd, langevin]
        parameters: {d: 8, width: 4, alpha: 0.6, noise: 0.2, step_size: 0.02, runs: 3}
        """,
        """
        model: bilinear-sequence-regression
        methods: [ridge-theory, thresholds]
        parameters: {alpha: 0.6, beta: 2, rho: 0.4}
        """,
    ]

    /// Other values for parameters that a job does not give or that a method may not see.
    static let others: [String: ParameterValue] = [
        "d": .integer(90), "norm_mode": .text("per_token"), "activation": .text("tanh"), "omega": .real(0.9),
        "a": .real(0.7), "random_sign": .flag(true), "quadrature_points": .integer(4096), "test_size": .integer(77),
        "m0": .real(-0.5), "signal": .real(1.7), "sigma": .real(0.6), "geometry": .text("orthogonal"),
        "project": .flag(true), "polyak_c": .real(3), "step_size_u": .real(0.7), "step_decay": .real(0.4),
        "step_decay_u": .real(0.3), "loss": .text("exponential"), "optimizer": .text("gd"), "step_size": .real(0.3),
        "joint": .flag(true), "n": .integer(6), "e0": .real(0.4), "init_scale": .real(0.7), "eta": .real(0.05),
        "batch_size": .integer(7), "bayes_samples": .integer(300), "noise": .real(0.2), "lambda_increment": .real(0.01),
        "batch_fraction": .real(0.3), "mask": .text("epoch"), "p_off": .real(0.4), "scaled": .flag(false),
        "mc_samples": .integer(500), "tangents": .text("exact"), "beta": .real(0.5),
        "skip": .real(0.7), "alpha": .real(1.7), "reg": .real(0.01), "q_last": .real(0.7), "draws": .integer(99),
        "jacobian": .flag(false), "damping": .real(0.3), "max_iterations": .integer(700), "data": .text("reuse"),
        "dt": .real(0.02),
        "cold_overlap": .real(0.01), "precision": .text("jacobian"), "learned_overlap": .real(0.2),
        "max_iter": .integer(7), "tol": .real(1e-2),
        "weight_decay": .real(0.2), "stop_error": .real(0.1), "burn_in": .integer(1), "runs": .integer(2),
        "rho": .real(0.7),
    ]

    @Test(arguments: jobs) func noRecordDependsOnAParameterThatItsMethodDoesNotUse(text: String) throws {
        // A job of theory alone may not name seeds.
        let seeds = text.contains("[ridge-theory, thresholds]") ? "" : "seeds: 1\n"
        let times = "record: {times: [0, 0.5, 2], time_unit: t}\n" + seeds
        let job = try Job.parse(
            text: text + "\n" + times, path: "job.yaml", models: allModels,
            checksOutput: false)
        var varied = 0
        for grid in job.grids {
            let point = grid.point(at: 0)
            let identity = grid.identity(point: 0, seed: 0)
            let expected = try record(job, grid, point, identity)
            for (name, value) in Self.others where !grid.usedParameters.contains(name) {
                guard point[name] != nil else { continue }
                var changed = point
                changed[name] = value
                #expect(
                    try record(job, grid, changed, identity) == expected, "\(grid.method.name) depends on \(name)")
                varied += 1
            }
        }
        #expect(varied >= 3)
    }

    /// The bits that a task records.
    private func record(_ job: Job, _ grid: MethodGrid, _ point: ParameterPoint, _ identity: TaskIdentity) throws
        -> [[UInt64]]
    {
        var sink = ObservationSink(slots: grid.slots(at: 0), timeCount: grid.times.values.count)
        var run = try job.model.makeRun(grid.request(parameters: point, random: RandomStream(identity: identity)))
        for (index, time) in (grid.method.isTimed ? grid.times.values : [.infinity]).enumerated() {
            sink.timeIndex = index
            while try !run.advance(toward: time, quantum: 100) {}
            if grid.method.isTimed { try run.observe(into: &sink) }
        }
        try run.finish(into: &sink)
        return sink.buffers.map { $0.map(\.bitPattern) }
    }
}
