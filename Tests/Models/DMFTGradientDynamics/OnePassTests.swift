import DMFTGradientDynamics
import Dynamics
import Foundation
import Modeling
import ModelTesting
import Numerics
import Testing

/// Method one-pass, and the two-step quadrature that it shares its first step with.
@Suite struct OnePassTests {
    static let logistic: Given = [
        "alpha": .real(2), "loss": .text("logistic"), "init_scale": .real(0.5), "init_overlap": .real(0.1),
        "step_size": .real(0.5), "ridge": .real(0.05),
    ]
    static let phase: Given = [
        "alpha": .real(3), "loss": .text("phase"), "init_scale": .real(0.5), "init_overlap": .real(0.3),
        "step_size": .real(0.02),
    ]
    static let attention: Given = [
        "alpha": .real(2), "loss": .text("tied-attention"), "L": .integer(2), "init_scale": .real(0.5),
        "init_overlap": .real(0.3), "step_size": .real(0.5), "ridge": .real(0.02),
    ]

    private func run(_ values: Given, steps: Int) throws -> Recording {
        try harness.run("one-pass", values, times: (0...steps).map(Double.init), unit: .steps)
    }

    /// Landmarks of the page, to their last digit.
    @Test func twoStepLandmarks() {
        let a = TwoStepQuadrature.logistic
        let pairs: [(Double, Double)] = [
            (a.M[1], 0.473980), (a.M[2], 0.716568), (a.q[1], 0.629280), (a.q[2], 0.982208), (a.C[2][1], 0.752104),
            (a.train[0], 0.712369), (a.train[1], 0.475093), (a.test[1], 0.577522), (a.test[2], 0.518349),
            (a.Gamma[0][0], 0.449247), (a.Gamma[1][0], -0.048189), (a.Gamma[1][1], 0.425236), (a.Cg[0][0], 0.514886),
            (a.Cg[1][0], 0.380513), (a.Cg[1][1], 0.298878), (a.C[1][0], 0.415083),
        ]
        for (index, (value, expected)) in pairs.enumerated() {
            #expect(abs(value - expected) < 1e-6, "logistic \(index): \(value)")
        }
        let b = TwoStepQuadrature.phase
        let others: [(Double, Double)] = [
            (b.M[1], 0.327000), (b.M[2], 0.358355), (b.q[1], 0.494948), (b.q[2], 0.505233), (b.train[1], 0.543414),
            (b.test[1], 0.579327), (b.Gamma[0][0], 1.5), (b.Gamma[1][0], -0.307769), (b.Gamma[1][1], 1.44267),
            (b.Cg[0][0], 5.625),
        ]
        for (index, (value, expected)) in others.enumerated() {
            #expect(abs(value - expected) < 3e-6, "phase \(index): \(value)")
        }
    }

    /// The same rule on the linear loss, whose two steps are known in closed form.
    @Test func twoStepsOfTheLinearLoss() {
        let a = TwoStepQuadrature(.linear, alpha: 0.7, q0: 1.2, m0: 0.3, stepSize: 0.2, ridge: 0.1)
        let theory = LinearTheory(alpha: 0.7, stepSize: 0.2, ridge: 0.1, q0: 1.2, m0: 0.3, rho: 1, noise: 0)
        for t in 0...2 {
            #expect(abs(a.M[t] - theory.overlap(t)) < 1e-12)
            #expect(abs(a.q[t] - theory.gram(t)) < 1e-12)
            #expect(abs(a.test[t] - theory.testLoss(t)) < 1e-12)
            for s in 0...t { #expect(abs(a.C[t][s] - theory.C(t, s)) < 1e-12) }
        }
        for t in 0...1 {
            #expect(abs(a.train[t] - theory.trainLoss(t)) < 1e-12)
            for s in 0...t {
                #expect(abs(a.Gamma[t][s] - theory.Gamma(t, s)) < 1e-12)
                #expect(abs(a.Cg[t][s] - theory.Cg(t, s)) < 1e-12)
            }
        }
    }

    @Test func theFirstStepIsThatOfEveryAlgorithm() throws {
        for (values, exact) in [(Self.logistic, TwoStepQuadrature.logistic), (Self.phase, .phase)] {
            let a = try run(values, steps: 1)
            for t in 0...1 {
                #expect(abs(a("overlap")[t] - exact.M[t]) < 1e-9)
                #expect(abs(a("q")[t] - exact.q[t]) < 1e-9)
                #expect(abs(a("test_loss")[t] - exact.test[t]) < 1e-8)
            }
            // Fresh samples and training samples are the same before the first step.
            #expect(abs(a("test_loss")[0] - exact.train[0]) < 1e-8)
        }
    }

    @Test func attentionLandmark() throws {
        let a = try run(Self.attention, steps: 1)
        #expect(abs(a("overlap")[1] - 0.361891) < 2e-6)
        #expect(abs(a("q")[1] - 0.435052) < 2e-6)
        #expect(abs(a("test_loss")[0] - 0.102214) < 2e-6)
    }

    /// The first epoch of four batches, exact.
    @Test func epochLandmark() throws {
        let values = Self.logistic.with(["batch_fraction": .real(0.25), "mask": .text("epoch")])
        let a = try run(values, steps: 4)
        for (t, (M, q)) in zip(
            [0.47398, 0.76337, 0.99570, 1.18713], [1.01545, 1.48018, 1.91157, 2.31518]
        ).enumerated() {
            #expect(abs(a("overlap")[t + 1] - M) < 6e-6)
            #expect(abs(a("q")[t + 1] - q) < 6e-6)
        }
        #expect(a("samples_per_d") == [0, 0.5, 1, 1.5, 2])
        // Unscaled weights b times as large are the same step with b eta and lambda/b.
        var plain = values
        plain["scaled"] = .flag(false)
        plain["step_size"] = .real(2)
        plain["ridge"] = .real(0.0125)
        let b = try run(plain, steps: 4)
        for t in 0...4 { #expect(abs(a("q")[t] - b("q")[t]) < 1e-12 && abs(a("overlap")[t] - b("overlap")[t]) < 1e-12) }
    }

    /// For the linear loss the recursion is elementary: one fresh step has A^T A = alpha, and
    /// E|A^T A x|^2 = (alpha^2 + alpha)|x|^2.
    @Test func linearLossInClosedForm() throws {
        let values: Given = [
            "alpha": .real(1.5), "loss": .text("linear"), "noise": .real(0.2), "step_size": .real(0.3),
            "ridge": .real(0.1), "teacher_norm": .real(1.2), "init_overlap": .real(0.2), "init_scale": .real(0.8),
        ]
        let a = try run(values, steps: 6)
        let (alpha, eta, rho, noise, keeps) = (1.5, 0.3, 1.2, 0.2, 1 - 0.03)
        var (M, q) = (0.2, 0.8)
        for t in 0...6 {
            #expect(abs(a("overlap")[t] - M) < 1e-11)
            #expect(abs(a("q")[t] - q) < 1e-11)
            let error = q - 2 * M + rho
            #expect(abs(a("test_loss")[t] - 0.5 * (error + noise)) < 1e-11)
            #expect(abs(a("cosine")[t] - M / (q * rho).squareRoot()) < 1e-11)
            #expect(abs(a("sign_error")[t] - acos(M / (q * rho).squareRoot()) / .pi) < 1e-11)
            let next = keeps * M - eta * alpha * (M - rho)
            q =
                keeps * keeps * q - 2 * keeps * eta * alpha * (q - M)
                + eta * eta * ((alpha * alpha + alpha) * error + alpha * noise)
            M = next
        }
    }

    /// Fresh steps in d dimensions, drawn: the recursion of a wide student with ridge and weights, without its formulas.
    @Test func agreesWithFreshSamplesInFiniteDimension() throws {
        let d = 2000
        let (eta, lambda, b) = (1.0, 0.05, 0.5)
        let values: Given = [
            "alpha": .real(1), "loss": .text("token-average"), "L": .integer(2), "width": .integer(2),
            "teachers": .integer(3), "step_size": .real(eta), "ridge": .real(lambda), "batch_fraction": .real(b),
            "positions": vector([1, 2]),
            "teacher_gram": matrix([[1, 0.3, -0.2], [0.3, 0.5, 0.1], [-0.2, 0.1, 0.4]]),
            "init_gram": matrix([[0.8, 0.1], [0.1, 1.1]]), "M0": matrix([[0.2, 0.1, -0.1], [0.4, -0.1, 0.1]]),
        ]
        let steps = 3
        let theory = try run(values, steps: steps)
        let p = try harness.parameters(.onePass, values)
        var random = RandomStream(identity: TaskIdentity(high: 0x4447_4402, low: 7))
        // Orthonormal columns times sqrt d, by Gram-Schmidt; then teacher and student columns with the given Gram matrices.
        var frame: [[Double]] = []
        for _ in 0..<5 {
            var x = (0..<d).map { _ in random.normal() }
            for e in frame {
                let along = zip(x, e).reduce(0) { $0 + $1.0 * $1.1 } / Double(d)
                for i in 0..<d { x[i] -= along * e[i] }
            }
            let norm = (zip(x, x).reduce(0) { $0 + $1.0 * $1.1 } / Double(d)).squareRoot()
            frame.append(x.map { $0 / norm })
        }
        func mix(_ columns: [[Double]], _ weights: ArraySlice<Double>) -> [Double] {
            (0..<d).map { i in zip(columns, weights).reduce(0) { $0 + $1.0[i] * $1.1 } }
        }
        let teacher = (0..<3).map { mix(Array(frame[..<3]), p.prior.teacherFactor[$0 * 3..<$0 * 3 + 3]) }
        let B = p.prior.regression(p.prior.startOverlap)
        var W = (0..<2).map { i in
            zip(
                mix(teacher, B[i * 3..<i * 3 + 3]),
                mix(Array(frame[3...]), p.prior.startFactor[i * 2..<i * 2 + 2])
            ).map { $0 + $1 }
        }
        let reference = ReferenceLoss(.tokenAverage)
        let root = Double(d).squareRoot()
        func dot(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
        for t in 0...steps {
            for i in 0..<2 {
                for j in 0..<3 {
                    let M = dot(W[i], teacher[j]) / Double(d)
                    // Fluctuations are of order eta sqrt(alpha b E g^2/d) = 0.004.
                    #expect(abs(M - theory("overlap")[t * 6 + i * 3 + j]) < 0.012, "M \(t) \(i) \(j)")
                }
                for j in 0..<2 {
                    let q = dot(W[i], W[j]) / Double(d)
                    #expect(abs(q - theory("q")[t * 4 + i * 2 + j]) < 0.012, "q \(t) \(i) \(j)")
                }
            }
            var gradient = W.map { _ in Array(repeating: 0.0, count: d) }
            for _ in 0..<Int(b * Double(d)) {
                // Token l has mean teacher[1 + l]/sqrt d.
                let X = (0..<2).map { l in (0..<d).map { random.normal() + teacher[1 + l][$0] / root } }
                let z = X.map { x in W.map { dot(x, $0) / root } }
                let y = reference.target(X.map { x in teacher.map { dot(x, $0) / root } })
                let g = reference.gradient(z, y)
                for l in 0..<2 {
                    for i in 0..<2 { for n in 0..<d { gradient[i][n] += X[l][n] * g[l][i] / (root * b) } }
                }
            }
            for i in 0..<2 { for n in 0..<d { W[i][n] = (1 - eta * lambda) * W[i][n] - eta * gradient[i][n] } }
        }
    }

    @Test func limits() throws {
        // Without data, ridge alone moves; without a step nothing does.
        let decayed = try run(Self.logistic.with(["alpha": .real(1e-9)]), steps: 5)
        for t in 0...5 {
            let keeps = pow(1 - 0.5 * 0.05, Double(t))
            #expect(abs(decayed("overlap")[t] - 0.1 * keeps) < 1e-8)
            #expect(abs(decayed("q")[t] - 0.5 * keeps * keeps) < 1e-8)
        }
        let still = try run(Self.attention.with(["step_size": .real(0)]), steps: 3)
        #expect(Set(still("overlap")) == [0.3] && Set(still("q")) == [0.5] && Set(still("test_loss")).count == 1)
        // On the sphere norms stay, and the overlap is that of a free step, rescaled.
        let spherical = try run(Self.phase.with(["spherical": .flag(true)]), steps: 4)
        let free = try run(Self.phase, steps: 1)
        #expect(Set(spherical("q")) == [0.5])
        #expect(abs(spherical("overlap")[1] - free("overlap")[1] * (0.5 / free("q")[1]).squareRoot()) < 1e-13)
        #expect(spherical("overlap")[4] > spherical("overlap")[1] + 0.01)
    }

    @Test func divergenceIsAnError() throws {
        let values = Self.phase.with(["step_size": .real(2)])
        do {
            _ = try run(values, steps: 60)
            Issue.record("no error")
        } catch ModelError.diverged(let step, _) { #expect(step < 60) }
    }
}
